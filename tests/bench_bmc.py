"""The figures of the BMC layer, as seconds, requests and ratios of one run: python -m tests.bench_bmc. Never a test.

Needs the recorded machines and the extra `judges`. Emulated machines run in a process of their own.
"""

from __future__ import annotations

import http.client
import json
import logging
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

import requests

from bpa.adapters.redfish import Bmc, BmcAccess
from bpa.adapters.redfish.sections import full_facts
from bpa.adapters.redfish.target import Target
from bpa.core.secret import Secret
from tests.serving import Served, served

TREES = Path(__file__).parents[1] / ".recorded" / "redfish"
R750 = TREES / "dell-r750-idrac9-6.00.30.00"
R750_SYSTEM = "/redfish/v1/Systems/System.Embedded.1"
BIN = Path(sys.executable).parent
AT_ONCE, RUNS = 200, 3
BADFISH = ("--ls-processors", "--ls-memory", "--ls-interfaces", "--ls-gpu", "--ls-serial", "--firmware-inventory")


def access(address: str) -> BmcAccess:
    return BmcAccess(address, "admin", Secret("right"), verify=False)


def facts(address: str) -> None:
    with Target(access(address)) as target:
        full_facts(target)


def bare(address: str, paths: list[str], parallel: int) -> None:
    """The same GETs over as many kept-alive connections, and nothing done with the answers but parsing them.

    Between the same log-in and log-out, with the HTTP client of Python's library: nothing is quicker here.
    """
    where = urlsplit(address)
    waiting, headers = iter(paths), {"Accept": "application/json"}
    first = http.client.HTTPConnection(where.hostname or "", where.port)
    login = json.dumps({"UserName": "admin", "Password": "right"})
    first.request("POST", "/redfish/v1/SessionService/Sessions", login, headers | {"Content-Type": "application/json"})
    answer = first.getresponse()
    answer.read()
    session, headers["X-Auth-Token"] = answer.headers["Location"], answer.headers["X-Auth-Token"]

    def work(connection: http.client.HTTPConnection) -> None:
        for path in waiting:
            connection.request("GET", path, headers=headers)
            answer = connection.getresponse()
            json.loads(answer.read())
            if answer.status not in (200, 404):
                raise AssertionError(f"GET {path}: {answer.status}")

    others = [http.client.HTTPConnection(where.hostname or "", where.port) for _ in range(1, parallel)]
    with ThreadPoolExecutor(parallel) as pool:
        list(pool.map(work, (first, *others)))
    first.request("DELETE", urlsplit(session).path, headers=headers)
    first.getresponse().read()
    for one in (first, *others):
        one.close()


def bare_requests(address: str, paths: list[str], parallel: int) -> None:
    """The same with the package `requests`, as most Redfish clients in Python ask, sushy and redfish-utilities among them."""
    first = requests.Session()
    login = first.post(f"{address}/redfish/v1/SessionService/Sessions", json={"UserName": "admin", "Password": "right"})
    waiting, token = iter(paths), {"X-Auth-Token": login.headers["X-Auth-Token"]}

    def work(connection: requests.Session) -> None:
        for path in waiting:
            answer = connection.get(address + path, headers=token)
            answer.json()
            if answer.status_code not in (200, 404):
                raise AssertionError(f"GET {path}: {answer.status_code}")

    others = [requests.Session() for _ in range(1, parallel)]
    with ThreadPoolExecutor(parallel) as pool:
        list(pool.map(work, (first, *others)))
    first.delete(address + urlsplit(login.headers["Location"]).path, headers=token)
    for one in (first, *others):
        one.close()


def sushy_walk(address: str) -> None:
    """What sushy knows of a machine; a resource that it cannot bear is left out."""
    import sushy
    from sushy import auth

    root = sushy.Sushy(address, auth=auth.SessionAuth("admin", "right"), verify=False)
    system = root.get_system(R750_SYSTEM)
    chassis = list(system.chassis)
    reads: tuple[Callable[[], object], ...] = (
        lambda: [one.model for one in system.processors.get_members()], lambda: system.memory_summary.size_gib,
        lambda: [one.mac_address for one in system.ethernet_interfaces.get_members()],
        lambda: [drive.serial_number for one in system.storage.get_members() for drive in one.drives],
        lambda: [volume.name for one in system.storage.get_members() for volume in one.volumes.get_members()],
        lambda: system.bios.attributes, lambda: system.bios.pending_attributes, lambda: system.secure_boot.enabled,
        lambda: [one.image for one in system.virtual_media.get_members()],
        lambda: [one.image for manager in system.managers for one in manager.virtual_media.get_members()],
        lambda: [one.power.power_supplies for one in chassis], lambda: [one.thermal.fans for one in chassis],
        lambda: [port.identity for one in chassis for card in one.network_adapters.get_members()
                 for port in card.network_ports.get_members()],
        lambda: [one.identity for one in system.pcie_devices],
        lambda: [one.version for one in root.get_update_service().firmware_inventory.get_members()],
    )
    for read in reads:
        _or_nothing(read)
    root._auth.close()


def _or_nothing(read: Callable[[], object]) -> None:
    try:
        read()
    except Exception as error:
        logging.debug("sushy: %r", error)


def command(*argv: str) -> None:
    environment = {key: value for key, value in os.environ.items() if not key.upper().endswith(("_CA_BUNDLE", "_PROXY"))}
    for user, password in (("BPA_BMC_USER", "BPA_BMC_PASSWORD"), ("BADFISH_USERNAME", "BADFISH_PASSWORD")):
        environment |= {user: "admin", password: "right"}
    subprocess.run(argv, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=environment, check=False)


