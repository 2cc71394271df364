"""From a survey of an open site to a compliance report."""

from __future__ import annotations

import json
import time
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from bpa.cli.drift import drift_text
from bpa.core.compliance import (
    ConditionReport,
    Machine,
    Report,
    Restarts,
    StepTaken,
    SubjectReport,
    asked,
    evidence_of,
    hidden,
    is_asked,
    wanted_of,
)
from bpa.core.compliance.report import State
from bpa.core.drift import Drift
from bpa.core.facts import Facts
from bpa.core.history import durations
from bpa.core.plan import SubjectPlan
from bpa.core.redaction import without_secrets
from bpa.core.verdict import Act, Met, Stuck, Wait
from bpa.fleet import describe
from bpa.survey import SiteSurvey

if TYPE_CHECKING:
    from bpa.core.walk import Judged
    from bpa.engine import Subject
    from bpa.site import OpenSite

STATE: dict[type, State] = {Met: "met", Act: "act", Wait: "wait", Stuck: "stuck"}


def gather(wired: OpenSite, survey: SiteSurvey) -> Report:
    """The report of what a survey saw, without secrets."""
    subjects = tuple(_subject(wired, survey, subject, plan)
                     for subject, plan in zip(wired.subjects, survey.plans, strict=True))
    whole = Report(wired.name, time.time(), version("bpa"), survey.met, survey.hash, subjects)
    return hidden(whole, [one.bmc_password.reveal() for one in wired.site.hosts])


def _subject(wired: OpenSite, survey: SiteSurvey, subject: Subject[Any, Any], plan: SubjectPlan) -> SubjectReport:
    name, seen = subject.name, survey.surveys[subject.name]
    events = wired.store.events(name)
    took, memory, since = durations(events), wired.store.memory(name), wired.store.conditions(name)
    drifts = wired.drift(name)
    requirements = []
    for one in seen.judged:
        state, _ = describe(one.verdict)
        record = since.get(one.requirement.condition)
        known = record is not None and record.state == state and wired.taken is None  # a file knows nothing of its past
        drift = drifts.get(one.requirement.condition)
        requirements.append(_condition(
            subject.want, one, one.requirement.needs not in seen.unseen, drift, record.since if record and known else None,
            took.get(one.requirement.condition)))
    return SubjectReport(
        name, plan.met, plan.identity, _machine(seen.have), plan.documents, wired.looked.get(name, time.time()),
        _plain(asked(subject.want)), tuple(requirements), plan.changes, dict(plan.unseen),
        Restarts(memory.firmware_restarts, memory.kernel_restarts),
        tuple(StepTaken(e.at, e.condition, e.text) for e in events if e.kind == "step"), sum(took.values()), wired.busy(name))


def _condition(
    want: Any, one: Judged[Any, Any], seen: bool, drift: Drift | None, since: float | None, seconds: float | None,
) -> ConditionReport:
    requirement = one.requirement
    found, state = describe(one.verdict)[1], STATE[type(one.verdict)]
    wanted = _plain(wanted_of(requirement.condition, want))
    counts = state != "met" or is_asked(wanted, found)
    # What is not asked, or was not seen, needs no proof.
    evidence = evidence_of(requirement, want, one.have, found, wanted) if counts and seen else ()
    return ConditionReport(
        requirement.condition, requirement.about, requirement.needs, state, counts, seen, wanted if counts else {},
        found, evidence, one.verdict.advice if isinstance(one.verdict, Stuck) else "", drift_text(drift) if drift else "", drift,
        since, seconds)


def _machine(have: Any) -> Machine:
    if not isinstance(have, Facts):
        return Machine()
    bmc, node, boot_id = have.bmc, have.node, have.os.boot_id if have.os else ""
    if bmc is None:
        return Machine(serial=node.inventory.serial if node and node.inventory else "", boot_id=boot_id)
    return Machine(bmc.uuid, bmc.serial, bmc.service_tag, bmc.manufacturer, bmc.model, bmc.bios_version, boot_id)


def _plain(value: Any) -> Any:
    """As JSON has it, without secrets: a report that is read again is equal to the one that was written."""
    return without_secrets(json.loads(json.dumps(value, default=str)))
