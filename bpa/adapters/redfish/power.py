"""Power of one System: the reset type that this BMC allows and that comes nearest to what is asked."""

from __future__ import annotations

from bpa.adapters.errors import Unsupported
from bpa.adapters.redfish.reading import Json, Reader, inner, objects, text, texts
from bpa.adapters.redfish.target import Target
from bpa.core.steps import ResetType

_INSTEAD: dict[ResetType, tuple[str, ...]] = {
    "On": ("On", "ForceOn"),
    "ForceOff": ("ForceOff",),
    "GracefulShutdown": ("GracefulShutdown",),
    "GracefulRestart": ("GracefulRestart", "ForceRestart", "PowerCycle"),
    "ForceRestart": ("ForceRestart", "PowerCycle", "GracefulRestart"),
}


def reset(target: Target, reset_type: ResetType) -> bool:
    """ComputerSystem.Reset with the nearest type that this BMC allows; False (nothing sent) where it is so already."""
    reader = target.reader()
    system = target.system(reader).body
    power = text(system, "PowerState")
    if power == {"On": "On", "ForceOff": "Off", "GracefulShutdown": "Off"}.get(reset_type):
        return False
    if power == "Off" and reset_type in ("ForceRestart", "GracefulRestart"):
        reset_type = "On"
    action = inner(system, "Actions", "#ComputerSystem.Reset")
    if not text(action, "target"):
        raise Unsupported(f"{target.origin} offers no ComputerSystem.Reset", "switch the host by hand")
    allowed = texts(action, "ResetType@Redfish.AllowableValues") or _allowed(reader, action)
    chosen = next((r for r in _INSTEAD[reset_type] if r in allowed), None) if allowed else reset_type
    if chosen is None:
        raise Unsupported(f"{target.origin} allows no {reset_type}, only {', '.join(allowed)}")
    target.link.post(target.link.path_of(action["target"]), {"ResetType": chosen})
    return True


def _allowed(reader: Reader, action: Json) -> tuple[str, ...]:
    info = reader.optional({"info": {"@odata.id": action.get("@Redfish.ActionInfo")}}, "info")
    return next(
        (texts(p, "AllowableValues") for p in objects(info, "Parameters") if text(p, "Name") == "ResetType"),
        (),
    )
