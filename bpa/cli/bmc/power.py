"""bpa bmc power: what it is, on, off, restart; waits until it is so."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from bpa.cli.bmc.shown import request_line, requests_json
from bpa.cli.bmc.target import bmc_target
from bpa.cli.options import json_option, print_json, wants_json

if TYPE_CHECKING:
    from bpa.adapters.redfish.power.post import Seen
    from bpa.adapters.redfish.power.switching import Switched
    from bpa.one_bmc import OneBmc

ACTIONS = ("show", "on", "off", "restart", "cycle", "nmi")


@click.command(short_help="Power on, off, restart; waits until it is so.")
@bmc_target
@click.argument("action", type=click.Choice(ACTIONS), default="show")
@click.option("--force", is_flag=True, help="off, restart: do not ask the operating system first.")
@click.option("--grace", type=click.FloatRange(min=0), default=120.0, show_default=True,
              help="off, restart: seconds that the operating system gets to shut down, before it is forced.")
@click.option("--post", "post_done", is_flag=True, help="on, restart: wait until firmware has handed over.")
@click.option("--timeout", type=click.FloatRange(min=0), default=900.0, show_default=True,
              help="Seconds to wait until it is so; 0 does not wait.")
@click.option("--dry-run", is_flag=True, help="Show the requests that would be sent; send none.")
@json_option
def power(
    one: OneBmc, action: str, force: bool, grace: float, post_done: bool, timeout: float, dry_run: bool,
    output: str, as_json: bool,
) -> None:
    """Show the power, switch it on or off, restart, cut it for a moment (cycle), or send an NMI.

    off asks the operating system first, and forces it after --grace seconds. What is so already is left alone.

    \b
    Example:
      bpa bmc power https://192.0.2.10
      bpa bmc power https://192.0.2.10 restart --force --post
    """
    from bpa.adapters.redfish.power import switching
    from bpa.adapters.redfish.power.post import look
    from bpa.adapters.redfish.waiting import Waiting
    from bpa.adapters.redfish.writing import Writer

    told = wants_json(output, as_json)
    with one.open() as target:
        if action == "show":
            now = look(target)
            print_json(asdict(now)) if told else click.echo(_seen(now))
            return
        writer = Writer(target, dry_run, patience=Waiting(min(timeout, 300.0), 5.0))
        done = switching.switch(
            writer, switching.ASKED[action], Waiting(timeout, 3.0), grace=0.0 if force else grace, post_done=post_done,
            tell=lambda now: None if told or dry_run else click.echo(f"  {_seen(now)}", err=True),
        )
        if told:
            print_json({"changed": done.changed, "requests": requests_json(writer.sent), **asdict(done.seen)})
        else:
            _tell(done, action, [request_line(r) for r in writer.sent], dry_run, waited=timeout > 0 and action != "nmi")


def _tell(done: Switched, action: str, requests: list[str], dry_run: bool, waited: bool) -> None:
    for line in requests if dry_run else ():
        click.echo(line)
    if dry_run and requests:
        click.echo("nothing was sent")
    elif not done.changed:
        click.echo(f"already so: {_seen(done.seen)}")
    elif not waited:
        click.echo(f"{action}: sent, and not waited for; before: {_seen(done.seen)}")
    else:
        click.echo(f"{action}: {_seen(done.seen)}" + ("; it was forced" if done.forced else ""))


def _seen(now: Seen) -> str:
    words = {"running": "in POST", "late": "through POST", "done": "through POST", "setup": "in its firmware setup"}
    word = words.get(now.post, "")
    told = ", ".join(t for t in (word, now.state) if t)
    return f"power {now.power or 'not told'}" + (f" ({told})" if told else "")
