"""The lab's installer with a real ansible-playbook: over a real sshd on loopback, with pinned host keys."""

from __future__ import annotations

import getpass
import json
import os
import shlex
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from bpa.adapters.kud import Kud
from bpa.core.cluster.installer import argv, check, environment
from bpa.core.cluster.inventory import render_files
from bpa.core.facts import ClusterFacts, InstallerRun, MemberFacts
from bpa.core.steps import StartInstaller
from bpa.core.verdict import Met, Stuck
from bpa.core.want import ClusterWant

INSTALLER = Path(__file__).parents[2] / "bpa" / "lab" / "installer"
# What a test machine may lack; a site names such exceptions in the same way.
ACCEPT = 'preflight_accept: ["root", "machine id", "cgroup v2", "container modules", "iommu", "disk"]\n'
# Any Python will do for the hosts of a test; all of them are this machine.
OVERRIDES = ACCEPT + f"ansible_python_interpreter: {sys.executable}\n"

Until = Callable[[Callable[[], object]], None]


@dataclass(frozen=True)
class Sshd:
    """A real sshd of this user: private key to log in with, its public host key, how ssh gets to its port."""

    key: Path
    host_key: str
    proxy: str


@pytest.fixture
def sshd(tmp_path: Path, wait_until: Until) -> Iterator[Sshd]:
    keys = {name: tmp_path / name for name in ("host", "user")}
    for path in keys.values():
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", path], check=True)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    options = [
        "UsePAM=no", "StrictModes=no", "PasswordAuthentication=no", "PermitRootLogin=prohibit-password", "PidFile=none",
        f"AuthorizedKeysFile={keys['user']}.pub", f"HostKey={keys['host']}", "ListenAddress=127.0.0.1",
    ]
    if os.geteuid() == 0:
        Path("/run/sshd").mkdir(exist_ok=True)
    arguments = [word for option in options for word in ("-o", option)]
    server = subprocess.Popen(["/usr/sbin/sshd", "-D", "-e", "-f", "/dev/null", "-p", str(port), *arguments])

    def answers() -> bool:
        with socket.socket() as client:
            return client.connect_ex(("127.0.0.1", port)) == 0

    wait_until(answers)
    host_key = " ".join((tmp_path / "host.pub").read_text().split()[:2])
    relay = tmp_path / "relay.py"
    relay.write_text(
        "import os, socket, sys, threading\n"
        "c = socket.create_connection(('127.0.0.1', int(sys.argv[1])))\n"
        "def up():\n"
        "    while data := os.read(0, 65536): c.sendall(data)\n"
        "    c.shutdown(socket.SHUT_WR)\n"
        "threading.Thread(target=up, daemon=True).start()\n"
        "while data := c.recv(65536): os.write(1, data)\n"
    )
    yield Sshd(keys["user"], host_key, shlex.join([sys.executable, str(relay), str(port)]))
    server.terminate()
    server.wait()


@pytest.fixture
def cluster(want: ClusterWant) -> ClusterWant:
    return replace(want, kata=False, workers=())


def over_ssh(sshd: Sshd, directory: Path) -> Kud:
    # hosts.ini says port 22, as KuD's does; the test's sshd has a port of its own.
    common = shlex.join(["-o", f"ProxyCommand={sshd.proxy}"])
    return Kud(
        INSTALLER, directory, user=getpass.getuser(), key=sshd.key,
        environment={"ANSIBLE_SSH_COMMON_ARGS": common, "ANSIBLE_BECOME": "False"},
    )


def locally(directory: Path) -> Kud:
    return Kud(INSTALLER, directory, environment={"ANSIBLE_TRANSPORT": "local", "ANSIBLE_BECOME": "False"})


def facts(host_key: str, *labels: str) -> ClusterFacts:
    members = {label: MemberFacts(True, f"127.0.0.{n}", host_key=host_key) for n, label in enumerate(labels, 1)}
    return ClusterFacts(members, installer=str(INSTALLER))


def run(kud: Kud, want: ClusterWant, have: ClusterFacts, end_of: Callable[[Kud], InstallerRun]) -> InstallerRun:
    files = render_files(want, have)
    kud.write(want.name, files | {"group_vars/k8s-cluster.yml": files["group_vars/k8s-cluster.yml"] + OVERRIDES})
    kud.start(StartInstaller(want.name, argv(want), environment(want)))
    return end_of(kud)


