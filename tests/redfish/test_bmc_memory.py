"""What this machine remembers of BMCs reaches every way to them: a site's hosts, one host by name, an address, Ironic."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from account_stub import AccountBmc
from session_stub import SessionBmc
from stub_bmc import StubBmc, serve, small_machine
from test_trust import self_signed

from bpa import documents
from bpa.adapters.errors import Refused
from bpa.adapters.redfish.trust import probe
from bpa.bmc_memory import BmcMemory
from bpa.core.secret import Secret
from bpa.documents.site import Site
from bpa.one_bmc import Credentials, find_bmc, find_origin
from bpa.wiring import Wiring

HOST = """\
apiVersion: v1
kind: Secret
metadata: {{name: bmc}}
stringData: {{username: admin, password: "{password}"}}
---
apiVersion: metal3.io/v1alpha1
kind: BareMetalHost
metadata: {{name: {name}}}
spec:
  online: true
  bootMACAddress: 52:54:00:00:00:0{number}
  bmc: {{address: "redfish+{address}/redfish/v1/Systems/{number}", credentialsName: bmc{unverified}}}
---
"""


def site(folder: Path, address: str, password: str = "right", unverified: bool = False, hosts: int = 1) -> Site:
    folder.mkdir(exist_ok=True)
    said = ", disableCertificateVerification: true" if unverified else ""
    texts = [HOST.format(name=f"edge-{n}", number=n, address=address, password=password, unverified=said)
             for n in range(1, hosts + 1)]
    (folder / "hosts.yaml").write_text("".join(t if n == 0 else t.split("---\n", 1)[1] for n, t in enumerate(texts)))
    return documents.load(folder)


@pytest.fixture
def tls(tmp_path: Path) -> Iterator[StubBmc]:
    pki = self_signed(tmp_path / "pki", "127.0.0.1")
    with serve(SessionBmc(small_machine()), pki.context()) as stub:
        yield stub


def test_a_pinned_bmc_is_accepted_by_a_site_by_name_and_by_address(tls: StubBmc, tmp_path: Path) -> None:
    read = site(tmp_path / "site", tls.address)
    wiring = Wiring(read, tmp_path / "state")
    with wiring._open_bmc(read.hosts[0]) as bmc, pytest.raises(Refused, match="not trusted"):
        bmc.look()
    BmcMemory().pins.keep(probe(tls.address))
    with wiring._open_bmc(read.hosts[0]) as bmc:
        assert bmc.look().serial == "S1"
    with find_bmc("edge-1", Credentials(), str(tmp_path / "site")).open() as target:
        assert target.system().body["UUID"] == "A1B2"
    given = Credentials("admin", Secret("right"))
    with find_bmc(tls.address, given).open() as target:
        assert target.system().body["UUID"] == "A1B2"
    with find_bmc(tls.address, given).bmc() as bmc:
        assert bmc.look().serial == "S1"
    assert find_bmc(tls.address, Credentials("admin", Secret("right"), insecure=True)).access.pin == ""


def test_a_bmc_is_found_without_credentials_to_look_at_its_certificate(tls: StubBmc, tmp_path: Path) -> None:
    site(tmp_path / "site", tls.address)
    assert find_origin(tls.address) == tls.address
    assert find_origin("edge-1", str(tmp_path / "site")) == tls.address


def test_ironic_gets_a_pinned_certificate_as_the_ca_where_that_works(tls: StubBmc, tmp_path: Path) -> None:
    read = site(tmp_path / "site", tls.address)
    wiring = Wiring(read, tmp_path / "state")
    assert wiring._ironic_verify(read.hosts[0]) is True
    pin = BmcMemory().pins.keep(probe(tls.address))
    assert wiring._ironic_verify(read.hosts[0]) == str(pin.file)
    assert list(wiring._pin_notes()) == []
    unverified = site(tmp_path / "other", tls.address, unverified=True)
    assert Wiring(unverified, tmp_path / "state")._ironic_verify(unverified.hosts[0]) is False


def test_where_it_does_not_work_for_ironic_a_note_says_so(tmp_path: Path) -> None:
    pki = self_signed(tmp_path / "pki", "idrac.example.com")
    with serve(StubBmc(small_machine()), pki.context()) as stub:
        read = site(tmp_path / "site", stub.address)
        BmcMemory().pins.keep(probe(stub.address))
        wiring = Wiring(read, tmp_path / "state")
        assert wiring._ironic_verify(read.hosts[0]) is True
        (note,) = wiring._pin_notes()
        assert note.startswith("edge-1: the pinned certificate of its BMC is no use to Ironic")


def test_hosts_that_share_a_bmc_share_the_memory_of_a_refused_password(tmp_path: Path) -> None:
    with serve(SessionBmc(small_machine())) as stub:
        read = site(tmp_path / "site", stub.address, "wrong", hosts=3)
        wiring = Wiring(read, tmp_path / "state")
        for host in read.hosts:
            with wiring._open_bmc(host) as bmc, pytest.raises(Refused, match="credentials"):
                bmc.look()
        assert len(read.hosts) == 3
        assert stub.refused == 1


def test_sessions_are_remembered_apart_from_any_site(tmp_path: Path) -> None:
    with serve(AccountBmc()) as stub, find_bmc(stub.address, Credentials("admin", Secret("right"))).open() as target:
        target.system()
        (kept,) = (BmcMemory().directory / "sessions").glob("*/*.json")
        assert stub.address in kept.read_text()
        assert BmcMemory().directory.name == "_bmc", "no site can be called so"
    assert not kept.exists()


def test_a_pin_says_nothing_of_another_port(tls: StubBmc, tmp_path: Path) -> None:
    BmcMemory().pins.keep(probe(tls.address))
    assert BmcMemory().pin("https://127.0.0.1:1") is None
    pin = BmcMemory().pin(tls.address)
    assert pin is not None
    assert pin.sha256 == sha256_of(tls)


def sha256_of(stub: StubBmc) -> str:
    return probe(stub.address).sha256


