"""May the step that is needed be taken now? Guards only slow down or stop; they never say that a thing is done."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from bpa.core.facts import ServiceFacts
from bpa.core.in_service import Drain, Standing, disturbs, protect
from bpa.core.steps import (
    Cordon,
    Deploy,
    EvictPods,
    Reset,
    ResetByIronic,
    RestartHost,
    SetProvisionState,
    StageBios,
    StageMemoryGoal,
    Step,
)
from bpa.core.verdict import Act, Met, Stuck, Verdict, Wait

MAX_ATTEMPTS = 3
MAX_DROPPED = 2
"""How often a BIOS setting may be gone after a restart: a POST takes minutes."""
SETTLE: dict[type, float] = {
    StageBios: 5.0, StageMemoryGoal: 10.0, Reset: 300.0, ResetByIronic: 300.0, RestartHost: 180.0, SetProvisionState: 20.0,
    Deploy: 30.0,
}
"""Seconds in which a step may not yet show: taken again earlier, it would do the same thing twice."""
SWITCH_ON_SETTLE = 30.0
LOOK_AGAIN = 1.0
DOCUMENTED = "as documented"


@dataclass(frozen=True, slots=True)
class Consent:
    """A person agreed that data is destroyed: on the machine with this identity, the things named ("*" = all).

    identity DOCUMENTED = the machine could not be asked, but its documents name its serial number or UUID, which the
    walk compares before anything is written. documents is a digest of what the documents asked of the host then: when
    they change, the consent is void.
    """

    identity: str
    covers: tuple[str, ...]
    documents: str = ""

    def allows(self, identity: str, destroys: str) -> bool:
        """Whether destroying `destroys` on the machine `identity` was agreed to."""
        same = bool(identity) and self.identity in (identity, DOCUMENTED)
        return same and ("*" in self.covers or destroys in self.covers)


@dataclass(frozen=True, slots=True)
class Memory:
    """What cannot be observed. Times are seconds since the epoch. Saved before a step is performed.

    identity is the machine that was planned ("" = none yet); condition/step/attempts/at are of the last step;
    waiting/waiting_since of the wait that lasts; in_service: handed over to a cluster; stuck: the last run ended so.
    cordoned: the Kubernetes Node that BPA cordoned, until it is seen uncordoned; draining: since when it is drained, 0 = not.
    tried: how often and when each step was last taken since all was met, by its mark: two steps that undo each other
    would otherwise count each other's attempts away.
    """

    identity: str = ""
    condition: str = ""
    step: str = ""
    attempts: int = 0
    at: float = 0.0
    waiting: str = ""
    waiting_since: float = 0.0
    firmware_restarts: int = 0
    kernel_restarts: int = 0
    in_service: bool = False
    stuck: str = ""
    tried: Mapping[str, tuple[int, float]] = field(default_factory=dict)
    cordoned: str = ""
    draining: float = 0.0

    def after(self, condition: str, step: Step, now: float) -> Memory:
        """The memory to save before `step` is performed."""
        attempts = self.tried.get(mark(step), (0, 0.0))[0] + 1
        parts = {part: (self._times_staged(part) + 1, now) for part in settings_of(step)}
        if isinstance(step, RestartHost) and step.boot:
            parts[f"{_cause(step)}{step.boot}"] = (1, now)
        return replace(
            self, condition=condition, step=repr(step), attempts=attempts, at=now, waiting="", waiting_since=0.0,
            tried={**self.tried, **parts, mark(step): (attempts, now)},
            firmware_restarts=self.firmware_restarts + (step.restarts == "firmware" and not (attempts > 1 and switches_on(step))),
            kernel_restarts=self.kernel_restarts + (step.restarts == "kernel"), stuck="",
            cordoned=step.node if isinstance(step, Cordon) else self.cordoned,
            draining=(self.draining or now) if isinstance(step, (Cordon, EvictPods)) else
            0.0 if disturbs(step) else self.draining,
        )

    def _times_staged(self, part: str) -> int:
        """How often a setting was staged and then went through a restart: asked again before that, it is the same time."""
        times, at = self.tried.get(part, (0, 0.0))
        restarts, restarted_at = self.tried.get("restart:firmware", (0, 0.0))
        return times if not times or (restarts and at <= restarted_at) else times - 1

    def waits(self, condition: str, now: float) -> Memory:
        """The same, knowing since when `condition` has been waited for."""
        if self.waiting == condition:
            return self
        return replace(self, waiting=condition, waiting_since=now)

    def retried(self) -> Memory:
        """The memory of a stuck subject when a person starts anew: attempts and waits count from zero."""
        if not self.stuck:
            return self
        return replace(self, step="", attempts=0, waiting="", waiting_since=0.0, stuck="", tried={}, draining=0.0)

    def met(self) -> Memory:
        """The memory of a subject that is as it must be: nothing is under way any more."""
        return replace(self, step="", attempts=0, waiting="", waiting_since=0.0, stuck="", tried={}, cordoned="", draining=0.0)


def mark(step: Step) -> str:
    """What makes two steps the same: a restart is a restart however it is asked for, anything else is all that it says."""
    if step.restarts:
        return f"restart:{step.restarts}"
    return f"{type(step).__name__}:{hashlib.sha256(repr(step).encode()).hexdigest()[:16]}"


def settings_of(step: Step) -> dict[str, str]:
    """The marks of single BIOS attributes in a step, with the attribute's name: a BIOS may keep some and drop others."""
    if not isinstance(step, StageBios):
        return {}
    return {f"setting:{name}={value!r}": name for name, value in step.attributes.items()}