def test_preflight_over_ssh_succeeds_and_keeps_recap_and_facts(
    sshd: Sshd, cluster: ClusterWant, directory: Path, end_of: Callable[[Kud], InstallerRun]
) -> None:
    kud = over_ssh(sshd, directory)
    ended = run(kud, cluster, facts(sshd.host_key, "master-1"), end_of)
    assert ended.exit_code == 0, "\n".join(ended.last_lines)
    recap = (directory / "edge-1" / "log" / "recap.txt").read_text()
    assert recap.startswith("PLAY RECAP")
    assert "failed=0" in recap
    assert "unreachable=0" in recap
    assert any("failed=0" in line for line in ended.last_lines)
    seen = kud.look("edge-1")
    assert seen.artifacts == ("preflight.json",)
    told = json.loads((directory / "edge-1" / "artifacts" / "preflight.json").read_text())["master-1"]
    assert told["hostname"] == socket.gethostname()
    assert told["memory_mib"] > 0
    assert isinstance(check(cluster, seen), Met)


def test_a_host_with_another_key_is_never_logged_in_to(
    sshd: Sshd, cluster: ClusterWant, directory: Path, end_of: Callable[[Kud], InstallerRun]
) -> None:
    other = sshd.key.with_suffix(".pub").read_text().strip()
    kud = over_ssh(sshd, directory)
    ended = run(kud, cluster, facts(" ".join(other.split()[:2]), "master-1"), end_of)
    assert ended.exit_code == 4
    verdict = check(cluster, kud.look("edge-1"))
    assert isinstance(verdict, Stuck)
    # The second is Ansible's word where ssh has gone before it was written to.
    assert "master-1 cannot be reached by SSH: Host key verification failed" in verdict.reason \
        or "Data could not be sent to remote host" in verdict.reason
    assert "unreachable=1" in (directory / "edge-1" / "log" / "recap.txt").read_text()


def test_two_hosts_that_are_one_machine_are_found_out(
    want: ClusterWant, directory: Path, end_of: Callable[[Kud], InstallerRun]
) -> None:
    kud = locally(directory)
    want = replace(want, kata=False)
    assert run(kud, want, facts("", "master-1", "worker-1"), end_of).exit_code != 0
    verdict = check(want, kud.look("edge-1"))
    assert isinstance(verdict, Stuck)
    assert "two hosts have the same hostname" in verdict.reason


def test_a_host_that_cannot_do_what_is_asked_fails_with_the_reason(
    cluster: ClusterWant, directory: Path, end_of: Callable[[Kud], InstallerRun]
) -> None:
    kud = locally(directory)
    want = replace(cluster, plugins=("optane",))
    have = facts("", "master-1")
    kud.write(want.name, {"group_vars/kube-master.yml": "preflight_master_memory_mib: 99999999\n"})
    ended = run(kud, want, have, end_of)
    assert ended.exit_code == 2
    text = Path(ended.log).read_text()
    assert "master-1: memory: found" in text
    assert "At least 99999999 MiB are needed." in text
    assert "failed=1" in text


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "the first argument must be --cluster"),
        (["edge-1"], "the first argument must be --cluster"),
        (["--cluster"], "Cluster name is null"),
        (["--cluster", "edge-1", "--network", "10.0.0.0/8"], "cluster argument should have plugins"),
        (["--cluster", "edge-1", "--plugins"], "plugins arguments is null"),
        (["--cluster", "nowhere"], "doesn't exist"),
        (["--cluster", "edge-1"], "hosts.ini doesn't exist"),
    ],
)
def test_arguments_are_read_by_position_as_kud_reads_them(tmp_path: Path, arguments: list[str], words: str) -> None:
    (tmp_path / "edge-1").mkdir()
    environment = {"PATH": os.environ["PATH"], "KUD_MULTI_CLUSTER": str(tmp_path)}
    told = subprocess.run(
        [INSTALLER / "installer", *arguments], env=environment, capture_output=True, text=True, check=False
    )
    assert told.returncode == 1
    assert words in told.stderr


def test_another_container_runtime_is_refused(tmp_path: Path) -> None:
    environment = {"PATH": os.environ["PATH"], "CONTAINER_RUNTIME": "podman"}
    told = subprocess.run(
        [INSTALLER / "installer", "--cluster", "x"], env=environment, capture_output=True, text=True, check=False
    )
    assert told.returncode == 1
    assert "Only Docker or Containerd" in told.stderr
