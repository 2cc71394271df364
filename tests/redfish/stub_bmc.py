"""A BMC on loopback for tests: serves resources, keeps a log of requests, logs in and out, and fails when told to."""

from __future__ import annotations

import base64
import datetime
import ipaddress
import json
import socket
import ssl
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

ROOT = "/redfish/v1"
RECORDED = Path(__file__).parents[2] / ".recorded" / "redfish"


@dataclass
class Request:
    method: str
    path: str
    headers: Mapping[str, str]
    body: Any

    @property
    def key(self) -> str:
        return self.path.split("?")[0].rstrip("/").lower()


@dataclass
class Reply:
    """status, body (JSON, or bytes as they are), headers; cut = bytes after which the connection is broken off."""

    status: int = 200
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)
    cut: int | None = None


def error(status: int, message: str, message_id: str = "Base.1.0.GeneralError", **headers: str) -> Reply:
    info = [{"MessageId": message_id, "Message": message, "Severity": "Critical"}]
    body = {"error": {"code": message_id, "message": message, "@Message.ExtendedInfo": info}}
    return Reply(status, body, {k.replace("_", "-"): v for k, v in headers.items()})


@dataclass
class StubBmc:
    """resources: path -> JSON. `fault` sees each request first. `sessions` False = no SessionService, basic auth only."""

    resources: dict[str, Any] | RecordedTree
    username: str = "admin"
    password: str = "right"
    sessions: bool = True
    auth: bool = True
    fault: Callable[[StubBmc, Request], Reply | None] = lambda bmc, request: None
    etags: dict[str, str] = field(default_factory=dict)
    log: list[Request] = field(default_factory=list)
    tokens: dict[str, str] = field(default_factory=dict)
    logins: int = 0
    refused: int = 0
    address: str = ""

    def asked(self, method: str = "") -> list[str]:
        return [r.path for r in self.log if not method or r.method == method]

    def answer(self, request: Request) -> Reply:
        self.log.append(request)
        said = self.fault(self, request)
        if said is not None:
            return said
        if self.sessions and request.key == f"{ROOT}/sessionservice/sessions" and request.method == "POST":
            return self._log_in(request)
        if self.auth and request.key != ROOT and not self._knows(request):
            self.refused += 1
            return error(401, "no valid session")
        if request.method == "DELETE":
            token = next((t for t, uri in self.tokens.items() if uri == request.path), None)
            self.tokens.pop(token or "", None)
            return Reply(204)
        body = self.resources.get(request.key)
        if body is None:
            return error(404, f"no {request.path}")
        if request.method == "GET":
            etag = self.etags.get(request.key)
            return Reply(200, body, {"ETag": etag} if etag else {})
        return Reply(204)

    def _log_in(self, request: Request) -> Reply:
        if (request.body.get("UserName"), request.body.get("Password")) != (self.username, self.password):
            self.refused += 1
            return error(401, "invalid user name or password")
        self.logins += 1
        token, uri = f"token-{self.logins}", f"{ROOT}/SessionService/Sessions/{self.logins}"
        self.tokens[token] = uri
        return Reply(201, {"@odata.id": uri}, {"X-Auth-Token": token, "Location": f"{self.address}{uri}"})

    def _knows(self, request: Request) -> bool:
        if self.sessions and request.headers.get("X-Auth-Token") in self.tokens:
            return True
        basic = base64.b64encode(f"{self.username}:{self.password}".encode()).decode()
        return request.headers.get("Authorization") == f"Basic {basic}"


def expanded(bmc: StubBmc, request: Request) -> Reply | None:
    """As `fault`: a BMC that does what it announces with $expand (DSP0266, 7.3.3), for collections and one level."""
    if request.method != "GET" or "$expand" not in request.path:
        return None
    body = bmc.resources.get(request.key)
    members = body.get("Members") if isinstance(body, dict) else None
    if not isinstance(members, list):
        return None
    found = [bmc.resources.get(m["@odata.id"].rstrip("/").lower()) or m for m in members]
    return Reply(200, {**body, "Members": found})


