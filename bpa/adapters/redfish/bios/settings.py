"""BIOS attributes staged for the next restart: sent, followed, read back."""

from __future__ import annotations

import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, replace

from bpa.adapters.errors import AdapterError, Busy, Refused, Unsupported
from bpa.adapters.redfish import tasks
from bpa.adapters.redfish.bios.attributes import PENDING, BiosPaths, attributes_of, flat, settings_now
from bpa.adapters.redfish.reading import Json, Reader, inner, objects, text, texts
from bpa.adapters.redfish.target import Target
from bpa.adapters.redfish.transport.answers import Broken, Denied, Message, Missing
from bpa.adapters.redfish.transport.wire import Answer
from bpa.adapters.redfish.waiting import Waiting
from bpa.adapters.redfish.writing import Writer
from bpa.core.steps import BiosValue

JOB_DUE = ("SYS011", "BIOS006", "BIOS007", "RAC011", "RAC052", "RAC0773", "JCP029")
"""iDRAC's message ids for "a configuration job exists already" (its EEMI registry, recorded on R750)."""
_FAILURE = re.compile(r"fail|error|invalid|not (applied|supported|valid)", re.IGNORECASE)
SCHEDULING = 30.0
"""Seconds in which a task that stages settings gets to Scheduled."""
SHOWING = 6.0
"""Seconds in which a BMC shows as pending what it has accepted."""


@dataclass(frozen=True, slots=True)
class Staged:
    """What the BMC made of staged attributes.

    dropped: name -> what stands in its place ("" = nothing is pending), although the BMC accepted it. unshown: names of
    which it does not show whether they are pending. now: names that are effective already. notes: for a person.
    """

    dropped: Mapping[str, BiosValue]
    unshown: tuple[str, ...] = ()
    now: tuple[str, ...] = ()
    task: tasks.Task | None = None
    notes: tuple[str, ...] = ()

    def checked(self, origin: str) -> Staged:
        """Itself; raises Refused, naming each attribute that was accepted and not kept."""
        if self.dropped:
            told = ", ".join(f"{name} (still {value})" if value != "" else name for name, value in self.dropped.items())
            raise Refused(
                f"{origin} accepted BIOS attributes and did not keep them: {told}",
                "another attribute may forbid it: see what each depends on (`bpa bmc bios`), or set it in the firmware's setup",
            )
        return self


def stage_bios(writer: Writer, paths: BiosPaths, attributes: Mapping[str, BiosValue]) -> Staged:
    """PATCH the attributes in one request, as the BIOS is to have them after its next restart.

    To the settings object (DSP0266 "Settings resource"), or to the Bios resource where there is none (Cisco, Cray).
    Raises the adapter errors: Refused with the BMC's words, Busy while it is in POST or at work on other settings.
    """
    target = writer.target
    reader = target.reader()
    place = paths.settings or paths.bios
    before = writer.patiently(lambda: settings_now(reader, place))
    notes: list[str] = []
    try:
        answer = _patch(writer, place, paths, attributes, before.etag, notes)
    except Unsupported as error:
        paths, answer = _elsewhere(writer, paths, attributes, notes, error)
        place = paths.settings
    except Denied as error:
        if not any(_is(message, JOB_DUE) for message in error.messages):
            raise
        held = _make_way(writer, reader, before.body, error, notes)
        attributes = {**held, **attributes}
        try:
            answer = _patch(writer, place, paths, attributes, settings_now(reader, place).etag, notes)
        except AdapterError as after:
            raise Refused(f"{after}; {notes[-1]}, and now they are not staged any more", "stage them again") from None
    except Broken:
        # The connection broke in the middle: what it shows now tells whether it had been heard.
        staged = _read_back(reader, paths, attributes, Waiting(seconds=0.0))
        if staged.dropped or staged.unshown:
            raise
        return replace(staged, notes=("the connection broke while it was sent; it has been taken all the same",))
    if writer.dry_run:
        return Staged({}, tuple(attributes))
    if notes and "taken back" in notes[-1]:
        notes[-1] += " and staged again with the new ones"
    task = tasks.started(target, answer)
    if task is None and not paths.on_reset:
        task = _schedule(writer, reader, before.body, place)
    if task is not None:
        task = _scheduled(target, task, replace(writer.patience, seconds=SCHEDULING)).checked(target.origin)
    staged = _read_back(reader, paths, attributes, replace(writer.patience, seconds=SHOWING))
    return replace(staged, task=task, notes=tuple(notes))


def _patch(
    writer: Writer, place: str, paths: BiosPaths, attributes: Mapping[str, BiosValue], etag: str, notes: list[str]
) -> Answer:
    change: dict[str, object] = dict(attributes) if paths.flat else {"Attributes": dict(attributes)}
    if not paths.on_reset:
        return writer.patch(place, change, etag)
    # Without it some BMCs keep the values and never apply them; with it, others that do not list it refuse.
    apply_time = {"@odata.type": "#Settings.v1_0_0.PreferredApplyTime", "ApplyTime": "OnReset"}
    try:
        return writer.patch(place, {**change, "@Redfish.SettingsApplyTime": apply_time}, etag)
    except Denied as error:
        if not any("ApplyTime" in " ".join((m.said, *m.args, *m.properties)) for m in error.messages):
            raise
        notes.append("it announces the apply time OnReset and refuses it: sent without")
        return writer.patch(place, change, etag)