@dataclass(frozen=True, slots=True)
class Permissions:
    """What the person in front allows in this run. disrupt: also a host in service, after a drain as `drain` says."""

    consent: Consent | None = None
    disrupt: bool = False
    drain: Drain = field(default_factory=Drain)


def switches_on(step: Step) -> bool:
    """Whether the step only switches on a machine that is off: sent twice it does no harm and restarts nothing."""
    return isinstance(step, Reset) and step.reset_type == "On"


def settle_time(step: Step) -> float:
    """Seconds before a step may be taken again. A machine that is still off is in no POST that a reset could hit."""
    return SWITCH_ON_SETTLE if switches_on(step) else SETTLE.get(type(step), 0.0)


def guard(
    verdict: Verdict, condition: str, patience: float, memory: Memory, permissions: Permissions, identity: str, now: float,
    service: ServiceFacts | None = None,
) -> Verdict:
    """Pass the verdict on, or turn an Act into a Wait or a Stuck, or a Wait that lasts too long into a Stuck.

    `identity` is what the machine says of itself in this look ("" = it was not asked). `service` is what its cluster says of
    it: needed for an Act that disturbs (see bpa.core.in_service), and for Met where memory says that BPA cordoned it.
    """
    if isinstance(verdict, Met) and memory.cordoned and service is not None and service.problem:
        verdict = Wait(f"Node {memory.cordoned} is still cordoned by BPA: {service.problem}", 5.0)
    if isinstance(verdict, Wait):
        if memory.waiting == condition and now - memory.waiting_since > patience:
            return Stuck(f"{verdict.reason}; given up after {patience / 60:.0f} min",
                         "look at the host's console, then apply again")
        return verdict
    if not isinstance(verdict, Act):
        return verdict
    step = verdict.step
    if memory.identity and identity and identity != memory.identity:
        return Stuck(
            f"another machine answers here: planned was {memory.identity}, found is {identity}; nothing was written to it",
            "check the BMC address; if the machine was replaced on purpose, apply with --replaced",
        )
    if step.destroys and not (permissions.consent and permissions.consent.allows(identity, step.destroys)):
        would = "would take away" if step.destroys == step.disrupts else "would destroy data:"
        return Stuck(f"{would} {step.destroys}; there is no consent for it",
                     "agree at the prompt of `bpa apply`, or give --plan HASH or --yes")
    return _repeated(verdict, memory, now) or protect(verdict, service, Standing(
        memory.in_service, memory.cordoned, permissions.disrupt, permissions.drain, _lasts(memory, condition, now)))


def _lasts(memory: Memory, condition: str, now: float) -> float:
    """Seconds for which a drain, or the wait for its cluster, has been under way."""
    since = memory.draining or (memory.waiting_since if memory.waiting == condition else now)
    return now - since


def _repeated(verdict: Act, memory: Memory, now: float) -> Verdict | None:
    """What to say of a step that was taken before: it needs time, or does nothing. None = take it."""
    step = verdict.step
    dropped = _dropped(step, memory, now) or _in_vain(step, memory)
    if dropped is not None:
        return dropped
    if mark(step) not in memory.tried:
        return None
    attempts, at = memory.tried[mark(step)]
    left = at + settle_time(step) - now
    if left > 0:
        return Wait(f"{step.text}: taking effect", min(left, LOOK_AGAIN))
    if attempts >= MAX_ATTEMPTS:
        why = f" ({verdict.reason})" if step.restarts == "firmware" and verdict.reason else ""
        return Stuck(f"{step.text}: had no effect {attempts} times{why}",
                     "see `bpa explain`; the machine accepts it but does not do it")
    return None


def _cause(step: RestartHost) -> str:
    return f"restarted:{hashlib.sha256(step.why.encode()).hexdigest()[:16]}:"


def _in_vain(step: Step, memory: Memory) -> Verdict | None:
    """What to say of a restart for a cause for which the system was restarted already: another boot, nothing changed."""
    if not isinstance(step, RestartHost) or not step.boot:
        return None
    if not any(part.startswith(_cause(step)) and part != f"{_cause(step)}{step.boot}" for part in memory.tried):
        return None
    return Stuck(f"the restart changed nothing: {step.why}",
                 "of arguments: it starts another entry than the staged one, or by another loader; compare /proc/cmdline with "
                 "the boot menu. Of modules: the initial ramdisk loads it; make that anew. Then apply again")


def _dropped(step: Step, memory: Memory, now: float) -> Verdict | None:
    """What to say of settings that were staged before a restart and are neither effective nor pending after it.

    They may be staged once more: a restart can come too early for them. What the BIOS drops twice it will drop again.
    """
    restarts, restarted_at = memory.tried.get("restart:firmware", (0, 0.0))
    lost = {name: memory.tried[part] for part, name in settings_of(step).items()
            if part in memory.tried and memory.tried[part][1] <= restarted_at}
    if not lost or not restarts:
        return None
    left = restarted_at + SETTLE[Reset] - now
    if left > 0:
        return Wait("the restart that makes BIOS settings effective is under way", min(left, 5.0))
    given_up = sorted(name for name, (attempts, _) in lost.items() if attempts >= MAX_DROPPED)
    if not given_up:
        return None
    return Stuck(
        f"the BIOS dropped {', '.join(given_up)} at {MAX_DROPPED} restarts: staged, and neither effective nor pending afterwards",
        "another attribute may govern it (`bpa bmc bios ADDRESS plan`), or a BIOS password or lock-down mode is set; "
        "set it in the firmware setup, or take it out of the profile",
    )
