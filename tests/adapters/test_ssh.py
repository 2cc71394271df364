"""Commands, questions and files over SSH, against a real sshd of a normal user."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ssh_servers import Sshd

from bpa.adapters.errors import Refused
from bpa.adapters.ssh import OUTPUT_BYTES, Ssh
from bpa.core.facts import Ran


def test_exit_code_and_both_outputs_come_back(ssh: Ssh) -> None:
    ran = ssh.run(("sh", "-c", "echo out; echo err >&2; exit 7"))
    assert (ran.exit_code, ran.stdout, ran.stderr) == (7, "out\n", "err\n")


def test_stdin_reaches_the_command_beyond_any_window(ssh: Ssh) -> None:
    text = "0123456789abcdef" * 20000
    assert ssh.run(("wc", "-c"), stdin=text).stdout.split() == [str(len(text))]
    assert ssh.run(("cat",), stdin=text).stdout == text


def test_an_unread_stdin_is_no_trouble(ssh: Ssh) -> None:
    assert ssh.run(("true",), stdin="x" * 5_000_000).exit_code == 0


def test_output_is_bounded_and_says_so(ssh: Ssh) -> None:
    ran = ssh.run(("head", "-c", str(OUTPUT_BYTES + 5), "/dev/zero"))
    assert ran.exit_code == 0
    assert len(ran.stdout) == OUTPUT_BYTES
    assert "5 bytes of output dropped" in ran.stderr


def test_a_command_over_its_time_has_no_exit_code_and_is_ended_on_the_host(ssh: Ssh, tmp_path: Path) -> None:
    ran = ssh.run(("sh", "-c", "while :; do sleep 1; done", str(tmp_path)), timeout=0.5)
    assert ran.exit_code is None
    assert not commands_with(str(tmp_path))


def commands_with(argument: str) -> list[bytes]:
    """The command lines of all processes that have this argument."""
    found = []
    for file in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(FileNotFoundError, ProcessLookupError):
            found.append(file.read_bytes())
    return [one for one in found if argument.encode() in one.split(b"\0")]


def test_a_command_may_itself_exit_with_the_code_of_timeout(ssh: Ssh) -> None:
    assert ssh.run(("sh", "-c", "exit 124")).exit_code == 124


def test_bytes_that_are_not_text_are_replaced(ssh: Ssh) -> None:
    assert ssh.run(("printf", r"\377ok")).stdout == "\ufffdok"


def test_a_command_that_does_not_exist_is_127(ssh: Ssh) -> None:
    assert ssh.run(("no-such-command-anywhere",)).exit_code == 127


def test_the_locale_is_the_same_everywhere(ssh: Ssh) -> None:
    assert ssh.run(("printenv", "LC_ALL")).stdout == "C\n"


def test_questions_are_answered_by_name_in_one_round_trip(ssh: Ssh) -> None:
    asked = {f"q{n}": ("sh", "-c", f"cat; printf 'out {n}'; echo err {n} >&2; exit {n}") for n in range(20)}
    assert ssh.ask(asked) == {f"q{n}": Ran(n, f"out {n}", f"err {n}") for n in range(20)}
    assert ssh.ask({}) == {}


def test_a_question_that_takes_too_long_leaves_the_other_answers(ssh: Ssh) -> None:
    # Two run at a time: the first, the third and so on, and beside them the second, the fourth and so on.
    asked = {"quick": ("echo", "hello"), "beside": ("true",), "slow": ("sleep", "1000"), "too": ("true",), "after": ("true",)}
    answers = ssh.ask(asked, timeout=2)
    assert answers["quick"] == Ran(0, "hello\n")
    assert answers["slow"].exit_code is None
    assert answers["after"].exit_code is None


def test_an_answer_longer_than_a_pipe_is_whole(ssh: Ssh) -> None:
    long = ("sh", "-c", "head -c 200000 /dev/zero | tr '\\0' x")
    assert [len(ran.stdout) for ran in ssh.ask({str(number): long for number in range(4)}).values()] == [200000] * 4


@settings(max_examples=40, deadline=None)
@given(st.lists(st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=30), max_size=5))
def test_arguments_arrive_as_they_were_given(shared: Ssh, words: list[str]) -> None:
    ran = shared.run(("printf", r"%s\0", *words))
    assert ran.stdout == "".join(word + "\0" for word in words or [""])


@pytest.fixture(scope="module")
def shared(sshd: Sshd) -> Iterator[Ssh]:
    with Ssh(sshd.access) as connection:
        yield connection


def test_a_file_is_written_whole_with_its_mode_and_its_directories(ssh: Ssh, tmp_path: Path) -> None:
    path = tmp_path / "new dir" / "-x; touch pwned"
    ssh.write_file(str(path), "first\n")
    ssh.write_file(str(path), "grüße\n'$HOME'", mode=0o600)
    assert path.read_text() == "grüße\n'$HOME'"
    assert path.stat().st_mode & 0o7777 == 0o600
    assert [p.name for p in path.parent.iterdir()] == [path.name]


def test_what_a_power_failure_left_of_an_earlier_write_goes_and_one_under_way_stays(ssh: Ssh, tmp_path: Path) -> None:
    for name, age in ((".bpa.Ab3dEf9h", 7200.0), (".bpa.Zz3dEf9h", 60.0), (".bpa.theirs", 7200.0)):
        (tmp_path / name).write_text("half")
        changed = time.time() - age
        os.utime(tmp_path / name, (changed, changed))
    ssh.write_file(str(tmp_path / "new"), "x")
    assert {path.name for path in tmp_path.iterdir()} == {"new", ".bpa.Zz3dEf9h", ".bpa.theirs"}


def test_an_empty_file_can_be_written(ssh: Ssh, tmp_path: Path) -> None:
    ssh.write_file(str(tmp_path / "empty"), "")
    assert (tmp_path / "empty").read_bytes() == b""


def test_writing_over_a_directory_is_refused_and_leaves_nothing(ssh: Ssh, tmp_path: Path) -> None:
    (tmp_path / "there" / "inside").mkdir(parents=True)
    with pytest.raises(Refused, match="could not be written"):
        ssh.write_file(str(tmp_path / "there"), "x")
    assert [p.name for p in tmp_path.iterdir()] == ["there"]


def test_content_cut_off_on_the_way_is_not_put_in_place(ssh: Ssh, tmp_path: Path) -> None:
    from bpa.adapters.ssh import _WRITE

    path = tmp_path / "file"
    path.write_text("old")
    ran = ssh.run(("sh", "-c", _WRITE, "sh", str(path), "644", "100"), stdin="only this much")
    assert ran.exit_code == 9
    assert path.read_text() == "old"
    assert [p.name for p in tmp_path.iterdir()] == ["file"]
