"""`bpa lab bmc`: recorded machines from the command line."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import requests
from recorded_tree import RECORDED, RESET, ROOT, SYSTEM, write_tree

from bpa.cli import run
from bpa.lab.recorded.faults import ABOUT
from bpa.lab.recorded.personalities import ALL

GUIDE = Path(__file__).parents[2] / "docs" / "guides" / "recorded-machine.md"


@contextmanager
def running(*arguments: str) -> Iterator[dict[str, Any]]:
    """What the command says as JSON, while it runs; ends it as Ctrl-C does."""
    # What is started in the background of a script ignores SIGINT, and so would its children.
    code = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler); from bpa.cli import main; main()"
    command = [sys.executable, "-c", code, "lab", "bmc", *arguments, "--port", "0", "--json"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout
        lines: list[str] = []
        while not lines or lines[-1] != "}\n":
            line = process.stdout.readline()
            assert line, process.stderr and process.stderr.read()
            lines.append(line)
        try:
            yield json.loads("".join(lines))
        finally:
            process.send_signal(signal.SIGINT)
            try:
                assert process.wait(20) == 0
            finally:
                process.kill()


def test_machines_are_served_until_interrupted(tmp_path: Path) -> None:
    tree, secret, faults = write_tree(tmp_path / "tree"), tmp_path / "secret", tmp_path / "faults"
    secret.write_text("a-secret\n")
    with running(str(tree), "--count", "2", "--user", "ops", "--password-file", str(secret), "--fault-file", str(faults),
                 "--post-seconds", "0") as told:
        first, second = (m["address"] for m in told["machines"])
        assert requests.get(second + SYSTEM, auth=("ops", "a-secret"), timeout=10).status_code == 200
        requests.post(first + RESET, json={"ResetType": "ForceOff"}, auth=("ops", "a-secret"), timeout=10)
        states = [requests.get(a + SYSTEM, auth=("ops", "a-secret"), timeout=10).json()["PowerState"] for a in (first, second)]
        assert states == ["Off", "On"]
        faults.write_text("503-storm\n")
        assert requests.get(first + ROOT, timeout=10).status_code == 503


def test_machines_are_served_over_tls(tmp_path: Path) -> None:
    with running(str(write_tree(tmp_path / "tree")), "--tls", str(tmp_path / "tls"), "--personality", "dell") as told:
        [machine] = told["machines"]
        assert machine["personality"] == "dell" and machine["systems"] == [SYSTEM]
        assert requests.get(machine["address"] + ROOT, verify=told["ca"], timeout=10).status_code == 200


@pytest.mark.parametrize(("arguments", "said"), [
    (["{empty}"], "no recorded Redfish tree"),
    (["{tree}", "--fault", "no-such"], "no fault is called 'no-such'"),
    (["{tree}", "--personality", "no-such"], "no personality is called 'no-such'"),
])
def test_what_cannot_be_served_is_said(
    tmp_path: Path, arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "empty").mkdir()
    places = {"tree": str(write_tree(tmp_path / "tree")), "empty": str(tmp_path / "empty")}
    assert run(["lab", "bmc", *(a.format(**places) for a in arguments)]) != 0
    assert said in capsys.readouterr().err


def test_the_faults_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["lab", "bmc", "--faults"]) == 0
    listed = capsys.readouterr().out
    assert all(name in listed for name in ABOUT)


def test_the_guide_names_every_fault_and_every_personality() -> None:
    text = GUIDE.read_text()
    assert [name for name in ABOUT if f"| `{name}` |" not in text] == []
    assert [name for name in ALL if f"| `{name}` |" not in text] == []


@pytest.mark.skipif(not RECORDED.is_dir(), reason="recorded machines are not unpacked: see .ci/run")
def test_recorded_trees_of_different_vendors_stand_side_by_side() -> None:
    trees = [str(t) for t in sorted(RECORDED.iterdir()) if (t / "redfish").is_dir()]
    with running(*trees) as told:
        assert {m["personality"] for m in told["machines"]} == {
            "dell", "dmtf", "hpe", "intel", "lenovo", "openbmc", "supermicro"}
