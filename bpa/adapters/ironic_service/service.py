"""The embedded Ironic: started on demand, found again after a crash, stopped cleanly."""

from __future__ import annotations

import contextlib
import fcntl
import importlib.metadata
import secrets
import sqlite3
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import bcrypt
import requests
from tenacity import Retrying, retry_if_result, stop_after_delay, wait_fixed

from bpa.adapters.errors import AdapterError, Refused, Unreachable
from bpa.adapters.ironic_service.conf import HARDWARE, KERNEL_ARGUMENTS, Ramdisk, Settings, render_conf
from bpa.adapters.ironic_service.daemon import Daemon
from bpa.adapters.ironic_service.parts import (
    connects,
    digest,
    last_error,
    link,
    package_path,
    require_free,
    require_parts,
    script,
    write_private,
)
from bpa.core.secret import Secret

USERNAME = "bpa"
FILE_SERVER = "bpa.adapters.ironic_service.file_server"
START_PATIENCE = 90.0
UNSTABLE = ("ing", "wait", "wait call-back")


@dataclass(frozen=True, slots=True)
class Running:
    """How to reach it. images: name -> URL of each published file."""

    api_url: str
    http_url: str
    username: str
    password: Secret
    images: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Status:
    """pid None = does not run; answers = the API answered with our credentials just now."""

    api_pid: int | None
    http_pid: int | None
    answers: bool
    api_url: str
    log: Path


