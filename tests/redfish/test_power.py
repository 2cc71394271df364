"""Power: the nearest reset that is allowed, politely first; POST is waited out; what others do meanwhile is told."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from keeping_bmc import FakeTime, KeepingBmc, sent
from stub_bmc import ROOT, Reply, Request, StubBmc, error, serve, small_machine

from bpa.adapters.errors import Busy, Refused, Unsupported
from bpa.adapters.redfish import BmcAccess
from bpa.adapters.redfish.power import post, switching
from bpa.adapters.redfish.power.post import LATE, UNTOLD, Seen, Watch, seen
from bpa.adapters.redfish.power.reset import nearest, send_reset
from bpa.adapters.redfish.target import Target
from bpa.adapters.redfish.writing import Writer
from bpa.core.secret import Secret

SYSTEM = f"{ROOT}/systems/1"
ALLOWED = "ResetType@Redfish.AllowableValues"


class PoweredBmc(KeepingBmc):
    """A stub whose resets do something: reset type -> power states that follow, by seconds of its clock."""

    def __init__(self, time: FakeTime, does: dict[str, list[tuple[float, str]]]) -> None:
        super().__init__(small_machine())
        self.time, self.does = time, does
        self.since: tuple[float, str] = (0.0, "")

    def answer(self, request: Request) -> Reply:
        if request.method == "POST" and request.key.endswith("computersystem.reset"):
            self.since = (self.time.now, request.body["ResetType"])
        assert isinstance(self.resources, dict)
        for after, power in self.does.get(self.since[1], []):
            if self.time.now >= self.since[0] + after:
                self.resources[SYSTEM]["PowerState"] = power
        return super().answer(request)


def system(stub: StubBmc) -> dict[str, Any]:
    assert isinstance(stub.resources, dict)
    found: dict[str, Any] = stub.resources[SYSTEM]
    return found


def allow(stub: StubBmc, *types: str) -> None:
    system(stub)["Actions"]["#ComputerSystem.Reset"][ALLOWED] = list(types)


@pytest.fixture
def time() -> FakeTime:
    return FakeTime()


@pytest.fixture
def bmc(time: FakeTime) -> Iterator[PoweredBmc]:
    does = {
        "ForceOff": [(2.0, "Off")], "GracefulShutdown": [(2.0, "PoweringOff"), (30.0, "Off")], "On": [(3.0, "On")],
        "PushPowerButton": [(20.0, "Off")], "ForceRestart": [(1.0, "Off"), (9.0, "On")],
    }
    stub = PoweredBmc(time, does)
    with serve(stub):
        allow(stub, "On", "ForceOff", "GracefulShutdown", "ForceRestart")
        yield stub


@pytest.fixture
def target(bmc: PoweredBmc) -> Iterator[Target]:
    with Target(BmcAccess(bmc.address, "admin", Secret("right"))) as one:
        yield one


def resets(stub: StubBmc) -> list[str]:
    return [r.body["ResetType"] for r in sent(stub, "POST")]


@pytest.mark.parametrize(
    ("asked", "power", "allowed", "chosen"),
    [
        ("On", "Off", ("ForceOn", "PushPowerButton"), "ForceOn"),
        ("On", "Off", ("PushPowerButton",), "PushPowerButton"),
        ("GracefulShutdown", "On", ("PushPowerButton", "ForceOff"), "PushPowerButton"),
        ("GracefulShutdown", "", ("PushPowerButton", "ForceOff"), None),
        ("ForceOff", "On", ("PushPowerButton",), None),
        ("PowerCycle", "On", ("ForceRestart",), "ForceRestart"),
        ("Nmi", "On", ("ForceRestart",), None),
        ("PushPowerButton", "On", ("PushPowerButton",), "PushPowerButton"),
        ("ForceRestart", "On", (), "ForceRestart"),
    ],
)
def test_the_nearest_reset_type(asked: str, power: str, allowed: tuple[str, ...], chosen: str | None) -> None:
    assert nearest(asked, allowed, power) == chosen


@pytest.mark.parametrize(
    ("asked", "power", "sends"),
    [("On", "PoweringOn", []), ("On", "Paused", []), ("GracefulShutdown", "PoweringOff", []),
     ("ForceOff", "PoweringOff", ["ForceOff"])],
)
def test_a_machine_on_its_way_is_left_alone(bmc: PoweredBmc, target: Target, asked: str, power: str, sends: list[str]) -> None:
    system(bmc)["PowerState"] = power
    send_reset(Writer(target), asked)
    assert resets(bmc) == sends


@pytest.mark.parametrize("asked", ["On", "ForceRestart"])
def test_a_machine_that_is_going_off_cannot_be_started_yet(bmc: PoweredBmc, target: Target, asked: str) -> None:
    system(bmc)["PowerState"] = "PoweringOff"
    with pytest.raises(Busy, match="switching the machine off"):
        send_reset(Writer(target), asked)
    assert resets(bmc) == []


def test_off_asks_the_operating_system_and_waits_for_it(bmc: PoweredBmc, target: Target, time: FakeTime) -> None:
    done = switching.switch(Writer(target, patience=time.waiting()), "off", time.waiting(300))
    assert resets(bmc) == ["GracefulShutdown"]
    assert (done.seen.power, done.changed, done.forced) == ("Off", True, False)
    assert 30 <= time.now < 35


def test_off_is_forced_where_the_operating_system_does_not_listen(bmc: PoweredBmc, target: Target, time: FakeTime) -> None:
    bmc.does["GracefulShutdown"] = []
    done = switching.switch(Writer(target, patience=time.waiting()), "off", time.waiting(300), grace=60)
    assert resets(bmc) == ["GracefulShutdown", "ForceOff"]
    assert done.forced
    assert 60 <= time.now < 70


def test_off_by_force_asks_nobody(bmc: PoweredBmc, target: Target, time: FakeTime) -> None:
    switching.switch(Writer(target), "off", time.waiting(300), grace=0)
    assert resets(bmc) == ["ForceOff"]


def test_the_button_is_pushed_where_there_is_no_graceful_shutdown(bmc: PoweredBmc, target: Target, time: FakeTime) -> None:
    allow(bmc, "On", "ForceOff", "PushPowerButton")
    assert switching.switch(Writer(target), "off", time.waiting(300)).seen.power == "Off"
    assert resets(bmc) == ["PushPowerButton"]


def test_a_restart_is_off_and_on_where_no_restart_is_allowed(bmc: PoweredBmc, target: Target, time: FakeTime) -> None:
    allow(bmc, "On", "ForceOff")
    done = switching.switch(Writer(target), "restart", time.waiting(300), grace=0)
    assert resets(bmc) == ["ForceOff", "On"]
    assert done.seen.power == "On"


def test_a_restart_that_cannot_be_done_is_told(bmc: PoweredBmc, target: Target, time: FakeTime) -> None:
    allow(bmc, "Nmi")
    with pytest.raises(Unsupported, match="allows no ForceRestart"):
        switching.switch(Writer(target), "restart", time.waiting(300), grace=0)


def test_a_dry_run_of_a_restart_tells_both_requests(bmc: PoweredBmc, target: Target, time: FakeTime) -> None:
    writer = Writer(target, dry_run=True)
    switching.switch(writer, "restart", time.waiting(300))
    assert [r.body for r in writer.sent] == [{"ResetType": "GracefulShutdown"}, {"ResetType": "On"}]
    assert resets(bmc) == []


def test_what_is_so_already_is_left_alone(bmc: PoweredBmc, target: Target, time: FakeTime) -> None:
    assert not switching.switch(Writer(target), "on", time.waiting()).changed
    system(bmc)["PowerState"] = "Off"
    assert not switching.switch(Writer(target), "off", time.waiting()).changed
    assert resets(bmc) == []


def test_a_restart_of_a_machine_that_is_off_switches_it_on(bmc: PoweredBmc, target: Target, time: FakeTime) -> None:
    system(bmc)["PowerState"] = "Off"
    switching.switch(Writer(target), "restart", time.waiting(300))
    assert resets(bmc) == ["On"]


def test_a_busy_bmc_is_waited_for(bmc: PoweredBmc, target: Target, time: FakeTime) -> None:
    bmc.fault = lambda stub, r: (
        error(400, "not now", "Base.1.8.InvalidOperationForSystemState") if "Reset" in r.path and time.now < 20 else None
    )
    switching.switch(Writer(target, patience=time.waiting(60)), "off", time.waiting(300), grace=0)
    assert resets(bmc)[-1] == "ForceOff"
    assert time.now >= 20


def test_a_409_from_a_machine_that_is_so_meanwhile_is_no_trouble(bmc: PoweredBmc, target: Target) -> None:
    def already(stub: StubBmc, r: Request) -> Reply | None:
        if "Reset" not in r.path:
            return None
        system(stub)["PowerState"] = "Off"
        return error(409, "Server is already powered OFF.", "IDRAC.2.7.PSU501")

    bmc.fault = already
    assert send_reset(Writer(target), "ForceOff") == ""


def test_a_bmc_that_does_not_answer_in_between_is_asked_again(bmc: PoweredBmc, target: Target, time: FakeTime) -> None:
    bmc.fault = lambda stub, r: (
        Reply(200, b"", cut=-30) if r.method == "GET" and 3 < time.now < 30 and "systems/1" in r.key else None
    )
    assert switching.switch(Writer(target), "off", time.waiting(120), grace=0).seen.power == "Off"


def test_the_deadline_tells_what_was_seen_last(bmc: PoweredBmc, target: Target, time: FakeTime) -> None:
    bmc.does["ForceOff"] = []
    with pytest.raises(Busy, match=r"not off after 40 s: power On, no word of POST"):
        switching.switch(Writer(target), "off", time.waiting(40), grace=0)


# -- what a System tells of its POST


@pytest.mark.parametrize(
    ("body", "power", "state", "how"),
    [
        ({"PowerState": "On", "BootProgress": {"LastState": "OSRunning"}}, "On", "OSRunning", "done"),
        ({"PowerState": "On", "BootProgress": {"LastState": "MemoryInitializationStarted"}}, "On",
         "MemoryInitializationStarted", "running"),
        ({"PowerState": "On", "BootProgress": {"LastState": "SystemHardwareInitializationComplete"}}, "On",
         "SystemHardwareInitializationComplete", "late"),
        ({"PowerState": "On", "BootProgress": {"LastState": "SetupEntered"}}, "On", "SetupEntered", "setup"),
        ({"PowerState": "On", "BootProgress": {"LastState": "OEM", "OemLastState": "x"}}, "On", "OEM", "unknown"),
        ({"PowerState": "On", "BootProgress": {"LastState": "None"}}, "On", "None", "unknown"),
        ({"PowerState": "Off", "BootProgress": {"LastState": "OSRunning"}}, "Off", "OSRunning", "off"),
        ({"PowerState": "On", "Oem": {"Hpe": {"PostState": "InPost"}}}, "On", "InPost", "running"),
        ({"PowerState": "On", "Oem": {"Hp": {"PostState": "FinishedPost"}}}, "On", "FinishedPost", "done"),
        ({"PowerState": "On", "Oem": {"Hpe": {"PostState": "PowerOff"}}}, "On", "PowerOff", "unknown"),
        ({"PowerState": "On", "Oem": {"Lenovo": {"SystemStatus": "SystemOn_StartingUEFI"}}}, "On",
         "SystemOn_StartingUEFI", "running"),
        ({"PowerState": 1, "BootProgress": [], "Oem": "none"}, "", "", "unknown"),
    ],
)
def test_what_a_system_tells_of_its_post(body: dict[str, Any], power: str, state: str, how: str) -> None:
    found = seen(body)
    assert (found.power, found.state, found.post) == (power, state, how)


def on(how: Any = "unknown", *boots: str) -> Seen:
    return Seen("On", how, "", (*boots, "", "", "", "")[:4])


OFF = Seen("Off", "off", "", ("", "", "", ""))
BEFORE = on("done", "2026-01-01T00:00:00Z")
AFTER = on("done", "2026-01-02T00:00:00Z")


@pytest.mark.parametrize(
    ("before", "post_done", "looks", "over_at"),
    [
        pytest.param(None, False, [(0, OFF), (5, on())], 5, id="on is on"),
        pytest.param(None, True, [(0, OFF), (5, on()), (60, on()), (5 + UNTOLD, on())], 5 + UNTOLD, id="nothing told: by rule"),
        pytest.param(None, True, [(0, on("running")), (50, on("done")), (55, on("done"))], 55, id="done, twice the same"),
        pytest.param(None, True, [(0, on("late")), (30, on("late")), (LATE, on("late"))], LATE, id="late and stays so"),
        pytest.param(None, True, [(0, on("late")), (30, on("running")), (LATE, on("late")), (70, on("late"))], None,
                     id="late, not long"),
        pytest.param(BEFORE, False, [(0, BEFORE), (5, BEFORE), (10, AFTER)], 10, id="another boot time"),
        pytest.param(BEFORE, False, [(0, BEFORE), (5, OFF), (10, BEFORE)], 10, id="was off in between"),
        pytest.param(BEFORE, False, [(0, BEFORE), (UNTOLD + 5, BEFORE)], None, id="boot times stand: not restarted"),
        pytest.param(on(), False, [(0, on()), (UNTOLD, on())], UNTOLD, id="nothing told: restarted by rule"),
        pytest.param(on("done"), True, [(0, on("done")), (5, on("running")), (60, on("done")), (65, on("done"))], 65,
                     id="through POST"),
    ],
)
def test_when_a_machine_is_there(
    before: Seen | None, post_done: bool, looks: list[tuple[float, Seen]], over_at: float | None
) -> None:
    watch = Watch("On", post_done, before)
    assert next((at for at, look in looks if watch.take(look, at)), None) == over_at


def test_a_button_that_somebody_presses_is_told() -> None:
    watch = Watch("On", True)
    watch.take(on("running"), 5)
    with pytest.raises(Refused, match="was on and is off again: somebody pressed its button"):
        watch.take(OFF, 10)


def test_a_restart_that_stays_off_is_told() -> None:
    watch = Watch("On", True, BEFORE)
    for at in (0, 30, 59):
        assert not watch.take(OFF, at)
    with pytest.raises(Refused, match="did not come back"):
        watch.take(OFF, 65)


def test_a_machine_in_its_setup_is_not_waited_for() -> None:
    watch = Watch("On", True)
    watch.take(on("setup"), 0)
    with pytest.raises(Refused, match="firmware setup"):
        watch.take(on("setup"), 5)


def test_every_new_look_is_told_once(bmc: PoweredBmc, target: Target, time: FakeTime) -> None:
    told: list[Seen] = []
    send_reset(Writer(target), "GracefulShutdown")
    post.wait_until(target, "Off", time.waiting(100), tell=told.append)
    assert [t.power for t in told] == ["On", "PoweringOff", "Off"]


def test_a_machine_that_is_going_off_is_waited_for_before_it_is_switched_on(
    bmc: PoweredBmc, target: Target, time: FakeTime
) -> None:
    send_reset(Writer(target), "GracefulShutdown")
    time.sleep(5)
    assert switching.switch(Writer(target), "on", time.waiting(300)).seen.power == "On"
    assert resets(bmc) == ["GracefulShutdown", "On"]
