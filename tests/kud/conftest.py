"""A cluster of two hosts, a directory of hand-offs, and installers made of a few lines of shell."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tenacity import Retrying, retry_if_result, stop_after_delay, wait_fixed

from bpa.adapters.kud import Kud
from bpa.core.cluster.installer import argv, environment
from bpa.core.cluster.inventory import render_files
from bpa.core.facts import ClusterFacts, InstallerRun, MemberFacts
from bpa.core.steps import StartInstaller
from bpa.core.want import ClusterWant, Member

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGjH5uKfQm0m0pUxQxVb2m0m0pUxQxVb2m0m0pUxQxVb"
INSTALLER = Path(__file__).parents[2] / "bpa" / "lab" / "installer"


@pytest.fixture
def want() -> ClusterWant:
    return ClusterWant(
        name="edge-1",
        masters=(Member("master-1", "host-a", "52:54:00:00:00:01"),),
        workers=(Member("worker-1", "host-b", "52:54:00:00:00:02"),),
    )


@pytest.fixture
def have() -> ClusterFacts:
    return ClusterFacts(
        members={
            "master-1": MemberFacts(True, "172.22.0.11", host_key=KEY),
            "worker-1": MemberFacts(True, "172.22.0.12", host_key=KEY),
        },
        installer="/opt/kud/installer",
    )


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    return tmp_path / "multi cluster"


@pytest.fixture
def step(want: ClusterWant) -> StartInstaller:
    return StartInstaller(want.name, argv(want), environment(want))


@pytest.fixture
def kud_with(
    directory: Path, tmp_path: Path, want: ClusterWant, have: ClusterFacts
) -> Iterator[Callable[[str], Kud]]:
    """A Kud whose installer is the given shell text, with the inventory already written."""
    made: list[Kud] = []

    def make(text: str) -> Kud:
        installer = tmp_path / "kud" / "installer"
        installer.parent.mkdir(exist_ok=True)
        installer.write_text(f"#!/bin/sh\n{text}\n")
        installer.chmod(0o755)
        kud = Kud(installer.parent, directory)
        kud.write(want.name, render_files(want, have))
        made.append(kud)
        return kud

    yield make
    for kud in made:
        kud.stop(want.name, grace=1.0)


def _wait_until(condition: Callable[[], object], seconds: float = 60) -> None:
    waiting = Retrying(
        wait=wait_fixed(0.02), stop=stop_after_delay(seconds), retry=retry_if_result(lambda held: not held),
        retry_error_callback=lambda _: False,
    )
    assert waiting(condition), "it never came to pass"


@pytest.fixture
def wait_until() -> Callable[[Callable[[], object]], None]:
    """Come back as soon as the condition holds; a test that waits in vain fails here."""
    return _wait_until


@pytest.fixture
def end_of(want: ClusterWant) -> Callable[[Kud], InstallerRun]:
    """The installer's run, once it is over."""

    def wait(kud: Kud) -> InstallerRun:
        _wait_until(lambda: (run := kud.look(want.name).run) and not run.alive)
        run = kud.look(want.name).run
        assert run
        return run

    return wait
