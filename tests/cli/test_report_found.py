"""What `bpa report compare` prints of two texts: what differs, in lines that a terminal holds, and nothing lost."""

import re
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bpa.cli.report.found_text import WIDTH, change_lines, found_lines, list_lines

ARGUMENTS = [f"argument{n}=value{n}" for n in range(8)]
PACKAGES = [f"package-{n}" for n in range(20)]
DRAM = "8 Cascade Lake CPUs, 16 GiB of memory, 504 GiB of persistent memory, 2 disks, 2 network ports"


def joined(lines):
    return [line.strip() for line in lines]


@pytest.mark.parametrize(("old", "new", "lines"), [
    # What fits is one line.
    ("4 VFs", "0 VFs", ["found: 4 VFs -> 0 VFs"]),
    # A figure among others, and a clause that came.
    (DRAM, DRAM.replace("16 GiB", "12 GiB") + "; the BMC sees 16 GiB",
     ["found: 16 GiB of memory -> 12 GiB of memory", "found now: the BMC sees 16 GiB"]),
    # A list under a head.
    (f"not installed: {', '.join(PACKAGES)}; apt is locked", f"not installed: {', '.join([*PACKAGES[1:], 'jq'])}; apt is locked",
     ["found, not installed: -package-0, +jq"]),
    # Arguments of the kernel are a list without commas.
    (f"running with {' '.join(ARGUMENTS)}", f"running with {' '.join([*ARGUMENTS[:-1], 'quiet'])}",
     ["found, running with: -argument7=value7, +quiet"]),
    (f"running with {' '.join(ARGUMENTS)}", f"running with {' '.join(ARGUMENTS).replace('value3', 'other')}",
     ["found, running with: argument3=value3 -> argument3=other"]),
    # Two sentences that have nothing to do with each other.
    (f"no {'x' * 70} here", f"some {'y' * 70} there", [f"found before: no {'x' * 70} here", f"found now: some {'y' * 70} there"]),
    # The same in another order is told whole.
    (f"{'a' * 60}; {'b' * 60}", f"{'b' * 60}; {'a' * 60}",
     [f"found before: {'a' * 60};", "b" * 60, f"found now: {'b' * 60};", "a" * 60]),
    # Of sentences that stand beside others that are as before, only these two.
    (f"4 VFs on 0000:3b:00.0; {'as before ' * 12}", f"3 VFs on 0000:3b:00.0; {'as before ' * 12}",
     ["found: 4 VFs on 0000:3b:00.0 -> 3 VFs on 0000:3b:00.0"]),
    # A comma in brackets or quotes separates nothing.
    (f"disk A (Maker, 8 GiB), {', '.join(PACKAGES)}", f"disk A (Maker, 16 GiB), {', '.join(PACKAGES)}",
     ["found: disk A (Maker, 8 GiB) -> disk A (Maker, 16 GiB)"]),
])
def test_two_findings(old, new, lines):
    assert joined(found_lines(old, new)) == lines


def test_what_is_too_long_for_one_line_is_before_and_now():
    old, new = "0" * 64, "1" * 64
    assert joined(change_lines("wanted image.checksum", old, new)) == [
        f"wanted image.checksum before: {old}", f"wanted image.checksum now: {new}"]


def test_a_long_list_is_folded():
    lines = list(list_lines("wanted software.packages", PACKAGES, ["jq"]))
    assert len(lines) > 1 and all(len(line) <= WIDTH for line in lines)
    assert lines[0].startswith("    wanted software.packages: -package-0, -package-1") and lines[-1].endswith("-package-19, +jq")


CLAUSE = st.builds(lambda head, items, mark: f"{head}{mark.join(items)}", st.sampled_from(("", "lacks ", "not loaded: ", "has ")),
                   st.lists(st.from_regex(r"[a-z]{1,9}(=[0-9]{1,3})?", fullmatch=True), min_size=1, max_size=20),
                   st.sampled_from((", ", " ")))
TEXT = st.lists(CLAUSE, min_size=1, max_size=4).map("; ".join)


def words(text):
    return Counter(re.findall(r"[a-z]+(?:=[0-9]+)?", text))


@given(TEXT, TEXT)
def test_no_word_that_came_or_went_is_lost_and_no_line_is_too_long(old, new):
    lines = list(found_lines(old, new))
    assert all(len(line) <= WIDTH for line in lines)
    told = words(" ".join(lines))
    assert not ((words(old) - words(new)) | (words(new) - words(old))) - told
