"""The service itself: root, login, certificate, clock, tasks, events, and who the machine is."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from urllib.parse import urlsplit

from bpa.adapters.errors import AdapterError
from bpa.adapters.redfish import trust
from bpa.adapters.redfish.doctor.patient import Patient, said
from bpa.adapters.redfish.eventlog import parse_time
from bpa.adapters.redfish.login.sessions import read_sessions
from bpa.adapters.redfish.reading import inner, text
from bpa.adapters.redfish.transport.link import ROOT
from bpa.core.diagnosis import Check

CLOCK_SECONDS = 300
"""By how much the BMC's clock may differ: Kerberos' and many a token's limit."""
MANY = 4
"""Sessions left behind that are worth a word: BMCs have room for a few."""
SOON = timedelta(days=30)


def service_checks(patient: Patient) -> Iterator[Check]:
    """Some were passed already, or there would be no patient."""
    version = text(patient.root, "RedfishVersion")
    told = " ".join(part for part in (text(patient.root, "Vendor"), text(patient.root, "Product")) if part)
    yield Check("root", "service root", "ok" if version else "degraded",
                f"Redfish {version or 'of no told version'}" + (f", {told}" if told else ""), needed=True)
    yield _login(patient)
    yield _sessions(patient)
    yield from _certificate(patient)
    yield _system(patient)
    yield _clock(patient)
    for name, key, what in (("tasks", "Tasks", "long work can be followed"), ("events", "EventService", "events")):
        if inner(patient.root, key):
            sse = text(_event_service(patient), "ServerSentEventUri") if name == "events" else ""
            yield Check(name, what, "ok", f"stream at {sse}" if sse else "")
        else:
            yield Check(name, what, "degraded", f"no {key} at the service root: BPA asks again and again instead")


def _event_service(patient: Patient) -> dict[str, object]:
    found, _ = patient.tried(lambda reader: reader.optional(patient.root, "EventService"))
    return dict(found or {})


def _login(patient: Patient) -> Check:
    if patient.target.link.session_path:
        return Check("login", "login", "ok", "a Redfish session", needed=True)
    return Check("login", "login", "degraded", "basic authentication: every request carries the password",
                 "enable the SessionService where the BMC has one", needed=True)


def _sessions(patient: Patient) -> Check:
    found, problem = patient.tried(lambda reader: read_sessions(patient.target, reader))
    if found is None:
        return Check("sessions", "Redfish sessions", "unknown", problem)
    left = sum(1 for s in found if s.mine and not s.own and not s.held)
    if left >= MANY:
        return Check("sessions", "Redfish sessions", "degraded", f"{len(found)} open, {left} of them left behind by this user",
                     f"bpa bmc sessions {patient.target.origin} close --mine")
    return Check("sessions", "Redfish sessions", "ok", f"{len(found)} open")


def _certificate(patient: Patient) -> Iterator[Check]:
    what, access = "certificate", patient.target.access
    if urlsplit(patient.target.origin).scheme == "http":
        yield Check("certificate", what, "degraded", "plain http: the password goes over the network in clear",
                    "use https, if the BMC has it")
        return
    try:
        shown = trust.probe(patient.target.origin)
    except AdapterError as error:
        yield Check("certificate", what, "degraded", said(error))
        return
    start, end = shown.not_before, shown.not_after
    until = f", until {end:%Y-%m-%d}" if end else ""
    if (end and end < patient.now) or (start and patient.now < start):
        yield Check("certificate", what, "degraded", f"not valid now{until}", "give the BMC a new certificate")
    elif end and end - patient.now < SOON:
        yield Check("certificate", what, "degraded", f"ends on {end:%Y-%m-%d}", "renew it")
    elif access.verify is False and not access.pin:
        yield Check("certificate", what, "degraded", f"not verified; {shown.key}{until}",
                    f"bpa bmc trust {patient.target.origin}")
    else:
        how = "pinned" if access.pin else "verified"
        yield Check("certificate", what, "ok", f"{how}; {shown.key}{until}")


def _system(patient: Patient) -> Check:
    listed, _ = patient.tried(lambda reader: reader.links(patient.root, "Systems"))
    several = f", one of {len(listed)} Systems" if listed and len(listed) > 1 else ""
    return Check("system", "System", "ok", f"{patient.ground.path}{several}", needed=True)


def _clock(patient: Patient) -> Check:
    seen, where = _time(patient)
    if seen is None:
        return Check("clock", "the BMC's clock", "unknown", "it tells no time")
    away = (seen - patient.now).total_seconds()
    if abs(away) <= CLOCK_SECONDS:
        return Check("clock", "the BMC's clock", "ok", f"{away:+.0f} s ({where})")
    return Check("clock", "the BMC's clock", "degraded", f"{_span(abs(away))} {'ahead' if away > 0 else 'behind'} ({where})",
                 "set NTP on the BMC: times in its log are wrong, and it may refuse certificates of https images")


def _time(patient: Patient) -> tuple[datetime | None, str]:
    # The Date header is of this very answer; a Manager's DateTime may have come a while ago, or lack its zone.
    root, _ = patient.tried(lambda reader: reader.link.get(ROOT))
    try:
        seen = parsedate_to_datetime(root.headers.get("Date", "") if root else "")
        if seen.tzinfo is not None:
            return seen, "Date of its answers"
    except (ValueError, TypeError, OverflowError):
        pass
    for body in patient.ground.managers.values():
        told = parse_time(text(body, "DateTime"))
        if told is not None and told.tzinfo is not None:
            return told, "Manager.DateTime"
    return None, ""


def _span(seconds: float) -> str:
    for size, word in ((86400 * 365, "years"), (86400, "days"), (3600, "hours"), (60, "minutes")):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {word}"
    return f"{seconds:.0f} seconds"

