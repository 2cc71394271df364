"""PmemGoalStaged, PmemGoalApplied: Optane modules are divided between Memory Mode and App Direct as the profile asks.

ipmctl-create-goal(1): a goal is read by the firmware at the next restart; namespaces on the modules and goals that wait
must be gone before. ipmctl-show-goal(1): a goal that was applied is shown no more, so one that was silently dropped looks
the same; it is told from one never set by our record of what was set in which start of the system.
"""

from __future__ import annotations

from bpa.core.facts import Facts
from bpa.core.host.pmem import goal_by_bmc
from bpa.core.host.pmem.goal_state import SocketGoal, goals_of, is_met, layout, obstacle, refused, text_of
from bpa.core.host.pmem.ipmctl import RECORD, Ipmctl, Record, Waiting, look_ipmctl
from bpa.core.host.pmem.nvdimm import look_nvdimm
from bpa.core.host.pmem.persistent import Namespace, Nvdimm, Region, erases
from bpa.core.host.pmem.removal import destroy
from bpa.core.host.probe import shell
from bpa.core.requirement import Change, HostRequirement
from bpa.core.steps import RestartHost, RunOnHost
from bpa.core.verdict import Act, Met, Stuck, Verdict, Wait
from bpa.core.want import HostWant

MAX_DROPPED = 2
"""How often the firmware may drop a goal: a restart can come too early for it, and takes minutes."""
# The record first: a goal without a record would look like somebody else's.
SET_GOAL = """record=$1; text=$2; shift 2
mkdir -p "${record%/*}" && printf '%s' "$text" >"$record.new" && mv "$record.new" "$record" && sync || exit
for one; do
  socket=${one%% *}
  ipmctl delete -f -goal -socket "$socket" >/dev/null 2>&1
  ipmctl create -f -goal -socket $one || exit
done
"""
WITHDRAW = """record=$1; shift
for socket; do ipmctl delete -f -goal -socket "$socket" || exit; done
rm -f "$record" && { rmdir "${record%/*}" 2>/dev/null; :; }
"""
WHY_RESTART = "the goal for persistent memory takes effect"


def check_staged(want: HostWant, have: Facts) -> Verdict:
    """Every socket is as asked, or a goal of ours waits for the restart."""
    seen = look_ipmctl(have)
    if not want.profile.pmem_goals:
        return _withdraw(seen) if isinstance(seen, Ipmctl) and seen.record else Met("not asked")
    if not isinstance(seen, Ipmctl):
        return seen
    if not seen.tool and seen.present:
        return goal_by_bmc.check_staged(want, have)
    if not seen.modules:
        return _no_modules(seen)
    goals = goals_of(want.profile.pmem_goals, seen)
    if isinstance(goals, Stuck):
        return goals
    text = text_of(goals)
    ours = seen.record is not None and seen.record.goal == text
    boot = have.os.boot_id if have.os else ""
    unmet = [one for one in goals if not is_met(one, seen, ours)]
    if not goals:
        return _no_modules(seen)
    concerned = {one.socket for one in goals}
    waiting = [one for one in seen.waiting if one.socket in concerned]
    if waiting and seen.record is None:
        return refused(waiting) or Stuck(
            f"a goal that BPA did not set waits on sockets {_sockets(waiting)} for the restart",
            "see `ipmctl show -goal`; withdraw it with `ipmctl delete -goal`, or restart the host, then apply again")
    if waiting and ours:
        if stuck := refused(waiting):
            return stuck
        if seen.record and seen.record.boot and boot and seen.record.boot != boot:
            return Stuck(f"the goal on sockets {_sockets(waiting)} is still new after a restart: the firmware did not look at it",
                         "power-cycle the host by its BMC (kexec and fast boot leave the firmware out), then apply again")
    if waiting and not ours:
        return _withdraw(seen, "an earlier goal of ours waits, and the profile asks for another now")
    todo = [one for one in unmet if one.socket not in {there.socket for there in waiting}]
    if not unmet or not todo:
        return Met(text if not unmet else f"waits for the restart: {text}")
    return _set(want, have, seen, goals, todo, boot)


