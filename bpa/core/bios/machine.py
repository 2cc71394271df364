"""The BIOS of one machine as it is now, and how it writes values."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property

from bpa.core.bios.registry import Attribute, Column, Registry, allowed, as_written, speaks
from bpa.core.bios.rules import plain, same
from bpa.core.steps import BiosValue


# No slots: they leave no room for the cached property.
@dataclass(frozen=True)
class Machine:
    """now are the current Bios.Attributes; registry None = the machine offers none; manufacturer as the System says."""

    now: Mapping[str, BiosValue]
    registry: Registry | None = None
    manufacturer: str = ""
    pending: Mapping[str, BiosValue] = field(default_factory=dict)

    @cached_property
    def usual(self) -> Column:
        """The column of the registry that this machine's values are from."""
        return "name" if self.registry is None else speaks(self.registry, self.now)

    def attribute(self, name: str) -> Attribute | None:
        """What the registry says of an attribute."""
        return None if self.registry is None else self.registry.get(name)

    def display(self, name: str) -> str:
        """The registry's DisplayName; "" where it has none."""
        attribute = self.attribute(name)
        return "" if attribute is None else attribute.display

    def allowed(self, name: str) -> tuple[BiosValue, ...]:
        """The values that an attribute may have, as this machine writes them; () = the registry does not list them."""
        attribute = self.attribute(name)
        if attribute is None:
            return ()
        if attribute.type == "Boolean" and not attribute.choices:
            return (True, False)
        return allowed(attribute, self.now.get(name), self.usual)

    def written(self, name: str, wanted: BiosValue) -> BiosValue | None:
        """`wanted` in the type and with the word that this BIOS uses; None where it has no such value.

        A BIOS refuses '8' where it says 8, and the display name where it says the value name.
        """
        attribute = self.attribute(name)
        typed = in_type_of(self.now[name], wanted) if name in self.now else wanted
        if attribute is None or not attribute.choices:
            return typed
        listed = self.allowed(name)
        if typed is not None and any(same(typed, value) for value in listed):
            return typed
        found = as_written(attribute, str(wanted), self.now.get(name), self.usual)
        return self._one(v for v in listed if self.bare(name, v) == wanted) if found is None else found

    def word(self, name: str, word: str) -> BiosValue | None:
        """The one allowed value that reads like `word`, letters and digits compared; None = none, or several."""
        found = self._one(v for v in self.allowed(name) if isinstance(v, str) and plain(str(self.bare(name, v))) == word)
        attribute = self.attribute(name)
        if found is not None or attribute is None:
            return found
        shown = dict.fromkeys(c.display for c in attribute.choices if plain(c.display) == word)
        return self._one(v for d in shown if (v := self.written(name, d)) is not None)

    def bare(self, name: str, value: BiosValue) -> BiosValue:
        """The value without its attribute's name in front: AMI's newer registries write PCIS007Enabled for PCIS007."""
        if isinstance(value, str) and value.startswith(name) and len(value) > len(name):
            return value[len(name):]
        return value

    def spelt(self, name: str, value: BiosValue) -> BiosValue:
        """`value` with its attribute's name in front, where the present value of this attribute has it."""
        present = self.now.get(name)
        if present is None or not isinstance(value, str) or same(self.bare(name, present), present):
            return value
        return name + value.replace(" ", "")

    @staticmethod
    def _one(values: Iterable[BiosValue]) -> BiosValue | None:
        found = list(values)
        return found[0] if len(found) == 1 else None


def in_type_of(present: BiosValue, wanted: BiosValue) -> BiosValue | None:
    """wanted as the type of present where nothing is lost, else None."""
    if type(present) is type(wanted):
        return wanted
    if isinstance(present, bool) or isinstance(wanted, bool):
        return None
    if isinstance(present, str):
        return str(wanted)
    text = str(wanted)
    return int(text) if text.lstrip("-").isdecimal() and text.isascii() and str(int(text)) == text else None


def kind(value: BiosValue) -> str:
    """The type of a value, for people."""
    if isinstance(value, bool):
        return "true or false"
    return "a number" if isinstance(value, int) else "a text"
