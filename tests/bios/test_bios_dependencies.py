"""What dependencies of a registry come to: on recorded machines, and against a plain evaluator of our own."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from recorded_bios import recorded, unsettled

from bpa.core.bios import Attribute, Choice, Dependency, Registry, Term
from bpa.core.bios.dependencies import AND, EITHER, OR, compare, forced, holds, in_words, joints, locks, settled

R750, DL385, SR670, SYS821 = (
    "dell-r750-idrac9-6.00.30.00", "hpe-dl385g10plusv2-ilo5-2.72", "lenovo-sr670v2-xcc-2.83", "supermicro-sys821ge-bmc-11.01.01")
EMPTY = Registry("R", ())


def term(attribute: str, value: object, condition: str = "EQU") -> Term:
    return Term(attribute, "CurrentValue", condition, value)  # type: ignore[arg-type]


@pytest.mark.parametrize("terms, due", [
    ((), ()), ((None,), ()), (("AND",), ()),
    ((None, "AND"), (AND,)),                      # HPE, Supermicro: the second of two
    (("OR", None), (OR,)),                        # Lenovo: the first of two
    ((None, None), (OR,)),                        # Dell: neither
    ((None, None, None), (OR, OR)),
    ((None, "OR", "AND"), (OR, AND)),
    (("OR", "AND", None), (OR, AND)),
    ((None, "AND", None, "AND,OR"), (AND, EITHER, EITHER)),
    (("AND", "AND"), (AND,)),
    ((None, "XOR"), (EITHER,)),
])
def test_the_operator_stands_where_the_vendor_puts_it(terms, due):
    assert joints(terms) == due


def test_dells_conditions_without_an_operator_are_alternatives():
    """Each attribute that such a condition governs and that the registry says is read-only now, is so by OR."""
    machine, registry = recorded(R750), unsettled(R750)
    governed = {d.attribute for d in registry.dependencies if d.property == "ReadOnly" and len(d.terms) > 1}
    known = {n for n in governed if n in machine.now and all(
        t.attribute in machine.now for d in registry.on(n, "ReadOnly") for t in d.terms)}
    by_or = {n for n in known if locks(registry, n, "ReadOnly", machine.now, "name")}
    assert len(by_or) >= 20
    assert all(registry.get(n).read_only for n in by_or)
    as_and = Registry("R", registry.attributes(), (
        Dependency(d.attribute, d.property, d.value, d.terms, (AND,) * (len(d.terms) - 1)) for d in registry.dependencies))
    by_and = {n for n in known if locks(as_and, n, "ReadOnly", machine.now, "name")}
    assert by_and < by_or


def test_a_state_that_only_a_dependency_makes_is_not_taken_for_the_attributes_own():
    machine = recorded(R750)
    assert unsettled(R750).get("ProcTurboMode").read_only and not machine.attribute("ProcTurboMode").read_only
    assert machine.attribute("SystemServiceTag").read_only


@pytest.mark.parametrize("tree, attribute, because", [
    (R750, "ProcTurboMode", "SysProfile is not Custom"),
    (DL385, "AMDPerformanceWorkloadProfile", "WorkloadProfile is not Custom"),
])
def test_what_locks_an_attribute_of_a_recorded_machine_is_found(tree, attribute, because):
    machine = recorded(tree)
    (lock,) = locks(machine.registry, attribute, "ReadOnly", machine.now, machine.usual)
    assert in_words(lock, machine.now, machine.registry, machine.usual) == because


def test_terms_name_values_as_the_machine_shows_them_or_as_the_registry_counts_them():
    """Supermicro's terms and values are display names; a term by ValueName means the same."""
    registry = Registry("R", [Attribute("A", "Enumeration", "A", (Choice("0", "Disable"), Choice("1", "Enable")))])
    for value in ("Enable", "1"):
        assert holds(Dependency("B", "Hidden", True, (term("A", value),)), {"A": "Enable"}, registry, "display") is True
        assert holds(Dependency("B", "Hidden", True, (term("A", value),)), {"A": "Disable"}, registry, "display") is False