def _set(
    want: HostWant, have: Facts, seen: Ipmctl, goals: tuple[SocketGoal, ...], todo: list[SocketGoal], boot: str
) -> Verdict:
    for one in todo:
        if stuck := obstacle(one):
            return stuck
    text, ids = text_of(goals), tuple(module.uid or module.id for module in seen.modules)
    before = seen.record if seen.record and (seen.record.goal, seen.record.modules) == (text, ids) else None
    dropped = before is not None and bool(boot) and before.boot not in ("", boot)
    if dropped and (lacking := _inaccessible(todo)):
        return lacking
    tries = (before.tries if before else 0) + (before is None or dropped)
    found = "; ".join(f"socket {one.socket} has {layout(one.modules, seen)}" for one in todo)
    if tries > MAX_DROPPED:
        return Stuck(f"the firmware dropped the goal {MAX_DROPPED} times without a word: set, and after the restart {found}",
                     "see `ipmctl show -event` and the BMC's event log; goals may be forbidden in the BIOS (persistent memory "
                     f"settings), or its memory mode does not allow them; then `rm {RECORD}` and apply again")
    for region, namespace in _affected(have, todo):
        verdict = destroy(region, namespace, _nvdimm(have), f"{namespace.dev} is in the way of the goal: {found}",
                          f"destroy {namespace.dev} for the goal of persistent memory")
        # Without labels there is nothing to destroy: the namespace is the region. What is on it goes with the goal.
        if region.labelled or not isinstance(verdict, Act):
            return verdict
    lost = "; ".join(filter(None, (erases(n, r, _nvdimm(have)) for r, n in _affected(have, todo))))
    arguments = tuple(_arguments(one) for one in todo)
    step = RunOnHost((*shell(SET_GOAL), RECORD, Record(text, boot, tries, ids).text, *arguments),
                     f"set the goal for persistent memory: {text_of(todo)}", timeout=300, erases=lost)
    return Act(step, (f"the firmware dropped the goal: after the restart {found}" if dropped else found))


def _inaccessible(todo: list[SocketGoal]) -> Stuck | None:
    """Memory Mode that was applied, and that the BIOS does not use."""
    for one in todo:
        whole = sum(module.capacity for module in one.modules)
        lost = sum(module.inaccessible for module in one.modules)
        if one.goal.memory_percent and whole and 100 * lost / whole >= one.goal.memory_percent - 10:
            return Stuck(f"socket {one.socket} has Memory Mode set, and {round(100 * lost / whole)}% of its capacity is "
                         "inaccessible: the BIOS runs in 1LM",
                         "set the volatile memory mode to 2LM: bios.intents.pmem: memoryMode in the HardwareProfile")
    return None


def _no_modules(seen: Ipmctl) -> Stuck:
    said = f"ipmctl shows no persistent-memory modules: {seen.said or 'it said nothing'}"
    return Stuck(said if seen.present else "the operating system shows no persistent-memory modules",
                 "see that modules are fitted and seen by the BIOS (`bpa bmc facts HOST`), or take pmemGoal out of the profile")


def _withdraw(seen: Ipmctl, found: str = "the profile asks for no goal any more") -> Verdict:
    sockets = tuple(sorted({str(one.socket) for one in seen.waiting}))
    why = "withdraw the goal for persistent memory" if sockets else "forget the goal for persistent memory that was reached"
    return Act(RunOnHost((*shell(WITHDRAW), RECORD, *sockets), why), found)


def _arguments(one: SocketGoal) -> str:
    kind = "AppDirect" if one.goal.interleaved else "AppDirectNotInterleaved"
    persistent = "" if one.goal.memory_percent == 100 else f" PersistentMemoryType={kind}"
    return f"{one.socket} MemoryMode={one.goal.memory_percent}{persistent}"


def _nvdimm(have: Facts) -> Nvdimm:
    seen = look_nvdimm(have)
    return seen if isinstance(seen, Nvdimm) else Nvdimm()


