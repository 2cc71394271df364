"""bpa bmc sessions: who is logged in, and closing what was left behind."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from bpa.cli.bmc.target import bmc_target
from bpa.cli.options import json_option, print_json, wants_json
from bpa.cli.words import clock, columns

if TYPE_CHECKING:
    from bpa.adapters.redfish.login.sessions import Session
    from bpa.one_bmc import OneBmc


@click.command()
@bmc_target
@click.argument("action", type=click.Choice(["list", "close"]), default="list")
@click.argument("ids", metavar="[ID]...", nargs=-1)
@click.option("--mine", is_flag=True, help="Close all Redfish sessions of this user that no BPA on this machine uses now.")
@click.option("--dry-run", is_flag=True, help="Show what would be closed.")
@json_option
def sessions(one: OneBmc, action: str, ids: tuple[str, ...], mine: bool, dry_run: bool, output: str, as_json: bool) -> None:
    """Open Redfish sessions. What killed runs of BPA left behind is closed by any run with the same user, this one too.

    \b
    Example:
      bpa bmc sessions https://192.0.2.10
      bpa bmc sessions https://192.0.2.10 close 274
      bpa bmc sessions https://192.0.2.10 close --mine
    """
    from bpa.adapters.redfish.login.sessions import chosen, close_session, read_sessions

    if action == "list" and (ids or mine):
        raise click.UsageError("IDs and --mine go with close")
    if action == "close" and not ids and not mine:
        raise click.UsageError("close wants IDs of sessions, or --mine")
    with one.open() as target:
        reader = target.reader()
        found = read_sessions(target, reader)
        closing = chosen(found, ids, mine) if action == "close" else ()
        if action == "list":
            if wants_json(output, as_json):
                print_json({"sessions": [asdict(s) for s in found], "problems": reader.problems})
            else:
                _show(found)
        done = []
        for session in closing:
            ended = not dry_run and not close_session(target, session)
            done.append({"id": session.id, "path": session.path, "was": "ended already" if ended else "open"})
            if not wants_json(output, as_json):
                click.echo(f"DELETE {session.path}" if dry_run else
                           f"session {session.id} {'had ended already' if ended else 'is closed'}")
        if action == "close":
            if wants_json(output, as_json):
                print_json({"closed" if not dry_run else "would_close": done})
            elif not closing:
                click.echo("nothing to close: no other session of this user is open")
            elif dry_run:
                click.echo("nothing was sent")
        for problem in reader.problems:
            click.echo(f"not readable: {problem}", err=True)


def _show(found: tuple[Session, ...]) -> None:
    table = [["ID", "USER", "TYPE", "FROM", "SINCE", ""]]
    for s in found:
        since = "-" if s.made is None else clock(s.made)
        whose = "this command" if s.own else "a running bpa" if s.held else ""
        table.append([s.id, s.user or "-", s.kind or "-", s.client or "-", since, whose])
    for line in columns(table):
        click.echo(line)
