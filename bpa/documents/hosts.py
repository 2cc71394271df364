"""BareMetalHost documents to hosts, before profiles and clusters have their say."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import urlsplit

from bpa.core import root_device
from bpa.core.secret import Secret
from bpa.core.want import Image
from bpa.documents import bmc_address, errors
from bpa.documents.bmc_address import BmcAddress
from bpa.documents.document import OUR_GROUP, Document, nearest
from bpa.documents.errors import DocumentError
from bpa.documents.network_data import NetworkData, parse_mapping, parse_network_data
from bpa.documents.secrets import SecretValue

SERIAL = f"{OUR_GROUP}/serial"
SYSTEM_UUID = f"{OUR_GROUP}/system-uuid"
PROFILE = f"{OUR_GROUP}/profile"
NODE_IP = "icn.akraino.org/node-ip"
OUR_ANNOTATIONS = (SERIAL, SYSTEM_UUID, PROFILE, f"{OUR_GROUP}/from-env", f"{OUR_GROUP}/from-file")

_UUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_HINTS = (
    "deviceName",
    "hctl",
    "model",
    "vendor",
    "serialNumber",
    "minSizeGigabytes",
    "wwn",
    "wwnWithExtension",
    "wwnVendorExtension",
    "rotational",
)
_FORMATS = ("raw", "qcow2")
_CHECKSUM_LENGTHS = {32: "md5", 64: "sha256", 128: "sha512"}


@dataclass(frozen=True, slots=True)
class HostDraft:
    """A BareMetalHost by itself: everything that needs no other document but its Secrets."""

    document: Document
    bmc: BmcAddress
    boot_mac: str
    macs: frozenset[str]
    username: Secret
    password: Secret
    verify: bool
    online: bool
    image: Image | None
    serial: str | None
    uuid: str | None
    node_ip: str | None
    root_device: Mapping[str, str | int | bool]
    user_data: Secret | None
    network_data: NetworkData | None
    meta_data: Mapping[str, Any] | None


def read_host(document: Document, secret_value: SecretValue) -> tuple[HostDraft, tuple[DocumentError, ...]]:
    """A BareMetalHost as check_schema leaves it. With errors beside it the draft is for finding more errors only.

    secret_value finds the value of a Secret, and says itself what is wrong where there is none.
    """
    problems: list[DocumentError] = []
    credentials, path = (
        document.text("spec", "bmc", "credentialsName") or "",
        ("spec", "bmc", "credentialsName"),
    )
    username = secret_value(document, path, credentials, ("username",))
    password = secret_value(document, path, credentials, ("password",))
    network = _network_data(document, secret_value, problems)
    boot_mac = (document.text("spec", "bootMACAddress") or "").lower()
    draft = HostDraft(
        document=document,
        bmc=_bmc(document, problems),
        boot_mac=boot_mac,
        macs=macs_of(document) | frozenset(network.macs if network else ()),
        username=username or Secret(""),
        password=password or Secret(""),
        verify=not document.get("spec", "bmc", "disableCertificateVerification"),
        online=document.get("spec", "online") is not False,
        image=None if document.get("spec", "externallyProvisioned") else read_image(document, ("spec", "image"), problems),
        serial=_identity(document, SERIAL, problems),
        uuid=_identity(document, SYSTEM_UUID, problems),
        node_ip=_node_ip(document, network, problems),
        root_device=_root_device(document, problems),
        user_data=_referenced(document, "userData", secret_value),
        network_data=network,
        meta_data=_meta_data(document, secret_value, problems),
    )
    problems.extend(_annotation_slips(document))
    return draft, tuple(problems)


def macs_of(document: Document) -> frozenset[str]:
    """The MACs a BareMetalHost is known by, in lower case: its boot MAC and those that an inspection has seen."""
    seen = document.get("status", "hardware", "nics")
    nics = [nic.get("mac") for nic in seen if isinstance(nic, dict)] if isinstance(seen, list) else []
    return frozenset(mac.lower() for mac in [document.get("spec", "bootMACAddress"), *nics] if isinstance(mac, str))


def _bmc(document: Document, problems: list[DocumentError]) -> BmcAddress:
    try:
        return bmc_address.parse_bmc_address(document.text("spec", "bmc", "address") or "")
    except bmc_address.NotRedfish as error:
        problems.append(document.error(("spec", "bmc", "address"), str(error), bmc_address.EXPECTED, error.suggestion))
        return BmcAddress("", None)


def read_image(document: Document, path: errors.Path, problems: list[DocumentError]) -> Image | None:
    """An image with its checksum, as Metal3 writes it; None when there is none.

    Without checksumType a hex checksum tells its type by its length and a URL by its name, else it is md5 as in Metal3.
    """
    image = document.get(*path)
    if not image:
        return None
    url, checksum = image.get("url", ""), image.get("checksum", "").strip()
    wanted, form = image.get("checksumType"), image.get("format") or _format_of(url)
    if urlsplit_scheme(url) not in ("http", "https", "file"):
        problems.append(document.error((*path, "url"), "this is no image URL BPA knows", "an http, https or file URL"))
    if form == "live-iso":
        problems.append(
            document.error((*path, "format"), "BPA writes images to disks, live-iso is not one of them", "raw or qcow2")
        )
    elif form not in _FORMATS:
        where, shown = (*path, "format" if image.get("format") else "url"), errors.shortened(form)
        problems.append(document.error(where, f"BPA writes no {shown} images", "raw or qcow2", nearest(form, _FORMATS, 0.7)))
    if form == "live-iso":
        return None
    if not checksum:
        problems.append(
            document.error((*path, "checksum"), "an image needs a checksum", "hex digits, or the URL of a checksum file")
        )
    elif urlsplit_scheme(checksum) in ("http", "https", "file"):
        kind = wanted or next((name for name in _CHECKSUM_LENGTHS.values() if name in checksum.lower()), "md5")
        return Image(url, checksum, kind, form)
    else:
        return Image(url, checksum.lower(), _hex_type(document, path, checksum, wanted, problems), form)
    return None


def urlsplit_scheme(url: str) -> str:
    """The scheme of a URL in lower case, "" for what is no URL with a host or a path."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return ""
    return parts.scheme if parts.netloc or (parts.scheme == "file" and parts.path) else ""


