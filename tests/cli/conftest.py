"""The command line over one host that is a Python object: what is tested is what a person types, reads and gets back."""

import io
import sys
from dataclasses import dataclass, field, replace

import pytest

import bpa.cli
from bpa.core.facts import BmcFacts, Facts, NodeFacts
from bpa.core.requirement import Change, HostRequirement
from bpa.core.steps import Deploy
from bpa.core.verdict import Act, Met, Stuck
from bpa.core.walk import LooksAtAll
from bpa.engine import Subject
from bpa.wiring import Wiring

DISK = "disk DRAWER1 (8.0 GiB)"
STEP = Deploy("http://192.0.2.1/debian.raw", "0" * 64, DISK)

DOCUMENTS = """\
apiVersion: v1
kind: Secret
metadata:
  name: drawer-bmc
stringData:
  username: admin
  password: correct-horse
---
apiVersion: metal3.io/v1alpha1
kind: BareMetalHost
metadata:
  name: drawer
spec:
  online: true
  bootMACAddress: 52:54:00:00:00:01
  bmc:
    address: redfish://192.0.2.10/redfish/v1/Systems/1
    credentialsName: drawer-bmc
"""


@dataclass
class Drawer(LooksAtAll):
    """A machine that takes an image at once. fails: raised by the next looks; refuses: the deploy will never do."""

    uuid: str = "0f0f0f0f-0000-4000-8000-000000000001"
    deployed: bool = False
    fails: list[Exception] = field(default_factory=list)
    refuses: bool = False
    performed: list[str] = field(default_factory=list)
    on_step: object = None
    address: str = "192.0.2.20"

    def nothing_seen(self):
        return Facts()

    def identity(self, have):
        return have.bmc.uuid if have.bmc else ""

    def in_service(self, have, pods):
        return None

    def look(self, have, source):
        if self.fails:
            raise self.fails[0]
        if source == "bmc":
            return replace(have, bmc=BmcFacts("/redfish/v1/Systems/1", "On", self.uuid, "DRAWER"))
        return replace(have, node=NodeFacts("active" if self.deployed else "available"))

    def perform(self, step):
        self.performed.append(step.text)
        if self.on_step:
            self.on_step(step)
        self.deployed = True

    def acknowledge(self):
        pass

    def close(self):
        pass


def requirements(drawer):
    def reachable(want, have):
        return Met("Drawer, serial DRAWER")

    def deployed(want, have):
        if have.node.provision_state == "active":
            return Met("debian.raw is deployed")
        return Stuck("the disk is too small", "use another disk") if drawer.refuses else Act(STEP, "no image yet")

    def changes(want, have):
        if have.node is not None and have.node.provision_state == "active":
            return ()
        return (Change("image", None, "debian.raw", destroys=DISK), Change("BIOS Virt", "Disabled", "Enabled", "firmware"))

    return (HostRequirement("BmcReachable", "bmc", reachable, "the BMC answers"),
            HostRequirement("ImageDeployed", "node", deployed, "the image is on the disk", changes))


@pytest.fixture
def drawer():
    return Drawer()


@pytest.fixture
def site(tmp_path, monkeypatch, drawer):
    """A site directory whose only host is the drawer; the state is below tmp_path."""
    def wire(self, opened):
        opened.hosts = tuple(Subject(h.want.name, h.want, requirements(drawer), drawer) for h in opened.site.hosts if h.online)

    monkeypatch.setattr(Wiring, "wire", wire)
    monkeypatch.setenv("BPA_STATE", str(tmp_path / "state"))
    monkeypatch.setenv("BPA_LAB_DIR", str(tmp_path / "lab"))
    monkeypatch.delenv("BPA_SITE", raising=False)
    directory = tmp_path / "site"
    directory.mkdir()
    (directory / "documents.yaml").write_text(DOCUMENTS)
    return directory


@pytest.fixture
def state(site, tmp_path):
    """The site's state directory, found by opening the site once."""
    bpa.cli.run(["status", str(site)])
    (found,) = (tmp_path / "state").iterdir()
    return found


@dataclass(frozen=True)
class Ran:
    code: int
    out: str
    err: str


@pytest.fixture
def run(capsys, monkeypatch):
    """Run one command in this process: run("plan", site) -> Ran(code, out, err). Nobody sits at the terminal."""
    monkeypatch.setattr(sys, "stdin", io.StringIO())
    monkeypatch.setattr(sys, "argv", ["bpa"])

    def one(*arguments):
        capsys.readouterr()
        code = bpa.cli.run([str(a) for a in arguments])
        said = capsys.readouterr()
        assert "Traceback" not in said.out + said.err
        return Ran(code, said.out, said.err)

    return one


