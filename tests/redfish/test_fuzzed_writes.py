"""Whatever a BMC answers to what changes something: adapter errors that can be shown, an end, and no write in a dry run."""

from __future__ import annotations

from itertools import islice

import pytest
from fuzzing_writes import RECORDED, TREES, VERBS, check, lies, open_tree, perform

pytestmark = pytest.mark.skipif(
    not RECORDED.is_dir(), reason="recorded machines are not unpacked: see .ci/run, it unpacks them into .recorded"
)
EACH = 2


@pytest.mark.parametrize("name", TREES)
def test_a_bmc_that_lies_once_gets_an_adapter_error_or_its_way(name: str) -> None:
    of = open_tree(RECORDED / name)
    for verb in VERBS:
        for lie in islice(lies(verb, of, seed=1), EACH):
            check(verb, of, lie)


@pytest.mark.parametrize("name", TREES)
def test_a_dry_run_of_any_verb_changes_nothing(name: str) -> None:
    of = open_tree(RECORDED / name)
    for verb in VERBS:
        perform(verb, of, dry=True)


@pytest.mark.parametrize("name", TREES)
def test_what_is_changed_is_what_the_verb_is_for(name: str) -> None:
    of = open_tree(RECORDED / name)
    off = perform("off", of)
    assert (off.machine.power, len(off.changed)) == ("Off", 0 if "openbmc" in name else 1)
    assert perform("on", of).machine.power == "On"
    assert perform("override", of).machine.boot["BootSourceOverrideEnabled"] == "Disabled"
    assert perform("password", of).machine.gate.passwords["admin"] != "right"
