"""The site directory that the lab writes, so that `bpa plan` and `bpa apply` have something to start from."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from bpa.core.secret import Secret
from bpa.documents import builtin_directory
from bpa.images import ImageSet
from bpa.lab.hosts import LabHost
from bpa.lab.layout import ADDRESS, BMC_PORT, IMAGE_PORT, NAMESPACE, Layout

_WRITTEN = ".written.json"
MIRROR = "mirror"
"""The package mirror's name below the image server's root."""
INSTALLER = Path(__file__).parent / "installer"


@dataclass(frozen=True, slots=True)
class SiteImages:
    """The directory that is served; the OS image's file name in it, and its sha256 in hex; the key (armored text) by which
    the package mirror in it is signed.
    """

    directory: Path
    name: str
    sha256: str
    key: str


def serve(layout: Layout, system: ImageSet, mirror: ImageSet) -> SiteImages:
    """Make the directory that the site's image server gives out: names for what lies in the cache, and no others."""
    layout.served.mkdir(parents=True, exist_ok=True)
    wanted = {system.files["disk"].name: system.files["disk"], MIRROR: mirror.directory}
    for name in {entry.name for entry in layout.served.iterdir()} | set(wanted):
        path = layout.served / name
        if name in wanted and path.resolve() == wanted[name].resolve():
            continue
        path.unlink(missing_ok=True)
        if name in wanted:
            path.symlink_to(wanted[name].resolve())
    return SiteImages(layout.served, system.files["disk"].name, system.sha256["disk"], mirror.files["key"].read_text())


def render(
    layout: Layout, hosts: tuple[LabHost, ...], images: SiteImages, username: str, password: Secret
) -> dict[str, str]:
    """File name -> YAML text. secrets.yaml holds the BMC's password: write it 0600."""
    files = {
        "site.yaml": _documents(
            {
                "apiVersion": "bpa.akraino.org/v1alpha1",
                "kind": "Site",
                "metadata": {"name": "lab"},
                "spec": {
                    "network": {"namespace": NAMESPACE},
                    "bmc": {"caFile": str(layout.ca)},
                    "ironic": {"embedded": {"listen": ADDRESS}},
                    "images": {"directory": str(images.directory)},
                    "kud": {"installer": str(INSTALLER), "directory": str(layout.root / "kud")},
                },
            }
        )
    }
    files["secrets.yaml"] = _documents(
        {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {"name": "lab-bmc"},
            "type": "Opaque",
            "stringData": {"username": username, "password": password.reveal()},
        }
    )
    files["hosts.yaml"] = _documents(*(_host(host, images) for host in hosts))
    files["cluster.yaml"] = _documents(
        {
            "apiVersion": "bpa.akraino.org/v1alpha1",
            "kind": "Provisioning",
            "metadata": {"name": "lab", "labels": {"cluster": "lab"}},
            "spec": {
                "profile": "lab",
                "PodSubnet": "10.244.64.0/18",
                "masters": [{hosts[0].name: {"mac-address": hosts[0].boot_mac}}],
                "workers": [{h.name: {"mac-address": h.boot_mac}} for h in hosts[1:]],
            },
        }
    )
    files["profile.yaml"] = _documents(_profile(images.key))
    return files


def _profile(key: str) -> dict[str, Any]:
    """BPA's own profile for the lab; its packages come from the lab's mirror, whose key is another with each build of it."""
    profile: dict[str, Any] = yaml.safe_load((builtin_directory() / "lab.yaml").read_text())
    mirror = {"uri": f"http://{ADDRESS}:{IMAGE_PORT}/{MIRROR}", "suites": ["bpa"], "components": ["main"], "key": key}
    software = profile["spec"]["software"] = profile["spec"].get("software") or {}
    software |= {"sources": [mirror, *(software.get("sources") or ())], "imageSources": False}
    return profile


def _host(host: LabHost, images: SiteImages) -> dict[str, Any]:
    return {
        "apiVersion": "metal3.io/v1alpha1",
        "kind": "BareMetalHost",
        "metadata": {
            "name": host.name,
            "annotations": {
                "bpa.akraino.org/serial": host.serial,
                "bpa.akraino.org/system-uuid": host.uuid,
                "icn.akraino.org/node-ip": host.address,
            },
        },
        "spec": {
            "online": True,
            "bootMode": "UEFI",
            "bootMACAddress": host.boot_mac,
            "bmc": {
                "address": f"redfish-virtualmedia+https://{ADDRESS}:{BMC_PORT}/redfish/v1/Systems/{host.uuid}",
                "credentialsName": "lab-bmc",
            },
            "rootDeviceHints": {"serialNumber": host.disk_serial},
            "image": {
                "url": f"http://{ADDRESS}:{IMAGE_PORT}/{images.name}",
                "checksum": images.sha256,
                "checksumType": "sha256",
                "format": "raw",
            },
        },
    }


def write(directory: Path, files: Mapping[str, str]) -> tuple[str, ...]:
    """Write the files; one that was changed since the lab wrote it is left as it is. Returns the names left alone."""
    directory.mkdir(parents=True, exist_ok=True)
    record = directory / _WRITTEN
    written = json.loads(record.read_text()) if record.exists() else {}
    kept = []
    for name, text in files.items():
        path = directory / name
        if path.exists() and _digest(path.read_text()) != written.get(name):
            kept.append(name)
            continue
        draft = directory / f".{name}.new"
        draft.unlink(missing_ok=True)
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(text)
        os.replace(draft, path)
        written[name] = _digest(text)
    record.write_text(json.dumps(written))
    return tuple(kept)


def remove(directory: Path) -> tuple[str, ...]:
    """Remove what the lab wrote and nobody changed; returns the names that stay."""
    record = directory / _WRITTEN
    written = json.loads(record.read_text()) if record.exists() else {}
    for name, digest in written.items():
        path = directory / name
        if path.exists() and _digest(path.read_text()) == digest:
            path.unlink()
    record.unlink(missing_ok=True)
    left = tuple(sorted(p.name for p in directory.iterdir())) if directory.exists() else ()
    if directory.exists() and not left:
        directory.rmdir()
    return left


def _documents(*documents: Mapping[str, Any]) -> str:
    return "---\n".join(yaml.safe_dump(d, sort_keys=False) for d in documents)


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