def test_a_workload_profile_forces_what_its_registry_says():
    machine = recorded(DL385, WorkloadProfile="GraphicProcessing")
    found = {d.attribute: v for d, v in forced(machine.registry, machine.now, "name", frozenset({"WorkloadProfile"}))}
    assert found["Sriov"] == "Disabled" and found["ProcAmdIoVt"] == "Disabled"


def test_a_dependency_on_a_state_and_on_a_limit_is_judged():
    registry = Registry("R", [Attribute("A", read_only=True, upper=8), Attribute("B")])
    assert holds(Dependency("B", "ReadOnly", True, (Term("A", "ReadOnly", "EQU", True),)), {}, registry, "name") is True
    assert holds(Dependency("B", "ReadOnly", True, (Term("A", "UpperBound", "GTR", 9),)), {}, registry, "name") is False
    assert holds(Dependency("B", "ReadOnly", True, (Term("A", "Nonsense", "EQU", 9),)), {}, registry, "name") is None
    assert holds(Dependency("B", "ReadOnly", True, (Term("C", "Hidden", "EQU", True),)), {}, registry, "name") is None


def test_a_registry_of_states_that_nothing_explains_stays_as_it_is():
    registry = Registry("R", [Attribute("A", read_only=True, hidden=True, gray=True)])
    assert settled(registry, {"A": 1}, "name") is registry


VALUES = st.one_of(st.integers(-5, 5), st.booleans(), st.sampled_from(["a", "b", "5", "-3", "true", "Disabled"]))
CONDITIONS = st.sampled_from(["EQU", "NEQ", "GTR", "GEQ", "LSS", "LEQ", "LIKE"])
NAMES = st.sampled_from(["A", "B", "C"])


@given(VALUES, VALUES)
def test_comparisons_agree_with_each_other(left, right):
    assert compare(left, "EQU", right) is (not compare(left, "NEQ", right))
    assert compare(left, "EQU", right) == compare(right, "EQU", left)
    greater, less = compare(left, "GTR", right), compare(left, "LSS", right)
    assert (greater is None) == (less is None)
    if greater is not None:
        assert compare(left, "GEQ", right) is (not less) and compare(left, "LEQ", right) is (not greater)
        assert [greater, less, compare(left, "EQU", right)].count(True) == 1


@given(st.lists(st.tuples(NAMES, VALUES, CONDITIONS), min_size=1, max_size=5),
       st.lists(st.sampled_from([AND, OR]), min_size=5, max_size=5),
       st.dictionaries(NAMES, VALUES))
def test_conditions_are_evaluated_from_left_to_right(terms, operators, values):
    dependency = Dependency("X", "ReadOnly", True, tuple(term(n, v, c) for n, v, c in terms), tuple(operators[: len(terms) - 1]))
    truths = [compare(values[n], c, v) if n in values else None for n, v, c in terms]
    found = holds(dependency, values, EMPTY, "name")
    if None not in truths:
        due = truths[0]
        for operator, truth in zip(operators, truths[1:], strict=False):
            due = (due and truth) if operator == AND else (due or truth)
        assert found is due
    elif found is not None:
        # It is known all the same: then it is the same whatever the unknown ones are.
        for filling in (True, False):
            filled = [filling if truth is None else truth for truth in truths]
            due = filled[0]
            for operator, truth in zip(operators, filled[1:], strict=False):
                due = (due and truth) if operator == AND else (due or truth)
            assert found is due


@given(st.lists(st.tuples(NAMES, VALUES, CONDITIONS), min_size=2, max_size=4), st.dictionaries(NAMES, VALUES))
def test_where_the_operator_is_not_told_only_what_holds_either_way_is_known(terms, values):
    parts = tuple(term(n, v, c) for n, v, c in terms)
    either = holds(Dependency("X", "Hidden", True, parts, (EITHER,) * (len(parts) - 1)), values, EMPTY, "name")
    all_and = holds(Dependency("X", "Hidden", True, parts, (AND,) * (len(parts) - 1)), values, EMPTY, "name")
    all_or = holds(Dependency("X", "Hidden", True, parts, (OR,) * (len(parts) - 1)), values, EMPTY, "name")
    if either is not None:
        assert either is all_and is all_or
