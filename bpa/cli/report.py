"""bpa report: wanted against found, and where the time went; JSON for programs, one HTML file for people."""

from __future__ import annotations

import json
import os
import time
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from bpa.cli.options import json_option, print_json, site_argument, wants_json
from bpa.core.history import durations
from bpa.core.verdict import Stuck
from bpa.fleet import describe
from bpa.survey import SiteSurvey

if TYPE_CHECKING:
    from bpa.site import OpenSite


@click.command()
@site_argument
@click.option("--directory", "-d", type=click.Path(file_okay=False, path_type=Path),
              help="Where to write report.html and report.json; by default the site's state directory.")
@json_option
def report(site: str | None, directory: Path | None, output: str, as_json: bool) -> None:
    """Look at every machine and write what was wanted, what was found, and how long each step took.

    \b
    Example:
      bpa report site/ --directory reports/
    """
    from bpa.wiring import open_site

    with open_site(site) as wired:
        survey = wired.survey()
        written = write_report(wired, survey, directory)
        if wants_json(output, as_json):
            print_json(result(wired, survey))
        else:
            click.echo(str(written))


def result(wired: OpenSite, survey: SiteSurvey) -> dict[str, Any]:
    """The report as a value: per subject its requirements, plan lines, durations in seconds, restarts and history."""
    subjects = []
    for subject, plan in zip(wired.subjects, survey.plans, strict=True):
        events = wired.store.events(subject.name)
        took = durations(events)
        memory, since = wired.store.memory(subject.name), wired.store.conditions(subject.name)
        requirements = []
        for one in survey.surveys[subject.name].judged:
            name = one.requirement.condition
            state, text = describe(one.verdict)
            record = since.get(name)
            requirements.append({
                "condition": name, "about": one.requirement.about, "state": state, "found": text,
                "advice": one.verdict.advice if isinstance(one.verdict, Stuck) else "",
                "since": record.since if record and record.state == state else None, "seconds": took.get(name),
            })
        subjects.append({
            "name": subject.name, "identity": plan.identity, "met": plan.met, "wanted": wired.wanted(subject.name),
            "requirements": requirements, "changes": [asdict(c) for c in plan.changes], "unseen": dict(plan.unseen),
            "restarts": {"firmware": memory.firmware_restarts, "kernel": memory.kernel_restarts},
            "steps": [{"at": e.at, "condition": e.condition, "text": e.text} for e in events if e.kind == "step"],
            "seconds": sum(took.values()), "own_seconds": wired.busy(subject.name),
        })
    return {"site": wired.name, "at": time.time(), "met": survey.met, "plan": survey.hash, "subjects": subjects}


def write_report(wired: OpenSite, survey: SiteSurvey, directory: Path | None = None) -> Path:
    """Write report.json and report.html, each whole or not at all; returns the HTML file's path."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    value = result(wired, survey)
    environment = Environment(loader=PackageLoader("bpa.cli", "templates"), autoescape=True, undefined=StrictUndefined,
                              trim_blocks=True, lstrip_blocks=True)
    environment.filters["clock"] = lambda at: time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(at))
    html = environment.get_template("report.html").render(report=value)
    where = directory or wired.state
    where.mkdir(parents=True, exist_ok=True)
    for name, text in (("report.json", json.dumps(value, indent=2, default=str)), ("report.html", html)):
        new = where / f".{name}.new"
        new.write_text(text)
        os.replace(new, where / name)
    return where / "report.html"
