"""bpa bmc facts: everything that a BMC tells of its machine."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from bpa.adapters.redfish.sections import SECTIONS, Name
from bpa.cli.bmc.target import bmc_target
from bpa.cli.options import json_option, print_json, wants_json

if TYPE_CHECKING:
    from bpa.core.machine import MachineFacts
    from bpa.one_bmc import OneBmc


@click.command()
@bmc_target
@click.option("--section", "sections", multiple=True, type=click.Choice(SECTIONS), metavar="NAME",
              help="Only this one; may be given several times.")
@json_option
def facts(one: OneBmc, sections: tuple[Name, ...], output: str, as_json: bool) -> None:
    """What the BMC tells of the machine, section by section; one that cannot be read says why. Changes nothing.

    \b
    Sections:
      identity state managers firmware processors memory storage network pcie
      bios boot media security power sensors

    \b
    Example:
      bpa bmc facts https://192.0.2.10 --section memory --section storage
    """
    from bpa.cli.bmc.facts_text import lines

    found = read_facts(one, sections)
    if wants_json(output, as_json):
        print_json(as_json_object(found))
        return
    for line in lines(found):
        click.echo(line)


def read_facts(one: OneBmc, sections: tuple[Name, ...] = ()) -> MachineFacts:
    """Those sections, or all. Raises AdapterError."""
    from bpa.adapters.redfish.sections import full_facts

    with one.open() as target:
        return full_facts(target, sections or SECTIONS)


def as_json_object(found: MachineFacts) -> dict[str, Any]:
    """As documented in docs/guides/bmc.md: sections that were not asked for are left out."""
    told = {key: value for key, value in asdict(found).items() if value is not None}
    return {**told, "problems": dict(found.problems)}
