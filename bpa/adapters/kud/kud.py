"""KuD's installer on this machine: the hand-off files, the detached run, its log, its artifacts."""

from __future__ import annotations

import fcntl
import os
import secrets
import shlex
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from bpa.adapters.errors import Busy, Refused, Unsupported
from bpa.adapters.kud import process, runs
from bpa.adapters.kud.log import LogTail, last_lines
from bpa.core.cluster.device_plugins import DEVICE_PLUGINS
from bpa.core.cluster.installer import cluster_name_problem, fingerprint
from bpa.core.cluster.inventory import GROUP_VARS, HOSTS_INI, KNOWN_HOSTS
from bpa.core.cluster.pmem_csi import PMEM_CSI
from bpa.core.facts import ClusterFacts, InstallerRun
from bpa.core.steps import StartInstaller

# What the installer inherits; all else (BMC passwords given by environment, for one) stays with us.
_INHERITED = ("HOME", "USER", "LOGNAME", "LANG", "LC_ALL", "TZ", "TMPDIR", "http_proxy", "https_proxy", "no_proxy",
              "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY")
_CHILD_GROUPS = ("kube-master", "kube-node")


class Kud:
    """The directory of hand-offs (one below it per cluster) and the installer that reads it.

    directory: KuD itself knows only /opt/kud/multi-cluster. installer: KuD's `containerized` directory, or the
    executable in it. user, key: how Ansible logs in; known_hosts: pinned host keys, by default the hand-off's own.
    Raises Refused (bad cluster name, no installer, nothing to write to), Busy (a run is going on), Unsupported (a
    plugin that this KuD does not have).
    """

    def __init__(
        self, installer: Path | None, directory: Path = Path("/opt/kud/multi-cluster"), *, user: str = "root",
        key: Path | None = None, known_hosts: Path | None = None, environment: Mapping[str, str] | None = None,
    ) -> None:
        self._installer = installer
        self._directory = directory
        self._user = user
        self._key = key
        self._known_hosts = known_hosts
        self._environment = dict(environment or {})

    def look(self, cluster: str) -> ClusterFacts:
        """files, installer, run and artifacts of a cluster (its members are not ours to know)."""
        home = self._home(cluster)
        run = runs.latest(home / ".bpa" / "runs")
        facts = None
        if run is not None:
            log = home / "log" / run.log
            # alive before exit_code: what ends in between is then seen as ended, not as lost.
            alive = run.alive
            facts = InstallerRun(run.argv, run.fingerprint, alive, run.exit_code, str(log), last_lines(log))
        return ClusterFacts(
            files=self._files(home), installer=str(self._installer or ""), run=facts, artifacts=_artifacts(home)
        )

    def kubeconfig(self, cluster: str) -> Path:
        """Where KuD's installer leaves the cluster's kubeconfig (Kubespray's kubeconfig_localhost) when all has succeeded."""
        return self._home(cluster) / "artifacts" / "admin.conf"

    def write(self, cluster: str, files: Mapping[str, str]) -> tuple[str, ...]:
        """Write what differs, each file whole or not at all; returns the names written."""
        home = self._home(cluster)
        for name in files:
            path = Path(name)
            if path.is_absolute() or not path.parts or ".." in path.parts or path.parts[0].startswith("."):
                raise Refused(f"{name!r} is no file of a cluster's directory")
        with self._locked(home):
            run = runs.latest(home / ".bpa" / "runs")
            if run is not None and run.alive:
                raise Busy(f"the installer of cluster {cluster} is reading its files", retry_after=5.0)
            present = {name: _read(home / name) for name in files}
            stale = tuple(sorted(name for name, text in files.items() if present[name] != text))
            for name in stale:
                _write(home / name, files[name])
        return stale

    def start(self, step: StartInstaller) -> None:
        """Start the installer detached: it lives on when we are killed, and the next look finds it."""
        home = self._home(step.cluster)
        executable = self._executable()
        _refuse_missing_plugins(executable, step)
        with self._locked(home) as lock:
            earlier = runs.latest(home / ".bpa" / "runs")
            if earlier is not None and earlier.alive:
                raise Busy(f"the installer of cluster {step.cluster} is still running", retry_after=5.0)
            files = self._files(home)
            if HOSTS_INI not in files:
                raise Refused(f"cluster {step.cluster} has no {HOSTS_INI} yet")
            _place_override(executable, step.cluster, files)
            inputs = fingerprint(step.argv, step.environment, files, str(self._installer))
            run = runs.create(home / ".bpa" / "runs", step.argv, inputs, secrets.token_hex(8))
            log = home / "log" / run.log
            log.parent.mkdir(exist_ok=True)
            _link(home / "log" / "installer.log", run.log)
            argv = (f"./{executable.name}", *step.argv[1:])
            environment = self._ansible(home) | dict(step.environment) | {process.MARK: run.mark}
            process.launch(run.directory, argv, environment, executable.parent, log, lock)

    def stop(self, cluster: str, grace: float = 5.0) -> bool:
        """End a running installer with everything it started; False if none was running."""
        run = runs.latest(self._home(cluster) / ".bpa" / "runs")
        if run is None or not run.alive:
            return False
        process.stop(run.directory, run.mark, grace)
        return True

    def set_aside_failure(self, cluster: str) -> bool:
        """Let a failed run no longer stand in the way: a person has asked again. False if there was none."""
        run = runs.latest(self._home(cluster) / ".bpa" / "runs")
        if run is None or run.exit_code in (None, 0):
            return False
        (run.directory / "set-aside").touch()
        return True

    def follow(self, cluster: str) -> LogTail:
        """For watching: each call of its new_lines() gives what the installer has written since the one before."""
        return LogTail(self._home(cluster) / "log" / "installer.log")

    def _home(self, cluster: str) -> Path:
        problem = cluster_name_problem(cluster)
        if problem:
            raise Refused(problem, "change the label `cluster` of the Provisioning document")
        return self._directory / cluster

    def _executable(self) -> Path:
        path = (self._installer or Path()).resolve()
        if self._installer is not None and path.is_dir():
            path = next((path / name for name in ("installer", "installer.sh") if (path / name).is_file()), path)
        if self._installer is None or not path.is_file() or not os.access(path, os.X_OK):
            raise Refused(f"no KuD installer can be run at {path}", "set spec.kud.installer in the Site document")
        return path

    def _files(self, home: Path) -> dict[str, str]:
        groups = (f"group_vars/{path.name}" for path in sorted(home.glob("group_vars/*.yml")))
        names = [HOSTS_INI, KNOWN_HOSTS, PMEM_CSI, DEVICE_PLUGINS, *groups]
        texts = {name: _read(home / name) for name in names}
        return {name: text for name, text in texts.items() if text is not None}

    def _ansible(self, home: Path) -> dict[str, str]:
        """Ansible as we trust it: only pinned host keys, only our key. These win over KuD's own ansible.cfg."""
        known_hosts = self._known_hosts or home / KNOWN_HOSTS
        options = [f'UserKnownHostsFile="{known_hosts.absolute()}"', "GlobalKnownHostsFile=/dev/null",
                   "StrictHostKeyChecking=yes", "ControlMaster=auto", "ControlPersist=30s"]
        if self._key is not None:
            options.append("IdentitiesOnly=yes")
        ssh = shlex.join([word for option in options for word in ("-o", option)])
        key = {} if self._key is None else {"ANSIBLE_PRIVATE_KEY_FILE": str(self._key.absolute())}
        inherited = {name: os.environ[name] for name in _INHERITED if name in os.environ}
        # Our own Ansible is the last to be found: where KuD brings one, that one is meant.
        path = os.pathsep.join([os.environ.get("PATH", os.defpath), str(Path(sys.executable).parent)])
        return inherited | key | {
            "PATH": path,
            "KUD_MULTI_CLUSTER": str(self._directory.absolute()),
            "ANSIBLE_HOST_KEY_CHECKING": "True",
            "ANSIBLE_SSH_ARGS": f"-C {ssh}",
            "ANSIBLE_REMOTE_USER": self._user,
            "ANSIBLE_BECOME": str(self._user != "root"),
            "ANSIBLE_NOCOLOR": "1",
            "PYTHONUNBUFFERED": "1",
        } | self._environment

    @contextmanager
    def _locked(self, home: Path) -> Iterator[int]:
        try:
            (home / ".bpa").mkdir(parents=True, exist_ok=True)
            lock = os.open(home / ".bpa" / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise Refused(f"{home} cannot be written: {error.strerror}", "see spec.kud.directory of the Site") from None
        try:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise Busy(f"another bpa is at work on {home}", retry_after=2.0) from None
            yield lock
        finally:
            os.close(lock)


def _refuse_missing_plugins(executable: Path, step: StartInstaller) -> None:
    """KuD would notice only after it has installed all of Kubernetes: a plugin is a playbook of that name."""
    playbooks = _playbooks(executable)
    plugins = step.argv[4:] if step.argv[3:4] == ("--plugins",) else ()
    missing = [name for name in plugins if playbooks.is_dir() and not (playbooks / f"configure-{name}.yml").is_file()]
    if missing:
        raise Unsupported(f"this KuD has no plugin {', '.join(missing)}", f"choose from configure-*.yml in {playbooks}")


def _place_override(executable: Path, cluster: str, files: Mapping[str, str]) -> None:
    """Lay our group_vars where a real KuD will read them; see bpa.core.cluster.inventory for why under these names."""
    if not _playbooks(executable).is_dir():
        return
    group_vars = executable.parent / "inventory" / cluster / "group_vars"
    for group in _CHILD_GROUPS:
        _write(group_vars / f"{group}.yml", files.get(GROUP_VARS, "---\n"))


def _playbooks(executable: Path) -> Path:
    return executable.parent.parent.parent / "deployment_infra" / "playbooks"


def _artifacts(home: Path) -> tuple[str, ...]:
    root = home / "artifacts"
    return tuple(sorted(str(path.relative_to(root)) for path in root.rglob("*") if path.is_file()))


def _read(path: Path) -> str | None:
    try:
        return path.read_text()
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (OSError, UnicodeDecodeError) as error:
        raise Refused(f"{path} cannot be read: {error}") from None


def _write(path: Path, text: str) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        new = path.with_name(f".{path.name}.new")
        with new.open("w") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        new.replace(path)
    except OSError as error:
        raise Refused(f"{path} cannot be written: {error.strerror}", "see spec.kud.directory of the Site") from None


def _link(link: Path, target: str) -> None:
    new = link.with_name(f".{link.name}.new")
    new.unlink(missing_ok=True)
    new.symlink_to(target)
    new.replace(link)
