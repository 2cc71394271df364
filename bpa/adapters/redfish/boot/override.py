"""From where one System boots: once or always, by BIOS or UEFI, and in which order."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from bpa.adapters.errors import Refused, Unsupported
from bpa.adapters.redfish.boot import dell as dell_boot
from bpa.adapters.redfish.boot import hpe as hpe_boot
from bpa.adapters.redfish.boot.options import BootOption, find_option, read_options
from bpa.adapters.redfish.reading import Json, Reader, inner, text, texts
from bpa.adapters.redfish.target import Target
from bpa.adapters.redfish.transport.answers import Denied, clean
from bpa.adapters.redfish.transport.wire import Answer
from bpa.adapters.redfish.waiting import Waiting
from bpa.adapters.redfish.writing import Writer

Enabled = Literal["Once", "Continuous", "Disabled"]
Mode = Literal["UEFI", "Legacy"]
TARGET, ENABLED, MODE = "BootSourceOverrideTarget", "BootSourceOverrideEnabled", "BootSourceOverrideMode"
HTTP_URI = "HttpBootUri"
_ALLOWED = "@Redfish.AllowableValues"


@dataclass(frozen=True, slots=True)
class Boot:
    """The boot override and order of a System, as served. () of an allowed list = the BMC tells none."""

    target: str
    enabled: str
    mode: str
    http_uri: str = ""
    targets: tuple[str, ...] = ()
    enableds: tuple[str, ...] = ()
    modes: tuple[str, ...] = ()
    order: tuple[str, ...] = ()
    options: tuple[BootOption, ...] = ()


def read_boot(target: Target, with_options: bool = True) -> Boot:
    """In one request, and one for each boot option. Raises the adapter errors."""
    reader = target.reader()
    boot = inner(target.system(reader).body, "Boot")
    return told(boot, read_options(reader, boot) if with_options else ())


def set_boot_override(target: Target, source: str, enabled: Enabled = "Once", mode: Mode | None = None) -> Boot:
    """BootSourceOverride to source (Pxe, Cd, Hdd, UefiHttp, None, …); Once where Continuous is not allowed.

    Raises the adapter errors.
    """
    return send_boot_override(Writer(target), source, enabled, mode)


def send_boot_override(
    writer: Writer, source: str, enabled: Enabled = "Once", mode: Mode | None = None, http_uri: str = ""
) -> Boot:
    """Set the override; nothing is sent where it is so already. Returns how it is afterwards.

    source: a BootSourceOverrideTarget. Cd means the CD in virtual media, by whatever name or way this machine has for it.
    mode None = left as it is. Raises the adapter errors: Unsupported naming what is possible, Refused where the BMC
    accepts and does not keep it.
    """
    target = writer.target
    if source == "Cd" and target.quirks.virtual_cd == "dell-attributes":
        dell_boot.choose_virtual_cd(writer, once=enabled != "Continuous")
        return replace(read_boot(target, with_options=False), target=dell_boot.VIRTUAL_CD, enabled=enabled)
    reader = target.reader()
    system = writer.patiently(lambda: target.system(reader))
    now = inner(system.body, "Boot")
    if not now:
        raise Unsupported(f"{target.origin} shows no boot settings for this System", "choose the boot source in its setup")
    source = _source(target, source, _targets(now))
    wanted: dict[str, Any] = {TARGET: source, ENABLED: _enabled(enabled, texts(now, ENABLED + _ALLOWED))}
    if mode is not None and mode != text(now, MODE):
        wanted[MODE] = _mode(target, mode, now)
    if source == "UefiHttp" and http_uri:
        if HTTP_URI not in now:
            raise Unsupported(f"{target.origin} takes no {HTTP_URI}",
                              "give the URL by DHCP, or in a BIOS attribute (HPE: UrlBootFile, Dell: HttpDev1Uri)")
        wanted[HTTP_URI] = http_uri
    elif source not in ("None", "UefiHttp") and not _same(now.get(HTTP_URI), None):
        wanted[HTTP_URI] = None
    try:
        return _write(writer, reader, system, wanted)
    except Denied:
        if wanted[ENABLED] != "Continuous":
            raise
        # Not every BMC tells that it cannot (iDRAC with UefiTarget: dell/terraform-provider-redfish pull 138).
        return _write(writer, reader, target.system(reader), {**wanted, ENABLED: "Once"})


def disable_boot_override(writer: Writer) -> Boot:
    """Boot as the boot order says. Returns how it is afterwards. Raises the adapter errors."""
    reader = writer.target.reader()
    system = writer.patiently(lambda: writer.target.system(reader))
    now = inner(system.body, "Boot")
    wanted = {ENABLED: "Disabled"}
    # Disabled alone is enough by DSP2046; with a target that means something, some BMCs refuse it.
    if text(now, TARGET) not in ("", "None") and "None" in _targets(now):
        wanted[TARGET] = "None"
    if text(now, ENABLED) == "Disabled" or (not text(now, ENABLED) and text(now, TARGET) == "None"):
        return told(now, ())
    return _write(writer, reader, system, wanted)


def set_boot_order(writer: Writer, first: Sequence[str]) -> Boot:
    """Put boot options to the front of BootOrder, by reference or by name; the others keep their order behind them.

    Returns how it is afterwards, or will be after the next restart. Raises the adapter errors: Refused where a name
    fits none or several.
    """
    target = writer.target
    reader = target.reader()
    system = writer.patiently(lambda: target.system(reader))
    now = inner(system.body, "Boot")
    order = texts(now, "BootOrder")
    if not order:
        raise Unsupported(f"{target.origin} shows no boot order", "choose it in the firmware's setup")
    options = read_options(reader, now)
    front = [find_option(target, wanted, order, options) for wanted in first]
    wanted = [*dict.fromkeys(front), *(o for o in order if o not in front)]
    if hpe_boot.stage_order(writer, reader, system.body, wanted):
        return replace(told(now, options), order=tuple(wanted))
    return _write(writer, reader, system, {"BootOrder": wanted}, options)


def _write(
    writer: Writer, reader: Reader, system: Answer, wanted: Mapping[str, Any], options: tuple[BootOption, ...] = ()
) -> Boot:
    target = writer.target
    places = _places(reader, system, target.system_path())
    now = {**inner(system.body, "Boot"), **places[0][2]}  # what is staged already need not be staged again
    changes = {name: value for name, value in wanted.items() if not _same(now.get(name), value)}
    if not changes:
        return told(now, options)
    if target.quirks.boot_request == "all" and {TARGET, ENABLED, MODE} & set(changes):
        asked = {name: wanted.get(name, now.get(name)) for name in (TARGET, ENABLED, MODE)}
        changes |= {name: value for name, value in asked.items() if isinstance(value, str)}
    refused: Denied | None = None
    for path, etag, shown in places:
        part = {n: v for n, v in changes.items() if (n in shown) or path == target.system_path()}
        changes = {n: v for n, v in changes.items() if n not in part}
        if part:
            try:
                writer.patch(path, {"Boot": part}, etag)
            except Denied as error:
                # iDRAC8 answers 400 and does it all the same (community.general issue 5091): what it shows decides.
                refused = error
    if writer.dry_run:
        return told({**now, **wanted}, options)
    return _read_back(writer, wanted, places, options, refused)


def _read_back(
    writer: Writer, wanted: Mapping[str, Any], places: list[tuple[str, str, Json]], options: tuple[BootOption, ...],
    refused: Denied | None,
) -> Boot:
    target = writer.target
    boot: Json = {}
    left: dict[str, Any] = {}
    for _ in Waiting(6.0, 2.0, writer.patience.clock, writer.patience.sleep).looks():
        boot = inner(target.system().body, "Boot")
        for path, _, _ in places:
            if path != target.system_path():  # pending until the restart: then it stands in the settings object
                boot = {**boot, **inner(target.reader().resource(path).body, "Boot")}
        left = {n: v for n, v in wanted.items() if not _same(boot.get(n), v) and not _forgivable(n, v, boot)}
        if not left or refused is not None:
            break
    if left and refused is not None:
        raise refused
    if left:
        odd = ", ".join(f"{name} is {clean(str(boot.get(name)), 80)}, not {value!s:.80}" for name, value in left.items())
        raise Refused(f"{target.origin} accepted the boot settings and did not keep them: {odd}",
                      "choose the boot source in the firmware's setup, or update the BMC")
    return told(boot, options)


def _places(reader: Reader, system: Answer, path: str) -> list[tuple[str, str, Json]]:
    """Path, ETag and Boot of where boot settings are written: first the settings object, for what it shows (DSP0266)."""
    places: list[tuple[str, str, Json]] = []
    settings = inner(system.body, "@Redfish.Settings", "SettingsObject")
    if settings:
        answer = reader.resource(settings)
        places.append((reader.link.path_of(settings), answer.etag, inner(answer.body, "Boot")))
    return [*places, (path, system.etag, inner(system.body, "Boot"))]


def _targets(boot: Json) -> tuple[str, ...]:
    """What it can boot from; iLO 4 lists that without the annotation."""
    return texts(boot, TARGET + _ALLOWED) or texts(boot, "BootSourceOverrideSupported")


def _source(target: Target, source: str, allowed: tuple[str, ...]) -> str:
    if source == "Cd" and target.quirks.cd_target in allowed:
        return target.quirks.cd_target
    if not allowed or source in allowed:
        return source
    same = [a for a in allowed if a.lower() == source.lower()]
    if same:
        return same[0]
    if source == "Cd" and "UsbCd" in allowed:
        return "UsbCd"
    raise Unsupported(f"{target.origin} cannot boot from {source}, only from {', '.join(allowed)}")


def _enabled(enabled: Enabled, allowed: tuple[str, ...]) -> str:
    return "Once" if enabled == "Continuous" and allowed and enabled not in allowed else enabled


def _mode(target: Target, mode: Mode, now: Json) -> str:
    allowed = texts(now, MODE + _ALLOWED)
    if MODE not in now or (allowed and mode not in allowed) or target.quirks.boot_mode == "bios":
        raise Unsupported(
            f"{target.origin} boots by {text(now, MODE) or 'an unknown mode'} and cannot be told {mode} with the boot override",
            "set the BIOS attribute for the boot mode: `bpa bmc bios ADDRESS set bootMode=" + mode.lower() + "`",
        )
    return mode


def told(boot: Json, options: tuple[BootOption, ...]) -> Boot:
    """A System's Boot property as it is served, without the trust."""
    return Boot(
        text(boot, TARGET), text(boot, ENABLED), text(boot, MODE), text(boot, HTTP_URI),
        _targets(boot), texts(boot, ENABLED + _ALLOWED), texts(boot, MODE + _ALLOWED),
        texts(boot, "BootOrder"), options,
    )


def _same(now: object, wanted: object) -> bool:
    # sushy-emulator writes the text None where it means null.
    return now == wanted or (wanted is None and now in (None, "", "None"))


def _forgivable(name: str, value: object, boot: Json) -> bool:
    """A difference that is told by what is returned, and no reason to stop."""
    if name == TARGET and value == "None":
        return text(boot, ENABLED) == "Disabled"  # what target it shows then does not matter
    if name == ENABLED and value == "Once":
        return text(boot, ENABLED) == "Continuous"  # it boots from there, and again (sushy-emulator has nothing else)
    return name == HTTP_URI and value is None
