"""A BIOS attribute registry (DMTF AttributeRegistry 1.3): what each attribute may be, and which depend on which."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from bpa.core.bios.rules import plain
from bpa.core.steps import BiosValue

Column = Literal["name", "display"]
"""Which of ValueName and ValueDisplayName a machine writes into Bios.Attributes."""


@dataclass(frozen=True, slots=True)
class Choice:
    """One allowed value of an enumeration: ValueName and ValueDisplayName."""

    name: str
    display: str

    def __getitem__(self, column: Column) -> str:
        return self.name if column == "name" else self.display


@dataclass(frozen=True, slots=True)
class Attribute:
    """One attribute. type: Enumeration, String, Integer, Boolean, Password or "" (not told); None = no such limit."""

    name: str
    type: str = ""
    display: str = ""
    choices: tuple[Choice, ...] = ()
    read_only: bool = False
    hidden: bool = False
    gray: bool = False
    lower: int | None = None
    upper: int | None = None
    increment: int | None = None
    shortest: int | None = None
    longest: int | None = None
    expression: str = ""


@dataclass(frozen=True, slots=True)
class Term:
    """One MapFrom condition: property of attribute, compared by condition (EQU NEQ GTR GEQ LSS LEQ) with value."""

    attribute: str
    property: str
    condition: str
    value: BiosValue


@dataclass(frozen=True, slots=True)
class Dependency:
    """If the terms hold, `property` of `attribute` becomes `value`.

    joints has one entry between each two terms: the operators it may be, ("AND",), ("OR",) or both where the registry
    does not say which.
    """

    attribute: str
    property: str
    value: BiosValue
    terms: tuple[Term, ...]
    joints: tuple[tuple[str, ...], ...] = ()


class Dependencies:
    """Dependencies in the registry's order, each made from its source when it is first asked for: facts need few of them.

    told: for each the attribute and the property that it changes, and its source; make gives None for one that is unusable.
    """

    __slots__ = ("_all", "_made", "_make", "_sources", "_to")

    def __init__(self, told: Iterable[tuple[str, str, Any]], make: Callable[[Any], Dependency | None]) -> None:
        self._make = make
        self._sources: list[Any] = []
        self._to: dict[tuple[str, str], list[int]] = {}
        for index, (attribute, property, source) in enumerate(told):
            self._sources.append(source)
            self._to.setdefault((attribute, property), []).append(index)
        self._made: list[Dependency | None] = [None] * len(self._sources)
        self._all: tuple[Dependency, ...] | None = None

    @classmethod
    def of(cls, made: Iterable[Dependency]) -> Dependencies:
        """Those that are there already."""
        return cls(((d.attribute, d.property, d) for d in made), lambda made: made)

    def all(self) -> tuple[Dependency, ...]:
        """Every one that is usable."""
        if self._all is None:
            self._all = tuple(self._at(range(len(self._sources))))
        return self._all

    def on(self, attribute: str, property: str) -> tuple[Dependency, ...]:
        """What can change that property of that attribute."""
        return tuple(self._at(self._to.get((attribute, property), ())))

    def _at(self, indices: Iterable[int]) -> Iterator[Dependency]:
        for index in indices:
            source = self._sources[index]
            if source is not None:
                # Of several threads each makes the same; the source goes last.
                self._made[index] = self._make(source)
                self._sources[index] = None
            made = self._made[index]
            if made is not None:
                yield made


# No dataclass: it is large, and asdict of the facts that it is part of shall not walk through it.
class Registry:
    """The registry of one machine; never changed. id is the one it names itself, with which Bios.AttributeRegistry may
    disagree."""

    __slots__ = ("__weakref__", "_attributes", "_dependencies", "_shown", "id")

    def __init__(
        self, id: str, attributes: Iterable[Attribute], dependencies: Dependencies | Iterable[Dependency] = ()
    ) -> None:
        self.id = id
        self._dependencies = dependencies if isinstance(dependencies, Dependencies) else Dependencies.of(dependencies)
        self._attributes: dict[str, Attribute] = {}
        for attribute in attributes:
            self._attributes.setdefault(attribute.name, attribute)
        self._shown: dict[str, list[str]] | None = None

    def __len__(self) -> int:
        return len(self._attributes)

    def __str__(self) -> str:
        return f"{self.id} ({len(self)} attributes, {len(self.dependencies)} dependencies)"

    __repr__ = __str__

    def __deepcopy__(self, memo: Any) -> Registry:
        return self

    @property
    def dependencies(self) -> tuple[Dependency, ...]:
        """All, as the registry lists them."""
        return self._dependencies.all()

    def get(self, name: str) -> Attribute | None:
        """The attribute of that name."""
        return self._attributes.get(name)

    def attributes(self) -> Iterable[Attribute]:
        """All, as the registry lists them."""
        return self._attributes.values()

    def shown_as(self, display: str) -> tuple[str, ...]:
        """The names of attributes with that DisplayName, letters and digits compared."""
        if self._shown is None:
            shown: dict[str, list[str]] = {}
            for attribute in self._attributes.values():
                shown.setdefault(plain(attribute.display), []).append(attribute.name)
            self._shown = shown
        return tuple(self._shown.get(plain(display), ()))

    def on(self, attribute: str, property: str) -> tuple[Dependency, ...]:
        """What can change that property of that attribute."""
        return self._dependencies.on(attribute, property)

    def with_attributes(self, changed: Iterable[Attribute]) -> Registry:
        """The same with these attributes in place of those of their names."""
        new = {a.name: a for a in changed}
        return Registry(self.id, (new.get(a.name, a) for a in self.attributes()), self._dependencies) if new else self


def speaks(registry: Registry, now: Mapping[str, BiosValue]) -> Column:
    """The column most of the present values are from.

    DMTF wants ValueName in Bios.Attributes (Bios 1.1 schema, Attributes). Supermicro's X13 writes ValueDisplayName
    (332 of 336 enumerations of the recorded SYS-821GE) and takes the same (NVIDIA/libredfish supermicro.rs).
    """
    names = displays = 0
    for name, value in now.items():
        attribute = registry.get(name)
        if attribute is None or not isinstance(value, str):
            continue
        is_name, is_display = _columns(attribute, value)
        names += is_name and not is_display
        displays += is_display and not is_name
    return "display" if displays > names else "name"


def column_of(attribute: Attribute, present: BiosValue | None, usual: Column) -> Column:
    """The column that this attribute's values are from: its present value tells, else what is usual on the machine."""
    is_name, is_display = _columns(attribute, present)
    if is_name == is_display:
        return usual
    return "name" if is_name else "display"


