"""The figures of the README, as seconds and ratios: python -m tests.bench [--profile]. Never a test: machines differ."""

from __future__ import annotations

import cProfile
import os
import pstats
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from bpa import documents
from bpa.adapters.store import Store
from bpa.lab.simulated import Clock
from tests.simulated.driving import QUICK, all_of, drive, drive_fleet, host_want, new_host, subject
from tests.simulated.site_of_many import write_site

HOSTS, FEW, RUNS = 200, 20, 3
BPA = str(Path(sys.executable).parent / "bpa")


def best(work: Callable[[], object], runs: int = RUNS) -> float:
    """Seconds of the quickest of several runs: what the work takes when nothing else is in the way."""
    took = []
    for _ in range(runs):
        began = time.perf_counter()
        work()
        took.append(time.perf_counter() - began)
    return min(took)


def command(*argv: str, place: str) -> Callable[[], object]:
    environment = {**os.environ, "BPA_STATE": place, "BPA_LAB_DIR": f"{place}/no-lab"}
    return lambda: subprocess.run(argv, check=True, stdout=subprocess.DEVNULL, env=environment)


def one_host(place: Path) -> tuple[float, int]:
    """(seconds, ticks) of a simulated host from powered off to handed over, its store on the disk as always."""
    clock, want = Clock(), host_want()
    world, ticks = new_host(want, clock, durations=QUICK), [0]

    def count(outcome: object) -> bool:
        ticks[0] += 1
        return False

    store = Store(place / f"{time.monotonic_ns()}.sqlite")
    began = time.perf_counter()
    drive(subject(want, world), store, clock, all_of(world), until=count)
    took = time.perf_counter() - began
    store.close()
    return took, ticks[0]


def fleet(place: Path, number: int) -> float:
    """Seconds for `number` simulated hosts at once, from powered off to handed over."""
    clock = Clock()
    wants = [host_want(f"node{n}") for n in range(number)]
    worlds = {want.name: new_host(want, clock, n, QUICK) for n, want in enumerate(wants)}
    began = time.perf_counter()
    driven, store = drive_fleet([subject(want, worlds[want.name]) for want in wants], place / f"fleet-{number}", clock,
                                lambda name: all_of(worlds[name]))
    took = time.perf_counter() - began
    if not all(outcome.done for outcome in driven.outcomes.values()):
        raise AssertionError("a simulated host did not arrive")
    store.close()
    return took


def line(what: str, value: str, goal: str = "") -> None:
    print(f"{what:<58} {value:>12}   {goal}")


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="bpa-bench-") as place:
        many, few = write_site(Path(place) / "many", HOSTS), write_site(Path(place) / "few", FEW)
        python = best(command(sys.executable, "-c", "pass", place=place))
        bare = best(command(BPA, "--help", place=place))
        line("python -c pass", f"{python:.2f} s")
        line("bpa --help", f"{bare:.2f} s", "goal 0.5 s")
        plan_many = best(command(BPA, "plan", "--simulate", str(many), place=place))
        plan_few = best(command(BPA, "plan", "--simulate", str(few), place=place))
        ratio = (plan_many / HOSTS) / (plan_few / FEW)
        line(f"bpa plan --simulate, {HOSTS} hosts", f"{plan_many:.2f} s", "goal 5 s")
        line(f"bpa plan --simulate, {FEW} hosts", f"{plan_few:.2f} s")
        line(f"per host, {HOSTS} against {FEW} hosts", f"{ratio:.2f} x", "below 1: no worse than linear")
        load_many, load_few = best(lambda: documents.load(many)), best(lambda: documents.load(few))
        line(f"reading the documents of {HOSTS} hosts", f"{load_many:.2f} s")
        line(f"per host, {HOSTS} against {FEW} hosts", f"{(load_many / HOSTS) / (load_few / FEW):.2f} x")
        took, ticks = min(one_host(Path(place)) for _ in range(RUNS))
        line("one host from powered off to handed over, our own work", f"{took:.2f} s", "goal 5 s")
        line("ticks, store on the disk", f"{ticks / took:.0f} /s")
        fleet_many, fleet_few = fleet(Path(place), 50), fleet(Path(place), 5)
        line("50 hosts at once, our own work", f"{fleet_many:.2f} s")
        line("per host, 50 against 5 hosts", f"{(fleet_many / 50) / (fleet_few / 5):.2f} x")


def profile() -> None:
    """Where `bpa plan --simulate` spends its time."""
    from bpa.wiring import open_site

    with tempfile.TemporaryDirectory(prefix="bpa-bench-") as place:
        site = write_site(Path(place) / "many", HOSTS)
        with cProfile.Profile() as seen, open_site(str(site), simulate=True) as wired:
            wired.survey()
    pstats.Stats(seen).sort_stats("cumulative").print_stats(35)


if __name__ == "__main__":
    profile() if "--profile" in sys.argv else main()
