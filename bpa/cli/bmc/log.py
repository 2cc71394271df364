"""bpa bmc log: what the BMC has logged, and emptying it."""

from __future__ import annotations

import re
import sys
from dataclasses import asdict
from datetime import UTC, datetime, timedelta

import click

from bpa.cli.bmc.shown import request_line, requests_json
from bpa.cli.bmc.target import bmc_target
from bpa.cli.exits import Exit
from bpa.cli.failure import Stop
from bpa.cli.options import json_option, print_json, wants_json
from bpa.cli.words import columns
from bpa.one_bmc import OneBmc

COLOURS = {"OK": "white", "Warning": "yellow", "Critical": "red"}


@click.command(short_help="The event log.")
@bmc_target
@click.option("--limit", "-n", type=click.IntRange(min=1), default=50, show_default=True, help="How many entries, newest first.")
@click.option("--since", metavar="TIME", help="Only newer ones: 2h, 3d, or a date as 2026-05-01[T12:00] (UTC).")
@click.option("--log", "only", default="", metavar="NAME", help="Only logs whose name holds this.")
@click.option("--clear", is_flag=True, help="Empty the logs (those that --log names) that can be emptied.")
@click.option("--yes", is_flag=True, help="clear: do not ask.")
@click.option("--dry-run", is_flag=True, help="clear: show the requests that would be sent; send none.")
@json_option
def log(
    one: OneBmc, limit: int, since: str | None, only: str, clear: bool, yes: bool, dry_run: bool, output: str, as_json: bool
) -> None:
    """Entries of all logs of the System, its managers and its chassis, newest first; times in UTC.

    \b
    Example:
      bpa bmc log https://192.0.2.10 --since 2h
      bpa bmc log https://192.0.2.10 --log SEL --clear
    """
    told = wants_json(output, as_json)
    start = _since(since, datetime.now(UTC)) if since else None
    if clear:
        _clear(one, only, yes, dry_run, told)
        return
    from bpa.adapters.redfish.eventlog import read_log

    with one.open() as target:
        found = read_log(target, limit, start, only)
    if told:
        print_json(asdict(found))
        return
    rows = [(_when(e.when), click.style(e.severity or "-", COLOURS.get(e.severity)), e.log, e.message) for e in found.entries]
    for line in columns([("WHEN", "SEVERITY", "LOG", "MESSAGE"), *rows]) if rows else ("no entries",):
        click.echo(line)
    for name, why in found.problems.items():
        click.echo(f"{name}: {why}", err=True)


def _clear(one: OneBmc, only: str, yes: bool, dry_run: bool, told: bool) -> None:
    from bpa.adapters.errors import Unsupported
    from bpa.adapters.redfish.eventlog import clear_log, find_logs
    from bpa.adapters.redfish.waiting import Waiting
    from bpa.adapters.redfish.writing import Writer

    with one.open() as target:
        every = [one for one in find_logs(target.reader(), target) if only.lower() in f"{one.name} {one.about}".lower()]
        logs = [one for one in every if one.clear]
        if not logs:
            raise Unsupported(f"{target.origin}: no log{f' called {only}' if only else ''} can be emptied; "
                              f"it has {', '.join(one.name for one in every) or 'none'}")
        if not yes and not dry_run:
            _ask([one.name for one in logs])
        writer = Writer(target, dry_run, patience=Waiting(60.0, 5.0))
        for one_log in logs:
            clear_log(writer, one_log)
    if told:
        print_json({"cleared": [] if dry_run else [one.name for one in logs], "requests": requests_json(writer.sent)})
        return
    for request in writer.sent if dry_run else ():
        click.echo(request_line(request))
    click.echo("nothing was sent" if dry_run else f"emptied: {', '.join(one.name for one in logs)}")


def _ask(names: list[str]) -> None:
    """Returns where a person agrees. Raises Stop where nobody does."""
    if not sys.stdin.isatty():
        raise Stop(f"nobody has agreed to empty {', '.join(names)}; nothing was sent: --yes agrees", Exit.NO_CONSENT)
    if not click.confirm(f"Empty {', '.join(names)}? What they hold is gone", err=True):
        raise Stop("nothing was sent", Exit.NO_CONSENT)


def _when(when: datetime | None) -> str:
    return when.strftime("%Y-%m-%d %H:%M:%S") if when else "(no clock)"


def _since(text: str, now: datetime) -> datetime:
    found = re.fullmatch(r"(\d+)\s*([smhd])", text.strip())
    if found:
        unit = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}[found[2]]
        try:
            return now - timedelta(**{unit: int(found[1])})
        except OverflowError:
            raise click.UsageError(f"--since {text} is before the calendar begins") from None
    try:
        when = datetime.fromisoformat(text.strip())
    except ValueError:
        raise click.UsageError(f"--since {text}: give 30m, 2h, 3d, or a date as 2026-05-01") from None
    return when.replace(tzinfo=UTC) if when.tzinfo is None else when