def _columns(attribute: Attribute, present: BiosValue | None) -> tuple[bool, bool]:
    """Whether the value is one of the ValueNames, and one of the ValueDisplayNames."""
    is_name = is_display = False
    for choice in attribute.choices:
        is_name = is_name or choice.name == present
        is_display = is_display or choice.display == present
    return is_name, is_display


def allowed(attribute: Attribute, present: BiosValue | None, usual: Column) -> tuple[BiosValue, ...]:
    """The values of an enumeration as this machine writes them, each once; () where the registry lists none.

    The present value is allowed even where the registry forgot it: the machine itself says so.
    """
    if not attribute.choices:
        return ()
    column = column_of(attribute, present, usual)
    by_name = column == "name"
    values: dict[BiosValue, None] = dict.fromkeys(c.name if by_name else c.display for c in attribute.choices)
    # All of them are texts: what is equal to one of them is the same.
    if present is not None:
        values[present] = None
    return tuple(values)


def as_written(attribute: Attribute, wanted: str, present: BiosValue | None, usual: Column) -> BiosValue | None:
    """`wanted`, given as either of its two names, as this machine writes it; None = no such value, or two of them."""
    values = allowed(attribute, present, usual)
    if wanted in values:
        return wanted
    column = column_of(attribute, present, usual)
    other: Column = "display" if column == "name" else "name"
    found = dict.fromkeys(c[column] for c in attribute.choices if c[other] == wanted)
    return next(iter(found)) if len(found) == 1 else None
