"""bpa status, verify, explain and facts: the same walk as apply, without acts."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

import click

from bpa.cli.cause import asked_for, cause_lines, cause_of, left_out, left_out_line
from bpa.cli.drift import drift_text, drift_value, filed_drift
from bpa.cli.exits import Exit
from bpa.cli.options import from_option, host_argument, json_option, print_json, site_argument, site_option, wants_json
from bpa.cli.plan import find_subject
from bpa.cli.report.option import report_option
from bpa.cli.words import clock, columns, duration, state_word
from bpa.core.cost import cost_of
from bpa.core.requirement import Source
from bpa.core.verdict import Act, Met, Stuck, Wait
from bpa.fleet import describe
from bpa.survey import SiteSurvey

if TYPE_CHECKING:
    from bpa.core.walk import Judged
    from bpa.engine import Subject
    from bpa.site import OpenSite


@click.command()
@site_argument
@json_option
def status(site: str | None, output: str, as_json: bool) -> None:
    """Where every host and cluster stands, as the last apply left it, as a running one is changing it, or as a later look
    found it changed (drift).

    Reads only the site's own records: it answers at once, touches no machine, and works while an apply runs.

    \b
    Example:
      bpa status site/
    """
    from bpa.wiring import open_site

    with open_site(site) as wired:
        rows = [(s.name, wired.store.conditions(s.name), wired.store.memory(s.name), s.requirements)
                for s in wired.subjects]
        if wants_json(output, as_json):
            print_json({name: {"conditions": {c: asdict(v) for c, v in conditions.items()}, "memory": asdict(memory),
                               "drift": filed_drift(wired.store.seen(name))} for name, conditions, memory, _ in rows})
            return
        table = [["SUBJECT", "MET", "AT", "STATE", "SINCE", "WHAT"]]
        for name, conditions, _, requirements in rows:
            met = sum(1 for r in requirements if r.condition in conditions and conditions[r.condition].state == "met")
            at = next((r.condition for r in requirements
                       if r.condition not in conditions or conditions[r.condition].state != "met"), "")
            now = conditions.get(at)
            since = clock(now.since) if now else ""
            state = now.state if now else "met" if not at else "-"
            text = now.text if now else "not applied yet" if at else "handed over"
            drifted = filed_drift(wired.store.seen(name)) if not at else {}
            if drifted:  # seen by a look after the last apply
                at, drift = next(iter(drifted.items()))
                met, state, since = met - len(drifted), "drift", clock(drift["found"])
                text = f'was "{drift["was"]}" at {clock(drift["seen"])}, is "{drift["now"]}"'
            table.append([name, f"{met}/{len(requirements)}", at or "-", state_word(state), since, text])
        for line in columns(table):
            click.echo(line)


def status_lines(wired: OpenSite, survey: SiteSurvey) -> Iterator[str]:
    """The table of a fresh survey: a line per host and cluster."""
    table = [["SUBJECT", "MET", "AT", "STATE", "WHAT"]]
    for subject in wired.subjects:
        judged = asked_for(survey.surveys[subject.name].judged)
        unmet = [j for j in judged if not isinstance(j.verdict, Met)]
        met = f"{len(judged) - len(unmet)}/{len(judged)}"
        if unmet:
            state, text = describe(unmet[0].verdict)
            table.append([subject.name, met, unmet[0].requirement.condition, state_word(state), text])
        else:
            table.append([subject.name, met, "-", state_word("met"), "as the documents say"])
    yield from columns(table)


@click.command()
@site_argument
@from_option
@report_option
@json_option
def verify(site: str | None, file: Path | None, reports: tuple[Path, ...], output: str, as_json: bool) -> None:
    """Look at every machine and say whether it is as the documents say; changes nothing.

    What was in order before and is not now is told with what it was, when that was last seen, whether the host was restarted
    since, and what mending it takes: nothing, a restart, consent, or the peace of what runs on the host.

    \b
    Example:
      bpa verify site/ && echo still as documented
      bpa verify site/ --from node0.json
      bpa verify site/ --report today.json --report junit.xml

    Of a host that was collected on itself (`bpa host collect --local`) the BMC and Ironic are not asked: it is judged without.

    Exit codes: 0 met, 1 drift, 2 could not look, or not at everything.
    """
    from bpa.cli.report import gather, to_plain, write_all
    from bpa.wiring import open_collected, open_site

    with open_collected(site, file) if file else open_site(site) as wired:
        survey = wired.survey()
        report = gather(wired, survey)
        if wants_json(output, as_json):
            print_json(to_plain(report))
        else:
            for line in status_lines(wired, survey):
                click.echo(line)
            for subject in wired.subjects:
                judged = survey.surveys[subject.name].judged
                if line := left_out_line(judged):
                    click.echo(f"{subject.name} {line}")
                unmet = [j for j in asked_for(judged) if not isinstance(j.verdict, Met)]
                for one in unmet:
                    if one is unmet[0] or not isinstance(one.verdict, Wait):  # what merely waits for the first follows
                        state, text = describe(one.verdict)
                        click.echo(f"{subject.name} {one.requirement.condition} {state_word(state)}: {text}")
                        for line in _of_the_change(wired, survey, subject, one):
                            click.echo(f"    {line}")
                for condition, drift in wired.drift(subject.name).items():
                    if drift.met:
                        click.echo(f"{subject.name} {condition} {state_word('met')}, but not as before: {drift_text(drift)}")
        wired.take_as_normal(survey)
        write_all(report, reports)
    if code := _code(survey):
        raise click.exceptions.Exit(code)


def _code(survey: SiteSurvey) -> int:
    """Drift counts for more than what was not asked, and less than what did not answer: that may hide more of it."""
    if survey.met:
        return Exit.MET
    asked = [(one, each.unseen) for each in survey.surveys.values() for one in asked_for(each.judged)]
    if any(one.requirement.needs in unseen for one, unseen in asked) or all(isinstance(one.verdict, Met) for one, _ in asked):
        return Exit.NOT_SEEN
    return Exit.NOT_MET


def _of_the_change(wired: OpenSite, survey: SiteSurvey, subject: Subject[Any, Any], one: Judged[Any, Any]) -> Iterator[str]:
    """What changed since it was last met, and what mending it takes."""
    if drift := wired.drift(subject.name).get(one.requirement.condition):
        yield f"changed: {drift_text(drift)}"
    if isinstance(one.verdict, Act):
        changes = one.requirement.changes(subject.want, survey.surveys[subject.name].have)
        yield f"`bpa apply` mends it {cost_of(one.verdict.step, changes).text}"


@click.command()
@host_argument
@site_option
@from_option
@json_option
def explain(host: str, site: str | None, file: Path | None, output: str, as_json: bool) -> None:
    """Why a host is not ready: the first cause, then each requirement, with evidence and what to do next.

    HOST may also be the name of a cluster. What was last taken as a step, and how often, is shown too.

    \b
    Example:
      bpa explain node0 --site site/
    """
    from bpa.wiring import open_collected, open_site

    with open_collected(site, file) if file else open_site(site) as wired:
        subject = find_subject(wired, host)
        host = subject.name
        survey = wired.survey([host])
        since, memory = wired.store.conditions(host), wired.store.memory(host)
        cause = cause_of(wired, subject, survey.surveys[host])
        judged, rows = survey.surveys[host].judged, list[dict[str, Any]]()
        for one in asked_for(judged):
            state, text = describe(one.verdict)
            record = since.get(one.requirement.condition)
            rows.append({
                "condition": one.requirement.condition, "about": one.requirement.about, "state": state, "evidence": text,
                "since": record.since if record and record.state == state else None,
                "advice": one.verdict.advice if isinstance(one.verdict, Stuck) else "",
                "drift": drift_value(wired.drift(host).get(one.requirement.condition)),
            })
        stuck = memory.stuck
        last = {"step": memory.step, "condition": memory.condition, "attempts": memory.attempts, "at": memory.at}
        following = next_command(rows, stuck, site)
        if wants_json(output, as_json):
            print_json({"subject": host, "cause": asdict(cause) if cause else None, "requirements": rows,
                        "not_asked": left_out(judged), "stuck": stuck, "last": last, "next": following,
                        "consent": wired.consent(host) is not None})
            return
        click.echo(click.style(host, bold=True))
        for line in cause_lines(cause, following):
            click.echo(line)
        for row in rows:
            when = f"  since {clock(row['since'])}" if row["since"] else ""
            click.echo(f"  {state_word(row['state'])} {row['condition']}: {row['about']}{when}")
            if row["evidence"]:
                click.echo(f"      {row['evidence']}")
            if row["drift"]:
                click.echo(f"      changed: {row['drift']['text']}")
            if row["advice"]:
                click.echo(f"      try: {row['advice']}")
        if line := left_out_line(judged):
            click.echo(f"  {line}")
        if stuck:
            click.echo(f"the last apply stopped here: {stuck}")
        events = [e for e in wired.store.events(host) if e.kind == "step"]
        if events:
            ago = duration(time.time() - events[-1].at)
            click.echo(f"last step, {ago} ago: {events[-1].text} (for {events[-1].condition})")
        click.echo(f"next: {following}")


def next_command(rows: list[dict[str, Any]], stuck: str, site: str | None) -> str:
    """What to type next."""
    command = f"bpa apply {site}" if site else "bpa apply"
    first = next((r for r in rows if r["state"] != "met"), None)
    if first is None:
        return "nothing: it is as the documents say"
    if first["state"] == "stuck" or stuck:
        return f"do what is advised above, then: {command}"
    return command


@click.command()
@host_argument
@site_option
@click.option("--source", type=click.Choice(get_args(Source)),
              help="Only what this source shows: the BMC, Ironic's node, the operating system, the Kubernetes Node that the host "
                   "is in service as; of a cluster: cluster.")
@click.option("--bmc", is_flag=True, help="All that the BMC tells of the machine, as `bpa bmc facts` does.")
def facts(host: str, site: str | None, source: str | None, bmc: bool) -> None:
    """What BPA sees of a host, as JSON: BMC, Ironic node, operating system, Kubernetes Node.

    HOST may also be the name of a cluster.

    \b
    Example:
      bpa facts node0 --source bmc
    """
    if bmc:
        _print_machine(host, site)
        return
    from bpa.wiring import open_site

    with open_site(site) as wired:
        subject = find_subject(wired, host)
        host = subject.name
        survey = wired.survey([host])
        seen = asdict(survey.surveys[host].have)
        unseen = {str(k): str(v) for k, v in survey.surveys[host].unseen.items()}
        if source and (source == "cluster") != (subject in wired.clusters):
            raise click.UsageError(f"{host} has no source {source}")
        for name, why in unseen.items():
            click.echo(f"not seen: {name}: {why}", err=True)
        print_json(seen[source] if source and source != "cluster" else {**seen, "unseen": unseen})
    if unseen:
        raise click.exceptions.Exit(Exit.NOT_SEEN)


def _print_machine(host: str, site: str | None) -> None:
    from bpa.cli.bmc.facts import as_json_object, read_facts
    from bpa.one_bmc import Credentials, find_bmc

    print_json(as_json_object(read_facts(find_bmc(host, Credentials(), site))))
