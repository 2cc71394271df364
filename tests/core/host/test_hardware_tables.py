"""Generations of processors, versions of firmware, and which part serves which want: tables and small rules."""

from __future__ import annotations

import pytest

from bpa.core.host.hardware.generations import AMD, GENERATIONS, INTEL, SIGNATURES, by_name, by_signature
from bpa.core.host.hardware.matching import served
from bpa.core.host.hardware.versions import reaches, same


@pytest.mark.parametrize(("numbers", "name"), [
    ((INTEL, 6, 79, 1), "broadwell"), ((INTEL, 6, 85, 4), "skylake"), ((INTEL, 6, 85, 6), "cascadelake"),
    ((INTEL, 6, 85, 7), "cascadelake"), ((INTEL, 6, 85, 11), "cooperlake"), ((INTEL, 6, 106, 6), "icelake"),
    ((INTEL, 6, 143, 8), "sapphirerapids"), ((INTEL, 6, 207, 2), "emeraldrapids"), ((INTEL, 6, 173, 1), "graniterapids"),
    ((INTEL, 6, 175, 3), "sierraforest"), ((AMD, 23, 1, 2), "naples"), ((AMD, 23, 49, 0), "rome"), ((AMD, 25, 1, 1), "milan"),
    ((AMD, 25, 17, 1), "genoa"), ((AMD, 25, 160, 2), "genoa"), ((AMD, 26, 2, 1), "turin"), ((AMD, 26, 17, 0), "turin"),
    ((INTEL, 6, 158, 10), None), ((AMD, 6, 85, 7), None), ((INTEL, 25, 1, 1), None), ((AMD, 25, 33, 0), None),
])  # fmt: skip
def test_a_signature_is_of_one_generation(numbers: tuple[str, int, int, int], name: str | None) -> None:
    found = by_signature(*numbers)
    assert (found.name if found else None) == name


def test_no_signature_is_of_two_generations_and_each_generation_has_one() -> None:
    seen = [(maker, family, model, stepping) for maker, family, models, steppings, _ in SIGNATURES
            for model in models for stepping in steppings]
    assert len(seen) == len(set(seen))
    assert {name for *_, name in SIGNATURES} == set(GENERATIONS)


@pytest.mark.parametrize(("model", "name"), [
    ("Intel(R) Xeon(R) Gold 6130 CPU @ 2.10GHz", "skylake"), ("Intel(R) Xeon(R) Platinum 8180M CPU @ 2.50GHz", "skylake"),
    ("Intel(R) Xeon(R) Gold 6230R CPU @ 2.10GHz", "cascadelake"), ("Intel® Xeon® Silver 4210", "cascadelake"),
    ("Intel(R) Xeon(R) Platinum 8380H CPU @ 2.90GHz", "cooperlake"), ("Intel(R) Xeon(R) Gold 5318H CPU", "cooperlake"),
    ("Intel(R) Xeon(R) Gold 6338N CPU @ 2.20GHz", "icelake"), ("INTEL(R) XEON(R) SILVER 4410Y", "sapphirerapids"),
    ("Intel(R) Xeon(R) Gold 6548Y+", "emeraldrapids"), ("Intel(R) Xeon(R) 6787P", "graniterapids"),
    ("Intel(R) Xeon(R) 6766E", "sierraforest"), ("Intel(R) Xeon(R) CPU E5-2690 v4 @ 2.60GHz", "broadwell"),
    ("Intel(R) Xeon(R) CPU E5-2630L v3 @ 1.80GHz", "haswell"), ("AMD EPYC 7601 32-Core Processor", "naples"),
    ("AMD EPYC 7F72 24-Core Processor", "rome"), ("AMD EPYC 7763 64-Core Processor", "milan"), ("AMD EPYC 9654P", "genoa"),
    ("AMD EPYC 8534PN 64-Core Processor", "genoa"), ("AMD EPYC 9965 192-Core Processor", "turin"),
    ("Intel Xeon processor", None), ("", None), ("AMD EPYC", None),
    ("Intel(R) Core(TM) i7-8700 CPU @ 3.20GHz", None), ("POWER9", None),
])  # fmt: skip
def test_a_product_name_tells_the_generation(model: str, name: str | None) -> None:
    found = by_name(model)
    assert (found.name if found else None) == name


@pytest.mark.parametrize(("found", "least", "enough"), [
    ("2.12.2", "2.12", True), ("2.12.2", "2.9.4", True), ("2.12.2", "2.12.3", False), ("2.12.2", "v2.12", True),
    ("U30 v2.36 (07/16/2020)", "2.34", True), ("U30 v2.36 (07/16/2020)", "2.40", False),
    ("U30 v2.36 (07/16/2020)", "U30 v2.36", True), ("U30 v2.36", "U32 v2.0", None),
    ("3.8a", "3.8", True), ("3.8", "3.8a", False), ("3.8b", "3.8a", True),
    ("-[IVE142E-2.30]-", "2.30", True), ("-[IVE142E-2.30]-", "2.31", False),
    ("SE5C620.86B.02.01.0012.070720200218", "02.01.0012", True),
    ("SE5C620.86B.02.01.0012.070720200218", "SE5C620.86B.02.01.0013", False),
    ("SE5C620.86B.02.01.0012.070720200218", "SE5C741.86B.01.01.0002", None),
    ("F12", "F9", True), ("F12", "F13", False), ("F12", "R1", None), ("F12", "12", None),
    ("8.30 0x8000a49d 1.2926.0", "8.15", True), ("8.30 0x8000a49d 1.2926.0", "9.20", False),
    ("", "1", None), ("unknown", "1.0", None),
])  # fmt: skip
def test_versions_are_compared_by_their_numbers(found: str, least: str, enough: bool | None) -> None:
    assert reaches(found, least) is enough


@pytest.mark.parametrize(("one", "other", "alike"), [
    ("U30 v2.36 (07/16/2020)", "U30 v2.36", True), ("2.12.2", "2.12.2", True), ("2.12.2", "2.14.1", False),
    ("2.12", "2.12.2", True),
    ("F12", "F13", True), ("", "2.1", True),
])  # fmt: skip
def test_what_a_version_does_not_tell_is_no_difference(one: str, other: str, alike: bool) -> None:
    assert same(one, other) is alike


@pytest.mark.parametrize(("wants", "parts", "got"), [
    ([("ab", 1), ("a", 1)], "ab", [1, 1]),
    ([("ab", 2), ("a", 1)], "ab", [2, 0]),
    ([("abc", 1), ("ab", 1), ("a", 1)], "abc", [1, 1, 1]),
    ([("a", 3)], "aab", [2]),
    ([("a", 256)], "", [0]),
    ([], "ab", []),
])  # fmt: skip
def test_each_part_serves_one_want_and_as_many_as_can_be(wants: list[tuple[str, int]], parts: str, got: list[int]) -> None:
    assert served(wants, parts, lambda want, part: part in want) == got