class RecordedTree:
    """A recorded machine: index.json files, found without regard to case."""

    def __init__(self, folder: Path) -> None:
        self._files = {
            f"/{file.parent.relative_to(folder).as_posix()}".lower(): file for file in folder.rglob("index.json")
        }

    def get(self, key: str) -> Any:
        file = self._files.get(key)
        return None if file is None else json.loads(file.read_bytes())


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def _serve(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        raw = self.rfile.read(length)
        request = Request(self.command, self.path, dict(self.headers), json.loads(raw) if raw else None)
        with self.server.lock:
            reply = self.server.bmc.answer(request)
        body = reply.body if isinstance(reply.body, bytes) else b"" if reply.body is None else json.dumps(reply.body).encode()
        headers = {"Content-Length": str(len(body)), **reply.headers}
        head = f"HTTP/1.1 {reply.status} X\r\n" + "".join(f"{k}: {v}\r\n" for k, v in headers.items()) + "\r\n"
        whole = head.encode() + body
        try:
            self.wfile.write(whole if reply.cut is None else whole[: len(head) + reply.cut])
        except OSError:
            self.close_connection = True
        if reply.cut is not None:
            self.close_connection = True

    do_GET = do_POST = do_PATCH = do_DELETE = _serve

    def log_message(self, *args: Any) -> None:
        pass


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def __init__(self, bmc: StubBmc, tls: ssl.SSLContext | None) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.bmc = bmc
        self.lock = threading.Lock()
        self.tls = tls

    def get_request(self) -> tuple[socket.socket, Any]:
        connection, peer = super().get_request()
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if self.tls:
            connection = self.tls.wrap_socket(connection, server_side=True, do_handshake_on_connect=False)
        return connection, peer

    def handle_error(self, request: Any, client_address: Any) -> None:
        pass


@contextmanager
def serve(bmc: StubBmc, tls: ssl.SSLContext | None = None) -> Iterator[StubBmc]:
    server = _Server(bmc, tls)
    bmc.address = f"{'https' if tls else 'http'}://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.002}, daemon=True)
    thread.start()
    try:
        yield bmc
    finally:
        server.shutdown()
        server.server_close()


@dataclass(frozen=True)
class Pki:
    ca: Path
    certificate: Path
    key: Path

    def context(self) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.certificate, self.key)
        return context


def make_pki(folder: Path, address: str = "127.0.0.1") -> Pki:
    """A CA and a certificate for an address, as PEM files."""
    ca_key, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    ca_name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "test CA")])
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "bmc")])
    now = datetime.datetime.now(datetime.UTC)

    def build(subject: x509.Name, public: ec.EllipticCurvePublicKey, *extensions: x509.ExtensionType) -> x509.Certificate:
        builder = (
            x509.CertificateBuilder().subject_name(subject).issuer_name(ca_name).public_key(public)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - datetime.timedelta(days=1)).not_valid_after(now + datetime.timedelta(days=30))
        )
        for extension in extensions:
            builder = builder.add_extension(extension, critical=isinstance(extension, x509.BasicConstraints))
        return builder.sign(ca_key, hashes.SHA256())

    ca = build(ca_name, ca_key.public_key(), x509.BasicConstraints(ca=True, path_length=None))
    leaf = build(name, key.public_key(), x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(address))]))
    pki = Pki(folder / "ca.pem", folder / "cert.pem", folder / "key.pem")
    pki.ca.write_bytes(ca.public_bytes(serialization.Encoding.PEM))
    pki.certificate.write_bytes(leaf.public_bytes(serialization.Encoding.PEM))
    pki.key.write_bytes(key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ))
    return pki


def small_machine() -> dict[str, Any]:
    """The least a BMC with BIOS must serve; keys in lower case without trailing slash."""
    system = f"{ROOT}/Systems/1"
    return {
        ROOT: {"Systems": {"@odata.id": f"{ROOT}/Systems"}, "SessionService": {"@odata.id": f"{ROOT}/SessionService"},
               "Links": {"Sessions": {"@odata.id": f"{ROOT}/SessionService/Sessions"}}},
        f"{ROOT}/systems": {"Members": [{"@odata.id": system}]},
        f"{ROOT}/systems/1": {
            "UUID": "A1B2", "SerialNumber": " S1 ", "PowerState": "On", "Manufacturer": "Contoso", "Model": "M1",
            "Bios": {"@odata.id": f"{system}/Bios"},
            "Boot": {"BootSourceOverrideTarget@Redfish.AllowableValues": ["None", "Pxe", "Cd"],
                     "BootSourceOverrideEnabled@Redfish.AllowableValues": ["Once", "Disabled"]},
            "Actions": {"#ComputerSystem.Reset": {
                "target": f"{system}/Actions/ComputerSystem.Reset",
                "ResetType@Redfish.AllowableValues": ["On", "ForceOff", "ForceRestart"]}},
        },
        f"{ROOT}/systems/1/actions/computersystem.reset": {},
        f"{ROOT}/systems/1/bios": {
            "Attributes": {"ProcVirtualization": "Disabled", "NumCores": 8, "AdminPassword": "x"},
            "@Redfish.Settings": {"SettingsObject": {"@odata.id": f"{system}/Bios/Settings"},
                                  "SupportedApplyTimes": ["OnReset"]}},
        f"{ROOT}/systems/1/bios/settings": {"Attributes": {"ProcVirtualization": "Disabled"}},
    }
