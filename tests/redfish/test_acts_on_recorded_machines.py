"""Every act on every recorded machine that behaves: its requests, and what becomes of the machine."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pytest
from stub_bmc import RECORDED

from bpa.adapters.errors import Busy, Refused, Unreachable, Unsupported
from bpa.adapters.redfish import BmcAccess, tasks
from bpa.adapters.redfish.bios.attributes import read_bios
from bpa.adapters.redfish.bios.settings import said_after_restart, stage_bios
from bpa.adapters.redfish.boot.override import disable_boot_override, read_boot, send_boot_override, set_boot_order
from bpa.adapters.redfish.eventlog import clear_log, find_logs, read_log
from bpa.adapters.redfish.power import switching
from bpa.adapters.redfish.target import Target
from bpa.adapters.redfish.waiting import Waiting
from bpa.adapters.redfish.writing import Writer
from bpa.core.secret import Secret
from bpa.lab.recorded import Emulated, serve

pytestmark = pytest.mark.skipif(not RECORDED.is_dir(), reason="recorded machines are not unpacked: see .ci/run")

DELL, HPE, LENOVO = "dell-r750-idrac9-6.00.30.00", "hpe-dl385g10plusv2-ilo5-2.72", "lenovo-sr670v2-xcc-2.83"
SUPERMICRO, INTEL = "supermicro-sys821ge-bmc-11.01.01", "intel-s2600bpb-bmc-1.93"
OPENBMC, DMTF = "openbmc-stock-2.15", "dmtf-public-rackmount1-2022.3"
ALL = [DELL, HPE, LENOVO, SUPERMICRO, INTEL, OPENBMC, DMTF]
BIOS: dict[str, dict[str, Any]] = {
    DELL: {"SriovGlobalEnable": "Disabled", "AcPwrRcvryUserDelay": 130},
    HPE: {"Sriov": "Disabled"},
    LENOVO: {"Processors_HyperThreading": "Disabled"},
    SUPERMICRO: {"IntelVirtualizationTechnology_3C6F": "Disable"},
    INTEL: {"ProcessorVmxEnable": 1},
    DMTF: {"UsbControl": "UsbDisabled"},
}


@dataclass
class Acting:
    """The emulated machine, a target on it, and waits that move its clock instead of ours."""

    bmc: Emulated
    target: Target

    def waiting(self, seconds: float = 1200.0, every: float = 5.0) -> Waiting:
        return Waiting(seconds, every, self.bmc.machine.time.now, self.bmc.machine.advance)

    def writer(self, seconds: float = 600.0, dry_run: bool = False) -> Writer:
        return Writer(self.target, dry_run, self.waiting(seconds))

    def written(self) -> list[tuple[str, Any]]:
        return [(r.method, r.body) for r in self.bmc.log if r.method != "GET" and "/Session" not in r.path]


@contextmanager
def acting(name: str, *faults: str, post_seconds: float = 100.0) -> Iterator[Acting]:
    with serve(RECORDED / name, faults=faults, post_seconds=post_seconds, shutdown_seconds=20.0, frozen=True) as bmc:
        with Target(BmcAccess(bmc.address, "admin", Secret("right"))) as target:
            yield Acting(bmc, target)


def stage(m: Acting, attributes: dict[str, Any], **more: Any) -> Any:
    reader = m.target.reader()
    paths = read_bios(reader, m.target.system(reader).body, None).paths
    return stage_bios(m.writer(**more), paths, attributes)


@pytest.mark.parametrize("name", BIOS)
def test_bios_is_staged_and_is_effective_after_the_restart(name: str) -> None:
    with acting(name) as m:
        staged = stage(m, BIOS[name])
        assert staged.dropped == {} and staged.unshown == ()
        assert m.bmc.machine.pending == BIOS[name]
        switching.switch(m.writer(), "restart", m.waiting(), grace=0, post_done=True)
        assert BIOS[name].items() <= m.bmc.machine.bios.items()
        assert m.bmc.machine.pending == {}


@pytest.mark.parametrize("name", BIOS)
def test_an_attribute_that_is_accepted_and_not_kept_is_named(name: str) -> None:
    attribute = next(iter(BIOS[name]))
    with acting(name, f"unstaged-bios-setting={attribute}") as m:
        staged = stage(m, BIOS[name])
        if name in (SUPERMICRO, INTEL):
            assert staged.unshown == (attribute,), "its settings object shows nothing to compare with"
        else:
            assert list(staged.dropped) == [attribute]
            with pytest.raises(Refused, match=f"did not keep them: {attribute}"):
                staged.checked("bmc")


@pytest.mark.parametrize("name", ALL)
def test_a_machine_is_switched_off_and_on_and_left_alone_where_it_is_so(name: str) -> None:
    with acting(name) as m:
        m.bmc.machine.power = "On"
        m.bmc.machine.advance(1000)
        off = switching.switch(m.writer(), "off", m.waiting())
        assert (off.seen.power, off.changed, off.forced) == ("Off", True, False)
        assert m.bmc.machine.power == "Off"
        assert not switching.switch(m.writer(), "off", m.waiting()).changed
        on = switching.switch(m.writer(), "on", m.waiting(), post_done=True)
        assert on.seen.power == "On" and on.seen.post in ("done", "unknown")
        assert not m.bmc.machine.host.in_post
        assert not switching.switch(m.writer(), "on", m.waiting()).changed
        assert len(m.written()) == 2


@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize("goal", ["restart", "cycle"])
def test_a_restart_is_waited_for_until_post_is_over(name: str, goal: Any) -> None:
    with acting(name) as m:
        m.bmc.machine.power = "On"
        m.bmc.machine.advance(1000)
        boots = len(m.bmc.machine.host.boots)
        done = switching.switch(m.writer(), goal, m.waiting(), post_done=True)
        assert done.seen.power == "On" and done.changed
        assert len(m.bmc.machine.host.boots) == boots + 1
        assert not m.bmc.machine.host.in_post


@pytest.mark.parametrize("name", ALL)
def test_a_reset_that_does_nothing_is_told(name: str) -> None:
    with acting(name) as m:
        m.bmc.machine.power = "On"
        m.bmc.machine.advance(1000)
        m.bmc.fault("power-stuck")
        if name in (DELL, HPE, OPENBMC, DMTF):
            with pytest.raises(Busy, match="the restart has not been seen"):
                switching.switch(m.writer(), "restart", m.waiting(), grace=0, post_done=True)
        with pytest.raises(Busy, match="not off after"):
            switching.switch(m.writer(), "off", m.waiting())


@pytest.mark.parametrize("name", ALL)
def test_a_dry_run_sends_nothing(name: str) -> None:
    with acting(name) as m:
        m.bmc.machine.power = "On"
        m.bmc.machine.advance(1000)
        for goal in ("off", "restart", "cycle"):
            writer = m.writer(dry_run=True)
            switching.switch(writer, goal, m.waiting())  # type: ignore[arg-type]
            assert writer.sent
        writer = m.writer(dry_run=True)
        send_boot_override(writer, "Hdd")
        assert len(writer.sent) == 1
        if name in BIOS:
            stage(m, BIOS[name], dry_run=True)
        assert m.written() == []


@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize("source", ["Pxe", "Cd", "Hdd"])
def test_the_next_boot_comes_from_where_it_was_told_and_the_one_after_does_not(name: str, source: str) -> None:
    with acting(name) as m:
        boot = send_boot_override(m.writer(), source)
        due = "UsbCd" if (name, source) == (SUPERMICRO, "Cd") else source
        assert (boot.target, boot.enabled) == (due, "Once")
        before = len(m.written())
        assert before <= 1
        send_boot_override(m.writer(), source)
        assert len(m.written()) == before, "what is so already is left alone"
        switching.switch(m.writer(), "restart", m.waiting(), grace=0, post_done=True)
        switching.switch(m.writer(), "restart", m.waiting(), grace=0, post_done=True)
        assert [b.source for b in m.bmc.machine.host.boots[-2:]] == [due, ""]


@pytest.mark.parametrize("name", ALL)
def test_the_override_is_taken_back(name: str) -> None:
    with acting(name) as m:
        send_boot_override(m.writer(), "Pxe")
        assert disable_boot_override(m.writer()).enabled == "Disabled"
        assert m.bmc.machine.boot["BootSourceOverrideEnabled"] == "Disabled"
        before = len(m.written())
        disable_boot_override(m.writer())
        assert len(m.written()) == before


@pytest.mark.parametrize("name", ALL)
def test_what_cannot_be_booted_from_is_told_with_what_can(name: str) -> None:
    with acting(name) as m, pytest.raises(Unsupported, match="cannot boot from Tape, only from .*Pxe"):
        send_boot_override(m.writer(), "Tape")


@pytest.mark.parametrize("name", [LENOVO])
def test_continuous_becomes_once_where_it_is_not_allowed(name: str) -> None:
    with acting(name) as m:
        assert send_boot_override(m.writer(), "Pxe", "Continuous").enabled == "Once"


@pytest.mark.parametrize("name", [DELL, HPE, LENOVO, SUPERMICRO])
def test_boot_options_have_names_and_stand_in_boot_order(name: str) -> None:
    with acting(name) as m:
        boot = read_boot(m.target)
        assert len(boot.options) >= len(boot.order) > 1
        assert [o.reference for o in boot.options][: len(boot.order)] == list(boot.order)
        assert all(o.name for o in boot.options)


@pytest.mark.parametrize("name", [DELL, HPE, LENOVO, SUPERMICRO])
def test_the_last_boot_option_is_put_first(name: str) -> None:
    with acting(name) as m:
        before = read_boot(m.target)
        last = before.order[-1]
        assert set_boot_order(m.writer(), [last]).order == (last, *before.order[:-1])
        (patch,) = [r for r in m.bmc.log if r.method == "PATCH" and r.status < 300]
        if name == LENOVO:
            assert patch.path == "/redfish/v1/Systems/1/Pending"
        before_again = len(m.bmc.log)
        set_boot_order(m.writer(), [last])
        assert [r for r in m.bmc.log[before_again:] if r.method == "PATCH" and r.status < 300] == []


@pytest.mark.parametrize("name", ALL)
def test_the_log_is_newest_first_with_times_in_utc(name: str) -> None:
    with acting(name) as m:
        logged = read_log(m.target, limit=50)
        times = [e.when for e in logged.entries if e.when]
        assert times == sorted(times, reverse=True)
        assert all(t.utcoffset().total_seconds() == 0 for t in times)  # type: ignore[union-attr]
        assert {e.severity for e in logged.entries} <= {"OK", "Warning", "Critical", ""}
        assert logged.entries and all(e.message for e in logged.entries)


@pytest.mark.parametrize("name", [DELL, HPE, LENOVO, SUPERMICRO, INTEL, DMTF])
def test_a_log_that_can_be_cleared_is_cleared(name: str) -> None:
    with acting(name) as m:
        log = next(log for log in find_logs(m.target.reader(), m.target) if log.clear and log.entries)
        clear_log(m.writer(), log)
        assert [e for e in read_log(m.target).entries if e.log == log.name and "clear" not in e.message.lower()] == []


# -- with faults: bpa/lab/recorded/faults.py


@pytest.mark.parametrize("name", BIOS)
@pytest.mark.parametrize("fault", ["etag-mismatch", "etag-mismatch=weak", "if-match-required", "no-etags"])
def test_whatever_a_bmc_thinks_of_etags_the_settings_arrive(name: str, fault: str) -> None:
    with acting(name, fault) as m:
        assert stage(m, BIOS[name]).dropped == {}
        assert m.bmc.machine.pending == BIOS[name]


@pytest.mark.parametrize("name", BIOS)
def test_a_connection_reset_in_mid_patch_is_looked_into(name: str) -> None:
    with acting(name, "reset-mid-patch") as m:
        try:
            stage(m, BIOS[name])
        except Unreachable:
            # Its settings object shows nothing that could tell whether it had been heard; or Dell's job is unknown.
            assert name in (SUPERMICRO, INTEL)
        assert m.bmc.machine.pending == BIOS[name]
        assert len([w for w in m.written() if w[0] == "PATCH"]) == 1
    with acting(name, "reset-before-patch") as m:
        with pytest.raises(Unreachable):
            stage(m, BIOS[name])
        assert m.bmc.machine.pending == {}


@pytest.mark.parametrize("name", BIOS)
def test_settings_are_staged_when_post_is_over(name: str) -> None:
    with acting(name, "post-lock") as m:
        m.bmc.machine.power = "On"
        with pytest.raises(Busy):
            stage(m, BIOS[name], seconds=5)
        assert stage(m, BIOS[name], seconds=300).dropped == {}
        assert not m.bmc.machine.host.in_post
        assert m.bmc.machine.pending == BIOS[name]


@pytest.mark.parametrize("name", BIOS)
def test_settings_are_staged_when_the_storm_is_over(name: str) -> None:
    with acting(name) as m:
        reader = m.target.reader()
        paths = read_bios(reader, m.target.system(reader).body, None).paths
        m.target.link.sleep = m.bmc.machine.advance
        m.bmc.fault("503-once=5")
        assert stage_bios(m.writer(), paths, BIOS[name]).dropped == {}
        m.bmc.fault("503-once=5")
        assert send_boot_override(m.writer(), "Pxe").target == "Pxe"
        m.bmc.fault("503-once=5")
        assert switching.switch(m.writer(), "restart", m.waiting(), grace=0, post_done=True).seen.power == "On"


def test_a_second_batch_joins_the_first_in_one_job_of_dell() -> None:
    with acting(DELL) as m:
        first = stage(m, {"SriovGlobalEnable": "Disabled"})
        second = stage(m, {"AcPwrRcvryUserDelay": 130})
        assert first.task and second.task and first.task.path != second.task.path
        assert "taken back and staged again with the new ones" in second.notes[0]
        switching.switch(m.writer(), "restart", m.waiting(), grace=0, post_done=True)
        assert {"SriovGlobalEnable": "Disabled", "AcPwrRcvryUserDelay": 130}.items() <= m.bmc.machine.bios.items()
        assert tasks.look(m.target, second.task.path).outcome == "done"


@pytest.mark.parametrize(("fault", "outcome"), [("wrong-task-status", "failed"), ("wrong-task-status=critical", "done"),
                                                ("task-vanishes", "gone")])
def test_what_becomes_of_the_job_of_dell_is_told(fault: str, outcome: str) -> None:
    with acting(DELL, fault) as m:
        staged = stage(m, BIOS[DELL])
        assert staged.task is not None
        switching.switch(m.writer(), "restart", m.waiting(), grace=0, post_done=True)
        assert tasks.look(m.target, staged.task.path).outcome == outcome
        effective = BIOS[DELL].items() <= m.bmc.machine.bios.items()
        assert effective == (outcome != "failed")
        reader = m.target.reader()
        paths = read_bios(reader, m.target.system(reader).body, None).paths
        assert bool(said_after_restart(m.target, paths, staged.task)) == (outcome == "failed")


@pytest.mark.parametrize("name", ALL)
def test_a_button_that_somebody_presses_while_we_wait_is_told(name: str) -> None:
    with acting(name) as m:
        m.bmc.machine.power = "Off"
        m.bmc.machine.advance(100)
        pressed = []

        def press(seconds: float) -> None:
            m.bmc.machine.advance(seconds)
            if m.bmc.machine.power == "On" and not pressed and m.bmc.machine.host.in_post:
                pressed.append(True)
                m.bmc.machine.advance(5)
            elif pressed:
                m.bmc.machine.power = "Off"
                m.bmc.machine.advance(1)

        wait = Waiting(600, 5.0, m.bmc.machine.time.now, press)
        with pytest.raises(Refused, match="somebody pressed its button"):
            switching.switch(m.writer(), "on", wait, post_done=True)


@pytest.mark.parametrize("name", ALL)
def test_a_reset_whose_connection_broke_is_waited_for_where_the_machine_shows_it(name: str) -> None:
    with acting(name) as m:
        m.bmc.machine.power = "On"
        m.bmc.machine.advance(1000)
        m.bmc.fault("reset-mid-patch")
        assert switching.switch(m.writer(), "off", m.waiting(), grace=0).seen.power == "Off"
        assert [body["ResetType"] for _, body in m.written()] == ["ForceOff"]
    with acting(name, "reset-before-patch") as m:
        m.bmc.machine.power = "On"
        m.bmc.machine.advance(1000)
        with pytest.raises(Unreachable):
            switching.switch(m.writer(), "off", m.waiting(), grace=0)
