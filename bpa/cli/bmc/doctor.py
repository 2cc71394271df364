"""`bpa bmc doctor`."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from bpa.cli.bmc.target import bmc_target
from bpa.cli.exits import Exit
from bpa.cli.options import json_option, print_json, wants_json
from bpa.cli.words import columns

if TYPE_CHECKING:
    from bpa.adapters.redfish.doctor.interop import Interop
    from bpa.core.diagnosis import Check, Diagnosis
    from bpa.one_bmc import OneBmc

COLOURS = {"ok": "green", "degraded": "yellow", "no": "red", "unknown": "magenta"}
SHOWN = 12


@click.command()
@bmc_target
@click.option("--all", "everything", is_flag=True, help="What works, too, and what cannot be told.")
@click.option("--profile", type=click.Path(exists=True, dir_okay=False, path_type=Path),
              help="Also judge by this interoperability profile, such as OpenStackIronicProfile (needs bpa[doctor]).")
@json_option
def doctor(one: OneBmc, everything: bool, profile: Path | None, output: str, as_json: bool) -> int:
    """What works on this BMC, which quirks it has, what Ironic can do with it, what to do by hand. Reads only.

    Ends with 0 where all that provisioning needs works, 1 where something of it does not, 2 where it could not look.

    \b
    Example:
      bpa bmc doctor https://192.0.2.10
      bpa bmc doctor https://192.0.2.10 --profile OpenStackIronicProfile.v1_2_0.json
    """
    from bpa.adapters.errors import AdapterError
    from bpa.adapters.redfish.doctor import diagnose
    from bpa.adapters.redfish.doctor.interop import judge_profile
    from bpa.documents.profile.bios import intent_rules

    try:
        with one.open() as target:
            found = diagnose(target, intent_rules())
            judged = judge_profile(target, profile) if profile else None
    except AdapterError as error:
        click.echo(f"error: {error}", err=True)
        if error.advice:
            click.echo(f"  try: {error.advice}", err=True)
        return Exit.NOT_SEEN
    if wants_json(output, as_json):
        print_json(as_json_object(found, judged))
    else:
        for line in (*lines(found, everything), *profile_lines(judged)):
            click.echo(line)
    return Exit.MET if found.provisionable else Exit.NOT_MET


def as_json_object(found: Diagnosis, judged: Interop | None = None) -> dict[str, Any]:
    """The diagnosis with its verdict; the profile's where it was judged."""
    told = {"provisionable": found.provisionable, **dataclasses.asdict(found)}
    return {**told, "profile": dataclasses.asdict(judged)} if judged else told


def lines(found: Diagnosis, everything: bool = False) -> Iterator[str]:
    """For a person: the verdict, what does not work, quirks."""
    name = " ".join(part for part in (found.maker, found.model) if part) or "a machine that does not say what it is"
    versions = ", ".join(f"{what} {value}" for what, value in (("BIOS", found.bios), ("BMC", found.firmware)) if value)
    yield click.style(f"{found.bmc}  {name}", bold=True) + (f"  ({versions})" if versions else "")
    yield ""
    parts = (("BPA", [c for c in found.checks if not c.id.startswith("ironic-")]),
             ("Ironic", [c for c in found.checks if c.id.startswith("ironic-")]))
    for title, checks in parts:
        shown = [c for c in checks if everything or c.verdict in ("degraded", "no") or (c.verdict == "unknown" and c.needed)]
        yield f"{title}: {_counted(checks)}"
        yield from _rows(shown)
        yield ""
    if found.quirks:
        yield "Known of this vendor, model or firmware:"
        for quirk in found.quirks:
            sure = "" if quirk.sure else " (perhaps: its firmware version is not told)"
            yield f"  {quirk.id}{sure}: {quirk.about}"
            yield click.style(f"    from {quirk.source}", dim=True)
        yield ""
    missing = [c.what for c in found.checks if c.needed and c.verdict == "no"]
    if missing:
        yield click.style("cannot be provisioned as it is: ", fg="red") + ", ".join(missing)
    else:
        yield click.style("can be provisioned", fg="green") + ": nothing that it needs is known not to work"


def profile_lines(judged: Interop | None) -> Iterator[str]:
    """The profile's verdict."""
    if judged is None:
        return
    yield ""
    yield f"{judged.profile}: {judged.passed} passed, {judged.warned} warned, {len(judged.failures)} failed"
    yield from columns([(f"  {f.what}", f.uri, f.why) for f in judged.failures[:SHOWN]]) if judged.failures else ()
    if len(judged.failures) > SHOWN:
        yield f"  and {len(judged.failures) - SHOWN} more: see --json"


def _counted(checks: Iterable[Check]) -> str:
    verdicts = [c.verdict for c in checks]
    return ", ".join(f"{verdicts.count(v)} {click.style(v, fg=COLOURS[v])}" for v in COLOURS if v in verdicts)


def _rows(checks: Iterable[Check]) -> Iterator[str]:
    for check in checks:
        mark = click.style(check.verdict.ljust(8), fg=COLOURS[check.verdict])
        yield f"  {mark}  {check.what}" + (f": {check.evidence}" if check.evidence else "")
        if check.by_hand:
            yield f"            by hand: {check.by_hand}"
