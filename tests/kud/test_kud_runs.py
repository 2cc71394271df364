"""Real installers, a few lines of shell each: they succeed, fail, are killed and outlive whoever started them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from polling import until

from bpa.adapters.errors import AdapterError, Busy, Refused, Unsupported
from bpa.adapters.kud import Kud
from bpa.core.cluster.installer import check, fingerprint
from bpa.core.facts import ClusterFacts, InstallerRun
from bpa.core.steps import StartInstaller
from bpa.core.verdict import Act, Met, Stuck
from bpa.core.want import ClusterWant

Make = Callable[[str], Kud]
End = Callable[[Kud], InstallerRun]
Until = Callable[[Callable[[], object]], None]

# Runs until the file `go` appears beside it, and says so.
WAITS = 'echo waiting; while [ ! -e go ]; do sleep 0.05; done; echo done; mkdir -p "$KUD_MULTI_CLUSTER/$2/artifacts"'


def pids(kud: Kud, directory: Path) -> tuple[int, int]:
    """The wrapper and the installer it runs."""
    runs = sorted((directory / "edge-1" / ".bpa" / "runs").iterdir())
    wrapper = int((runs[-1] / "process").read_text().split()[0])

    def child() -> str:
        (pid,) = Path(f"/proc/{wrapper}/task/{wrapper}/children").read_text().split()
        # The one that published `process` may not be gone yet.
        return "" if Path(f"/proc/{pid}/comm").read_text() == "mv\n" else pid

    return wrapper, int(until(child, bool, ignore=(OSError, ValueError)))


def test_a_successful_run_leaves_its_code_log_and_artifacts(
    kud_with: Make, step: StartInstaller, end_of: End, directory: Path
) -> None:
    kud = kud_with('mkdir -p "$KUD_MULTI_CLUSTER/$2/artifacts/addons"; echo "runtime $CONTAINER_RUNTIME for $*"; '
                   'touch "$KUD_MULTI_CLUSTER/$2/artifacts/addons/values.yaml"')
    tail = kud.follow("edge-1")
    kud.start(step)
    run = end_of(kud)
    assert (run.exit_code, run.argv) == (0, step.argv)
    assert run.last_lines == ("runtime containerd for --cluster edge-1",)
    assert tail.new_lines() == run.last_lines
    assert tail.new_lines() == ()
    seen = kud.look("edge-1")
    assert seen.artifacts == ("addons/values.yaml",)
    assert run.fingerprint == fingerprint(step.argv, step.environment, seen.files, seen.installer)
    assert (directory / "edge-1" / "log" / "installer.log").read_text() == Path(run.log).read_text()


def test_the_whole_story_is_met_in_the_end_and_stays_met(
    kud_with: Make, step: StartInstaller, end_of: End, want: ClusterWant
) -> None:
    kud = kud_with("exit 0")
    assert isinstance(check(want, kud.look("edge-1")), Act)
    kud.start(step)
    end_of(kud)
    assert isinstance(check(want, kud.look("edge-1")), Met)


def test_a_failure_stays_until_it_is_set_aside(
    kud_with: Make, step: StartInstaller, end_of: End, want: ClusterWant
) -> None:
    kud = kud_with("echo 'fatal: [worker-1]: FAILED! => no /dev/kvm'; exit 2")
    kud.start(step)
    assert end_of(kud).exit_code == 2
    verdict = check(want, kud.look("edge-1"))
    assert isinstance(verdict, Stuck)
    assert "no /dev/kvm" in verdict.reason
    assert "installer-0001.log" in verdict.advice
    assert kud.set_aside_failure("edge-1")
    assert isinstance(check(want, kud.look("edge-1")), Act)
    assert not kud.set_aside_failure("edge-1")


def test_changed_files_make_a_new_run_with_a_log_of_its_own(
    kud_with: Make, step: StartInstaller, end_of: End, want: ClusterWant
) -> None:
    kud = kud_with("echo hello")
    kud.start(step)
    first = end_of(kud)
    assert kud.write("edge-1", {"hosts.ini": "[all]\n"}) == ("hosts.ini",)
    assert isinstance(check(want, kud.look("edge-1")), Act)
    tail = kud.follow("edge-1")
    assert tail.new_lines() == ("hello",)
    kud.start(step)
    second = end_of(kud)
    assert second.fingerprint != first.fingerprint
    assert second.log != first.log
    assert Path(first.log).exists()
    assert tail.new_lines() == ("hello",)


def test_what_is_already_right_is_not_written_again(kud_with: Make, directory: Path) -> None:
    kud = kud_with("exit 0")
    text = (directory / "edge-1" / "hosts.ini").read_text()
    before = (directory / "edge-1" / "hosts.ini").stat().st_ino
    assert kud.write("edge-1", {"hosts.ini": text}) == ()
    assert (directory / "edge-1" / "hosts.ini").stat().st_ino == before


def test_the_installer_outlives_a_killed_bpa_and_is_found_again(
    kud_with: Make, step: StartInstaller, end_of: End, directory: Path, tmp_path: Path
) -> None:
    kud = kud_with(WAITS)
    program = (
        "import os, signal, sys; from pathlib import Path; from bpa.adapters.kud import Kud;"
        "from bpa.core.steps import StartInstaller;"
        f"Kud(Path({str(tmp_path / 'kud')!r}), Path({str(directory)!r})).start("
        f"StartInstaller({step.cluster!r}, {step.argv!r}, {dict(step.environment)!r}));"
        "os.kill(os.getpid(), signal.SIGKILL)"
    )
    root = Path(__file__).parents[2]
    environment = {**os.environ, "PYTHONPATH": str(root)}
    parent = subprocess.run([sys.executable, "-c", program], check=False, env=environment)
    assert parent.returncode == -signal.SIGKILL
    run = kud.look("edge-1").run
    assert run is not None
    assert run.alive
    with pytest.raises(Busy):
        kud.start(step)
    with pytest.raises(Busy):
        kud.write("edge-1", {"hosts.ini": "other"})
    (tmp_path / "kud" / "go").touch()
    assert end_of(kud).exit_code == 0


def test_a_killed_installer_is_a_failure_with_the_code_of_its_signal(
    kud_with: Make, step: StartInstaller, end_of: End, directory: Path
) -> None:
    kud = kud_with(WAITS)
    kud.start(step)
    os.kill(pids(kud, directory)[1], signal.SIGKILL)
    assert end_of(kud).exit_code == 128 + signal.SIGKILL


def test_a_run_whose_every_process_was_killed_is_lost_and_runs_again(
    kud_with: Make, step: StartInstaller, end_of: End, want: ClusterWant, directory: Path, wait_until: Until
) -> None:
    kud = kud_with(WAITS)
    kud.start(step)
    wrapper, installer = pids(kud, directory)
    os.kill(wrapper, signal.SIGKILL)
    os.kill(installer, signal.SIGKILL)
    run = end_of(kud)
    assert (run.alive, run.exit_code) == (False, None)
    assert isinstance(check(want, kud.look("edge-1")), Act)
    kud.start(step)
    wait_until(lambda: kud.follow("edge-1").new_lines() == ("waiting",))


def test_an_installer_that_outlives_its_wrapper_still_counts_as_running(
    kud_with: Make, step: StartInstaller, directory: Path
) -> None:
    kud = kud_with(WAITS)
    kud.start(step)
    os.kill(pids(kud, directory)[0], signal.SIGKILL)
    run = kud.look("edge-1").run
    assert run is not None
    assert run.alive
    with pytest.raises(Busy):
        kud.start(step)
    assert kud.stop("edge-1")


def test_a_recycled_process_number_is_not_taken_for_the_installer(
    kud_with: Make, step: StartInstaller, end_of: End, directory: Path
) -> None:
    kud = kud_with("exit 0")
    kud.start(step)
    end_of(kud)
    (run,) = (directory / "edge-1" / ".bpa" / "runs").iterdir()
    (run / "exit").unlink()
    _, started, boot = (run / "process").read_text().split()
    (run / "process").write_text(f"{os.getpid()} {started} {boot}\n")
    seen = kud.look("edge-1").run
    assert seen is not None
    assert (seen.alive, seen.exit_code) == (False, None)


def test_stop_ends_the_installer_with_everything_it_started(
    kud_with: Make, step: StartInstaller, end_of: End, wait_until: Until
) -> None:
    kud = kud_with("setsid sh -c 'trap : TERM; while :; do sleep 0.05; done' & echo started; wait")
    kud.start(step)
    wait_until(lambda: kud.follow("edge-1").new_lines())
    assert kud.stop("edge-1", grace=0.5)
    assert not end_of(kud).alive
    assert not kud.stop("edge-1")


def test_of_many_starts_at_once_exactly_one_wins(kud_with: Make, step: StartInstaller, directory: Path) -> None:
    kud = kud_with(WAITS)
    refusals: list[AdapterError] = []

    def start() -> None:
        try:
            kud.start(step)
        except AdapterError as error:
            refusals.append(error)

    threads = [threading.Thread(target=start) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [type(each) for each in refusals] == [Busy] * 7
    assert len(list((directory / "edge-1" / ".bpa" / "runs").iterdir())) == 1


def test_the_installer_sees_only_what_it_is_meant_to_see(
    kud_with: Make, step: StartInstaller, end_of: End, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BMC_PASSWORD", "hunter2")
    monkeypatch.setenv("KUD_DEBUG", "yes")
    kud = kud_with("env")
    kud.start(step)
    told = dict(line.split("=", 1) for line in end_of(kud).last_lines if "=" in line)
    assert "BMC_PASSWORD" not in told
    assert told["KUD_DEBUG"] == ""
    assert told["ANSIBLE_HOST_KEY_CHECKING"] == "True"
    assert "StrictHostKeyChecking=yes" in told["ANSIBLE_SSH_ARGS"]


@pytest.mark.parametrize("name", ["", "..", "../edge-1", "a/b", "/etc", "addons", ".bpa", "a\0b", "a\nb"])
def test_a_cluster_name_never_leads_out_of_the_directory(kud_with: Make, name: str) -> None:
    kud = kud_with("exit 0")
    for act in (kud.look, kud.stop, kud.follow, kud.set_aside_failure, lambda each: kud.write(each, {})):
        with pytest.raises(Refused):
            act(name)


@pytest.mark.parametrize("name", ["../x", "/etc/x", "", "group_vars/../../x", ".bpa/lock"])
def test_a_file_name_never_leads_out_of_the_cluster(kud_with: Make, name: str) -> None:
    with pytest.raises(Refused):
        kud_with("exit 0").write("edge-1", {name: "x"})


def test_an_unknown_cluster_has_nothing_yet(directory: Path) -> None:
    assert Kud(None, directory).look("edge-9") == ClusterFacts()


def test_a_missing_installer_is_refused_with_what_to_set(directory: Path, step: StartInstaller, tmp_path: Path) -> None:
    for installer in (None, tmp_path / "nowhere", tmp_path):
        with pytest.raises(Refused) as refusal:
            Kud(installer, directory).start(step)
        assert "spec.kud.installer" in refusal.value.advice


def test_an_installer_without_inventory_is_refused(kud_with: Make, step: StartInstaller, directory: Path) -> None:
    kud = kud_with("exit 0")
    (directory / "edge-1" / "hosts.ini").unlink()
    with pytest.raises(Refused, match=r"hosts\.ini"):
        kud.start(step)


def test_a_plugin_that_this_kud_lacks_is_told_before_the_cluster_is_built(
    directory: Path, tmp_path: Path, want: ClusterWant
) -> None:
    containerized = tmp_path / "kud" / "hosting_providers" / "containerized"
    (tmp_path / "kud" / "deployment_infra" / "playbooks").mkdir(parents=True)
    containerized.mkdir(parents=True)
    (containerized / "installer").write_text("#!/bin/sh\n")
    (containerized / "installer").chmod(0o755)
    argv = ("./installer", "--cluster", want.name, "--plugins", "bpa")
    with pytest.raises(Unsupported, match="no plugin bpa"):
        Kud(containerized, directory).start(StartInstaller(want.name, argv))
