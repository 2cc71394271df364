"""A failed command is told in one line, and what the host said comes first."""

from bpa.core.failed_command import failed


def test_what_the_host_said_comes_before_the_command():
    assert failed("load kvm", ("modprobe", "kvm"), 1, "modprobe: FATAL: no such module\n") == (
        "load kvm: modprobe: FATAL: no such module (`modprobe kvm` ended with 1)")


def test_a_script_of_ours_is_not_quoted():
    said = failed("reserve huge pages", ("sh", "-c", "failed=0\nfor pair; do", "sh", "x=1"), 1, "one\n\n  two\n")
    assert said == "reserve huge pages: one; two (its script ended with 1)"


def test_silence_is_said_and_long_answers_are_cut_at_their_beginning():
    assert failed("do x", ("x",), 7, " \n") == "do x: it said nothing (`x` ended with 7)"
    assert "the end" in failed("do x", ("x",), 7, "y" * 5000 + " the end") and len(failed("do x", ("x",), 7, "y" * 5000)) < 500
