"""A real sushy-emulator as a process: HTTPS, basic authentication even at the root, no sessions, a fake machine."""

from __future__ import annotations

import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import bcrypt
import pytest
import requests
from polling import until
from stub_bmc import Pki

from bpa.adapters.errors import Refused, Unsupported
from bpa.adapters.redfish import QUICK, Bmc, BmcAccess
from bpa.core.secret import Secret

SYSTEMS = [
    {"uuid": f"27946b59-9e44-4fa7-8e91-f3527a1ef09{i}", "name": f"fake{i}", "power_state": "On",
     "external_notifier": False, "nics": [{"mac": f"00:5c:52:31:3a:9{i}", "ip": f"172.22.0.10{i}"}]}
    for i in range(2)
]


@dataclass(frozen=True)
class Emulator:
    address: str
    ca: str
    log: Path

    def access(self, **more: str) -> BmcAccess:
        return BmcAccess(self.address, "admin", Secret(more.pop("password", "right")), verify=self.ca, **more)


@pytest.fixture(scope="module")
def emulator(tmp_path_factory: pytest.TempPathFactory, pki: Pki) -> Iterator[Emulator]:
    folder = tmp_path_factory.mktemp("emulator")
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    (folder / "htpasswd").write_text(f"admin:{bcrypt.hashpw(b'right', bcrypt.gensalt(4, b'2b')).decode()}\n")
    (folder / "sushy.conf").write_text(
        f"SUSHY_EMULATOR_LISTEN_IP = '127.0.0.1'\nSUSHY_EMULATOR_LISTEN_PORT = {port}\n"
        f"SUSHY_EMULATOR_SSL_CERT = {str(pki.certificate)!r}\nSUSHY_EMULATOR_SSL_KEY = {str(pki.key)!r}\n"
        f"SUSHY_EMULATOR_AUTH_FILE = {str(folder / 'htpasswd')!r}\n"
        f"SUSHY_EMULATOR_STATE_DIR = {str(folder)!r}\nSUSHY_EMULATOR_FAKE_SYSTEMS = {SYSTEMS!r}\n"
    )
    log = folder / "log"
    with log.open("w") as out:
        process = subprocess.Popen(
            [sys.executable, "-m", "sushy_tools.emulator.main", "--fake", "--config", str(folder / "sushy.conf")],
            stdout=out, stderr=subprocess.STDOUT, cwd=folder,
        )
    try:
        _wait(process, f"https://127.0.0.1:{port}/redfish/v1/", str(pki.ca), log)
        for one in SYSTEMS:  # its database is made by the first question, and locked for one that is asked beside it
            requests.get(f"https://127.0.0.1:{port}/redfish/v1/Systems/{one['uuid']}", auth=("admin", "right"),
                         verify=str(pki.ca), timeout=10).raise_for_status()
        yield Emulator(f"https://127.0.0.1:{port}", str(pki.ca), log)
    finally:
        process.terminate()
        process.wait()


def _wait(process: subprocess.Popen[bytes], url: str, ca: str, log: Path) -> None:
    def answers() -> bool:
        assert process.poll() is None, f"sushy-emulator does not start: {log.read_text()[-2000:]}"
        return requests.get(url, verify=ca, timeout=5).ok

    until(answers, lambda ok: True, ignore=(requests.ConnectionError, requests.Timeout))


def test_the_right_one_of_its_systems_is_found_by_uuid(emulator: Emulator) -> None:
    with Bmc(emulator.access(uuid=SYSTEMS[1]["uuid"])) as bmc:
        facts = bmc.look(QUICK)
    assert facts.uuid == SYSTEMS[1]["uuid"]
    assert facts.macs == ("00:5c:52:31:3a:91",)
    assert facts.power == "On"


def test_its_systems_are_listed_where_nothing_says_which(emulator: Emulator) -> None:
    with Bmc(emulator.access()) as bmc, pytest.raises(Refused, match="shows 2 Systems"):
        bmc.look()


def test_a_restart_switches_it_off_for_a_while(emulator: Emulator) -> None:
    with Bmc(emulator.access(uuid=SYSTEMS[0]["uuid"])) as bmc:
        bmc.reset("ForceRestart")
        assert bmc.look(()).power == "Off"


def test_the_boot_source_is_overridden(emulator: Emulator) -> None:
    uuid = str(SYSTEMS[1]["uuid"])
    with Bmc(emulator.access(uuid=uuid)) as bmc:
        bmc.set_boot_override("Cd", "Once")
        with pytest.raises(Unsupported, match="cannot boot from Floppies"):
            bmc.set_boot_override("Floppies")
    boot = requests.get(
        f"{emulator.address}/redfish/v1/Systems/{uuid}", auth=("admin", "right"), verify=emulator.ca, timeout=10
    ).json()["Boot"]
    assert boot["BootSourceOverrideTarget"] == "Cd"


def test_bios_that_the_fake_machine_has_not_is_told_as_unread(emulator: Emulator) -> None:
    with Bmc(emulator.access(uuid=SYSTEMS[1]["uuid"])) as bmc:
        facts = bmc.look()
        assert facts.bios is None
        assert facts.unread["bios"]


def test_a_wrong_password_is_one_refused_request(emulator: Emulator) -> None:
    with Bmc(emulator.access(password="wrong")) as bmc:
        for _ in range(3):
            with pytest.raises(Refused, match="credentials"):
                bmc.look()