class EmbeddedIronic:
    """One embedded Ironic, all of it under state_dir, listening on `listen`. serve: name below the HTTP root -> file.

    Several processes may call ensure() at once: one starts it, the others find it.
    """

    def __init__(
        self, state_dir: Path, listen: str, ramdisk: Ramdisk | None = None, serve: Mapping[str, Path] | None = None, *,
        api_port: int = 6385, http_port: int = 8089, hardware: tuple[str, ...] = HARDWARE,
        kernel_arguments: str = KERNEL_ARGUMENTS, extra: Mapping[str, Mapping[str, str]] | None = None,
    ) -> None:
        state = state_dir.absolute()
        self._settings = Settings(state, listen, api_port, http_port, ramdisk, hardware, kernel_arguments, extra or {})
        self._serve = dict(serve or {})
        self._api = Daemon("Ironic", state / "ironic.pid", state / "log" / "ironic.out",
                           f"--config-file {state / 'ironic.conf'}")
        self._http = Daemon("the image server", state / "http.pid", state / "log" / "http.log",
                            f"{FILE_SERVER} {listen} {http_port} {state / 'http'}")

    def ensure(self) -> Running:
        """Make it run and answer. Unsupported: a package is missing. Refused: it cannot start, and why."""
        s = self._settings
        require_parts(with_ramdisk=s.ramdisk is not None)
        with self._locked():
            password = self._password()
            self._place_files()
            conf = render_conf(s)
            write_private(s.state / "ironic.conf", conf)
            if self._api.pid() is not None and not self._started_with(conf) and not self._at_work(password):
                self._api.stop()
            for last in (False, True):
                self._start_what_does_not_run()
                if self._answers(password, last):
                    break
        images = {name: f"{s.http_url}/{name}" for name in self._serve}
        return Running(s.api_url, s.http_url, USERNAME, password, images)

    def status(self) -> Status:
        """Whether it runs, without starting anything."""
        password = self._known_password()
        answers = password is not None and self._api.pid() is not None and self._ask(password) == 200
        return Status(self._api.pid(), self._http.pid(), answers, self._settings.api_url, self._settings.log)

    def stop(self) -> None:
        """End both processes and whatever they forked. What they know stays on disk. May be repeated."""
        if not self._settings.state.exists():
            return
        with self._locked():
            self._api.stop()
            self._http.stop(patience=2.0)

    def _started_with(self, conf: str) -> bool:
        mark = self._settings.state / "started-with"
        return mark.exists() and mark.read_text() == digest(conf)

    # -- files

    @contextlib.contextmanager
    def _locked(self) -> Iterator[None]:
        state = self._settings.state
        state.mkdir(parents=True, exist_ok=True, mode=0o700)
        state.chmod(0o700)
        with (state / "lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def _place_files(self) -> None:
        s = self._settings
        for name in ("http", "ramdisk", "log", "log/deploy", "tmp", "state", "images", "master", "certificates",
                     "tftp/master", "lock.d"):
            (s.state / name).mkdir(parents=True, exist_ok=True)
        if s.ramdisk is not None:
            for name, path in (("kernel", s.ramdisk.kernel), ("initramfs", s.ramdisk.initramfs),
                               ("bootloader", s.ramdisk.bootloader)):
                link(path, s.state / "ramdisk" / name)
        for name, path in self._serve.items():
            link(path, s.http_root / name)

    def _known_password(self) -> Secret | None:
        path = self._settings.state / "password"
        return Secret(path.read_text().strip()) if path.exists() else None

    def _password(self) -> Secret:
        known = self._known_password()
        if known is None:
            known = Secret(secrets.token_urlsafe(32))
            write_private(self._settings.state / "password", known.reveal() + "\n")
            (self._settings.state / "htpasswd").unlink(missing_ok=True)
        if not (self._settings.state / "htpasswd").exists():
            # Every request is checked against it: the fewest rounds do for 32 random bytes, and cost nothing.
            hashed = bcrypt.hashpw(known.reveal().encode(), bcrypt.gensalt(rounds=4)).decode()
            write_private(self._settings.state / "htpasswd", f"{USERNAME}:{hashed}\n")
        return known

    # -- processes

    def _start_http(self) -> None:
        s = self._settings
        self._http.stop(patience=2.0)
        require_free(s.listen, s.http_port, "the image server")
        self._http.start([sys.executable, "-m", FILE_SERVER,
                          s.listen, str(s.http_port), str(s.http_root)], package_path())

    def _start_api(self) -> None:
        s = self._settings
        require_free(s.listen, s.api_port, "Ironic")
        self._prepare_database()
        (s.state / "started-with").write_text(digest((s.state / "ironic.conf").read_text()))
        quiet = {"PYTHONWARNINGS": "ignore"}
        self._api.start([script("ironic"), "--config-file", str(s.state / "ironic.conf")], quiet)

    def _prepare_database(self) -> None:
        s, version = self._settings, importlib.metadata.version("ironic")
        mark = s.state / "schema"
        if s.database.exists() and mark.exists() and mark.read_text() == version:
            return
        verb = "upgrade" if mark.exists() else "create_schema"
        if verb == "create_schema":
            s.database.unlink(missing_ok=True)  # a first start that was cut short
        done = subprocess.run([script("ironic-dbsync"), "--config-file", str(s.state / "ironic.conf"), verb],
                              capture_output=True, text=True, check=False)
        if done.returncode:
            said = "\n".join((done.stderr or done.stdout).strip().splitlines()[-5:])
            raise Refused(f"the database of the embedded Ironic cannot be prepared: {said}", f"see {s.log}")
        with contextlib.closing(sqlite3.connect(s.database)) as database:
            database.execute("PRAGMA journal_mode=WAL")
        mark.write_text(version)

    def _start_what_does_not_run(self) -> None:
        if self._http.pid() is None:
            self._start_http()
        if self._api.pid() is None:
            self._api.stop()
            self._start_api()

    def _answers(self, password: Secret, last: bool) -> bool:
        """Wait until it answers. False: something died meanwhile, as it does when it was killed just before we looked."""
        poll = Retrying(stop=stop_after_delay(START_PATIENCE), wait=wait_fixed(0.1),
                        retry=retry_if_result(lambda answer: answer is None), retry_error_callback=lambda state: None)
        answer = poll(self._answer_or_death, password)
        dead = [daemon for daemon in (self._api, self._http) if daemon.pid() is None]
        if answer == 200 and not dead:
            return True
        if dead and not last:
            return False
        raise self._why_not(answer, dead)

    def _why_not(self, answer: int | None, dead: list[Daemon]) -> AdapterError:
        s = self._settings
        if answer == 401:
            return Refused(f"the Ironic at {s.api_url} is not ours: it does not know our password",
                           "give the embedded Ironic another port in spec.ironic.embedded")
        if self._api in dead:
            return Refused(f"the embedded Ironic died at its start: {last_error(s.log)}", f"see {s.log}")
        if dead:
            return Refused(f"the image server died: {self._http.last_lines()}", f"see {self._http.log}")
        return Unreachable(f"the embedded Ironic does not answer at {s.api_url}", f"see {s.log}")

    def _answer_or_death(self, password: Secret) -> int | None:
        if self._api.pid() is None or self._http.pid() is None:
            return 0
        answer = self._ask(password)
        if answer == 200 and not connects(self._settings.listen, self._settings.http_port):
            return None
        return answer if answer in (200, 401) else None

    def _ask(self, password: Secret) -> int | None:
        try:
            return self._get(password).status_code
        except requests.RequestException:
            return None

    def _get(self, password: Secret) -> requests.Response:
        return requests.get(f"{self._settings.api_url}/v1/nodes", params={"fields": "provision_state"}, timeout=10,
                            auth=(USERNAME, password.reveal()), headers={"OpenStack-API-Version": "baremetal 1.81"})

    def _at_work(self, password: Secret) -> bool:
        """Whether a node is in the middle of something that a restart of Ironic would break."""
        try:
            nodes = self._get(password).json()["nodes"]
        except (requests.RequestException, ValueError, KeyError):
            return False
        return any(str(node["provision_state"]).endswith(UNSTABLE) for node in nodes)
