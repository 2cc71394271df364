"""Ironic's interoperability profile, judged by DMTF's validator, where that is installed (pip install bpa[doctor]).

The validator verifies no certificate and wants a password, so it gets neither the BMC's address nor its password: it
reads through a gateway on this computer, which asks over our own link and lets nothing but GET through.
"""

from __future__ import annotations

import base64
import importlib.util
import json
import secrets
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from bpa.adapters.errors import AdapterError, Refused, Unsupported
from bpa.adapters.redfish.target import Target
from bpa.adapters.redfish.transport.answers import clean

MODULE = "redfish_interop_validator"
SECONDS = 900.0
FAILURES = 500
# Runs in a process of its own: the validator prints, logs into files and sets up global state. Its results are kept in
# its SystemUnderTest object; its report files are for people.
_RUN = """
import contextlib, json, sys
given = json.load(sys.stdin)
with contextlib.redirect_stdout(sys.stderr):
    import redfish
    from redfish_interop_validator import logger, profile, system_under_test
    logger.logger = redfish.redfish_logger("validator.log", "%(message)s", 40)
    profile.load_profile(given["folder"], given["file"])
    sut = system_under_test.SystemUnderTest(
        given["address"], given["user"], given["word"], 60, "Basic", None, None, None, ["LogEntry", "20"], True)
    sut.validate(None, "/redfish/v1/", "/redfish/v1/")
    sut.apply_global_checks()
rows = [(uri, prop, r["Result"].name, str(r["Message"])) for uri, resource in sut._resources.items()
        for prop, r in resource.get("Results", {}).items()]
rows += [("", name, r["Result"].name, str(r["Message"])) for name, r in sut._service_resource_results["Results"].items()]
json.dump({"passed": sut.pass_count, "warned": sut.warn_count, "rows": [r for r in rows if r[2] == "FAIL"]}, sys.stdout)
"""


@dataclass(frozen=True, slots=True)
class Failure:
    """A requirement of the profile that is not met. uri "" = no resource of that kind was found."""

    uri: str
    what: str
    why: str


@dataclass(frozen=True, slots=True)
class Interop:
    """How often each; failures one by one."""

    profile: str
    passed: int
    warned: int
    failures: tuple[Failure, ...]


def available() -> bool:
    """Whether DMTF's validator is installed."""
    return importlib.util.find_spec(MODULE) is not None


def judge_profile(target: Target, profile: Path) -> Interop:
    """Run a profile against a BMC; reads only. Raises Unsupported (not installed), Refused (no such profile, it failed)."""
    if not available():
        raise Unsupported("DMTF's redfish-interop-validator is not installed", "pip install 'bpa[doctor]'")
    try:
        name = str(json.loads(profile.read_text())["ProfileName"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise Refused(f"{profile} is no interoperability profile: {error}",
                      "Ironic's is in its source: redfish-interop-profiles/OpenStackIronicProfile") from None
    with _gateway(target) as (address, user, word), tempfile.TemporaryDirectory(prefix="bpa-interop-") as work:
        given = {"address": address, "user": user, "word": word, "folder": str(profile.resolve().parent), "file": profile.name}
        try:
            ran = subprocess.run([sys.executable, "-c", _RUN], input=json.dumps(given), capture_output=True, text=True,
                                 cwd=work, timeout=SECONDS, check=False)
            found: Any = json.loads(ran.stdout)
            rows = [[clean(str(cell), 300) for cell in row] for row in found["rows"][:FAILURES]]
            failures = tuple(Failure(uri, what, why) for uri, what, _, why in rows)
            return Interop(name, int(found["passed"]), int(found["warned"]), failures)
        except subprocess.TimeoutExpired:
            raise Refused(f"the validator did not end within {SECONDS:.0f} s", "run rf_interop_validator by hand") from None
        except (ValueError, KeyError, TypeError):
            last = ran.stderr.strip().splitlines()[-1:] or ["it said nothing"]
            raise Refused(f"the validator failed: {clean(last[0])}", "run rf_interop_validator by hand") from None


@contextmanager
def _gateway(target: Target) -> Iterator[tuple[str, str, str]]:
    """Address, user and password of a server that answers GETs with what the BMC answers, on loopback."""
    user, word = "bpa", secrets.token_urlsafe(24)
    expected = "Basic " + base64.b64encode(f"{user}:{word}".encode()).decode()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        wbufsize = 65536  # head and body in one write: two cost 40 ms each time (Nagle, delayed ACK)

        def do_GET(self) -> None:
            if not secrets.compare_digest(self.headers.get("Authorization", ""), expected) and self.path.rstrip("/") not in (
                    "/redfish", "/redfish/v1"):
                self._say(401, b"{}")
                return
            try:
                answer = target.link.get(target.link.path_of(self.path))
            except AdapterError as error:
                told = {"error": {"code": "Base.1.0.GeneralError", "message": str(error)}}
                self._say(error.status or 503, json.dumps(told).encode())
                return
            allow = {"Allow": answer.headers["Allow"]} if "Allow" in answer.headers else {}
            self._say(200, json.dumps(answer.body).encode(), allow)

        def _say(self, status: int, body: bytes, headers: dict[str, str] | None = None) -> None:
            self.send_response(status)
            for name, value in {"Content-Type": "application/json", "OData-Version": "4.0", **(headers or {})}.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.1}, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}", user, word
        finally:
            server.shutdown()
            thread.join()
