"""What the lab's BMC process is told: one JSON file, 0600, because it holds the password."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path

from bpa.core.secret import Secret
from bpa.lab.hosts import LabHost


@dataclass(frozen=True, slots=True)
class BmcConfig:
    """address and port to listen on; certificate and key None = plain HTTP; state keeps BIOS settings."""

    address: str
    port: int
    username: str
    password: Secret
    libvirt_uri: str
    state: Path
    faults: Path
    hosts: tuple[LabHost, ...]
    certificate: Path | None = None
    key: Path | None = None

    def host(self, uuid_or_name: str) -> LabHost | None:
        return next((h for h in self.hosts if uuid_or_name.lower() in (h.uuid, h.name)), None)


def write(config: BmcConfig, path: Path) -> None:
    text = json.dumps(
        {
            "address": config.address,
            "port": config.port,
            "username": config.username,
            "password": config.password.reveal(),
            "libvirt_uri": config.libvirt_uri,
            "state": str(config.state),
            "faults": str(config.faults),
            "hosts": [
                {"number": h.number, "memory": h.memory, "cpus": h.cpus, "disk": h.disk, "pmem": h.pmem, "nvme": h.nvme}
                for h in config.hosts
            ],
            "certificate": str(config.certificate) if config.certificate else None,
            "key": str(config.key) if config.key else None,
        }
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_suffix(".new")
    draft.unlink(missing_ok=True)
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
    os.replace(draft, path)


def read(path: Path) -> BmcConfig:
    data = json.loads(path.read_text())
    return BmcConfig(
        address=data["address"],
        port=data["port"],
        username=data["username"],
        password=Secret(data["password"]),
        libvirt_uri=data["libvirt_uri"],
        state=Path(data["state"]),
        faults=Path(data["faults"]),
        hosts=tuple(LabHost(**h) for h in data["hosts"]),
        certificate=Path(data["certificate"]) if data["certificate"] else None,
        key=Path(data["key"]) if data["key"] else None,
    )
