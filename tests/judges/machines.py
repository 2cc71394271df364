"""The recorded machines: as they were recorded (read only), and as machines that behave."""

from __future__ import annotations

import ssl
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from stub_bmc import RECORDED, RecordedTree, StubBmc, make_pki, serve

from bpa.lab.recorded import serve as serve_recorded

USER, PASSWORD = "admin", "right"


@dataclass(frozen=True)
class Machine:
    """system: path. bios: an attribute and a value it does not have.

    ironic, clients: what cannot be done on this machine: verb or tool -> (what is said then, why).
    """

    name: str
    system: str
    bios: Mapping[str, Any] = field(default_factory=dict)
    ironic: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    clients: Mapping[str, tuple[str, str]] = field(default_factory=dict)

    @property
    def tree(self) -> Path:
        return RECORDED / self.name

    def read(self, path: str) -> Any:
        """A resource as it was recorded; None where it was not."""
        return RecordedTree(self.tree).get(path.rstrip("/").lower())


def _machines() -> dict[str, Machine]:
    data = yaml.safe_load(Path(__file__).with_name("machines.yaml").read_text())
    return {
        name: Machine(name, of["system"], of.get("bios", {}), _limits(of, "ironic"), _limits(of, "clients"))
        for name, of in data.items()
    }


def _limits(of: Mapping[str, Any], key: str) -> dict[str, tuple[str, str]]:
    return {verb: (said["says"], said["why"]) for verb, said in of.get(key, {}).items()}


MACHINES = _machines()


@contextmanager
def as_recorded(machine: Machine) -> Iterator[str]:
    """Its address: serves the recorded files and nothing else, with sessions."""
    with serve(StubBmc(RecordedTree(machine.tree))) as stub:
        yield stub.address


@contextmanager
def behaving(machine: Machine, tls: ssl.SSLContext | None = None) -> Iterator[str]:
    """Its address: the recorded machine as a machine."""
    with serve_recorded(machine.tree, username=USER, password=PASSWORD, tls=tls) as bmc:
        yield bmc.address


@contextmanager
def behaving_with_tls(machine: Machine) -> Iterator[str]:
    """The same over HTTPS, with a certificate that nobody knows."""
    with tempfile.TemporaryDirectory() as folder, behaving(machine, make_pki(Path(folder)).context()) as address:
        yield address
