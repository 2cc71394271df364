"""`bpa bmc record`."""

from __future__ import annotations

import dataclasses
import sys
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import click

from bpa.cli.bmc.target import bmc_target
from bpa.cli.options import json_option, print_json, wants_json
from bpa.cli.words import columns

if TYPE_CHECKING:
    from bpa.adapters.redfish.recorder import Recording
    from bpa.one_bmc import OneBmc

T = TypeVar("T", bound=str)


@click.command()
@bmc_target
@click.argument("directory", metavar="DIR", type=click.Path(file_okay=False, path_type=Path))
@click.option("--keep", metavar="KINDS", default="",
              help="Kinds of identity that stay, with commas: serials, macs, uuids, addresses, names, users, mails, places, "
                   "certificates. Secrets always go.")
@click.option("--with", "extras", metavar="PARTS", default="",
              help="What is left out or cut short otherwise, with commas: schemas, registries, logs, telemetry.")
@click.option("--log-entries", type=click.IntRange(0), default=50, show_default=True, help="Entries of each log.")
@click.option("--max-resources", type=click.IntRange(1), default=20_000, show_default=True, help="Resources in all.")
@click.option("--per-second", type=click.FloatRange(0.1), default=20.0, show_default=True, help="Requests at most.")
@click.option("--parallel", type=click.IntRange(1, 8), default=1, show_default=True, help="Requests at once.")
@json_option
def record(
    one: OneBmc, directory: Path, keep: str, extras: str, log_entries: int, max_resources: int, per_second: float,
    parallel: int, output: str, as_json: bool,
) -> None:
    """Record the whole Redfish tree of a BMC into DIR, in the layout of DMTF's mockups. Reads only.

    Serial numbers, addresses, names and the like become made-up ones, the same everywhere in the tree; passwords, keys,
    tokens and sessions are removed. If it is interrupted, run it again: it goes on. `bpa lab bmc DIR` serves the result
    as a machine.

    \b
    Example:
      bpa bmc record https://192.0.2.10 ./r750
    """
    from bpa.adapters.redfish.recorder import EXTRAS, Limits
    from bpa.adapters.redfish.recorder import record as record_tree
    from bpa.core.redaction import KINDS

    limits = Limits(resources=max_resources, log_entries=log_entries, extras=frozenset(_words(extras, EXTRAS, "--with")))
    kept = _words(keep, KINDS, "--keep")
    with one.open() as target:
        came = record_tree(target, directory, keep=kept, limits=limits, per_second=per_second, parallel=parallel,
                           progress=_progress if sys.stderr.isatty() else lambda done, known: None)
    if sys.stderr.isatty() and not came.already:
        click.echo(err=True)
    if wants_json(output, as_json):
        print_json(dataclasses.asdict(came))
        return
    _show(came)


def _progress(done: int, known: int) -> None:
    click.echo(f"\r{done} of {known} known resources ", nl=False, err=True)


def _show(came: Recording) -> None:
    if came.already:
        click.echo(f"{came.directory} holds a complete recording of {came.resources} resources: nothing to do")
        return
    click.echo(f"{came.directory}: {came.resources} resources, with {came.requests} requests")
    if came.redacted:
        click.echo("redacted: " + ", ".join(f"{n} {kind}" for kind, n in came.redacted.items()))
    if came.left_out:
        click.echo("left out: " + ", ".join(f"{n} {why}" for why, n in came.left_out.items()))
    if came.answers:
        click.echo("announced and not served:")
        for line in columns([("  " + str(status), path) for path, status in came.answers.items()][:20]):
            click.echo(line)
        if len(came.answers) > 20:
            click.echo(f"  and {len(came.answers) - 20} more: see recording.json")
    click.echo("look through it before you give it away: a rule cannot know every name")


def _words(given: str, known: tuple[T, ...], option: str) -> list[T]:
    words = [word.strip() for word in given.split(",") if word.strip()]
    chosen = [k for k in known if k in words]
    if wrong := [word for word in words if word not in known]:
        raise click.BadParameter(f"{', '.join(wrong)}: choose from {', '.join(known)}", param_hint=option)
    return chosen
