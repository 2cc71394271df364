"""Goals for persistent memory through the BMC, where the host has no ipmctl: what bpa.core.pmem_goal plans, as a step."""

from __future__ import annotations

from bpa.core.facts import Facts
from bpa.core.host.pmem.nvdimm import look_nvdimm
from bpa.core.host.pmem.persistent import Nvdimm
from bpa.core.host.pmem.removal import destroy
from bpa.core.persistent_memory import Persistent
from bpa.core.pmem_goal import Goal, GoalPlan, plan_goal, state_of
from bpa.core.requirement import Change
from bpa.core.steps import RestartHost, StageMemoryGoal
from bpa.core.verdict import Act, Met, Stuck, Verdict, Wait
from bpa.core.want import HostWant

NO_TOOL = "the host has no ipmctl, which sets goals for persistent memory"
ADVICE = "put the package ipmctl into the image, or take pmemGoal out of the profile"


def check_staged(want: HostWant, have: Facts) -> Verdict:
    """The modules are as asked, or tasks of the BMC for that wait for the restart."""
    seen, goal = _persistent(have), _goal(want)
    if not isinstance(seen, Persistent):
        return seen
    if isinstance(goal, Stuck):
        return goal
    state = state_of(goal, seen)
    if state.kind == "met":
        return Met(f"{state.why} (by the BMC)")
    if state.kind == "pending":
        return Met(f"waits for the restart (by the BMC): {state.why}")
    if state.kind in ("failed", "dropped"):
        became = "was refused" if state.kind == "failed" else "was dropped"
        return Stuck(f"the BMC's goal for persistent memory {became}: {state.why}",
                     "see the firmware's event log, change pmemGoal, or " + ADVICE)
    plan = _plan(goal, seen)
    if isinstance(plan, Stuck):
        return plan
    nvdimm = look_nvdimm(have)
    if plan.erases and isinstance(nvdimm, Nvdimm):
        for region in nvdimm.regions:
            for namespace in region.namespaces:
                return destroy(region, namespace, nvdimm, f"{namespace.dev} is in the way of the goal: {state.why}",
                               f"destroy {namespace.dev} for the goal of persistent memory")
    return Act(StageMemoryGoal(plan.requests, f"set the goal for persistent memory by the BMC: {goal.text}",
                               _lost(plan, have)), state.why)


def check_applied(want: HostWant, have: Facts, why_restart: str) -> Verdict:
    """Nothing of the goal waits."""
    seen, goal = _persistent(have), _goal(want)
    if not isinstance(seen, Persistent):
        return seen
    if isinstance(goal, Stuck):
        return goal
    state = state_of(goal, seen)
    if state.kind == "pending":
        return Act(RestartHost(why_restart), state.why)
    return Met(state.why) if state.kind == "met" else Wait(f"the goal for persistent memory is {state.kind}: {state.why}", 1.0)


def changes(want: HostWant, have: Facts) -> tuple[Change, ...]:
    """One line for the goal, and what it erases; () where check says Stuck."""
    seen, goal = _persistent(have), _goal(want)
    if not isinstance(seen, Persistent) or isinstance(goal, Stuck) or state_of(goal, seen).kind in ("met", "pending"):
        return ()
    plan = _plan(goal, seen)
    if isinstance(plan, Stuck):
        return ()
    return (Change("persistent memory goal", state_of(goal, seen).why, goal.text, "kernel", _lost(plan, have)),)


def _persistent(have: Facts) -> Persistent | Wait | Stuck:
    bmc = have.bmc
    if bmc is None or (bmc.persistent is None and "persistent" not in bmc.unread):
        return Wait("the BMC has not been asked for persistent memory yet", 2.0)
    if bmc.persistent is None:
        return Stuck(f"{NO_TOOL}, and the BMC cannot: {bmc.unread['persistent']}", ADVICE)
    return bmc.persistent


def _goal(want: HostWant) -> Goal | Stuck:
    goals = want.profile.pmem_goals
    if len(goals) == 1 and goals[0].socket is None:
        return Goal(goals[0].memory_percent, goals[0].interleaved)
    return Stuck(f"{NO_TOOL}; the BMC sets one goal for all sockets, and the profile asks for several",
                 "put the package ipmctl into the image, or ask for one goal")


def _plan(goal: Goal, seen: Persistent) -> GoalPlan | Stuck:
    # Consent is given for steps, not here: each chunk counts as named, and the step names what is lost.
    return plan_goal(goal, seen, tuple(domain.id for domain in seen.domains))


def _lost(plan: GoalPlan, have: Facts) -> str:
    nvdimm = look_nvdimm(have)
    if isinstance(nvdimm, Nvdimm) and nvdimm.tool and not any(region.namespaces for region in nvdimm.regions):
        return ""
    return f"all of persistent memory {', '.join(plan.erases)}" if plan.erases else ""
