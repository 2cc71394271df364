"""The first cause: why a subject is not ready, in one sentence with evidence, and what to do about it.

It is the first requirement that does not hold, as `bpa apply` would judge it now: what was tried before counts too.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from bpa.core.facts import ServiceFacts
from bpa.core.guards import Memory, Permissions, guard
from bpa.core.steps import RestartHost
from bpa.core.verdict import Act, Met, Stuck, Verdict, Wait
from bpa.core.walk import Judged

RESTARTS = ("RestartHost(", "Reset(", "ResetByIronic(", "Deploy(")
"""How the steps begin, as Memory keeps them, after which a host is away for a while."""
USUAL = 300.0
"""Seconds that a host may be away before it is worth looking at its console."""


@dataclass(frozen=True, slots=True)
class Cause:
    """state is that of the verdict: act, wait or stuck. advice "" = nothing but to apply, or to wait."""

    condition: str
    state: str
    text: str
    advice: str = ""


def first_cause(
    name: str, judged: Sequence[Judged[Any, Any]], memory: Memory, permissions: Permissions, identity: str, now: float,
    last: str = "", service: ServiceFacts | None = None,
) -> Cause | None:
    """None = all is met. name is the subject's; last is the last step in the words that people read, "" = none is known.

    now in seconds since the epoch; identity is what the machine says of itself in this look, "" = not asked; service is what
    its cluster says of it, None = it is in none, or was not asked.
    """
    first = first_unmet(judged)
    if first is None:
        return None
    condition, verdict = first.requirement.condition, first.verdict
    if isinstance(verdict, Stuck):
        return Cause(condition, "stuck", verdict.reason, verdict.advice)
    stopped = memory.stuck.removeprefix(f"{condition}: ") if memory.stuck.startswith(f"{condition}: ") else ""
    if isinstance(verdict, Wait):
        return _waits(name, condition, verdict, memory, stopped, now, last)
    assert isinstance(verdict, Act)
    guarded, at_first = (guard(verdict, condition, first.requirement.patience, remembered, permissions, identity, now,
                               service)
                         for remembered in (memory, replace(memory, tried={})))
    return _acts(condition, verdict, guarded, isinstance(at_first, Stuck), stopped)


def first_unmet(judged: Sequence[Judged[Any, Any]]) -> Judged[Any, Any] | None:
    """The requirement at which `bpa apply` would be."""
    return next((one for one in judged if not isinstance(one.verdict, Met)), None)


def _waits(name: str, condition: str, wait: Wait, memory: Memory, stopped: str, now: float, last: str) -> Cause:
    state, away = "stuck" if stopped else "wait", now - memory.at
    if not memory.step.startswith(RESTARTS):
        advice = "look at the host's console, then apply again" if stopped else ""
        return Cause(condition, state, stopped or wait.reason, advice)
    since = f"the host has not come back since its last start, {_ago(away)} ago" + (f" ({last})" if last else "")
    advice = (f"look at its console, and at `bpa bmc log {name}`; if it hangs: `bpa bmc power {name} cycle`, then apply again"
              if stopped or away > USUAL else "wait: this is how long a start may take")
    return Cause(condition, state, f"{since}: {wait.reason}", advice)


def _acts(condition: str, act: Act, guarded: Verdict, needs_leave: bool, stopped: str) -> Cause:
    """needs_leave: it would not be done even if it had never been tried."""
    if isinstance(guarded, Stuck):
        # A step that needs leave is told with what it is for; one that was in vain, with what is seen all the same.
        seen = act.reason.removeprefix(act.step.why).lstrip("; ") if isinstance(act.step, RestartHost) else act.reason
        text = _refused(act, guarded.reason) if needs_leave else guarded.reason + (f" ({seen})" if seen else "")
        return Cause(condition, "stuck", text, guarded.advice)
    if stopped:
        seen = f"; seen now: {act.reason}" if act.reason else ""
        return Cause(condition, "stuck", stopped + seen, "mend what the host says there, then apply again")
    return Cause(condition, "act", act.text)


def _refused(act: Act, why: str) -> str:
    """Where `why` names the step already, only the reason for it stands before that."""
    told = act.reason if act.reason and act.step.text in why else act.text
    return f"{told}; {why.replace(act.step.text, act.doing)}"


def _ago(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 120 else f"{seconds / 60:.0f} min"