def _elsewhere(
    writer: Writer, paths: BiosPaths, attributes: Mapping[str, BiosValue], notes: list[str], error: Unsupported
) -> tuple[BiosPaths, Answer]:
    """The Bios resource takes no PATCH, and no settings are shown: some show them only once there are any (AMI)."""
    for name in PENDING if not paths.settings else ():
        there = replace(paths, settings=f"{paths.bios.rstrip('/')}/{name}")
        with suppress(Unsupported):
            answer = _patch(writer, there.settings, there, attributes, "", notes)
            notes.append(f"it announces no settings, and takes them at {there.settings}")
            return there, answer
    raise error


def _read_back(reader: Reader, paths: BiosPaths, attributes: Mapping[str, BiosValue], wait: Waiting) -> Staged:
    staged = Staged({})
    for _ in wait.looks():
        pending = _attributes(reader, paths.settings)
        odd = {n: v for n, v in attributes.items() if n not in pending or not _same(pending[n], v)}
        if not odd:
            return Staged({})
        now = _attributes(reader, paths.bios)
        effective = tuple(n for n, v in odd.items() if n in now and _same(now[n], v) and n not in pending)
        rest = [n for n in odd if n not in effective]
        if not pending:
            # Nowhere to look (no settings object), or one that never shows what it holds (Intel, Supermicro's SD).
            return Staged({}, tuple(rest), effective)
        # Neither as asked nor as before: another spelling of the same value (display name for value name).
        dropped = {n: now.get(n, "") for n in rest if n not in pending or (n in now and _same(pending[n], now[n]))}
        staged = Staged(dropped, (), effective)
        if not dropped:
            break
    return staged


def _attributes(reader: Reader, path: str) -> Json:
    if not path:
        return {}
    with suppress(Missing):
        body = reader.resource(path).body
        found = attributes_of(body) if flat(body) else inner(body, "Attributes")
        return {n: v for n, v in found.items() if isinstance(v, str | int | bool)}
    return {}


def _same(one: object, other: object) -> bool:
    return str(one).lower() == str(other).lower()


def _is(message: Message, ids: tuple[str, ...]) -> bool:
    return message.id in ids


def _schedule(writer: Writer, reader: Reader, settings: Json, place: str) -> tasks.Task | None:
    """iDRACs that know no apply times keep pending values for ever, unless a job is made for them (their settings say where).

    Where that fails, the values are taken back, unless others were pending before: else they would look staged.
    """
    jobs = inner(settings, "Oem", "Dell", "Jobs")
    if not jobs:
        return None
    try:
        answer = writer.post(writer.target.link.path_of(jobs), {"TargetSettingsURI": place})
    except AdapterError:
        oem = inner(settings, "Actions", "Oem")
        clear = next((a for name, a in oem.items() if name.endswith("#DellManager.ClearPending") and isinstance(a, Mapping)), {})
        if text(clear, "target") and not inner(settings, "Attributes"):
            with suppress(AdapterError):
                writer.target.link.post(reader.link.path_of(clear["target"]), {})
        raise
    return tasks.started(writer.target, answer) if answer is not None else None


def _scheduled(target: Target, task: tasks.Task, wait: Waiting) -> tasks.Task:
    """The task once it waits for the restart (iDRAC calls that Starting), or as it is when that takes long."""
    if task.state == "Starting":
        return task
    try:
        return tasks.follow(target, task, wait)
    except Busy:
        return tasks.look(target, task.path)


def _make_way(
    writer: Writer, reader: Reader, settings: Json, error: Denied, notes: list[str]
) -> Mapping[str, BiosValue]:
    """Take back the configuration job that waits for a restart; what it held, to be staged again together with more.

    iDRAC takes no more settings while a job is scheduled (Dell/iDRAC-Redfish-Scripting issue 249). Raises Busy where it
    runs already, and Refused where what it holds is not shown: nothing that somebody has staged is lost.
    """
    held = {n: v for n, v in inner(settings, "Attributes").items() if isinstance(v, str | int | bool)}
    origin = writer.target.origin
    for path, body in reader.collection(inner(settings, "Oem", "Dell"), "Jobs"):
        task = tasks.task_of(path, body)
        if task is None or "BIOS" not in f"{text(body, 'JobType')} {text(body, 'Name')}".upper():
            continue
        if task.outcome == "working":
            raise Busy(f"{origin} is at work on earlier BIOS settings: {task.text}", "wait until it is done")
        if task.outcome != "waiting":
            continue
        if not held:
            raise Refused(
                f"{origin} holds other BIOS settings for the next restart and does not show them: {task.text}",
                "restart the host so that they take effect, or delete that job, then try again",
            ) from None
        writer.delete(path)
        notes.append(f"job {text(body, 'Id') or path}, which waited for a restart with {', '.join(held)}, was taken back")
        return held
    raise Refused(
        f"{origin} holds earlier BIOS settings for the next restart and takes no more: {error}",
        "restart the host so that they take effect, then try again",
    ) from None


def said_after_restart(target: Target, paths: BiosPaths, task: tasks.Task | None) -> tuple[str, ...]:
    """What the BMC says went wrong when the staged settings were to take effect; () = nothing.

    From the task or job that staging started, and from the messages of @Redfish.Settings. Raises the adapter errors.
    """
    found: dict[str, None] = {}
    if task is not None:
        now = tasks.look(target, task.path)
        if now.outcome == "failed":
            found[now.text] = None
    settings = inner(target.reader().resource(paths.bios).body, "@Redfish.Settings")
    for message in objects(settings, "Messages"):
        said = text(message, "Message") or text(message, "MessageId")
        good = text(message, "Severity", "MessageSeverity") in ("OK", "") and not _FAILURE.search(said)
        about = ", ".join(texts(message, "RelatedProperties"))
        if said and not good:
            found[said + (f" ({about})" if about else "")] = None
    return tuple(found)
