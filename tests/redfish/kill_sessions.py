"""Runs against one BMC of which some are killed with SIGKILL at random points; counts the sessions that are left.

    python tests/redfish/kill_sessions.py [RUNS] [KILLED] [--seed N] [--pairs] [--without-times | --tree DIR]

Prints one line of JSON; exits 1 where a session of ours is left, or one of somebody else's was closed.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import select
import signal
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from session_stub import SESSIONS, SessionBmc
from stub_bmc import serve, small_machine

from bpa.adapters.errors import AdapterError
from bpa.adapters.redfish import Bmc, BmcAccess
from bpa.adapters.redfish.login.shelf import FileShelf
from bpa.core.secret import Secret

LOGIN_DELAY = 0.01
"""Seconds between making a session and telling of it: a kill in there loses its path."""


@dataclass(frozen=True)
class Result:
    runs: int
    killed: int
    lost: int  # killed after the intent was written down and before the path was
    left: int
    foreign_closed: int
    most_open: int
    records: int
    seconds: float


def run(runs: int, killed: int, seed: int = 1, pairs: bool = False, times: bool = True, tree: Path | None = None) -> Result:
    """`killed` of `runs` end by SIGKILL, every second in its login, the others at a random moment of what a run takes.

    pairs: two run at a time.
    tree: the recorded machine to run against; None = the stub.
    """
    dice = random.Random(seed)
    chosen = set(dice.sample(range(runs), killed))
    started = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        shelf = Path(folder) / "sessions"
        with _bmc(times, tree) as (address, ask):
            took = [_wait(_start(address, shelf)) for _ in range(5)]
            span = sum(took) / len(took)
            lost = kills = done = 0
            while done < runs:
                batch = range(done, min(done + (2 if pairs else 1), runs))
                children = [(number, _start(address, shelf)) for number in batch]
                for number, child in children:
                    if number in chosen:
                        kills += 1
                        if kills % 2:
                            _kill_in_login(child, shelf, dice.uniform(0, LOGIN_DELAY))
                        else:
                            _wait(child, dice.uniform(0, span * 1.1))
                        lost += bool(_path_lost(shelf, child))
                for number, child in children:
                    if number not in chosen:
                        _wait(child)
                done = batch.stop
            _wait(_start(address, shelf))
            end = ask()
        records = len(list(shelf.glob("*/*.json")))
    return Result(runs, killed, lost, end["left"], end["foreign_closed"], end["most_open"], records,
                  round(time.monotonic() - started, 1))


def _path_lost(shelf: Path, child: int) -> list[Path]:
    """The logins of this run that do not tell where their session is."""
    lost = []
    for file in shelf.glob(f"*/{child}-*.json"):
        with suppress(FileNotFoundError):  # by now the other of the pair has settled it
            text = file.read_text()
            lost += [file] if '"intended"' in text and '"path": "/' not in text else []
    return lost


def _kill_in_login(child: int, shelf: Path, after: float) -> None:
    """Seconds after it has written down that it logs in; where that is missed it runs to its end."""
    handle = os.pidfd_open(child)
    while not select.select([handle], [], [], 0.001)[0] and not _path_lost(shelf, child):
        pass
    os.close(handle)
    _wait(child, after)


def _start(address: str, shelf: Path) -> int:
    child = os.fork()
    if child:
        return child
    code = 1
    try:
        with Bmc(BmcAccess(address, "admin", Secret("right"), shelf=FileShelf(shelf))) as machine:
            machine.look()
        code = 0
    except AdapterError as error:
        print(error, file=sys.stderr)
    finally:
        os._exit(code)


def _wait(child: int, kill_after: float | None = None) -> float:
    """Until it ends, or is killed; seconds that it took."""
    started = time.monotonic()
    handle = os.pidfd_open(child)
    ended = select.select([handle], [], [], kill_after)[0]
    if not ended:
        signal.pidfd_send_signal(handle, signal.SIGKILL)
    os.close(handle)
    _, status = os.waitpid(child, 0)
    if ended and os.waitstatus_to_exitcode(status):
        raise SystemExit(f"a run failed with {status}")
    return time.monotonic() - started


class _bmc:
    """A stub in a process of its own, so that the one that forks runs has no threads."""

    def __init__(self, times: bool, tree: Path | None) -> None:
        self._times, self._tree = times, tree

    def __enter__(self) -> tuple[str, Callable[[], dict[str, int]]]:
        down, self._stop = os.pipe()
        self._said, up = os.pipe()
        self._child = os.fork()
        if not self._child:
            os.close(self._stop)
            self._serve(down, up)
        os.close(down)
        os.close(up)
        return os.read(self._said, 4096).decode(), self._ask

    def _ask(self) -> dict[str, int]:
        os.write(self._stop, b"?")
        told: dict[str, int] = json.loads(os.read(self._said, 4096))
        return told

    def __exit__(self, *trouble: object) -> None:
        os.close(self._stop)
        os.waitpid(self._child, 0)

    def _serve(self, down: int, up: int) -> None:
        with suppress(BaseException):
            if self._tree:
                self._serve_tree(self._tree, down, up)
            bmc = SessionBmc(small_machine(), times=self._times, delay=LOGIN_DELAY)
            foreign = {bmc.add(90_000 + n, age=3600.0 * n, **who) for n, who in enumerate(
                [{"user": "operator"}, {}, {"SessionType": "WebUI"}])}
            with serve(bmc):
                os.write(up, bmc.address.encode())
                while os.read(down, 1):
                    still = set(bmc.open)
                    assert all(path.startswith(SESSIONS) for path in still)
                    told = {"left": len(still - foreign), "foreign_closed": len(foreign - still), "most_open": bmc.most_open}
                    os.write(up, json.dumps(told).encode())
        os._exit(0)


    def _serve_tree(self, tree: Path, down: int, up: int) -> None:
        from bpa.lab.recorded import serve as serve_tree

        with serve_tree(tree) as bmc:
            os.write(up, bmc.address.encode())
            while os.read(down, 1):
                os.write(up, json.dumps({"left": len(bmc.machine.gate.open), "foreign_closed": 0, "most_open": 0}).encode())
        os._exit(0)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("runs", type=int, nargs="?", default=1000)
    parser.add_argument("killed", type=int, nargs="?", default=100)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--pairs", action="store_true", help="two runs at a time")
    parser.add_argument("--without-times", action="store_true", help="sessions do not tell when they were made")
    parser.add_argument("--tree", type=Path, help="a recorded machine instead of the stub")
    given = parser.parse_args()
    result = run(given.runs, given.killed, given.seed, given.pairs, not given.without_times, given.tree)
    print(json.dumps(asdict(result)))
    return 1 if result.left or result.foreign_closed else 0


if __name__ == "__main__":
    raise SystemExit(main())
