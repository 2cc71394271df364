"""bpa bmc pmem: persistent memory by Redfish: what is there, what a goal would change, and the goal staged."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from bpa.cli.bmc.shown import request_line, requests_json
from bpa.cli.bmc.target import bmc_target
from bpa.cli.exits import Exit
from bpa.cli.failure import Stop
from bpa.cli.options import json_option, print_json, wants_json
from bpa.cli.words import columns, state_word

if TYPE_CHECKING:
    from bpa.adapters.redfish.target import Target
    from bpa.core.persistent_memory import Persistent
    from bpa.core.pmem_goal import Goal, GoalPlan, GoalState
    from bpa.one_bmc import OneBmc

PERCENT = {"app-direct": 0, "memory": 100}


@click.command(short_help="Persistent-memory goals by Redfish.")
@bmc_target
@click.argument("action", type=click.Choice(["show", "plan", "set"]), default="show")
@click.option("--mode", type=click.Choice(["app-direct", "memory", "mixed"]), help="What the modules shall be.")
@click.option("--memory-percent", type=click.IntRange(1, 99), metavar="N", help="mixed: how much is volatile.")
@click.option("--not-interleaved", is_flag=True, help="Each module a region of its own.")
@click.option("--domain", "domains", multiple=True, metavar="ID", help="Only this memory domain (socket); can be given again.")
@click.option("--erase", multiple=True, metavar="NAME", help="DOMAIN/CHUNK, or DOMAIN, whose data may be destroyed.")
@click.option("--discard-pending", is_flag=True, help="Withdraw another goal that waits for the restart.")
@click.option("--restart", is_flag=True, help="set: restart the host, and wait until the goal is applied.")
@click.option("--timeout", type=click.FloatRange(min=0), default=900.0, show_default=True,
              help="Seconds to wait: for the end of POST before, with --restart for the goal after it.")
@click.option("--dry-run", is_flag=True, help="set: show the requests that would be sent; send none.")
@json_option
def pmem(
    one: OneBmc, action: str, mode: str | None, memory_percent: int | None, not_interleaved: bool, domains: tuple[str, ...],
    erase: tuple[str, ...], discard_pending: bool, restart: bool, timeout: float, dry_run: bool, output: str, as_json: bool,
) -> None:
    """Show persistent memory; plan a goal; or set it, to be applied at the next restart.

    With --mode, show also tells where that goal stands: met, pending, failed (and why), dropped or unset.

    \b
    Example:
      bpa bmc pmem https://192.0.2.10
      bpa bmc pmem https://192.0.2.10 plan --mode app-direct
      bpa bmc pmem https://192.0.2.10 set --mode app-direct --erase PROC1MemoryDomain/1 --restart
    """
    from bpa.adapters.redfish.pmem import read_persistent

    goal = _goal(mode, memory_percent, not not_interleaved, domains)
    if goal is None and action != "show":
        raise click.UsageError(f"{action} takes a goal: --mode app-direct, memory or mixed")
    told = wants_json(output, as_json)
    with one.open() as target:
        reader = target.reader()
        seen = read_persistent(target, reader)
        if action == "show" or goal is None:
            _show(seen, goal, reader.problems, told)
        else:
            plan = _plan(seen, goal, erase, discard_pending)
            state = None
            if action == "set" and not dry_run:
                state = _do(target, goal, plan, restart, timeout)
            _tell(goal, plan, state, told)
            if state is not None and state.kind not in (("met",) if restart else ("met", "pending")):
                raise click.exceptions.Exit(Exit.NOT_MET)


def _goal(mode: str | None, percent: int | None, interleaved: bool, domains: tuple[str, ...]) -> Goal | None:
    from bpa.core.pmem_goal import Goal

    if (percent is not None) != (mode == "mixed"):
        raise click.UsageError("--memory-percent and --mode mixed go together")
    if mode is None:
        return None
    return Goal(PERCENT[mode] if percent is None else percent, interleaved, domains)


def _show(seen: Persistent, goal: Goal | None, problems: list[str], told: bool) -> None:
    from bpa.core.pmem_goal import state_of

    state = None if goal is None else state_of(goal, seen)
    if told:
        print_json(asdict(seen) | {"goal": None if state is None else asdict(state), "problems": problems})
    else:
        rows = [("DOMAIN", "CHUNK", "KIND", "MIB", "MODULES")]
        for domain in seen.domains:
            rows += [(domain.id, c.id, c.kind, str(c.mib), ", ".join(_name(seen, m) for m in c.modules)) for c in domain.chunks]
            if not domain.chunks:
                rows.append((domain.id, "none", "", "", ", ".join(_name(seen, m) for m in domain.modules)))
        for line in columns(rows):
            click.echo(line)
        for task in seen.pending:
            click.echo(f"waits for the restart: {request_line(task.request)}")
        for module in seen.modules.values():
            if module.note or module.health not in ("OK", "") or module.security == "Locked":
                click.echo(f"{module.name}: {', '.join(w for w in (module.health, module.security, module.note) if w)}")
        for problem in problems:
            click.echo(f"{state_word('unseen')} {problem}")
        if goal is not None and state is not None:
            click.echo(f"{goal.text}: {state.kind}: {state.why}")
    if state is not None and state.kind != "met":
        raise click.exceptions.Exit(Exit.NOT_MET)


def _plan(seen: Persistent, goal: Goal, erase: tuple[str, ...], discard: bool) -> GoalPlan:
    from bpa.core.pmem_goal import NeedsConsent, plan_goal
    from bpa.core.verdict import Stuck

    plan = plan_goal(goal, seen, erase, discard)
    if isinstance(plan, Stuck):
        code = Exit.NO_CONSENT if isinstance(plan, NeedsConsent) else Exit.NOT_MET
        raise Stop(plan.reason + (f"\n  try: {plan.advice}" if plan.advice else ""), code)
    return plan


def _do(target: Target, goal: Goal, plan: GoalPlan, restart: bool, timeout: float) -> GoalState:
    """Stage the goal, and restart where that is wanted; where it stands then."""
    from bpa.adapters.redfish.pmem import perform, read_persistent, wait_applied
    from bpa.adapters.redfish.power.switching import switch
    from bpa.adapters.redfish.waiting import Waiting
    from bpa.adapters.redfish.writing import Writer
    from bpa.core.pmem_goal import state_of

    waiting = Waiting(timeout, every=5.0)
    perform(target, plan, waiting)
    if not (restart and plan.restart):
        return state_of(goal, read_persistent(target))
    # Not waited for: what the goal becomes tells more than the power does.
    switch(Writer(target, patience=waiting), "restart", Waiting(0.0))
    return wait_applied(target, goal, waiting)


def _tell(goal: Goal, plan: GoalPlan, state: GoalState | None, told: bool) -> None:
    """state: where the goal stands after it was set; None = it was only planned."""
    if told:
        print_json({
            "goal": goal.text, "changed": bool(plan.requests) and state is not None, "pending": plan.pending,
            "requests": requests_json(plan.requests), "erases": list(plan.erases), "notes": list(plan.notes),
            "state": None if state is None else asdict(state),
        })
    else:
        for line in _lines(goal, plan, state):
            click.echo(line)


def _lines(goal: Goal, plan: GoalPlan, state: GoalState | None) -> Iterator[str]:
    yield from (f"note: {note}" for note in plan.notes)
    if plan.pending and (state is None or state.kind == "pending"):
        yield f"already so: {goal.text} waits for the restart (set --restart, or bpa bmc power)"
        return
    if not plan.requests and not plan.pending:
        yield f"already so: {goal.text}"
        return
    yield from map(request_line, plan.requests if state is None else ())
    yield from (f"{click.style('! destroys', fg='red', bold=True)} {name}" for name in plan.erases)
    if state is not None:
        then = "; restart the host to apply it" if state.kind == "pending" else ""
        yield f"{goal.text}: {state.kind}: {state.why}{then}"


def _name(seen: Persistent, path: str) -> str:
    return seen.modules[path].name if path in seen.modules else path.rstrip("/").rsplit("/", 1)[-1]
