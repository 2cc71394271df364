"""Certificates of BMCs that a person has looked at and pinned: one PEM file each, which people and Ironic can read too."""

from __future__ import annotations

import hashlib
import logging
import os
import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote, unquote, urlsplit

from bpa.adapters.errors import Refused
from bpa.adapters.redfish.transport.answers import clean, transport_error
from bpa.adapters.redfish.transport.connection import CONNECT_SECONDS, tls_context

if TYPE_CHECKING:
    from cryptography import x509

LOG = logging.getLogger(__name__)
BEGIN = "-----BEGIN CERTIFICATE-----"


@dataclass(frozen=True, slots=True)
class Certificate:
    """What a BMC shows. sha256: hex of the whole certificate. names: its SANs. Where only its bytes
    can be read (BMCs have shipped certificates that break X.509), subject says so, and the rest is empty.

    verifies: it passes with itself as the CA, under the name or address that the BMC is called by.
    """

    origin: str
    sha256: str
    subject: str
    issuer: str
    not_before: datetime | None
    not_after: datetime | None
    names: tuple[str, ...]
    key: str
    pem: str
    verifies: bool = False

    @property
    def fingerprint(self) -> str:
        """The SHA-256 as browsers and openssl show it: AB:CD:…"""
        return ":".join(self.sha256[i : i + 2] for i in range(0, 64, 2)).upper()


@dataclass(frozen=True, slots=True)
class Pin:
    """A pinned certificate. file: its PEM. verifies: a client that knows no pins accepts the BMC with this file as CA."""

    origin: str
    sha256: str
    file: Path
    pinned: str
    subject: str
    verifies: bool


def probe(origin: str) -> Certificate:
    """The certificate that is shown at origin (https://host[:port]); no HTTP is spoken, no credentials go out.

    Raises Refused (no https, no certificate), Unreachable.
    """
    if urlsplit(origin).scheme != "https":
        raise Refused(f"{origin} has no certificate: it is plain http", "use https, if the BMC has it")
    with _handshake(origin, tls_context(False)) as connection:
        shown = connection.getpeercert(binary_form=True) or b""
    if not shown:
        raise Refused(f"{origin} shows no certificate", "give the BMC one, in its settings")
    made = _read(origin, shown)
    # Whether such a certificate passes as its own CA depends on too much to be computed: it is tried.
    context = ssl.create_default_context(cadata=made.pem)
    try:
        with _handshake(origin, context):
            pass
    except Refused:
        return made
    return replace(made, verifies=True)


@contextmanager
def _handshake(origin: str, context: ssl.SSLContext) -> Iterator[ssl.SSLSocket]:
    parts = urlsplit(origin)
    host = parts.hostname or ""
    try:
        with socket.create_connection((host, parts.port or 443), CONNECT_SECONDS) as plain:
            plain.settimeout(CONNECT_SECONDS * 2)
            with context.wrap_socket(plain, server_hostname=host) as wrapped:
                yield wrapped
    except (OSError, ValueError) as error:
        raise transport_error(origin, error) from None


def _read(origin: str, der: bytes) -> Certificate:
    from cryptography import x509  # only those who look at a certificate wait for it
    from cryptography.exceptions import UnsupportedAlgorithm

    digest, pem = hashlib.sha256(der).hexdigest(), ssl.DER_cert_to_PEM_cert(der)
    try:
        return _described(origin, x509.load_der_x509_certificate(der), digest, pem)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        return Certificate(origin, digest, f"(not readable: {clean(str(error))})", "", None, None, (), "", pem)


