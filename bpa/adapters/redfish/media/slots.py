"""The virtual media slots of a System and of its managers, as they are, and the way into each."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from bpa.adapters.errors import Unsupported
from bpa.adapters.redfish.media.ways import AnyWay, Found, IsoConfig, iso_config, shows_a_way, way_into
from bpa.adapters.redfish.reading import NOT_THERE, Json, Reader, inner, text, texts
from bpa.adapters.redfish.target import Target
from bpa.adapters.redfish.transport.answers import clean
from bpa.core.media import Slot, without_credentials

IMAGE_LENGTH = 4096
"""Characters: a signed URL is longer than other texts that BMCs show."""
Holder = Literal["System", "Manager"]


@dataclass(frozen=True, slots=True)
class Device:
    """A slot with the way into it and its ETag ("" = none served).

    collection: path of the collection it is in; actions: another slot of it has actions.
    """

    slot: Slot
    way: AnyWay
    etag: str = ""
    collection: str = ""
    actions: bool = False


def read_devices(target: Target, reader: Reader) -> tuple[Device, ...]:
    """Every slot once, the System's first: newer schemas keep them there, and some BMCs show the same ones twice.

    Raises Unsupported where there is none, saying why.
    """
    system = target.system(reader).body
    found: dict[str, Device] = {}
    of_system: set[str] = set()
    for holder, body in _holders(target, reader, system):
        for device in _collection(reader, body, holder):
            # The same Id under the manager is the same device (Lenovo, where both collections have ten of them).
            if holder == "System":
                of_system.add(device.slot.id)
            elif device.slot.id in of_system:
                continue
            found.setdefault(device.slot.path.lower().rstrip("/"), device)
    if not found:
        said = f" ({reader.problem})" if reader.problems else ""
        raise Unsupported(
            f"{target.origin} shows no virtual media slots{said}",
            "some BMCs show them only with a licence; else boot the host from the network (Pxe, UefiHttp)",
        )
    return tuple(found.values())


def read_device(target: Target, known: Device) -> Device:
    """That slot as it is now: its actions may have come or gone with the medium. Raises the adapter errors."""
    reader = target.reader()
    if isinstance(known.way, IsoConfig):
        collection = reader.resource(known.collection).body
        return _supermicro_x10(reader, collection, known.collection, known.slot.holder) or known
    answer = reader.resource(known.slot.path)
    found = Found(known.slot.path, answer.body, answer.headers)
    way = way_into(found, known.actions)
    return Device(_slot(found, way, known.slot.holder), way, answer.etag, known.collection, known.actions)


def _holders(target: Target, reader: Reader, system: Json) -> Iterator[tuple[Holder, Json]]:
    yield "System", system
    for _, manager in target.managers(reader, system):
        yield "Manager", manager


def _collection(reader: Reader, owner: Json, holder: Holder) -> list[Device]:
    collection = reader.optional(owner, "VirtualMedia")
    if not collection:
        return []
    path = reader.link.path_of(owner["VirtualMedia"])
    if device := _supermicro_x10(reader, collection, path, holder):
        return [device]
    found = list(_members(reader, reader.links(owner, "VirtualMedia")))
    acting = [shows_a_way(f.body) for f, _ in found]
    devices = []
    for place, (one, etag) in enumerate(found):
        others = any(acting[:place] + acting[place + 1 :])
        way = way_into(one, others)
        devices.append(Device(_slot(one, way, holder), way, etag, path, others))
    return devices


def _members(reader: Reader, links: list[object]) -> Iterator[tuple[Found, str]]:
    """Each slot with its ETag. With headers, which an expanded collection would not give."""
    paths: list[str] = []
    for link in links:
        try:
            paths.append(reader.link.path_of(link))
        except NOT_THERE as error:
            reader.note(error)
    for path, answer in zip(paths, reader.link.each(paths), strict=True):
        try:
            one = answer.result()
            yield Found(path, one.body, one.headers), one.etag
        except NOT_THERE as error:
            reader.note(error)


def _supermicro_x10(reader: Reader, collection: Json, path: str, holder: Holder) -> Device | None:
    """Its members appear only while something is mounted; what to mount is kept in a configuration beside them."""
    oem = inner(collection, "Oem")
    reference = inner(oem, "Supermicro", "VirtualMediaConfig") or inner(oem, "VirtualMediaConfig")
    if not text(reference, "@odata.id"):
        return None
    try:
        answer = reader.resource(reference)
    except NOT_THERE as error:
        reader.note(error)
        return None
    config = reader.link.path_of(reference)
    way = iso_config(config, answer.body)
    if way is None:
        return None
    members = [body for _, body in reader.each(reader.links({"VirtualMedia": {"@odata.id": path}}, "VirtualMedia"))]
    mounted = next((m for m in members if _inserted(m)), None)
    where = text(answer.body, "Host").rstrip("/") + text(answer.body, "Path")
    slot = Slot(
        path=config, id="CfgCD", name="ISO configuration", types=("CD", "DVD"), inserted=mounted is not None,
        image=without_credentials(where) if mounted is not None else "",
        connected_via=text(mounted or {}, "ConnectedVia"), way=way.name, why=way.why, holder=holder,
    )
    return Device(slot, way, answer.etag, path)


def _slot(found: Found, way: AnyWay, holder: Holder) -> Slot:
    body = found.body
    protected = body.get("WriteProtected")
    return Slot(
        path=found.path,
        id=text(body, "Id") or found.path.rstrip("/").rsplit("/", 1)[-1],
        name=text(body, "Name"),
        types=texts(body, "MediaTypes"),
        inserted=_inserted(body),
        image=_image(body) if _inserted(body) else "",
        connected_via=text(body, "ConnectedVia"),
        write_protected=protected if isinstance(protected, bool) else None,
        way=way.name,
        why=way.why,
        holder=holder,
    )


def _inserted(body: Json) -> bool:
    told = body.get("Inserted")
    if isinstance(told, bool):
        return told
    via = text(body, "ConnectedVia")
    return via != "NotConnected" if via else bool(text(body, "Image"))


def _image(body: Json) -> str:
    told = next((v for v in (body.get("Image"), body.get("ImageName")) if isinstance(v, str) and v.strip()), "")
    return without_credentials(clean(told, IMAGE_LENGTH))