def measure(bmc: Served, work: Callable[[], object], runs: int = RUNS) -> tuple[float, int]:
    """(seconds of the quickest run, requests of one)."""
    took = []
    for _ in range(runs):
        bmc.asked()
        began = time.perf_counter()
        work()
        took.append(time.perf_counter() - began)
    return min(took), len(bmc.asked())


@contextmanager
def certificate() -> Iterator[tuple[Path, Path]]:
    from tests.redfish.stub_bmc import make_pki

    with tempfile.TemporaryDirectory(prefix="bpa-bench-") as folder:
        pki = make_pki(Path(folder))
        yield pki.certificate, pki.key


def line(what: str, value: str, goal: str = "") -> None:
    print(f"{what:<66} {value:>14}   {goal}", flush=True)


def against_bare_gets() -> None:
    for delay in (0.0, 0.02, 0.2):
        with served(R750, seconds=delay) as bmc:
            _against_bare_gets(bmc, delay)


def _against_bare_gets(bmc: Served, delay: float) -> None:
    address, = bmc.addresses
    bmc.asked()
    facts(address)
    paths = [one.removeprefix("GET ") for one in bmc.asked() if one.startswith("GET ")]
    parallel = Target(access(address)).link.parallel
    runs = RUNS if delay else 10 * RUNS
    ours, asked = measure(bmc, lambda: facts(address), runs)
    line(f"all facts of the R750, {delay * 1000:.0f} ms per request", f"{ours:.3f} s", f"{asked} requests")
    for client, ask in (("http.client", bare), ("requests", bare_requests)):
        theirs, as_many = measure(bmc, partial(ask, address, paths, parallel), runs)
        line(f"bare GETs of the same with {client}, {parallel} at a time", f"{theirs:.3f} s", f"{as_many} requests")
        line("ratio", f"{ours / theirs:.2f} x", "goal 1.2")


def against_others() -> None:
    delay = 0.02
    with served(R750, seconds=delay) as bmc:
        address, = bmc.addresses
        inside = measure(bmc, lambda: facts(address))
        walk = measure(bmc, lambda: sushy_walk(address), 1)
        outside = measure(bmc, lambda: command(str(BIN / "bpa"), "bmc", "facts", address))
        inventory = measure(bmc, lambda: command(
            str(BIN / "rf_sys_inventory.py"), "-u", "admin", "-p", "right", "-r", address, "--details"))
    with certificate() as tls, served(R750, seconds=delay, tls=tls) as bmc:
        host = bmc.addresses[0].removeprefix("https://")
        badfish = measure(bmc, lambda: [command(str(BIN / "badfish"), "-H", host, "--insecure", verb) for verb in BADFISH], 1)
    for what, (seconds, asked) in {
        "in this process: all facts": inside, "in this process: sushy's own walk": walk, "bpa bmc facts": outside,
        "rf_sys_inventory --details": inventory, f"badfish, {len(BADFISH)} inventory commands, TLS": badfish,
    }.items():
        line(f"R750 with {delay * 1000:.0f} ms per request, {what}", f"{seconds:.2f} s", f"{asked} requests")


def looks() -> None:
    for tree in sorted(one for one in TREES.iterdir() if (one / "redfish").is_dir()):
        with served(tree) as bmc:
            bmc.asked()
            with Bmc(access(bmc.addresses[0])) as one:
                one.look()
            line(f"a look for provisioning, {tree.name}", f"{len(bmc.asked())} requests", "goal 15, log-in and log-out included")


def many_at_once(what: str) -> None:
    """what: "looks" for provisioning, or "facts", all of them."""
    with served(R750, AT_ONCE) as bmc:
        child = subprocess.run([sys.executable, "-m", "tests.bench_bmc", what, *bmc.addresses], check=True, text=True,
                               stdout=subprocess.PIPE)
        told = json.loads(child.stdout)
        server, left = bmc.ask("rss"), bmc.ask("sessions")
    line(f"{AT_ONCE} BMCs at once: {what}", f"{told['seconds']:.2f} s", f"{told['failed']} failed, {left} sessions left")
    line("  peak memory of the process that looks", f"{told['rss']} MB", "goal 300 MB")
    line(f"  peak memory of the process with the {AT_ONCE} machines", f"{server} MB")
    line("  both", f"{told['rss'] + server} MB")


def look_at_all(what: str, addresses: list[str]) -> None:
    """All at once, each by a thread of its own; what it took as JSON."""
    def look(address: str) -> bool:
        if what == "facts":
            with Target(access(address)) as target:
                return full_facts(target).identity.value is not None
        with Bmc(access(address)) as bmc:
            return bmc.look().serial != ""

    began = time.perf_counter()
    with ThreadPoolExecutor(len(addresses)) as pool:
        done = list(pool.map(look, addresses))
    print(json.dumps({"seconds": time.perf_counter() - began, "failed": done.count(False),
                      "rss": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024}))


def killed_runs() -> None:
    child = subprocess.run([sys.executable, str(Path(__file__).with_name("redfish") / "kill_sessions.py"), "1000", "100"],
                           text=True, stdout=subprocess.PIPE, check=False)
    told = json.loads(child.stdout)
    line(f"sessions left after {told['runs']} runs, {told['killed']} of them killed", str(told["left"]),
         f"goal 0; {told['seconds']} s")
    line("  killed between making the session and writing its path down", str(told["lost"]))
    line("  sessions of others that were closed", str(told["foreign_closed"]), "goal 0")


def main() -> None:
    logging.disable(logging.CRITICAL)
    against_bare_gets()
    against_others()
    looks()
    many_at_once("looks")
    many_at_once("facts")
    killed_runs()


if __name__ == "__main__":
    look_at_all(sys.argv[1], sys.argv[2:]) if sys.argv[2:] else main()