def _described(origin: str, certificate: x509.Certificate, sha256: str, pem: str) -> Certificate:
    from cryptography import x509
    from cryptography.hazmat.primitives.asymmetric import ec, rsa

    try:
        extension = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        names = tuple(clean(str(getattr(name, "value", ""))) for name in extension)[:32]
    except (x509.ExtensionNotFound, ValueError):
        names = ()
    public = certificate.public_key()
    key = (f"RSA {public.key_size} bits" if isinstance(public, rsa.RSAPublicKey)
           else f"{public.curve.name} {public.key_size} bits" if isinstance(public, ec.EllipticCurvePublicKey)
           else type(public).__name__.strip("_").removesuffix("PublicKey"))
    return Certificate(
        origin, sha256, clean(certificate.subject.rfc4514_string()),
        clean(certificate.issuer.rfc4514_string()), certificate.not_valid_before_utc, certificate.not_valid_after_utc,
        names, key, pem)


class Pins:
    """One file for each BMC below `directory`, named by host and port. Raises Refused where it cannot be read or written."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    def find(self, origin: str) -> Pin | None:
        """The pin of a BMC (https://host[:port]), or None."""
        file = self._file(origin)
        try:
            text = file.read_text()
        except FileNotFoundError:
            return None
        except (OSError, ValueError) as error:
            raise Refused(f"the pinned certificate {file} cannot be read: {error}", "see that this user may read it") from None
        return _pin(file, text)

    def all(self) -> list[Pin]:
        """Every pin, by origin; files that are none are passed over with a line in the log."""
        found = []
        for file in sorted(self._directory.glob("*.pem")):
            try:
                found.append(_pin(file, file.read_text()))
            except (OSError, ValueError, Refused) as error:
                LOG.warning("%s is passed over: %s", file, error)
        return found

    def keep(self, certificate: Certificate) -> Pin:
        """Pin it, in place of what was pinned; written whole or not at all."""
        file = self._file(certificate.origin)
        head = (f"BMC:      {certificate.origin}\nSHA-256:  {certificate.fingerprint}\nSubject:  {certificate.subject}\n"
                f"Issuer:   {certificate.issuer}\nExpires:  {_day(certificate.not_after)}\n"
                f"Pinned:   {datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}\nBy name:  {'yes' if certificate.verifies else 'no'}\n")
        try:
            self._directory.mkdir(parents=True, exist_ok=True, mode=0o700)
            new = file.with_name(f".{file.name}.{os.getpid()}")
            with new.open("w") as stream:
                stream.write(f"{head}{certificate.pem}")
                stream.flush()
                os.fsync(stream.fileno())
            new.replace(file)
        except OSError as error:
            raise Refused(f"the pin cannot be kept in {self._directory}: {error.strerror}",
                          "set BPA_STATE to a directory that you may write") from None
        return _pin(file, file.read_text())

    def forget(self, origin: str) -> bool:
        """Whether there was one."""
        file = self._file(origin)
        there = file.exists()
        file.unlink(missing_ok=True)
        return there

    def _file(self, origin: str) -> Path:
        parts = urlsplit(origin.lower())
        return self._directory / f"{quote(parts.hostname or '', safe='')}_{parts.port or 443}.pem"


def _day(when: datetime | None) -> str:
    return f"{when:%Y-%m-%d}" if when else "unknown"


def _pin(file: Path, text: str) -> Pin:
    head, mark, body = text.partition(BEGIN)
    told = {name.strip(): value.strip() for name, sign, value in (line.partition(":") for line in head.splitlines()) if sign}
    try:
        # The certificate decides, not what the head says of it: the two cannot drift apart.
        der = ssl.PEM_cert_to_DER_cert(mark + body)
        if len(der) < 100 or der[0] != 0x30:  # an ASN.1 sequence
            raise ValueError
    except ValueError:
        raise Refused(f"{file} holds no certificate", "remove it, and pin the BMC anew: bpa bmc trust ADDRESS") from None
    host, _, port = unquote(file.stem).rpartition("_")
    host = f"[{host}]" if ":" in host else host
    return Pin(told.get("BMC") or f"https://{host}:{port}", hashlib.sha256(der).hexdigest(), file, told.get("Pinned", ""),
               told.get("Subject", ""), told.get("By name") == "yes")
