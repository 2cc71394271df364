"""The figures of the host layer: python -m tests.bench_host [--lab]. Never a test: machines differ, ratios less so.

On a real sshd of this machine; as root also on hosts in mount namespaces. With --lab: on lab-0 of the lab that is up, see
tests/bench_lab.py. Needs the extra `lab` or `test` (ansible-core).
"""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from bpa.adapters.ssh import Ssh, SshAccess
from bpa.core.host import PROBES
from tests.ansible_runs import AnsibleRun, Target, ansible
from tests.loopback_host import Loopback, Wire, loopback

RUNS = 5


def line(what: str, value: str, note: str = "") -> None:
    print(f"{what:<64} {value:>12}   {note}", flush=True)


def best(work: Callable[[], object], runs: int = RUNS) -> float:
    """Seconds of the quickest of several runs."""
    took = []
    for _ in range(runs):
        began = time.perf_counter()
        work()
        took.append(time.perf_counter() - began)
    return min(took)


def probes() -> None:
    """What each probe costs the machine that this runs on."""
    whole = 0.0
    for name, argv in sorted(PROBES.items()):
        took, busy = [], []
        for _ in range(RUNS):
            before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
            subprocess.run(argv, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL, check=False)
            took.append(time.perf_counter() - began)
            after = resource.getrusage(resource.RUSAGE_CHILDREN)
            busy.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
        whole += min(took)
        line(f"probe {name}, {sum(map(len, argv))} bytes", f"{min(took) * 1000:.0f} ms",
             f"goal 100 ms; {min(busy) * 1000:.0f} ms of processor")
    line(f"all {len(PROBES)} probes, one after the other", f"{whole:.2f} s")


def looks(host: Loopback, milliseconds: float) -> None:
    """One look against what Ansible does for its facts, over a wire with this round trip."""
    with Wire(host.port, milliseconds) as wire:
        access, where = replace(host.access, port=wire.port), f"{milliseconds:.0f} ms round trip"
        look = looked(where, access, wire)
        alone = best(lambda: subprocess.run([*host.ssh(wire.port), "true"], check=True))
        line(f"{where}: `ssh HOST true`", f"{alone:.2f} s")
        against_ansible(where, look, Target("127.0.0.1", wire.port, access.username, host.folder / "client"), wire)


def looked(where: str, access: SshAccess, wire: Wire | None = None) -> float:
    """Prints what a look costs; returns the seconds of one with its connection."""
    def whole() -> None:
        with Ssh(access) as ssh:
            ssh.ask(PROBES)

    took = best(whole)
    counted = _counted(wire, whole)
    line(f"{where}: connect and one look", f"{took:.2f} s", counted)
    with Ssh(access) as ssh:
        ssh.ask(PROBES)
        again = best(lambda: ssh.ask(PROBES))
        counted = _counted(wire, lambda: ssh.ask(PROBES))
    line(f"{where}: one look on the kept connection", f"{again:.2f} s", f"goal 1 s{counted and '; ' + counted}")
    return took


def _counted(wire: Wire | None, work: Callable[[], object]) -> str:
    if wire is None:
        return ""
    wire.clear()
    work()
    return f"{wire.turns} round trips, {wire.sent} bytes there, {wire.received} back"


def against_ansible(where: str, look: float, target: Target, wire: Wire | None = None) -> None:
    """`setup` whole; and its transport alone: the calls of OpenSSH that it makes, with a module in them that does nothing."""
    best_of: dict[str, AnsibleRun] = {}
    for module in ("setup", "ping"):
        for _ in range(3):
            run = ansible(target, "-m", module)
            if module not in best_of or run.transport < best_of[module].transport:
                best_of[module] = run
        chosen = best_of[module]
        counted = _counted(wire, lambda module=module: ansible(target, "-m", module))
        line(f"{where}: ansible -m {module}", f"{chosen.seconds:.2f} s",
             f"{chosen.transport:.2f} s of it in {len(chosen.calls)} calls of ssh and sftp{counted and '; ' + counted}")
    raw = min((ansible(target, "-m", "raw", "-a", "true") for _ in range(3)), key=lambda run: run.seconds)
    line(f"{where}: ansible -m raw -a true", f"{raw.seconds:.2f} s", f"{raw.transport:.2f} s of it in one call of ssh")
    line(f"{where}: look against the transport of setup alone", f"{look / best_of['ping'].transport:.2f} x", "goal 3")
    line(f"{where}: look against all of ansible -m setup", f"{look / best_of['setup'].seconds:.2f} x")


def main() -> None:
    probes()
    with tempfile.TemporaryDirectory(prefix="bpa-bench-") as folder:
        with loopback(Path(folder) / "sshd") as host:
            for milliseconds in (0.0, 20.0):
                looks(host, milliseconds)
        if os.geteuid():
            print("configuring a host needs root (it is one in a mount namespace)")
            return
        from tests.bench_configuration import configuration

        configuration(Path(folder), 20.0)


if __name__ == "__main__":
    if "--lab" in sys.argv:
        from tests.bench_lab import in_lab

        in_lab()
    else:
        main()
