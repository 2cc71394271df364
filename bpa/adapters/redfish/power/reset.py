"""Power of one System: the reset type that this BMC allows and that comes nearest to what is asked."""

from __future__ import annotations

from collections.abc import Mapping

from bpa.adapters.errors import Busy, Unsupported
from bpa.adapters.redfish.reading import Json, Reader, inner, objects, text, texts
from bpa.adapters.redfish.target import Target
from bpa.adapters.redfish.writing import Writer
from bpa.core.steps import ResetType

INSTEAD: Mapping[str, tuple[str, ...]] = {
    "On": ("On", "ForceOn", "PushPowerButton"),
    "ForceOff": ("ForceOff",),
    # A short push asks the operating system to shut down (ACPI), as GracefulShutdown does.
    "GracefulShutdown": ("GracefulShutdown", "PushPowerButton"),
    "GracefulRestart": ("GracefulRestart", "ForceRestart", "PowerCycle"),
    "ForceRestart": ("ForceRestart", "PowerCycle", "GracefulRestart"),
    "PowerCycle": ("PowerCycle", "ForceRestart"),
    "Nmi": ("Nmi",),
    "PushPowerButton": ("PushPowerButton",),
}
"""ResetType (ComputerSystem.Reset) -> what may be sent for it, the nearest first."""
_SO_ALREADY = {"On": ("On", "PoweringOn", "Paused"), "ForceOff": ("Off",), "GracefulShutdown": ("Off", "PoweringOff")}
_RESTARTS = ("ForceRestart", "GracefulRestart", "PowerCycle")


def reset(target: Target, reset_type: ResetType) -> bool:
    """ComputerSystem.Reset with the nearest type that this BMC allows; False (nothing sent) where it is so already."""
    return bool(send_reset(Writer(target), reset_type))


def send_reset(writer: Writer, reset_type: str, power: str = "") -> str:
    """The ResetType that was sent; "" (nothing sent) where it is so already, or became so while the BMC was busy.

    power: what it will be by then, of a dry run; "" = as it is.

    Raises the adapter errors: Unsupported where nothing near is allowed, Busy while the machine is switching off and is
    to be on.
    """
    target = writer.target
    reader = target.reader()
    system = writer.patiently(lambda: target.system(reader)).body
    power = power or text(system, "PowerState")
    if power in _SO_ALREADY.get(reset_type, ()):
        return ""
    if power == "PoweringOff" and reset_type in ("On", *_RESTARTS):
        raise Busy(f"{target.origin} is switching the machine off", "wait until it is off")
    if power == "Off" and reset_type in _RESTARTS:
        reset_type = "On"
    allowed = allowed_resets(reader, system)
    action = inner(system, "Actions", "#ComputerSystem.Reset")
    if not text(action, "target"):
        raise Unsupported(f"{target.origin} offers no ComputerSystem.Reset", "switch the host by hand")
    chosen = nearest(reset_type, allowed, power)
    if chosen is None:
        raise Unsupported(f"{target.origin} allows no {reset_type}, only {', '.join(allowed)}")

    def happened() -> bool:
        now = text(target.system().body, "PowerState")
        return now != power if reset_type in _RESTARTS else now in _SO_ALREADY.get(reset_type, ())

    sent = writer.post(target.link.path_of(action["target"]), {"ResetType": chosen}, happened)
    return chosen if sent is not None else ""


def nearest(reset_type: str, allowed: tuple[str, ...], power: str) -> str | None:
    """Of what is allowed (() = not told) the nearest to what is asked; None where nothing is near."""
    if not allowed:
        return reset_type
    for one in INSTEAD[reset_type]:
        # The button toggles: only where the state is known to be the other one.
        if one == "PushPowerButton" != reset_type and power != ("Off" if reset_type == "On" else "On"):
            continue
        if one in allowed:
            return one
    return None


def allowed_resets(reader: Reader, system: Json) -> tuple[str, ...]:
    """ResetType values that this System allows, from AllowableValues or ActionInfo; () where it tells none."""
    action = inner(system, "Actions", "#ComputerSystem.Reset")
    told = texts(action, "ResetType@Redfish.AllowableValues")
    if told or not text(action, "@Redfish.ActionInfo"):
        return told
    info = reader.optional({"info": {"@odata.id": action.get("@Redfish.ActionInfo")}}, "info")
    return next(
        (texts(p, "AllowableValues") for p in objects(info, "Parameters") if text(p, "Name") == "ResetType"),
        (),
    )
