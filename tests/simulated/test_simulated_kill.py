"""kill -9 at every step: the next process looks again, and the end is the same, with no restart and no loss more."""

import os
import pickle
import signal
import sys
import tempfile
from pathlib import Path

import pytest
from driving import GOLDEN, QUICK, host_want, new_host, stands
from hypothesis import given, settings
from hypothesis import strategies as st
from killing import POINTS, Killer

from bpa.adapters.store import Store
from bpa.core.guards import Consent
from bpa.lab.simulated import Clock

WANT = host_want()
STEPS = len(GOLDEN)


def begun(place, clock):
    """A new machine whose plan has been agreed to."""
    world = new_host(WANT, clock, durations=QUICK)
    store = Store(place / "site.sqlite")
    store.grant(WANT.name, Consent(world.machine.hardware.uuid, ("disk D1 (64.0 GiB)",)), clock())
    store.close()
    return world


@pytest.fixture(scope="module")
def undisturbed():
    """What a run that nobody stops comes to: (state, data lost, power cycles)."""
    with tempfile.TemporaryDirectory() as place:
        clock = Clock()
        world = begun(Path(place), clock)
        assert Killer(()).run(WANT, world, Path(place), clock).done
    return stands(world), world.machine.destroyed, world.machine.starts


def came_to(world):
    return stands(world), world.machine.destroyed, world.machine.starts


@pytest.mark.parametrize("point", POINTS)
@pytest.mark.parametrize("step", range(1, STEPS + 1), ids=lambda n: f"{n}-{GOLDEN[n - 1].split(':')[0][:40]}")
def test_killed_once_at_this_point_of_this_step(place, clock, undisturbed, step, point):
    world = begun(place, clock)
    killer = Killer({(step, point)})
    assert killer.run(WANT, world, place, clock).done
    assert came_to(world) == undisturbed
    if point != "half-way":
        assert killer.kills == 1


@pytest.mark.parametrize("point", POINTS)
def test_killed_at_this_point_of_every_single_step_of_one_run(place, clock, undisturbed, point):
    world = begun(place, clock)
    killer = Killer({(step, point) for step in range(1, 3 * STEPS, 2)})
    assert killer.run(WANT, world, place, clock).done
    assert came_to(world) == undisturbed


@settings(max_examples=25, deadline=None, derandomize=True)
@given(
    points=st.sets(st.tuples(st.integers(1, STEPS + 4), st.sampled_from(POINTS)), min_size=2, max_size=12),
    pauses=st.lists(st.sampled_from([0.0, 1.0, 30.0, 299.0, 601.0, 86400.0]), max_size=12),
)
def test_killed_anywhere_any_number_of_times_with_any_time_between(undisturbed, points, pauses):
    with tempfile.TemporaryDirectory(dir="/dev/shm" if os.access("/dev/shm", os.W_OK) else None) as place:
        clock = Clock()
        world = begun(Path(place), clock)
        assert Killer(points).run(WANT, world, Path(place), clock, pauses).done
        state, lost, starts = came_to(world)
        assert (state, lost) == undisturbed[:2]
        # When we were away for longer than a restart may take, it is right to ask once more for one that was only meant.
        assert starts - undisturbed[2] <= sum(pause > 200 for pause in pauses)


class Filed:
    """A world in a file: it lives on when the process that drives it is killed for real."""

    def __init__(self, path, clock, world, killer):
        self._path, self._clock, self._world, self._killer = path, clock, world, killer
        world.half_way = self._half_way

    def __getattr__(self, name):
        return getattr(self._world, name)

    def _half_way(self):
        self.save()
        self._killer.at("half-way")

    def perform(self, step):
        try:
            self._world.perform(step)
        finally:
            self.save()

    def save(self):
        half_way = self._world.__dict__.pop("half_way")
        new = self._path.with_suffix(".new")
        new.write_bytes(pickle.dumps((self._clock, self._world)))
        new.replace(self._path)
        self._world.half_way = half_way


def child(path, place, point):
    """One process: it ends itself by SIGKILL at its second step, or ends well when nothing is left to do."""
    clock, world = pickle.loads(path.read_bytes())

    def kill():
        os.kill(os.getpid(), signal.SIGKILL)

    killer = Killer({(2, point)}, kill)
    filed = Filed(path, clock, world, killer)
    done = killer.drive(WANT, filed, place, clock).done
    filed.save()
    return 0 if done else 3


@pytest.mark.parametrize("point", POINTS)
def test_killed_by_the_kernel_at_every_second_step(place, undisturbed, point):
    """The same with real processes, SIGKILL, the real SQLite file, and a world that outlives them."""
    clock, path = Clock(), place / "world"
    path.write_bytes(pickle.dumps((clock, begun(place, clock))))
    signals = []
    for _ in range(60):
        sys.stdout.flush()
        pid = os.fork()
        if pid == 0:
            try:
                os._exit(child(path, place, point))
            except BaseException:
                os._exit(4)
        status = os.waitpid(pid, 0)[1]
        if not os.WIFSIGNALED(status):
            break
        signals.append(os.WTERMSIG(status))
    assert os.waitstatus_to_exitcode(status) == 0
    assert set(signals) <= {signal.SIGKILL} and (len(signals) > 3 or point == "half-way")
    assert came_to(pickle.loads(path.read_bytes())[1]) == undisturbed
