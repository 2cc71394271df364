"""The BIOS attribute registry of a machine: found, read once, and kept, for it is large and a BMC is slow."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any, Protocol
from weakref import WeakValueDictionary

from bpa.adapters.errors import AdapterError
from bpa.adapters.redfish.bios.attributes import Bios
from bpa.adapters.redfish.bios.registry_parsing import is_registry, parse_registry, trimmed
from bpa.adapters.redfish.reading import NOT_THERE, Json, Reader, objects, text
from bpa.core.bios.dependencies import settled
from bpa.core.bios.registry import Registry, speaks
from bpa.core.steps import BiosValue

TRIES = 4
"""How many files are looked into before a machine counts as having no registry."""
_VERSION = re.compile(r"v?(\d+(?:[._]\d+)*)$", re.IGNORECASE)
_LANGUAGE = re.compile(r"[._-](en|ja|zh|de|fr|es|ko|ru|it|pt)([-_](us|gb|uk|cn|tw|jp|br))?(?=[._-]|$)", re.IGNORECASE)


class RegistryCache(Protocol):
    """Where registries are kept between runs: vendors' data, so a state directory and never a repository."""

    def load(self, key: str) -> str | None:
        """The text that was stored under the key; None = none."""

    def store(self, key: str, text: str) -> None:
        """Keep it; failing to is no failure of the look."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which registry: what Bios.AttributeRegistry says, and the machine and BIOS version that it is good for.

    One machine's registry is not another's even where both have the same id: Dell's lists the values that this
    machine's processors know. machine "" = it does not say who it is: then nothing is kept of it.
    """

    id: str
    bios_version: str
    machine: str

    @property
    def key(self) -> str:
        """A file name."""
        return hashlib.sha256(json.dumps([self.id, self.bios_version, self.machine]).encode()).hexdigest()[:32]


def wanted_registry(system: Json, bios: Bios) -> Wanted:
    """The registry of this System's BIOS."""
    who = (text(system, "UUID").lower(), text(system, "SerialNumber"))
    machine = "|".join((text(system, "Manufacturer"), text(system, "Model"), *who)) if any(who) else ""
    return Wanted(text(bios.body, "AttributeRegistry"), text(system, "BiosVersion"), machine)


def read_registry(
    reader: Reader, bios: Json, now: Mapping[str, BiosValue], wanted: Wanted, cache: RegistryCache | None = None
) -> Registry | None:
    """The registry of the Bios resource `bios` with the values `now`; None where the machine offers none that is usable.

    Asks for the registry of that id before it walks the list of all (14 on a recorded Dell, 49 on a larger one).
    Its states are those that hold whatever the present values are. Raises Unreachable, Busy and refused credentials;
    whatever else is wrong with it is noted with the reader.
    """
    if not wanted.machine:
        cache = None
    if cache is not None and (kept := cache.load(wanted.key)):
        found = _parsed(kept, now)
        if found is not None:
            return found
    body = _find(reader, bios, wanted.id)
    if body is None:
        return None
    registry = _settled(body, now)
    if cache is None:
        return registry
    kept = json.dumps(trimmed(body), separators=(",", ":"))
    cache.store(wanted.key, kept)
    return _shared(registry, kept)


def served_registry(reader: Reader, bios: Json, wanted: Wanted) -> Registry | None:
    """The same as it is served just now, for who looks at it once: states that follow from present values among them."""
    body = _find(reader, bios, wanted.id)
    return None if body is None else parse_registry(body)


# -- finding it


def _find(reader: Reader, bios: Json, wanted: str) -> Json | None:
    for file in islice(_files(reader, bios, wanted), TRIES):
        for body in _bodies(reader, file):
            if is_registry(body):
                return body
    return None


def _files(reader: Reader, bios: Json, wanted: str) -> Iterator[Json]:
    """What may be the registry, or say where it is: the likeliest first, each read only when the one before was none."""
    for link in _oem_links(bios):
        yield from _read(reader, link)
    listed = reader.link.root().get("Registries")
    try:
        folder = reader.link.path_of(listed).rstrip("/")
    except NOT_THERE:
        return
    direct = ""
    if re.fullmatch(r"[\w.-]{1,128}", wanted):
        direct = f"{folder}/{wanted}"
        yield from _read(reader, direct, quiet=True)
    paths = []
    for member in reader.links(reader.link.root(), "Registries"):
        try:
            paths.append(reader.link.path_of(member))
        except NOT_THERE as error:
            reader.note(error)
    ranked = sorted(paths, key=lambda path: (-likeness(path.rstrip("/").rsplit("/", 1)[-1], wanted), path))
    for path in ranked:
        if path.rstrip("/").lower() != direct.lower() and likeness(path.rstrip("/").rsplit("/", 1)[-1], wanted):
            yield from _read(reader, path)


