"""bpa bmc bios: attributes and intents of one BIOS: show, plan, set."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, cast

import click

from bpa.cli.bmc import bios_text as show
from bpa.cli.bmc.shown import request_line, requests_json
from bpa.cli.bmc.target import bmc_target
from bpa.cli.exits import Exit
from bpa.cli.failure import Stop
from bpa.cli.options import json_option, print_json, wants_json

if TYPE_CHECKING:
    from bpa.adapters.redfish.bios.looking import Kept, SeenBios
    from bpa.adapters.redfish.target import Target
    from bpa.adapters.redfish.writing import Writer
    from bpa.core.bios import BiosPlan, BiosWant, Machine
    from bpa.core.steps import BiosValue
    from bpa.one_bmc import OneBmc

AFTER_POST = 120.0
"""Seconds in which a BMC that is through POST shows the new values."""


@click.command(short_help="BIOS attributes and intents: get, plan, set.")
@bmc_target
@click.argument("action", type=click.Choice(["get", "plan", "set"]), default="get")
@click.argument("words", nargs=-1, metavar="[NAME|INTENT|NAME=VALUE|INTENT=MEANING]...")
@click.option("--unchecked", multiple=True, metavar="NAME", help="plan, set: do not hold the registry against this attribute.")
@click.option("--apply-now", is_flag=True, help="set: restart the host now, by force, and wait until it is so.")
@click.option("--timeout", type=click.FloatRange(min=0), default=1800.0, show_default=True,
              help="Seconds that a restart may take.")
@click.option("--dry-run", is_flag=True, help="set: show the requests that would be sent; send none.")
@json_option
def bios(
    one: OneBmc, action: str, words: tuple[str, ...], unchecked: tuple[str, ...], apply_now: bool, timeout: float,
    dry_run: bool, output: str, as_json: bool,
) -> None:
    """Show attributes (by name, `*` as in file names) or what an intent comes to; plan and set values.

    Intents: virtualization, iommu, sriov, hyperthreading, tme, sgx (on, off); bootMode (uefi, legacy); powerProfile
    (performance, balanced, powersave, custom); snc (on, off, 2, 4); nps (1, 2, 4); pmem (appDirect, memoryMode).
    Without words, plan and set take what the profile of a site's host says. Values take effect at the next restart.

    \b
    Example:
      bpa bmc bios https://192.0.2.10 get 'Proc*' virtualization
      bpa bmc bios https://192.0.2.10 plan virtualization=on iommu=on ProcTurboMode=Disabled
      bpa bmc bios https://192.0.2.10 set sriov=on --apply-now
    """
    from bpa.adapters.redfish.bios.looking import look_at_bios
    from bpa.bmc_memory import BmcMemory

    told = wants_json(output, as_json)
    with one.open() as target:
        seen = look_at_bios(target, BmcMemory().registries)
        if action == "get":
            _get(seen, words, told)
            return
        plan = _plan(one, seen, words, unchecked)
        if action == "plan":
            print_json(show.plan_data(plan)) if told else _print(show.plan_lines(plan))
            return
        _set(target, seen, plan, apply_now, timeout, dry_run, told)


def _get(seen: SeenBios, words: Sequence[str], told: bool) -> None:
    from bpa.core.bios import MEANINGS
    from bpa.documents.profile.bios import intent_rules

    intents = [show.intent_data(word, seen.machine, intent_rules()) for word in words if word in MEANINGS]
    names = [word for word in words if word not in MEANINGS]
    found, unknown = show.chosen(names, seen.machine) if names or not words else ([], [])
    if told:
        registry = seen.machine.registry
        print_json({"registry": None if registry is None else registry.id, "announced": seen.registry_id,
                    "values": None if registry is None else f"Value{'Display' if seen.machine.usual == 'display' else ''}Name",
                    "attributes": [show.attribute_data(name, seen.machine) for name in found], "intents": intents,
                    "unknown": unknown})
    else:
        click.echo(show.head_line(seen))
        for intent in intents:
            _print(show.intent_lines(intent))
        if found:
            _print(show.attribute_lines(found, seen.machine))
    if unknown:
        raise Stop("; ".join(_unknown(word, seen.machine) for word in unknown), Exit.NOT_MET)


def _unknown(word: str, machine: Machine) -> str:
    from bpa.core.bios.candidates import near_names

    near = near_names(word, machine)
    return f"the BIOS has no attribute {word}" + (f", but {', '.join(near)}" if near else "")


def _plan(one: OneBmc, seen: SeenBios, words: Sequence[str], unchecked: tuple[str, ...]) -> BiosPlan:
    from bpa.core.bios import plan_bios
    from bpa.core.verdict import Stuck

    want = asked(words, seen.machine) if words or one.want is None else one.want.profile.bios
    if not want.asks:
        raise Stop("nothing is asked: give NAME=VALUE or INTENT=MEANING" if one.want is None
                   else "the profile of this host asks nothing of the BIOS", Exit.USAGE)
    plan = plan_bios(replace(want, unchecked=(*want.unchecked, *unchecked)), seen.machine)
    if isinstance(plan, Stuck):
        raise Stop(plan.reason + (f"\n  try: {plan.advice}" if plan.advice else ""), Exit.NOT_MET)
    return plan


def asked(words: Sequence[str], machine: Machine) -> BiosWant:
    """What words such as virtualization=on and NumCores=8 ask, values in the type this BIOS uses. Raises Stop."""
    from bpa.core.bios import MEANINGS, BiosWant, Intent
    from bpa.documents.profile.bios import intent_rules

    intents: dict[Intent, bool | str] = {}
    attributes: dict[str, BiosValue] = {}
    for word in words:
        name, sign, value = word.partition("=")
        if not sign or not name:
            raise Stop(f"{word!r} is not NAME=VALUE", Exit.USAGE)
        if name not in MEANINGS:
            present = machine.now.get(name)
            truth = isinstance(present, bool) and value.lower() in ("true", "false")
            attributes[name] = value.lower() == "true" if truth else value
            continue
        intent = cast(Intent, name)
        meaning = {"true": "on", "false": "off"}.get(value.lower(), value)
        if meaning not in MEANINGS[intent]:
            raise Stop(f"{intent} is one of {', '.join(MEANINGS[intent])}, not {value}", Exit.USAGE)
        intents[intent] = meaning
    return BiosWant(intents, attributes, intent_rules())


def _set(
    target: Target, seen: SeenBios, plan: BiosPlan, apply_now: bool, timeout: float, dry_run: bool, told: bool
) -> None:
    from bpa.adapters.redfish.bios import settings
    from bpa.adapters.redfish.waiting import Waiting
    from bpa.adapters.redfish.writing import Writer
    from bpa.core.bios.rules import same

    pending = seen.machine.pending
    change = {s.attribute: s.value for s in plan.settings
              if not same(pending.get(s.attribute, s.now), s.value)}
    due = {s.attribute: s.value for s in plan.settings if s.changes}
    writer = Writer(target, dry_run, patience=Waiting(min(timeout, 300.0), 5.0))
    notes: Sequence[str] = plan.notes
    task = None
    if change:
        staged = settings.stage_bios(writer, seen.bios.paths, change)
        notes, task = (*notes, *staged.notes), staged.task
        if not dry_run:
            staged.checked(target.origin)
            due = {n: v for n, v in due.items() if n not in staged.now}
    kept = _apply(writer, due, timeout, told) if apply_now and due else None
    said = settings.said_after_restart(target, seen.bios.paths, task) if kept is not None and not kept.whole else ()
    if told:
        print_json({**show.plan_data(plan), "staged": change, "due": [] if kept is not None and kept.whole else list(due),
                    "requests": requests_json(writer.sent), "dryRun": dry_run, **_kept_data(kept), "said": list(said)})
    else:
        _tell(plan, notes, change, due, kept, writer)
    if kept is not None and not kept.whole:
        raise Stop(_lost(kept, said), Exit.NOT_MET)


def _apply(writer: Writer, due: Mapping[str, BiosValue], timeout: float, told: bool) -> Kept | None:
    from bpa.adapters.redfish.bios.looking import look_after_restart
    from bpa.adapters.redfish.power import switching
    from bpa.adapters.redfish.waiting import Waiting

    def tell(now: Any) -> None:
        if not told:
            click.echo(f"  power {now.power or 'not told'}{', ' + now.state if now.state else ''}", err=True)

    switching.switch(writer, "restart", Waiting(timeout, 3.0), grace=0.0, post_done=True, tell=tell)
    if writer.dry_run or timeout <= 0:
        return None
    return look_after_restart(writer.target, due, Waiting(min(timeout, AFTER_POST), 3.0))


def _tell(
    plan: BiosPlan, notes: Sequence[str], change: Mapping[str, BiosValue], due: Mapping[str, BiosValue], kept: Kept | None,
    writer: Writer,
) -> None:
    _print(show.plan_lines(replace(plan, notes=tuple(notes))))
    if writer.dry_run:
        for request in writer.sent:
            click.echo(request_line(request))
        click.echo("nothing was sent")
    elif kept is not None:
        if kept.effective:
            click.echo(f"effective: {', '.join(kept.effective)}")
    elif due:
        click.echo(f"{'staged' if change else 'staged already'}, effective after the next restart: {show.joined(due.items())}")


def _lost(kept: Kept, said: Sequence[str]) -> str:
    lost = []
    if kept.dropped:
        lost.append("the BIOS dropped " + ", ".join(f"{n} (still {show.shown(v)})" for n, v in kept.dropped.items()))
    if kept.pending:
        lost.append(f"still pending after the restart: {', '.join(kept.pending)}")
    lost += [f"the BMC says: {one}" for one in said]
    return ("; ".join(lost) + "\n  try: see `bpa bmc bios ADDRESS plan` for what governs it, or look for a BIOS password "
            "or lock-down mode")


def _kept_data(kept: Kept | None) -> dict[str, Any]:
    if kept is None:
        return {}
    return {"effective": list(kept.effective), "stillPending": list(kept.pending), "dropped": dict(kept.dropped)}


def _print(lines: Any) -> None:
    for line in lines:
        click.echo(line)