def _affected(have: Facts, todo: list[SocketGoal]) -> list[tuple[Region, Namespace]]:
    """Namespaces of the sockets; those of modules whose socket is not known count as well."""
    seen = _nvdimm(have)
    ids = {module.id for one in todo for module in one.modules}
    known = {dimm.dev: dimm.module for dimm in seen.dimms if dimm.module}
    return [(region, namespace) for region in seen.regions
            if any(known.get(dev, "") in ids or dev not in known for dev in region.dimms) or not region.dimms
            for namespace in region.namespaces]


def check_applied(want: HostWant, have: Facts) -> Verdict:
    """No goal of ours waits. A restart for the kernel applies it as well; this asks for one where none was needed."""
    if not want.profile.pmem_goals:
        return Met("not asked")
    seen = look_ipmctl(have)
    if not isinstance(seen, Ipmctl):
        return seen
    if not seen.tool and seen.present:
        return goal_by_bmc.check_applied(want, have, WHY_RESTART)
    goals = goals_of(want.profile.pmem_goals, seen)
    if isinstance(goals, Stuck):
        return goals
    concerned = {one.socket for one in goals}
    waiting = [one for one in seen.waiting if one.socket in concerned]
    if waiting:
        return Act(RestartHost(WHY_RESTART), f"a goal waits on sockets {_sockets(waiting)}")
    ours = seen.record is not None and seen.record.goal == text_of(goals)
    if any(not is_met(one, seen, ours) for one in goals):
        return Wait("the goal for persistent memory is neither set nor met", 1.0)
    sets = [one for one in seen.sets if one.socket in concerned]
    if ill := next((one for one in sets if one.health.lower() in ("error", "locked")), None):
        return Stuck(f"an interleave set of socket {ill.socket} ({', '.join(ill.modules)}) is in state {ill.health}",
                     "a module of it is missing, locked or not configured: see `ipmctl show -a -region`")
    return Met("; ".join(f"socket {one.socket}: {layout(one.modules, seen)}" for one in goals) + f", {len(sets)} regions")


def changes(want: HostWant, have: Facts) -> tuple[Change, ...]:
    wanted, seen = want.profile.pmem_goals, look_ipmctl(have)
    if not wanted:
        if not isinstance(seen, Ipmctl) or seen.record is None:
            return ()
        new = "withdrawn" if seen.waiting else "not asked; what it made stays"
        return (Change("persistent memory goal", seen.record.goal, new),)
    goals = goals_of(wanted, seen) if isinstance(seen, Ipmctl) and seen.modules else None
    if goals is None or isinstance(goals, Stuck) or not isinstance(seen, Ipmctl):
        if isinstance(seen, Ipmctl):
            return goal_by_bmc.changes(want, have) if seen.present and not seen.tool else ()
        return tuple(Change("persistent memory goal" + ("" if one.socket is None else f" of socket {one.socket}"), None,
                            one.text, "kernel") for one in wanted)
    ours = seen.record is not None and seen.record.goal == text_of(goals)
    unmet = [one for one in goals if not is_met(one, seen, ours)]
    found = [Change(f"persistent memory goal of socket {one.socket}", layout(one.modules, seen), one.goal.text, "kernel")
             for one in unmet]
    nvdimm = _nvdimm(have)
    for region, namespace in _affected(have, unmet):
        name = f" {namespace.name!r}" if namespace.name else ""
        found.append(Change(f"persistent memory {region.dev}{name}", namespace.mode, "gone: the goal is another",
                            destroys=erases(namespace, region, nvdimm)))
    return tuple(found)


def _sockets(waiting: list[Waiting]) -> str:
    return ", ".join(map(str, sorted({one.socket for one in waiting})))


STAGED = HostRequirement("PmemGoalStaged", "os", check_staged,
                         "persistent memory is divided as asked, or will be after the restart", changes, seconds=5.0)
APPLIED = HostRequirement("PmemGoalApplied", "os", check_applied, "the goal for persistent memory is effective",
                          patience=1800.0, seconds=240.0)
