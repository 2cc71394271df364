"""Which BIOS attributes a machine must have, and why: intents by rules, raw names as they are, and what they need."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from bpa.core.bios.candidates import near_names
from bpa.core.bios.dependencies import compare, forced, in_words, locks
from bpa.core.bios.machine import Machine, kind
from bpa.core.bios.needs import needs_of
from bpa.core.bios.registry import Dependency
from bpa.core.bios.resolution import Ambiguous, Confidence, NotFound, resolve_intent
from bpa.core.bios.rules import Intent, Meaning, Rules, meaning_of, same
from bpa.core.bios.validation import Problem, check_value
from bpa.core.steps import BiosValue
from bpa.core.verdict import Stuck


@dataclass(frozen=True, slots=True)
class BiosWant:
    """intents -> what is asked of each; attributes = raw names and values, which win over intents; rules = how vendors
    spell intents; unchecked = attributes to send although the registry forbids it."""

    intents: Mapping[Intent, Meaning] = field(default_factory=dict)
    attributes: Mapping[str, BiosValue] = field(default_factory=dict)
    rules: Rules = field(default_factory=Rules)
    unchecked: tuple[str, ...] = ()

    @property
    def asks(self) -> bool:
        """Whether anything is asked of the BIOS."""
        return bool(self.intents or self.attributes)


@dataclass(frozen=True, slots=True)
class Setting:
    """One attribute of a plan. why is for people; intent "" = asked by name; needed_for "" = asked for itself."""

    attribute: str
    value: BiosValue
    now: BiosValue
    why: str
    intent: str = ""
    needed_for: str = ""
    confidence: Confidence = "exact"
    source: str = ""

    @property
    def changes(self) -> bool:
        """Whether the machine is not so already."""
        return not same(self.value, self.now)


@dataclass(frozen=True, slots=True)
class BiosPlan:
    """settings by name, what others need before them; notes: what else a person should know (one sentence each)."""

    settings: tuple[Setting, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def values(self) -> dict[str, BiosValue]:
        """Attribute -> the value it must have, in the order in which they should be sent."""
        return {s.attribute: s.value for s in self.settings}

    def of(self, attribute: str) -> Setting | None:
        """The setting of one attribute."""
        return next((s for s in self.settings if s.attribute == attribute), None)


def plan_bios(want: BiosWant, machine: Machine) -> BiosPlan | Stuck:
    """What must be set on this machine; or Stuck, saying what is unclear, impossible or contradictory."""
    settings: dict[str, Setting] = {}
    for intent, asked in sorted(want.intents.items()):
        stuck = _add_intent(intent, asked, want, machine, settings)
        if stuck is not None:
            return stuck
    for name, value in sorted(want.attributes.items()):
        found = _raw(name, value, machine)
        if isinstance(found, Problem):
            return Stuck(found.reason, found.advice)
        settings[name] = found
    problem = _problem(settings, want, machine) or _add_needs(settings, want, machine) or _contradiction(settings, machine)
    if problem is not None:
        return Stuck(problem.reason, problem.advice)
    return BiosPlan(_ordered(settings, machine), tuple(_notes(settings, machine)))


def resolve(want: BiosWant, present: Mapping[str, BiosValue]) -> Mapping[str, BiosValue] | Stuck:
    """Attribute -> wanted value in the type this BIOS uses, by the present attributes alone; or Stuck."""
    plan = plan_bios(want, Machine(present))
    return plan if isinstance(plan, Stuck) else plan.values


def _add_intent(
    intent: Intent, asked: Meaning, want: BiosWant, machine: Machine, settings: dict[str, Setting]
) -> Stuck | None:
    found = resolve_intent(intent, asked, want.rules, machine, want.attributes)
    if isinstance(found, NotFound | Ambiguous):
        return Stuck(found.reason, _advice(found, machine))
    for one in found:
        other = settings.get(one.attribute)
        if other is not None and not same(other.value, one.value):
            return Stuck(
                f"{other.intent} and {intent} are one BIOS attribute here, {one.attribute}, "
                f"and the profile wants them different",
                "give both intents the same value, or leave one out",
            )
        settings[one.attribute] = Setting(
            one.attribute, one.value, machine.now[one.attribute], f"intent {intent} {meaning_of(asked)}: {one.why}",
            intent=f"{other.intent}, {intent}" if other else intent, confidence=one.confidence, source=one.source)
    return None


def _raw(name: str, value: BiosValue, machine: Machine) -> Setting | Problem:
    if name not in machine.now:
        return _absent(name, machine)
    present = machine.now[name]
    written = machine.written(name, value)
    if written is None and machine.allowed(name) and isinstance(value, str) == isinstance(present, str):
        written = value  # the right kind of value and none of the allowed: the check below says which are
    if written is None:
        return Problem(
            f"BIOS attribute {name} is {kind(present)} (now {present!r}), the profile says {value!r}",
            "write the value as the BIOS does, a text in quotes",
        )
    return Setting(name, written, present, "asked for by its own name")


def _absent(name: str, machine: Machine) -> Problem:
    known = machine.attribute(name)
    if known is not None and machine.registry is not None:
        hidden = locks(machine.registry, name, "Hidden", machine.now, machine.usual)
        if hidden:
            return Problem(f"the BIOS does not show {name} while "
                           f"{in_words(hidden[0], machine.now, machine.registry, machine.usual)}",
                           "change that first and restart; then this attribute can be set")
        return Problem(f"the registry of this BIOS knows {name}, but the BIOS does not show it",
                       "it does not apply to this machine as it is: leave it out")
    near = near_names(name, machine)
    if near:
        return Problem(f"the BIOS has no attribute {name}", f"nearest names: {', '.join(near)}")
    return Problem(f"the BIOS has no attribute {name}", "this BIOS shows no attributes at all" if not machine.now
                   else "`bpa bmc bios ADDRESS get` lists the attributes it has")


def _problem(settings: Mapping[str, Setting], want: BiosWant, machine: Machine) -> Problem | None:
    for name, setting in settings.items():
        if name not in want.unchecked and (wrong := check_value(name, setting.value, machine)):
            return wrong
    return None


def _add_needs(settings: dict[str, Setting], want: BiosWant, machine: Machine) -> Problem | None:
    """Adds what the attributes that change need; what is pending already has been accepted by the machine itself."""
    for name, setting in list(settings.items()):
        accepted = name in machine.pending and same(machine.pending[name], setting.value)
        if not setting.changes or name in want.unchecked:
            continue
        needs = needs_of(name, {n: s.value for n, s in settings.items()}, want.rules, machine)
        if isinstance(needs, Problem):
            if accepted:
                continue
            return needs
        for need in needs:
            settings[need.attribute] = Setting(
                need.attribute, need.value, machine.now[need.attribute], f"needed for {name}: {need.why}",
                needed_for=name)
    return None


def _contradiction(settings: Mapping[str, Setting], machine: Machine) -> Problem | None:
    """Two wanted values of which one makes the BIOS itself change the other."""
    if machine.registry is None:
        return None
    changing = frozenset(name for name, s in settings.items() if s.changes)
    then = {**machine.now, **{n: s.value for n, s in settings.items()}}
    for dependency, value in forced(machine.registry, then, machine.usual, changing):
        setting = settings.get(dependency.attribute)
        if setting is not None and not compare(setting.value, "EQU", value):
            cause = next(t.attribute for t in dependency.terms if t.attribute in changing)
            return Problem(
                f"this BIOS makes {dependency.attribute} {value} while "
                f"{in_words(dependency, then, machine.registry, machine.usual)}, and the profile wants "
                f"{dependency.attribute} {setting.value}",
                f"leave out {cause} or {dependency.attribute}, or give them values that go together")
    return None


def _ordered(settings: Mapping[str, Setting], machine: Machine) -> tuple[Setting, ...]:
    """By name, but what unlocks another before that other: some BMCs judge a batch from its first entry to its last."""
    before: dict[str, set[str]] = {name: set() for name in settings}
    then = {**machine.now, **{n: s.value for n, s in settings.items()}}
    for name, setting in settings.items():
        if setting.needed_for:
            before[setting.needed_for].add(name)
        if machine.registry is not None and setting.changes:
            locked_now = locks(machine.registry, name, "ReadOnly", machine.now, machine.usual)
            locked_then = () if locked_now else locks(machine.registry, name, "ReadOnly", then, machine.usual)
            before[name] |= _others(locked_now, name, settings)
            for other in _others(locked_then, name, settings):
                before[other].add(name)
    done: dict[str, Setting] = {}
    while len(done) < len(settings):
        free = [n for n in sorted(settings) if n not in done and before[n] <= done.keys()]
        # A circle is the registry's mistake: then the order is by name.
        for name in free or [n for n in sorted(settings) if n not in done]:
            done[name] = settings[name]
    return tuple(done.values())


def _others(dependencies: Iterable[Dependency], name: str, settings: Mapping[str, Setting]) -> set[str]:
    return {t.attribute for d in dependencies for t in d.terms if t.attribute in settings and t.attribute != name}


def _notes(settings: Mapping[str, Setting], machine: Machine) -> list[str]:
    if machine.registry is None:
        return []
    registry, usual = machine.registry, machine.usual
    then = {**machine.now, **{n: s.value for n, s in settings.items()}}
    changing = frozenset(name for name, s in settings.items() if s.changes)
    said = []
    for name in sorted(changing):
        attribute = registry.get(name)
        gray = locks(registry, name, "GrayOut", then, usual)
        if gray:
            said.append(f"{name} is grayed out while {in_words(gray[0], then, registry, usual)}: it may have no effect")
        elif attribute is not None and attribute.gray:
            said.append(f"{name} is grayed out in the firmware setup: it may have no effect")
    said += [f"this BIOS will itself make {d.attribute} {value}, because {in_words(d, then, registry, usual)}"
             for d, value in forced(registry, then, usual, changing) if d.attribute not in settings]
    return list(dict.fromkeys(said))


def _advice(found: NotFound | Ambiguous, machine: Machine) -> str:
    if not machine.now:
        return "this BIOS shows no attributes at all"
    if isinstance(found, Ambiguous):
        return "name the right attribute and value under bios.attributes of the profile"
    near = "; ".join(candidate.text for candidate in found.candidates)
    do = f"name the attribute under bios.attributes of the profile, or leave the intent {found.intent} out"
    if found.intent == "pmem":
        do = "where the goal is no BIOS attribute, set it with `bpa bmc pmem` (Redfish) or ipmctl; else " + do
    return (f"nearest: {near}; " if near else "") + do
