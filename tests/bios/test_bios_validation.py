"""What a registry allows: the cases of baremetal-operator's HostFirmwareSettings tests, lies, and anything at all."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from recorded_bios import MACHINES, machine_of

from bpa.core.bios import Attribute, Choice, Machine, Registry
from bpa.core.bios.expressions import matches
from bpa.core.bios.validation import broken_limit, check_value

BOTH = (Choice("0", "Disable"), Choice("1", "Enable"))


def machine(now: object, attribute: Attribute) -> Machine:
    return Machine({attribute.name: now}, Registry("R", [attribute]))  # type: ignore[dict-item]


@pytest.mark.parametrize("attribute, now, wanted, said", [
    (Attribute("A", "Enumeration", choices=(Choice("On", "On"), Choice("Off", "Off"))), "On", "Maybe", "it may be 'On', 'Off'"),
    (Attribute("A", "Enumeration", choices=(Choice("On", "On"), Choice("Off", "Off"))), "On", "Off", None),
    (Attribute("A", "Integer", lower=1, upper=20), 5, 0, "within 1..20"),
    (Attribute("A", "Integer", lower=1, upper=20), 5, 21, "within 1..20"),
    (Attribute("A", "Integer", lower=1, upper=20), 5, 20, None),
    (Attribute("A", "Integer", upper=20), 5, -7, None),
    (Attribute("A", "Integer", lower=1), 5, 0, "within 1.."),
    (Attribute("A", "Integer"), 5, "six", "it is a number, not a text"),
    (Attribute("A", "Integer"), 5, True, "it is a number, not true or false"),
    (Attribute("A", "Integer", lower=120, increment=30), 120, 130, "steps of 30 from 120"),
    (Attribute("A", "Integer", lower=120, increment=30), 120, 150, None),
    (Attribute("A", "Integer", increment=0), 120, 131, None),
    (Attribute("A", "String", shortest=1, longest=16), "abc", "", "1..16 characters, this has 0"),
    (Attribute("A", "String", shortest=1, longest=16), "abc", "x" * 17, "1..16 characters, this has 17"),
    (Attribute("A", "String", longest=16), "abc", "", None),
    (Attribute("A", "String"), "abc", 5, "it is a text, not a number"),
    (Attribute("A", "String", expression="^[0-9]{1,3}$"), "12", "1x", "must match ^[0-9]{1,3}$"),
    (Attribute("A", "String", expression="^[0-9]{1,3}$"), "12", "123", None),
    (Attribute("A", "Boolean"), True, False, None),
    (Attribute("A", "Boolean"), True, "false", "it may be True, False"),
    (Attribute("A", "Password"), "", "secret", "is a password"),
    (Attribute("A", ""), "x", "y", None),
    (Attribute("B", "Integer"), 1, 2, None),
])
def test_a_value_is_held_against_the_registry(attribute, now, wanted, said):
    problem = check_value(attribute.name, wanted, machine(now, attribute))
    if said is None:
        assert problem is None
    else:
        assert problem is not None and said in problem.reason and problem.advice


def test_a_misspelt_choice_is_met_with_the_right_spelling():
    problem = check_value("A", "enabled", machine("Disabled", Attribute("A", "Enumeration", choices=(
        Choice("Enabled", "Enabled"), Choice("Disabled", "Disabled")))))
    assert problem is not None and problem.advice == "write 'Enabled'"


def test_a_long_list_of_choices_is_cut():
    choices = tuple(Choice(f"v{n}", f"v{n}") for n in range(40))
    problem = check_value("A", "w", machine("v1", Attribute("A", "Enumeration", choices=choices)))
    assert problem is not None and "and more" in problem.reason and "v20" not in problem.reason


@pytest.mark.parametrize("attribute, now, wanted", [
    (Attribute("A", "Enumeration", choices=BOTH), "Auto", "Auto"),
    (Attribute("A", "Integer", lower=10, upper=20), 5, 7),
    (Attribute("A", "Integer", lower=0, increment=10), 5, 15),
    (Attribute("A", "String", shortest=12, longest=16), "", "abc"),
    (Attribute("A", "String", expression="^[0-9]+$"), "n/a", "none"),
    (Attribute("A", "Integer"), "5", "7"),
    (Attribute("A", "Password"), "x", "x"),
])
def test_a_limit_that_the_present_value_breaks_itself_is_the_registrys_mistake(attribute, now, wanted):
    assert check_value("A", wanted, machine(now, attribute)) is None


def test_the_present_value_is_a_choice_even_where_the_registry_forgot_it():
    forgot = Machine({"A": "Auto", "B": "Enable"}, Registry("R", [
        Attribute("A", "Enumeration", choices=BOTH), Attribute("B", "Enumeration", choices=BOTH)]))
    assert forgot.allowed("A") == ("Disable", "Enable", "Auto")


@pytest.mark.parametrize("now, wanted, due", [
    ("Enable", "Disable", "Disable"), ("Enable", "0", "Disable"), ("Enable", "1", "Enable"), ("Enable", "2", None),
    ("1", "0", "0"), ("1", "Disable", "0"), ("1", "Enable", "1"),
])
def test_a_value_is_written_in_the_column_that_the_machine_uses(now, wanted, due):
    assert machine(now, Attribute("A", "Enumeration", choices=BOTH)).written("A", wanted) == due


def test_a_value_name_that_means_two_things_is_not_translated():
    choices = (Choice("0", "No valid PRMRR size"), Choice("134217728", "128M"), Choice("0", "4G"))
    described = machine("128M", Attribute("A", "Enumeration", choices=choices))
    assert described.written("A", "0") is None and described.written("A", "4G") == "4G"


@pytest.mark.parametrize("name", [name for name, case in MACHINES.items() if "tree" in case])
def test_every_present_value_of_a_recorded_machine_is_allowed(name):
    found = machine_of(name)
    assert [n for n, value in found.now.items() if check_value(n, value, found)] == []
    lies = {n for n, value in found.now.items() if (a := found.attribute(n)) and broken_limit(a, value, found)}
    # The R750's iSCSI secrets are empty, and must have 12 characters.
    assert {n for n in lies if "Password" not in n} == (
        {f"IscsiDev1Con{n}{way}ChapSecret" for n in (1, 2) for way in ("", "Rev")} if name == "dell-r750" else set())


# -- expressions

@pytest.mark.parametrize("expression, value, due", [
    ("^[ -~]{0,127}$", "x" * 127, True), ("^[ -~]{0,127}$", "x" * 128, False),
    (r"^((?:25[0-5]|2[0-4][0-9]|[01]?[0-9][0-9]?)\.){3}(?:25[0-5]|2[0-4][0-9]|[01]?[0-9][0-9]?)$|^$", "10.0.0.1", True),
    (r"^((?:25[0-5]|2[0-4][0-9]|[01]?[0-9][0-9]?)\.){3}(?:25[0-5]|2[0-4][0-9]|[01]?[0-9][0-9]?)$|^$", "10.0.0.300", False),
    ("^[0-9a-fA-F]{64,64}$", "a" * 64, True),
    (r"[]a]\]", "]]", True), (r"\(\*\+", "(*+", True),
    (r"^(iqn|IQN)\.[0-9a-zA-Z\.\-]+$", "iqn.2001-04.com.example", True), ("x*y*", "z", True), ("", "x", True),
    ("(a+)+$", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!", None), ("((a*)b?)*c", "a", None), ("(a{1,99}){1,99}b", "a", None),
    ("a*a*a*a*a*b", "a" * 99, None), ("(?:(x+x+)y?)+z", "x", None), ("(a|a)*b", "a" * 40, None), ("(a|a?)+b", "a", None),
    ("((a?){99}){99}b", "a", None), (r"(a)\1*", "a", None), ("(?=a)a", "a", None), ("[[a]", "x", None), ("[a--b]", "x", None),
    ("[", "x", None), ("(", "x", None), (")", "x", None), ("x" * 5000, "x", None), ("a{99999999999}", "a", None),
    ("^x$", "y" * 600, None), ("(" * 99 + "a" + ")" * 99, "a", None),
])
def test_an_expression_of_a_bmc_is_tried_only_where_it_ends_soon(expression, value, due):
    assert matches(expression, value) is due


@given(st.text(alphabet="ab()[]{}*+?|\\^$,0123456789", max_size=40), st.text(alphabet="ab01", max_size=40))
def test_no_expression_at_all_hurts(expression, value):
    assert matches(expression, value) in (True, False, None)


# -- anything at all

ATTRIBUTES = st.builds(
    Attribute, name=st.just("A"), type=st.sampled_from(["Enumeration", "String", "Integer", "Boolean", "Password", "", "Odd"]),
    choices=st.lists(st.builds(Choice, st.sampled_from("01ab"), st.sampled_from(["On", "Off", "a"])), max_size=4).map(tuple),
    lower=st.none() | st.integers(-9, 9), upper=st.none() | st.integers(-9, 9), increment=st.none() | st.integers(-3, 3),
    shortest=st.none() | st.integers(-1, 3), longest=st.none() | st.integers(-1, 6),
    expression=st.sampled_from(["", "^a", "^[0-9]+$"]))
VALUES = st.one_of(st.integers(-12, 12), st.booleans(), st.sampled_from(["", "a", "On", "Off", "1", "0", "abcdefgh"]))


@given(ATTRIBUTES, VALUES, VALUES)
def test_whatever_a_registry_says_a_value_is_judged_and_the_present_one_is_right(attribute, now, wanted):
    found = machine(now, attribute)
    assert check_value("A", now, found) is None
    written = found.written("A", wanted)
    if written is not None:
        assert type(written) is type(now) or attribute.choices
        check_value("A", written, found)
        listed = found.allowed("A")
        if listed and attribute.type != "Password" and broken_limit(attribute, now, found) is None:
            assert (check_value("A", written, found) is None) == any(type(v) is type(written) and v == written for v in listed)
