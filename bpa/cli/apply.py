"""bpa apply: do it, with consent, and show it while it happens."""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import TYPE_CHECKING, Any

import click

from bpa.cli.drift import drift_notes
from bpa.cli.exits import Exit
from bpa.cli.failure import Stop
from bpa.cli.options import json_option, print_json, site_argument, wants_json
from bpa.cli.plan import find_subject, print_plan
from bpa.cli.progress import Progress
from bpa.cli.report import gather, to_plain, write_report
from bpa.core.in_service import Drain
from bpa.core.plan import SubjectPlan
from bpa.survey import SiteSurvey

if TYPE_CHECKING:
    from bpa.site import OpenSite


@click.command()
@site_argument
@click.option("--yes", "-y", is_flag=True, help="Consent to all that the plan destroys.")
@click.option("--plan", "agreed", metavar="HASH", help="Consent to the plan with this hash, and to no other.")
@click.option("--disrupt", multiple=True, metavar="HOST",
              help="Disturb this host although it is in service: its Node is drained first, and given back at the end.")
@click.option("--delete-emptydir-data", is_flag=True,
              help="For the drain, as in kubectl: also pods that lose what is in their emptyDir volumes.")
@click.option("--force", is_flag=True,
              help="For the drain, as in kubectl: also pods without a controller, which nothing starts elsewhere.")
@click.option("--no-drain", is_flag=True, help="With --disrupt: do not drain; whatever runs on the host ends with it.")
@click.option("--replaced", multiple=True, metavar="HOST", help="This host is another machine on purpose.")
@json_option
def apply(
    site: str | None, yes: bool, agreed: str | None, disrupt: tuple[str, ...], replaced: tuple[str, ...],
    delete_emptydir_data: bool, force: bool, no_drain: bool, output: str, as_json: bool,
) -> None:
    """Bring every host and cluster to what the documents say.

    Destroying data needs consent: at the prompt, by --plan HASH (from `bpa plan`), or by --yes. Consent holds for the
    machine with the serial number or UUID that was planned, and for no other. It is kept until it is used, so that
    an apply after a crash or Ctrl-C goes on where the last one stopped.

    A host whose Kubernetes Node is Ready and schedulable is in service: it is not restarted and nothing that its
    workloads would notice is done, unless --disrupt names it.

    \b
    Example:
      bpa apply site/
      bpa apply site/ --plan 3f9c2e71a0b4
      bpa apply site/ --disrupt node0

    Exit codes: 0 everything is met, 1 a host or cluster is stuck, 2 could not look, 3 documents wrong,
    4 no consent, 5 another apply is at work, 130 interrupted (apply again goes on).
    """
    from bpa.wiring import open_site

    if not disrupt and (delete_emptydir_data or force or no_drain):
        raise click.UsageError("--delete-emptydir-data, --force and --no-drain say how a host is drained: "
                               "name it by --disrupt HOST")
    drain = Drain(delete_emptydir_data, force, not no_drain)
    with open_site(site) as wired, wired.alone():
        quiet = wants_json(output, as_json)
        for name in (*disrupt, *replaced):
            find_subject(wired, name)
        wired.accept_replaced(replaced)
        survey = wired.survey()
        if not quiet:
            for note in (*wired.notes, *drift_notes(wired)):
                click.echo(f"note: {note}", err=True)
            print_plan(survey)
        outcomes: dict[str, Any] = {}
        if not survey.met:
            agree(wired, survey, yes, agreed)
            progress = Progress(wired, survey, quiet)
            fleet = wired.fleet(progress.watch, disrupt, drain)
            with interruptible(fleet.halt), progress:
                outcomes = fleet.drive(wired.subjects)
            interrupted = fleet.stop.is_set()
            wired.finish(fleet)
            if interrupted:
                raise click.Abort
            survey = wired.survey()
            wired.take_as_normal(survey)
        report = gather(wired, survey)
        written = write_report(report, wired.state)
        if quiet:
            print_json(to_plain(report))
        else:
            print_end(wired, survey, outcomes)
            click.echo(f"report: {written}")
    if any(o.stuck for o in outcomes.values()):
        raise click.exceptions.Exit(Exit.NOT_MET)
    if not survey.met:
        raise click.exceptions.Exit(Exit.NOT_SEEN if any(p.unseen for p in survey.plans) else Exit.NOT_MET)


def agree(wired: OpenSite, survey: SiteSurvey, yes: bool, agreed: str | None) -> None:
    """Get consent for what the plan destroys, or stop before anything is touched."""
    if agreed == "":
        raise click.UsageError("--plan needs the hash that `bpa plan` prints, and was given nothing")
    if agreed is not None and agreed != survey.hash:
        raise Stop(f"the plan is now {survey.hash}, not {agreed}: something changed since it was made. "
                   "Read `bpa plan` again", Exit.NO_CONSENT)
    asking = [p for p in survey.plans if p.destroys and not wired.consented(p)]
    if asking and not yes and agreed is None:
        if not sys.stdin.isatty():
            raise Stop("data would be destroyed, and nobody can be asked here: "
                       f"give --plan {survey.hash}, or --yes", Exit.NO_CONSENT)
        if not click.confirm(f"{_verb(asking)} {_all_destroyed(asking)}?", err=True):
            raise Stop("no consent; nothing was touched", Exit.NO_CONSENT)
    for plan in survey.plans:
        wired.remember_planned(plan, everything=yes, agreed=plan in asking)


def _verb(plans: list[SubjectPlan]) -> str:
    taken = {lost for p in plans for lost in p.takes}
    if not taken:
        return "Destroy"
    return "Destroy or take away" if {lost for p in plans for lost in p.destroys} - taken else "Take away"


def _all_destroyed(plans: list[SubjectPlan]) -> str:
    return "; ".join(f"{d} of {p.name} ({p.identity})" for p in plans for d in p.destroys)


@contextmanager
def interruptible(halt: Callable[[], None]) -> Iterator[None]:
    """While inside, Ctrl-C and SIGTERM call `halt`; a second one raises KeyboardInterrupt."""
    def stop(number: int, frame: FrameType | None) -> None:
        signal.signal(number, signal.default_int_handler)
        click.echo("\nstopping after the steps that are under way; once more to stop at once", err=True)
        halt()

    before = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def print_end(wired: OpenSite, survey: SiteSurvey, outcomes: dict[str, Any]) -> None:
    """The table at the end: a line per host and cluster."""
    from bpa.cli.look import status_lines

    for line in status_lines(wired, survey):
        click.echo(line)
    for name, outcome in outcomes.items():
        if outcome.stuck:
            advice = outcome.last.verdict.advice
            click.echo(f"{name}: {outcome.last.name}: {outcome.last.verdict.reason}"
                       + (f"\n  try: {advice}" if advice else "") + f"\n  more: bpa explain {name}", err=True)