def _format_of(url: str) -> str:
    suffix = PurePosixPath(url.lower()).suffix.removeprefix(".")
    # Written as they are, containers of other formats would give a disk that does not boot.
    return "qcow2" if suffix == "qcow2c" else suffix if suffix in ("qcow2", "vmdk", "vdi", "vhd", "vhdx") else "raw"


def _hex_type(document: Document, path: errors.Path, checksum: str, wanted: str | None, problems: list[DocumentError]) -> str:
    found = _CHECKSUM_LENGTHS.get(len(checksum)) if re.fullmatch(r"[0-9a-fA-F]+", checksum) else None
    if found is None:
        problems.append(
            document.error(
                (*path, "checksum"),
                "this is no checksum",
                "32, 64 or 128 hex digits (md5, sha256, sha512), or the URL of a checksum file",
            )
        )
    elif wanted not in (None, "auto", found):
        problems.append(
            document.error(
                (*path, "checksum"),
                f"{len(checksum)} hex digits are no {wanted}",
                f"a {wanted} checksum",
                f"checksumType: {found}",
            )
        )
    return found or "sha256"


def _identity(document: Document, annotation: str, problems: list[DocumentError]) -> str | None:
    given = document.annotation(annotation)
    value = (given or "").strip()
    if given is not None and not value:
        # Most likely a template whose variable was not set; without the value nobody would look which machine this is.
        problems.append(
            document.error(
                ("metadata", "annotations", annotation),
                "this is empty",
                "the UUID of the machine" if annotation == SYSTEM_UUID else "the serial number of the machine",
                "to leave the annotation out",
            )
        )
    if value and annotation == SYSTEM_UUID and not _UUID.fullmatch(value):
        problems.append(
            document.error(
                ("metadata", "annotations", annotation),
                "this is no UUID",
                "a UUID such as 4c4c4544-0042-4b10-8051-b4c04f4d3132",
            )
        )
    return value or None


def _node_ip(document: Document, network: NetworkData | None, problems: list[DocumentError]) -> str | None:
    text = document.annotation(NODE_IP)
    if text is None:
        return network.addresses[0] if network and network.addresses else None
    path: errors.Path = ("metadata", "annotations", NODE_IP)
    try:
        address = str(ip_address(text.strip()))
    except ValueError:
        problems.append(document.error(path, "this is no IP address", "an IP address"))
        return None
    if network and network.addresses and not network.dhcp and address not in network.addresses:
        problems.append(document.error(path, f"the host never gets {address}", "one of " + ", ".join(network.addresses)))
    return address


def _root_device(document: Document, problems: list[DocumentError]) -> Mapping[str, str | int | bool]:
    hints = document.get("spec", "rootDeviceHints") or {}
    known: dict[str, object] = {}
    for name, value in hints.items():
        if name in _HINTS:
            known[name] = value
        else:
            # A foreign kind keeps what we do not know, but a hint that nobody honours would choose another disk.
            problems.append(
                document.error(
                    ("spec", "rootDeviceHints", name),
                    "no such hint",
                    ", ".join(_HINTS),
                    nearest(name, _HINTS),
                )
            )
    try:
        return root_device.from_metal3(known)
    except ValueError as error:
        problems.append(document.error(("spec", "rootDeviceHints"), str(error)))
        return {}


def _referenced(document: Document, field: str, secret_value: SecretValue) -> Secret | None:
    name = document.text("spec", field, "name")
    # Metal3 reads the key named after the field, and takes `value` when there is none.
    return secret_value(document, ("spec", field), name, (field, "value")) if name else None


def _network_data(document: Document, secret_value: SecretValue, problems: list[DocumentError]) -> NetworkData | None:
    path: errors.Path = ("spec", "networkData")
    text = _referenced(document, "networkData", secret_value)
    ramdisk_data = document.text("spec", "preprovisioningNetworkDataName")
    if text is None and ramdisk_data and not document.text("spec", "networkData", "name"):
        path = ("spec", "preprovisioningNetworkDataName")
        text = secret_value(document, path, ramdisk_data, ("networkData", "value"))
    if text is None:
        return None
    data, wrong = parse_network_data(text.reveal())
    problems.extend(
        document.error(path, f"the network data is not usable: {problem}", "OpenStack network_data.json") for problem in wrong
    )
    return data


def _meta_data(document: Document, secret_value: SecretValue, problems: list[DocumentError]) -> Mapping[str, Any] | None:
    text = _referenced(document, "metaData", secret_value)
    if text is None:
        return None
    data, wrong = parse_mapping(text.reveal())
    if data is None:
        problems.append(document.error(("spec", "metaData"), f"the meta data is not usable: {wrong}", "a mapping"))
    return data


def _annotation_slips(document: Document) -> list[DocumentError]:
    given = document.get("metadata", "annotations") or {}
    return [
        document.error(
            ("metadata", "annotations", name), "no such annotation", "", nearest(name, (*OUR_ANNOTATIONS, NODE_IP))
        )
        for name in given
        if name.startswith(f"{OUR_GROUP}/") and name not in OUR_ANNOTATIONS
    ]
