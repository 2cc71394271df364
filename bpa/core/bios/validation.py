"""Whether an attribute may have a value, as far as the registry tells: said before anything is sent."""

from __future__ import annotations

from dataclasses import dataclass

from bpa.core.bios.expressions import matches
from bpa.core.bios.machine import Machine, kind
from bpa.core.bios.registry import Attribute
from bpa.core.bios.rules import plain, same
from bpa.core.steps import BiosValue

NEAR = 8


@dataclass(frozen=True, slots=True)
class Problem:
    """Why a value cannot be: what is wrong, and what to do."""

    reason: str
    advice: str


def check_value(name: str, value: BiosValue, machine: Machine) -> Problem | None:
    """What is wrong with giving an attribute of this BIOS this value; None = nothing is known to be.

    The value is in the type and words of this BIOS. A limit that the present value itself breaks is not held against
    the new one: the registry is wrong there. Whether the attribute can be written now is another question (needs.py).
    """
    present, attribute = machine.now.get(name), machine.attribute(name)
    if attribute is None or (present is not None and same(present, value)):
        return None
    if attribute.type == "Password":
        return Problem(f"BIOS attribute {name} is a password",
                       "set it by hand (Bios.ChangePassword); BPA does not keep BIOS passwords")
    wrong = broken_limit(attribute, value, machine)
    if wrong is None or (present is not None and _kind_of_limit(attribute, present, machine) == wrong[0]):
        return None
    return Problem(f"BIOS attribute {name} cannot be {value!r}: {wrong[1]}", wrong[2])


def broken_limit(attribute: Attribute, value: BiosValue, machine: Machine) -> tuple[str, str, str] | None:
    """The first limit of the registry that a value breaks: which one, what it is, and what to do; None = none."""
    name = attribute.name
    listed = machine.allowed(name)
    if listed:
        if any(same(value, one) for one in listed):
            return None
        shown = ", ".join(repr(one) for one in listed[:NEAR]) + (" and more" if len(listed) > NEAR else "")
        alike = [one for one in listed if plain(str(one)) == plain(str(value))]
        return "choice", f"it may be {shown}", f"write {alike[0]!r}" if alike else f"one of {shown}"
    match attribute.type:
        case "Boolean":
            if not isinstance(value, bool):
                return "type", f"it is true or false, not {kind(value)}", "true or false, without quotes"
        case "Integer":
            return _number(attribute, value)
        case "String":
            return _text(attribute, value)
    return None


def _number(attribute: Attribute, value: BiosValue) -> tuple[str, str, str] | None:
    if isinstance(value, bool) or not isinstance(value, int):
        return "type", f"it is a number, not {kind(value)}", "a whole number, without quotes"
    lower, upper, step = attribute.lower, attribute.upper, attribute.increment
    if (lower is not None and value < lower) or (upper is not None and value > upper):
        between = f"{'' if lower is None else lower}..{'' if upper is None else upper}"
        return "bounds", f"it lies within {between}", f"a number within {between}"
    if step is not None and step > 1 and (value - (lower or 0)) % step:
        return "increment", f"it goes in steps of {step} from {lower or 0}", f"a multiple of {step} above {lower or 0}"
    return None


def _text(attribute: Attribute, value: BiosValue) -> tuple[str, str, str] | None:
    if not isinstance(value, str):
        return "type", f"it is a text, not {kind(value)}", "write it in quotes"
    least, most = attribute.shortest, attribute.longest
    if (least is not None and len(value) < least) or (most is not None and len(value) > most):
        between = f"{least or 0}..{'' if most is None else most}"
        return "length", f"it has {between} characters, this has {len(value)}", f"a text of {between} characters"
    if attribute.expression and matches(attribute.expression, value) is False:
        return "expression", f"it must match {attribute.expression[:200]}", "see the help of this attribute in the firmware setup"
    return None


def _kind_of_limit(attribute: Attribute, value: BiosValue, machine: Machine) -> str:
    broken = broken_limit(attribute, value, machine)
    return broken[0] if broken else ""
