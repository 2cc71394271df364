"""What intents come to on every machine known, and that each rule is needed for one of them."""

from __future__ import annotations

import pytest
from recorded_bios import CASES, MACHINES, machine_of

from bpa.core.bios import MEANINGS, Rule, Rules, resolve_intent
from bpa.documents.profile.bios import intent_rules

RULES = intent_rules()


@pytest.mark.parametrize("name, intent, meaning", CASES, ids=lambda part: part)
def test_an_intent_comes_to_the_attribute_and_value_checked_by_hand_or_says_why_not(name, intent, meaning):
    due = MACHINES[name]["intents"][intent][meaning]
    found = resolve_intent(intent, meaning, RULES, machine_of(name))
    if isinstance(due, dict):
        assert isinstance(found, tuple), found
        assert {one.attribute: one.value for one in found} == due
        assert all(type(one.value) is type(due[one.attribute]) for one in found)
        assert all(one.why and one.source and one.confidence for one in found)
    else:
        assert not isinstance(found, tuple), found
        said = " ".join((found.reason, *(candidate.text for candidate in found.candidates)))
        for words in [due] if isinstance(due, str) else due:
            assert words in said


@pytest.mark.parametrize("rule", RULES.rules, ids=lambda rule: f"{rule.intent}-{rule.attribute or rule.display}-{rule.family}")
def test_a_rule_names_its_source_and_values_that_its_intent_knows(rule):
    assert rule.intent in MEANINGS
    assert len(rule.source) > 10 and rule.family
    assert rule.attribute or rule.display
    assert set(rule.values) <= set(MEANINGS[rule.intent])
    assert all(vendor == vendor.lower() for vendor in rule.vendors)


@pytest.mark.parametrize("rule", RULES.rules, ids=lambda rule: f"{rule.intent}-{rule.attribute or rule.display}-{rule.family}")
def test_without_a_rule_some_machine_is_read_otherwise(rule):
    """In value, certainty or source."""
    without = RULES.without(rule)
    changed = [
        (name, meaning) for name, intent, meaning in CASES
        if intent == rule.intent and _values(name, intent, meaning, RULES) != _values(name, intent, meaning, without)
    ]
    assert changed, "no machine of machines.yaml needs this rule: add one that does, or leave the rule out"


def _values(name: str, intent: str, meaning: str, rules: Rules) -> object:
    found = resolve_intent(intent, meaning, rules, machine_of(name))
    if not isinstance(found, tuple):
        return type(found).__name__
    return {one.attribute: (one.value, one.confidence, one.source) for one in found}


def test_two_rules_are_never_the_same():
    said = [(r.intent, r.attribute, r.display, tuple(sorted(r.values.items())), r.vendors) for r in RULES.rules]
    assert len(set(said)) == len(said)


def test_a_need_names_its_source():
    assert RULES.needs
    for need in RULES.needs:
        assert need.attributes and need.unless and len(need.source) > 10


def test_of_two_rules_for_one_name_the_present_value_tells():
    machine = machine_of("dgx-without-registry")
    (found,) = resolve_intent("virtualization", False, RULES, machine)
    assert found.value == "Disable" and "DGX" in found.source


def test_a_value_that_no_rule_knows_is_a_resolution_by_name_only():
    rule = Rule("sriov", "somebody said so", "SrIov", values={"on": ("Enabled",), "off": ("Disabled",)})
    machine = machine_of("cisco-m6-amd")
    odd = type(machine)({**machine.now, "SrIov": "platform-default"}, None, machine.manufacturer)
    (found,) = resolve_intent("sriov", True, Rules((rule,)), odd)
    assert (found.value, found.confidence) == ("Enabled", "name only")
    assert "platform-default" in found.why
