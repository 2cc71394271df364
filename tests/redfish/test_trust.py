"""Trust: a certificate that a person has looked at, and no other; told before a single credential is sent."""

from __future__ import annotations

import hashlib
import ipaddress
import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from stub_bmc import Pki, StubBmc, serve, small_machine

from bpa.adapters.errors import Refused, Unreachable
from bpa.adapters.redfish import Bmc, BmcAccess
from bpa.adapters.redfish.trust import Pins, probe
from bpa.core.secret import Secret


def self_signed(folder: Path, *names: str, days: int = 30, subject: str = "iDRAC-default", old: bool = False) -> Pki:
    """A certificate as BMCs come with: by itself, for whatever name."""
    key: Any = rsa.generate_private_key(65537, 2048) if old else ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, subject)])
    now = datetime.now(UTC)
    builder = (x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
               .serial_number(x509.random_serial_number())
               .not_valid_before(now - timedelta(days=400)).not_valid_after(now + timedelta(days=days)))
    if names:
        builder = builder.add_extension(x509.SubjectAlternativeName([
            x509.IPAddress(ipaddress.ip_address(n)) if n[0].isdigit() else x509.DNSName(n) for n in names]), critical=False)
    folder.mkdir(exist_ok=True)
    pki = Pki(folder / "cert.pem", folder / "cert.pem", folder / "key.pem")
    pki.certificate.write_bytes(builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM))
    pki.key.write_bytes(key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()))
    return pki


def sha256(pki: Pki) -> str:
    return hashlib.sha256(ssl.PEM_cert_to_DER_cert(pki.certificate.read_text())).hexdigest()


def look(stub: StubBmc, pin: str, **more: Any) -> str:
    with Bmc(BmcAccess(stub.address, "admin", Secret("right"), pin=pin, **more)) as machine:
        return machine.look().serial


@pytest.fixture
def pins(tmp_path: Path) -> Pins:
    return Pins(tmp_path / "certificates")


@pytest.mark.parametrize("names", [(), ("192.0.2.1",), ("bmc.example.com",)])
def test_a_pinned_certificate_is_accepted_whatever_name_it_is_for(tmp_path: Path, names: tuple[str, ...]) -> None:
    pki = self_signed(tmp_path / "a", *names)
    with serve(StubBmc(small_machine()), pki.context()) as stub:
        with pytest.raises(Refused, match="not trusted"):
            look(stub, "")
        assert look(stub, sha256(pki)) == "S1"
        assert look(stub, sha256(pki).upper()) == "S1"


def test_an_expired_certificate_is_accepted_if_it_is_the_pinned_one(tmp_path: Path) -> None:
    pki = self_signed(tmp_path / "a", "127.0.0.1", days=-5, old=True)
    with serve(StubBmc(small_machine()), pki.context()) as stub:
        assert look(stub, sha256(pki)) == "S1"
        shown = probe(stub.address)
        assert shown.not_after and shown.not_after < datetime.now(UTC)
        assert not shown.verifies


def test_another_certificate_is_refused_before_a_byte_is_said_even_where_a_ca_would_vouch_for_it(
    tmp_path: Path, pki: Pki
) -> None:
    pinned = self_signed(tmp_path / "a", "127.0.0.1")
    with serve(StubBmc(small_machine()), pki.context()) as stub:
        for verify in (True, False, str(pki.ca)):
            with pytest.raises(Refused, match="another certificate than the pinned one") as caught:
                look(stub, sha256(pinned), verify=verify)
            assert sha256(pinned) in str(caught.value)
            assert sha256(pki) in str(caught.value)
            assert "bpa bmc trust" in caught.value.advice
        assert stub.log == []


def test_a_certificate_that_changes_while_we_look_is_refused_at_the_next_connection(tmp_path: Path) -> None:
    first, second = self_signed(tmp_path / "a", "127.0.0.1"), self_signed(tmp_path / "b", "127.0.0.1")
    context = first.context()
    with serve(StubBmc(small_machine()), context) as stub:
        with Bmc(BmcAccess(stub.address, "admin", Secret("right"), pin=sha256(first))) as machine:
            machine.look()
            context.load_cert_chain(second.certificate, second.key)
            asked = len(stub.log)
            with pytest.raises(Refused, match="another certificate"):
                machine.look()
            with pytest.raises(Refused, match="another certificate"):
                machine.reset("ForceOff")
            assert len(stub.log) == asked


def test_what_is_shown_is_told_without_a_word_of_http(tmp_path: Path) -> None:
    pki = self_signed(tmp_path / "a", "127.0.0.1", "bmc.example.com", subject="BMC\n\x1b[31mred")
    with serve(StubBmc(small_machine()), pki.context()) as stub:
        shown = probe(stub.address)
        assert stub.log == []
    assert shown.sha256 == sha256(pki)
    assert shown.fingerprint.replace(":", "").lower() == shown.sha256
    assert shown.names == ("127.0.0.1", "bmc.example.com")
    assert shown.key == "secp256r1 256 bits"
    assert shown.subject == shown.issuer
    assert shown.subject.isprintable()
    assert shown.verifies


