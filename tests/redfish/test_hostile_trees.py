"""Recorded machines with one value deleted, nulled or of another type: facts with reasons, never a traceback."""

from __future__ import annotations

import os
from itertools import islice

import pytest
from fuzzing import INSTEAD, ROOT, TREES, Mutant, Tree, check, mutants, tree

SAMPLES = int(os.environ.get("BPA_FUZZ", "40"))


@pytest.mark.parametrize("name", TREES)
def test_one_odd_value_anywhere_leads_to_facts_or_one_of_the_four_errors_and_the_other_sections_stand(name: str) -> None:
    for mutant in islice(mutants(tree(name), seed=0), SAMPLES):
        check(mutant)


def test_every_odd_value_in_every_place_of_a_small_machine() -> None:
    small = tree("small")
    tried = list(mutants(small))
    assert len(tried) > 40 * len(INSTEAD)
    for mutant in tried:
        check(mutant)


def test_a_mutant_is_what_is_looked_at() -> None:
    small = tree("small")
    key = f"{ROOT}/systems/1"
    seen = {str(found) for found in (_serial(small, key, kind) for kind in ("gone", "words", "zero", "null"))}
    assert seen == {"", "not a number"}


def _serial(small: Tree, key: str, kind: str) -> str:
    from bpa.adapters.redfish.sections import full_facts

    mutant = Mutant(small, key, ("SerialNumber",), kind)
    small.key, small.where, small.instead = mutant.key, mutant.where, INSTEAD[kind]
    identity = full_facts(small.target(), ("identity",)).identity
    small.key = ""
    assert identity is not None
    return identity.value.serial
