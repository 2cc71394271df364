"""How we log in to an Ironic, and what its refusals become."""

from __future__ import annotations

import datetime
import http.server
import ipaddress
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from bpa.adapters.errors import AdapterError, Busy, Refused, Unreachable, Unsupported
from bpa.adapters.ironic import IronicEndpoint
from bpa.adapters.ironic.api import fault, refusal
from bpa.adapters.ironic.client import Ironic
from bpa.adapters.ironic_service import EmbeddedIronic, Running
from bpa.core.secret import Secret

REFUSALS: list[tuple[int, str, type[AdapterError], str]] = [
    (400, "Invalid configuration", Refused, "Invalid configuration"),
    (401, "Incorrect username or password", Refused, "credentials"),
    (403, "not admin", Refused, "not admin"),
    (404, "Node x could not be found.", Refused, "could not be found"),
    (406, "Version 1.81 is not supported", Unsupported, "1.81"),
    (409, "Node x is locked by host bpa, please retry after the current operation is completed.", Busy, "locked"),
    (409, 'Can not update node "x" while a state transition is in progress.', Busy, "transition"),
    (409, "A node with name x already exists.", Refused, "already exists"),
    (500, "(sqlite3.OperationalError) database is locked", Busy, "database is locked"),
    (500, "unexpected", Refused, "unexpected"),
    (502, "", Busy, "HTTP 502"), (503, "No free conductor workers available", Busy, "workers"), (504, "", Busy, "504"),
]


@pytest.mark.parametrize(("status", "said", "kind", "words"), REFUSALS)
def test_each_status_is_one_of_our_errors_with_ironics_words(
    status: int, said: str, kind: type[AdapterError], words: str,
) -> None:
    error = refusal(status, said, "http://ironic")
    assert type(error) is kind and words in str(error)


def test_ironic_says_when_to_come_back() -> None:
    assert refusal(503, "busy", "x", "17").retry_after == 17.0


@pytest.mark.parametrize(("body", "words"), [
    ('{"error_message": "{\\"faultstring\\": \\"Node x is gone.\\", \\"faultcode\\": \\"Client\\"}"}', "Node x is gone."),
    ('{"error_message": {"faultstring": "No."}}', "No."),
    ('{"error_message": {"message": "Incorrect username or password"}}', "Incorrect username or password"),
    ('{"error_message": "plain words"}', "plain words"),
    ("<html>Bad\n gateway</html>", "<html>Bad gateway</html>"), ("", ""), ("[1]", "[1]"), ("null", "None"),
])
def test_the_message_is_found_in_every_form_of_answer(body: str, words: str) -> None:
    assert fault(body) == words


def test_nobody_there_is_unreachable() -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    with pytest.raises(Unreachable):
        Ironic(IronicEndpoint(f"http://127.0.0.1:{port}", "u", Secret("p"))).look("x")


class Answering(http.server.BaseHTTPRequestHandler):
    status = 200

    def do_GET(self) -> None:
        self.send_response(self.status)
        self.send_header("Content-Length", "5")
        self.end_headers()
        self.wfile.write(b"hello")

    def log_message(self, format: str, *args: object) -> None:
        """Tests say what matters."""


Serve = Callable[[int, ssl.SSLContext | None], int]


@pytest.fixture
def serve() -> Iterator[Serve]:
    servers: list[http.server.HTTPServer] = []

    def start(status: int, tls: ssl.SSLContext | None = None) -> int:
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), type("H", (Answering,), {"status": status}))
        if tls is not None:
            server.socket = tls.wrap_socket(server.socket, server_side=True)
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        servers.append(server)
        return server.server_port

    yield start
    for server in servers:
        server.shutdown()


@pytest.mark.parametrize(("status", "kind"), [(200, Unreachable), (503, Busy), (401, Refused), (404, AdapterError)])
def test_something_that_is_not_an_ironic(serve: Serve, status: int, kind: type[AdapterError]) -> None:
    with pytest.raises(kind):
        Ironic(IronicEndpoint(f"http://127.0.0.1:{serve(status, None)}", "u", Secret("p"))).look("x")


def test_a_certificate_that_is_not_trusted_is_refused(serve: Serve, tmp_path: Path) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "nobody")])
    now = datetime.datetime.now(datetime.UTC)
    cert = (x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
            .serial_number(1).not_valid_before(now - datetime.timedelta(days=1))
            .not_valid_after(now + datetime.timedelta(days=1))
            .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), False)
            .sign(key, hashes.SHA256()))
    pem = tmp_path / "server.pem"
    pem.write_bytes(key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
                                      serialization.NoEncryption()) + cert.public_bytes(serialization.Encoding.PEM))
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(pem)
    url = f"https://127.0.0.1:{serve(200, tls)}"
    with pytest.raises(Refused, match="certificate"):
        Ironic(IronicEndpoint(url, "u", Secret("p"))).look("x")
    ca = tmp_path / "ca.pem"
    ca.write_bytes(cert.public_bytes(serialization.Encoding.PEM))
    with pytest.raises(Unreachable, match="not answer like Ironic"):
        Ironic(IronicEndpoint(url, "u", Secret("p"), ca=str(ca))).look("x")


CLOUDS = """clouds:
  site:
    auth_type: http_basic
    auth: {{endpoint: "{url}", username: bpa, password: "{password}"}}
    baremetal_endpoint_override: "{url}"
  wrong:
    auth_type: http_basic
    auth: {{endpoint: "{url}", username: bpa, password: guess}}
    baremetal_endpoint_override: "{url}"
"""


@pytest.fixture
def clouds(running: Running, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "clouds.yaml").write_text(CLOUDS.format(url=running.api_url, password=running.password.reveal()))
    monkeypatch.setenv("OS_CLIENT_CONFIG_FILE", str(tmp_path / "clouds.yaml"))


def test_an_ironic_of_the_site_is_used_by_clouds_yaml(clouds: None) -> None:
    assert Ironic(IronicEndpoint(cloud="site", auth="clouds")).look("nobody").provision_state == ""


def test_a_wrong_password_in_clouds_yaml_is_refused(clouds: None) -> None:
    with pytest.raises(Refused, match="credentials"):
        Ironic(IronicEndpoint(cloud="wrong", auth="clouds")).look("x")


def test_a_cloud_that_is_not_in_clouds_yaml_is_refused_by_name(clouds: None) -> None:
    with pytest.raises(Refused, match="nowhere"):
        Ironic(IronicEndpoint(cloud="nowhere", auth="clouds"))


def test_an_ironic_without_authentication(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as one, socket.create_server(("127.0.0.1", 0)) as two:
        ports = one.getsockname()[1], two.getsockname()[1]
    service = EmbeddedIronic(tmp_path / "open", "127.0.0.1", api_port=ports[0], http_port=ports[1],
                             extra={"DEFAULT": {"auth_strategy": "noauth"}})
    try:
        running = service.ensure()
        assert Ironic(IronicEndpoint(running.api_url, auth="none")).look("nobody").provision_state == ""
    finally:
        service.stop()
