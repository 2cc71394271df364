"""What the BMC has logged: the log services of the System, its managers and its chassis, newest first."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime

from bpa.adapters.errors import Unsupported
from bpa.adapters.redfish.reading import NOT_THERE, Json, Reader, absent, inner, number, objects, text, texts
from bpa.adapters.redfish.target import Target
from bpa.adapters.redfish.writing import Writer

PAGES = 16
ENTRIES = 2000
SEVERITIES = {
    **dict.fromkeys(("ok", "informational", "information", "info", "repaired"), "OK"),
    **dict.fromkeys(("warning", "caution"), "Warning"),
    **dict.fromkeys(("critical", "fatal", "error"), "Critical"),
}
"""What BMCs write as severity (Oem.Hpe: Informational, Caution, Repaired) -> Redfish Health."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One log entry. when: in UTC, None where the BMC's clock was not set; severity: OK, Warning, Critical or ""."""

    log: str
    id: str
    when: datetime | None
    severity: str
    message: str
    message_id: str = ""
    created: str = ""


@dataclass(frozen=True, slots=True)
class Log:
    """A log service. name: where it is ("Systems/1/SEL"); about: its name for people.

    clear: path of its ClearLog action, "" = it has none. records: how many it can hold, 0 = not told.
    """

    name: str
    path: str
    about: str
    entries: str
    clear: str = ""
    records: int = 0


@dataclass(frozen=True, slots=True)
class Logged:
    """problems: log -> why it could not be read, or not wholly."""

    logs: tuple[Log, ...]
    entries: tuple[Entry, ...]
    problems: dict[str, str] = field(default_factory=dict)


def read_log(target: Target, limit: int = 100, since: datetime | None = None, only: str = "") -> Logged:
    """The newest `limit` entries of all logs, or of those whose name or path holds `only`. Raises the adapter errors.

    Reads no more than 16 pages of one log. Entries without a time are the oldest.
    """
    reader = target.reader()
    logs = tuple(log for log in find_logs(reader, target) if only.lower() in f"{log.name} {log.about}".lower())
    if not logs:
        why = f" ({reader.problem})" if reader.problems else ""
        raise Unsupported(f"{target.origin} shows no event log{f' called {only}' if only else ''}{why}")
    entries: list[Entry] = []
    problems: dict[str, str] = {}
    for log in logs:
        one = target.reader()
        found = [e for e in _entries(one, log) if since is None or (e.when is not None and e.when >= since)]
        entries += _newest(found)[:limit]
        if one.problems:
            problems[log.name] = one.problem
    return Logged(logs, tuple(_newest(entries)[:limit]), problems)


def find_logs(reader: Reader, target: Target) -> Iterator[Log]:
    """The log services of the System, its managers and chassis, each once."""
    system = target.system(reader).body
    links = reader.links(system, "LogServices")
    for _, owner in (*target.managers(reader, system), *target.chassis(reader, system)):
        links += reader.links(owner, "LogServices")
    for path, body in reader.each(links):
        if absent(body):
            continue
        entries = ""
        if inner(body, "Entries"):
            try:
                entries = reader.link.path_of(inner(body, "Entries"))
            except Unsupported as error:
                reader.note(error)
        clear = text(inner(body, "Actions", "#LogService.ClearLog"), "target")
        yield Log(_name(path), path, text(body, "Name", "Id"), entries, clear, number(body, "MaxNumberOfRecords"))


def _name(path: str) -> str:
    parts = path.strip("/").split("/")
    return "/".join(p for p in parts[2:] if p != "LogServices")


def clear_log(writer: Writer, log: Log) -> None:
    """LogService.ClearLog. Raises Unsupported where the log has no such action."""
    if not log.clear:
        raise Unsupported(f"{writer.target.origin}: the log {log.name} cannot be cleared by Redfish")
    writer.post(writer.target.link.path_of(log.clear), {})


def _entries(reader: Reader, log: Log) -> Iterator[Entry]:
    """Members, which carry the whole entry on most BMCs and only its path on some (Lenovo's diagnostic log)."""
    link: object = log.entries
    found = 0
    for _ in range(PAGES):
        if not link or found >= ENTRIES:
            return
        try:
            page = reader.resource(link).body
        except NOT_THERE as error:
            reader.note(error)
            return
        members = objects(page, "Members")
        found += len(members)
        whole = [m for m in members if "Message" in m or "MessageId" in m or "Created" in m]
        for body in whole:
            yield _entry(log, body)
        for _, body in reader.each([m for m in members if m not in whole][-100:]):
            yield _entry(log, body)
        link = page.get("Members@odata.nextLink")


def _entry(log: Log, body: Json) -> Entry:
    created = text(body, "EventTimestamp", "Created")
    message = text(body, "Message") or text(body, "MessageId", "EntryCode", "Name")
    for place, arg in enumerate(texts(body, "MessageArgs"), start=1):
        message = message.replace(f"%{place}", arg)
    oem = next((o for o in inner(body, "Oem").values() if isinstance(o, dict)), {})
    severity = text(body, "Severity") or text(body, "MessageSeverity") or text(oem, "Severity")
    return Entry(log.name, text(body, "Id"), parse_time(created), SEVERITIES.get(severity.lower(), ""), message,
                 text(body, "MessageId"), created)


def parse_time(told: str) -> datetime | None:
    """ISO 8601 as BMCs write it, in UTC; None for nonsense and for clocks that were never set (before 1980)."""
    plain = re.sub(r"(\.\d{6})\d+", r"\1", told.strip())
    try:
        when = datetime.fromisoformat(plain)
    except ValueError:
        return None
    when = when.replace(tzinfo=UTC) if when.tzinfo is None else when
    try:
        when = when.astimezone(UTC)
    except (OverflowError, ValueError):
        return None
    return when if when.year >= 1980 else None


def _newest(entries: list[Entry]) -> list[Entry]:
    """Newest first; of entries of the same second the later in the log first."""
    numbered = list(enumerate(entries))
    numbered.sort(key=lambda pair: (pair[1].when or datetime.min.replace(tzinfo=UTC), _number(pair[1].id, pair[0])), reverse=True)
    return [entry for _, entry in numbered]


def _number(identity: str, place: int) -> int:
    return int(identity[-18:]) if identity[-18:].isdecimal() else place