@pytest.mark.parametrize(("names", "verifies"), [(("127.0.0.1",), True), (("192.0.2.1",), False), ((), False)])
def test_whether_others_can_use_it_as_their_ca_is_tried_and_not_guessed(
    tmp_path: Path, pins: Pins, names: tuple[str, ...], verifies: bool
) -> None:
    pki = self_signed(tmp_path / "a", *names)
    with serve(StubBmc(small_machine()), pki.context()) as stub:
        pin = pins.keep(probe(stub.address))
        assert pin.verifies is verifies
        if verifies:
            with Bmc(BmcAccess(stub.address, "admin", Secret("right"), verify=str(pin.file))) as machine:
                assert machine.look().serial == "S1"
        else:
            with pytest.raises(Refused, match="not trusted"):
                look(stub, "", verify=str(pin.file))


def test_a_certificate_of_a_ca_is_no_ca_for_others(pki: Pki) -> None:
    with serve(StubBmc(small_machine()), pki.context()) as stub:
        shown = probe(stub.address)
    assert shown.issuer != shown.subject


def test_pins_are_kept_found_replaced_and_forgotten(tmp_path: Path, pins: Pins) -> None:
    assert pins.find("https://127.0.0.1:1") is None
    assert pins.all() == []
    first, second = self_signed(tmp_path / "a", "127.0.0.1"), self_signed(tmp_path / "b", "127.0.0.1")
    context = first.context()
    with serve(StubBmc(small_machine()), context) as stub:
        kept = pins.keep(probe(stub.address))
        assert pins.find(stub.address) == kept
        assert pins.find(stub.address.upper().replace("HTTPS", "https")) == kept
        assert kept.sha256 == sha256(first)
        context.load_cert_chain(second.certificate, second.key)
        assert pins.keep(probe(stub.address)).sha256 == sha256(second)
        assert [p.sha256 for p in pins.all()] == [sha256(second)]
        assert [p.origin for p in pins.all()] == [stub.address]
        assert pins.forget(stub.address)
        assert not pins.forget(stub.address)
        assert pins.find(stub.address) is None


def test_a_pin_is_a_file_that_people_and_openssl_read_alike(tmp_path: Path, pins: Pins) -> None:
    pki = self_signed(tmp_path / "a", "127.0.0.1")
    with serve(StubBmc(small_machine()), pki.context()) as stub:
        pin = pins.keep(probe(stub.address))
    text = pin.file.read_text()
    assert stub.address in text and "SHA-256:" in text and "iDRAC-default" in text
    assert x509.load_pem_x509_certificate(text.encode()).fingerprint(hashes.SHA256()).hex() == pin.sha256


@pytest.mark.parametrize("text", ["", "nothing", "-----BEGIN CERTIFICATE-----\n!!!\n-----END CERTIFICATE-----\n", "\xff\xfe"])
def test_a_pin_that_is_damaged_refuses_and_does_not_pass_as_none(pins: Pins, text: str) -> None:
    pins._directory.mkdir()
    (pins._directory / "192.0.2.1_443.pem").write_bytes(text.encode("latin-1"))
    with pytest.raises(Refused):
        pins.find("https://192.0.2.1")
    assert pins.all() == []


@pytest.mark.parametrize("origin", ["https://[fe80::1]", "https://[2001:db8::1]:8443", "https://bmc.example.com"])
def test_every_kind_of_address_has_a_file_of_its_own(tmp_path: Path, pins: Pins, origin: str) -> None:
    pki = self_signed(tmp_path / "a", "127.0.0.1")
    with serve(StubBmc(small_machine()), pki.context()) as stub:
        shown = probe(stub.address)
    from dataclasses import replace
    kept = pins.keep(replace(shown, origin=origin))
    assert pins.find(origin) == kept
    assert kept.file.parent == pins._directory
    assert pins.find("https://192.0.2.1") is None


def test_where_there_is_no_certificate_it_says_so(bmc: StubBmc) -> None:
    with pytest.raises(Refused, match="plain http"):
        probe(bmc.address)
    with pytest.raises(Refused, match="does not speak TLS"):
        probe(bmc.address.replace("http:", "https:"))
    with pytest.raises(Unreachable):
        probe("https://127.0.0.1:1")


def test_a_certificate_that_breaks_x509_can_still_be_pinned() -> None:
    from bpa.adapters.redfish.trust import _read

    shown = _read("https://192.0.2.1", b"\x30\x82" + b"\x00" * 200)
    assert shown.subject.startswith("(not readable")
    assert shown.sha256 == hashlib.sha256(b"\x30\x82" + b"\x00" * 200).hexdigest()