def _oem_links(bios: Json) -> Iterator[str]:
    """Links to a registry that a vendor put below Oem."""
    todo: list[Any] = [bios.get("Oem")]
    for _ in range(64):
        if not todo:
            return
        part = todo.pop(0)
        if not isinstance(part, Mapping):
            continue
        for name, value in list(part.items())[:64]:
            if isinstance(value, Mapping):
                if "registry" in str(name).lower() and isinstance(value.get("@odata.id"), str):
                    yield value["@odata.id"]
                else:
                    todo.append(value)


def _bodies(reader: Reader, file: Json) -> Iterator[Json]:
    """The registry itself, or what a MessageRegistryFile locates: English first, for the rules know English words."""
    yield file
    places = objects(file, "Location")
    places.sort(key=lambda place: (not text(place, "Language").lower().startswith("en"), bool(text(place, "Language"))))
    for place in places[:TRIES]:
        uri = place.get("Uri")
        # iLO 4 writes {"extref": path}.
        link = uri.get("extref", uri.get("@odata.id")) if isinstance(uri, Mapping) else uri
        yield from _read(reader, link)


def _read(reader: Reader, link: object, quiet: bool = False) -> Iterator[Json]:
    try:
        yield reader.resource(link).body
    except NOT_THERE as error:
        if not quiet or _refuses_us(reader, error):
            reader.note(error)


def _refuses_us(reader: Reader, error: AdapterError) -> bool:
    return reader.link.refused is not None and error is reader.link.refused


def likeness(listed: str, wanted: str) -> int:
    """How much a name in the list of registries is like Bios.AttributeRegistry: 0 not at all, 4 the same.

    Seen on machines: BiosAttributeRegistry.v1_0_3 listed as .v1_0_0 (Dell), .v1_0_0 as BiosAttributeRegistry with a
    file .1.0.0 that names itself .1_0_0 (Supermicro), 113.1.1.3 listed as 113.en-US.1.1.3 (NVIDIA DGX).
    """
    mine, other = _parts(listed), _parts(wanted)
    if listed.lower() == wanted.lower():
        return 4
    if mine == other:
        return 3
    if mine[0] == other[0] and mine[0]:
        return 2
    # A machine has one BIOS, and by their names these are of it.
    return int("biosattribute" in mine[0])


def _parts(name: str) -> tuple[str, str]:
    """Stem and version: "BiosAttributeRegistry113.en-US.1.1.3" -> ("biosattributeregistry113", "1.1.3")."""
    stem = _LANGUAGE.sub("", name.removesuffix(".json"))
    version = _VERSION.search(stem)
    if version is None or version.start() == 0 or stem[version.start() - 1] not in "._-":
        return stem.lower(), ""
    return stem[: version.start()].rstrip("._-").lower(), version.group(1).replace("_", ".")


# -- reading it

_in_use: WeakValueDictionary[str, Registry] = WeakValueDictionary()


def _parsed(kept: str, now: Mapping[str, BiosValue]) -> Registry | None:
    try:
        body = json.loads(kept)
    except (ValueError, RecursionError):
        return None
    if not isinstance(body, Mapping) or not is_registry(body):
        return None
    return _shared(_settled(body, now), kept)


def _settled(body: Json, now: Mapping[str, BiosValue]) -> Registry:
    parsed = parse_registry(body)
    return settled(parsed, now, speaks(parsed, now))


def _shared(registry: Registry, kept: str) -> Registry:
    """The same registry for machines that serve the same: two hundred of one model take the memory of one."""
    states = "".join("RHG-"[0 if a.read_only else 1 if a.hidden else 2 if a.gray else 3] for a in registry.attributes())
    digest = hashlib.sha256(f"{kept}{states}".encode()).hexdigest()
    return _in_use.setdefault(digest, registry)
