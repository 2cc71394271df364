"""bpa plan: what an apply would do."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from bpa.cli.drift import drift_notes
from bpa.cli.exits import Exit
from bpa.cli.failure import Stop
from bpa.cli.options import json_option, print_json, site_argument, wants_json
from bpa.cli.words import duration, plan_lines
from bpa.core.plan import SubjectPlan
from bpa.survey import SiteSurvey

if TYPE_CHECKING:
    from bpa.engine import Subject
    from bpa.site import OpenSite


@click.command()
@site_argument
@click.option("--simulate", is_flag=True, help="Plan against machines in memory that are as new from the factory.")
@click.option("--all", "every", is_flag=True, help="Each change in a line of its own, also those of one set of rules.")
@json_option
def plan(site: str | None, simulate: bool, every: bool, output: str, as_json: bool) -> None:
    """Show what `bpa apply` would do; read only.

    Per host: BIOS attributes, kernel arguments, virtual functions, persistent memory and image, old -> new; how often
    it restarts; which data is destroyed, by serial number and size; how long it takes; and the hash of the plan,
    which `bpa apply --plan HASH` takes as consent. A host that cannot fit says why.

    \b
    Example:
      bpa plan site/
      bpa plan site/ -o json | jq .hash

    Exit codes: 0 nothing to do or a plan that can be done, 1 a host cannot be as documented, 2 could not look.
    """
    from bpa.wiring import open_site

    with open_site(site, simulate=simulate) as wired:
        survey = wired.survey()
        if wants_json(output, as_json):
            print_json(as_value(survey))
        else:
            for note in (*wired.notes, *drift_notes(wired)):
                click.echo(f"note: {note}", err=True)
            if simulate:
                click.echo("note: simulated: machines in memory that have what the documents ask for; none was asked", err=True)
            print_plan(survey, every)
    if any(p.problems for p in survey.plans):
        raise click.exceptions.Exit(Exit.NOT_MET)
    if any(p.unseen for p in survey.plans):
        raise click.exceptions.Exit(Exit.NOT_SEEN)


def print_plan(survey: SiteSurvey, every: bool = False) -> None:
    """The plan for people; `every`: each change in a line of its own."""
    for one in survey.plans:
        for line in plan_lines(one, every):
            click.echo(line)
    unmet = [p for p in survey.plans if not p.met]
    if unmet:
        longest = max(p.seconds for p in unmet)
        impossible = sum(1 for p in unmet if p.problems)
        if impossible:
            click.echo(f"{impossible} of {len(unmet)} cannot be done as documented")
        click.echo(f"plan {click.style(survey.hash, bold=True)}: {len(unmet)} of {len(survey.plans)} to do, "
                   f"about {duration(longest)} with all at once")
    else:
        click.echo("everything is as the documents say")


def as_value(survey: SiteSurvey) -> dict[str, Any]:
    """The plan for programs."""
    return {"hash": survey.hash, "met": survey.met, "subjects": [_subject(p) for p in survey.plans]}


def _subject(plan: SubjectPlan) -> dict[str, Any]:
    return {**asdict(plan), "restarts": plan.restarts, "destroys": list(plan.destroys), "takes": list(plan.takes),
            "met": plan.met, "possible": plan.possible}


def find_subject(wired: OpenSite, name: str) -> Subject[Any, Any]:
    """The host or cluster of this name; ends the command where the documents have none, or say that it is offline."""
    found = wired.subject(name)
    if found is not None:
        return found
    if wired.site.host(name) is not None:
        raise Stop(f"{name} has online: false in the documents and is left alone", Exit.USAGE)
    names = ", ".join(s.name for s in wired.subjects)
    raise Stop(f"no host {name} in the documents; there are: {names or 'none'}", Exit.USAGE)
