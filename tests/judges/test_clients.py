"""DMTF's redfish-utilities and Red Hat's badfish as clients: what they are told to do happens on the emulated machine."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
import requests
from machines import MACHINES, PASSWORD, RECORDED, USER, Machine
from stub_bmc import Pki, make_pki
from tools import client

from bpa.lab.recorded import serve

pytestmark = [
    pytest.mark.skipif(not RECORDED.is_dir(), reason="recorded machines are not unpacked: see .ci/run"),
    pytest.mark.filterwarnings("ignore:Unverified HTTPS request"),
]
IMAGE = "http://192.0.2.10/installer.iso"
LONG_POST = 600.0


@dataclass(frozen=True)
class Emulated:
    """A machine, and what its clients are told to do there."""

    machine: Machine
    bmc: Any

    def get(self, path: str) -> Any:
        """A resource as it is now."""
        answer = requests.get(f"{self.bmc.address}{path}", auth=(USER, PASSWORD), timeout=30, verify=False)
        return answer.json() if answer.ok else None

    @property
    def system(self) -> Any:
        return self.get(self.machine.system)

    def rf(self, tool: str, *arguments: str) -> str:
        """Output of one of the redfish-utilities, which must succeed."""
        done = client(f"rf_{tool}.py", "-u", USER, "-p", PASSWORD, "-r", self.bmc.address, *arguments)
        assert done.returncode == 0, done.stdout
        return done.stdout

    def badfish(self, *arguments: str) -> str:
        host = self.bmc.address.removeprefix("https://")
        done = client("badfish", "-H", host, "-u", USER, "-p", PASSWORD, "--insecure", "--retries", "3", *arguments)
        assert done.returncode == 0, done.stdout
        return done.stdout

    @property
    def sessions(self) -> str:
        return str(self.get("/redfish/v1/")["Links"]["Sessions"]["@odata.id"])

    @property
    def open_sessions(self) -> int:
        return len(self.bmc.machine.sessions)

    def boot(self) -> None:
        """Through with POST."""
        self.bmc.machine.advance(LONG_POST)


@pytest.fixture(scope="module")
def pki(tmp_path_factory: pytest.TempPathFactory) -> Pki:
    return make_pki(tmp_path_factory.mktemp("pki"))


@pytest.fixture(params=MACHINES)
def it(request: pytest.FixtureRequest) -> Iterator[Emulated]:
    machine = MACHINES[request.param]
    with serve(machine.tree, username=USER, password=PASSWORD) as bmc:
        yield Emulated(machine, bmc)


def of(*names: str) -> Any:
    """The machines whose names start so."""
    return pytest.mark.parametrize("it", [m for m in MACHINES if m.startswith(names)], indirect=True)


def test_power_follows_what_the_client_wants(it: Emulated) -> None:
    for kind, state in (("On", "On"), ("ForceOff", "Off"), ("On", "On")):
        if it.system["PowerState"] != state:
            it.rf("power_reset", "--type", kind)
            it.boot()
        assert it.system["PowerState"] == state
    it.rf("power_reset", "--type", "ForceRestart")
    it.boot()
    assert it.system["PowerState"] == "On"
    assert it.rf("power_reset", "--info")


def test_an_override_is_used_up_by_one_boot(it: Emulated) -> None:
    if it.system["PowerState"] != "On":
        it.rf("power_reset", "--type", "On")
        it.boot()
    it.rf("boot_override", "--target", "Pxe")
    assert it.system["Boot"]["BootSourceOverrideTarget"] == "Pxe"
    assert it.system["Boot"]["BootSourceOverrideEnabled"] == "Once"
    assert "Pxe" in it.rf("boot_override", "--info")
    it.rf("power_reset", "--type", "ForceRestart")
    it.boot()
    assert it.system["Boot"]["BootSourceOverrideEnabled"] == "Disabled"


@of("dell", "hpe", "lenovo", "dmtf")
def test_bios_settings_are_pending_until_the_restart(it: Emulated) -> None:
    (name, value), = it.machine.bios.items()
    before = it.bmc.machine.bios[name]
    it.rf("bios_settings", "--attribute", name, str(value))
    assert it.bmc.machine.bios[name] == before != value
    assert re.search(rf"{name}\W.*{value}", it.rf("bios_settings"))
    if it.machine.name.startswith("dell"):
        # iDRAC only stages what comes without an apply time; a job of its own queue makes it happen.
        it.rf("raw_request", "--method", "POST", "--request", "/redfish/v1/Managers/iDRAC.Embedded.1/Oem/Dell/Jobs",
              "--body", json.dumps({"TargetSettingsURI": f"{it.machine.system}/Bios/Settings"}))
    it.rf("power_reset", "--type", "ForceRestart")
    it.boot()
    assert it.bmc.machine.bios[name] == value


@of("dell", "lenovo", "supermicro", "dmtf")
def test_media_go_in_and_out(it: Emulated) -> None:
    if it.machine.name.startswith("dmtf"):
        it.rf("virtual_media", "eject", "--id", "CD1")
    it.rf("virtual_media", "insert", "--image", IMAGE)
    slot = re.search(rf"(\w+) +\| ImageName: [^|]*\| Image: {re.escape(IMAGE)}", it.rf("virtual_media", "info"))
    assert slot is not None
    it.rf("virtual_media", "eject", "--id", slot[1])
    assert f"Image: {IMAGE}" not in it.rf("virtual_media", "info")


@of("hpe")
def test_media_go_in_and_out_of_an_ilo(it: Emulated) -> None:
    # rf_virtual_media takes iLO's empty text in Image for an image, so the requests are made by hand.
    slot = "/redfish/v1/Managers/1/VirtualMedia/2"
    for action, body, image in (("InsertMedia", {"Image": IMAGE}, IMAGE), ("EjectMedia", {}, "")):
        it.rf("raw_request", "--method", "POST", "--request", f"{slot}/Actions/VirtualMedia.{action}", "--body", json.dumps(body))
        assert it.get(slot)["Image"] == image


def test_accounts_come_and_go(it: Emulated) -> None:
    password = "aB3$efgh1Jkl"
    it.rf("accounts", "--add", "judge", password, "Administrator")
    assert "judge" in it.rf("accounts")
    # In a slot of an iDRAC that was empty the account is not enabled by itself.
    it.rf("accounts", "--enable", "judge")
    it.rf("accounts", "--setpassword", "judge", password + "2")
    logins = {given: requests.post(f"{it.bmc.address}{it.sessions}", json={"UserName": "judge", "Password": given}, timeout=30)
              for given in (password, password + "2")}
    assert [one.status_code for one in logins.values()] == [401, 201]
    it.rf("accounts", "--delete", "judge")
    assert "judge" not in it.rf("accounts")


@pytest.mark.parametrize("tool, arguments", [
    ("firmware_inventory", ("--details",)), ("sensor_list", ()), ("manager_config", ("info",)),
    ("manager_config", ("getprotocol",)), ("virtual_media", ("info",)), ("bios_settings", ()),
    ("raw_request", ("--request", "/redfish/v1/")), ("event_service", ("info",)), ("sys_inventory", ("--details",)),
    ("boot_override", ("--info",)), ("power_reset", ("--info",)), ("accounts", ()),
])
def test_what_only_reads_works(it: Emulated, tool: str, arguments: tuple[str, ...]) -> None:
    if tool in it.machine.clients:
        says, _ = it.machine.clients[tool]
        said = client(f"rf_{tool}.py", "-u", USER, "-p", PASSWORD, "-r", it.bmc.address, *arguments)
        assert re.search(says, said.stdout), said.stdout
    else:
        assert it.rf(tool, *arguments).strip()
    assert it.open_sessions == 0


# rf_logs stops at log entries without MessageId, as iLO and XCC have them.
@of("dell", "supermicro")
def test_logs_are_listed(it: Emulated) -> None:
    where = {"dell": ("--manager", "--log", "Sel"), "supermicro": ("--system",)}
    assert "Message" in it.rf("logs", *where[it.machine.name.split("-")[0]], "--max", "5")


# -- badfish: Dell's ways, over TLS only


@pytest.fixture(params=[m for m in MACHINES if m.startswith(("dell", "supermicro", "hpe"))])
def tls(request: pytest.FixtureRequest, pki: Pki) -> Iterator[Emulated]:
    machine = MACHINES[request.param]
    with serve(machine.tree, username=USER, password=PASSWORD, tls=pki.context()) as bmc:
        yield Emulated(machine, bmc)


@pytest.mark.parametrize("arguments, says", [
    (("--power-state",), "On"), (("--ls-memory",), "(?i)memory"), (("--ls-processors",), "(?i)processor"),
    (("--ls-serial",), ""), (("--firmware-inventory",), ""), (("--get-bios-attribute",), ":"),
])
def test_badfish_reads_it(tls: Emulated, arguments: tuple[str, ...], says: str) -> None:
    assert re.search(says, tls.badfish(*arguments))
    assert tls.open_sessions == 0


@pytest.mark.parametrize("tls", [m for m in MACHINES if m.startswith("dell")], indirect=True)
def test_badfish_switches_a_dell_off_and_on(tls: Emulated) -> None:
    for verb, state in (("--power-off", "Off"), ("--power-on", "On")):
        tls.badfish(verb)
        tls.boot()
        assert tls.system["PowerState"] == state


@pytest.mark.parametrize("tls", [m for m in MACHINES if m.startswith("dell")], indirect=True)
def test_badfish_sets_bios_on_a_dell(tls: Emulated) -> None:
    (name, value), = tls.machine.bios.items()
    tls.badfish("--set-bios-attribute", "--attribute", name, "--value", str(value))
    tls.boot()
    assert tls.bmc.machine.bios[name] == value


@pytest.mark.parametrize("tls", [m for m in MACHINES if m.startswith("dell")], indirect=True)
def test_badfish_puts_media_into_a_dell_and_takes_them_out(tls: Emulated) -> None:
    tls.badfish("--mount-virtual-media", IMAGE)
    assert IMAGE in [slot.image for slot in tls.bmc.machine.media.values()] and IMAGE.split("/")[-1] in tls.badfish(
        "--check-virtual-media")
    tls.badfish("--unmount-virtual-media")
    assert IMAGE not in [slot.image for slot in tls.bmc.machine.media.values()]


@pytest.mark.parametrize("tls", [m for m in MACHINES if m.startswith("dell")], indirect=True)
def test_badfish_lists_jobs_of_a_dell(tls: Emulated) -> None:
    assert re.search("(?i)job", tls.badfish("--ls-jobs"))
