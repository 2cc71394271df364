"""CPU generations: which one a processor is of, by its signature or its name, and which of them is the newer.

Signatures: the kernel's arch/x86/include/asm/intel-family.h (steppings of model 0x55: its comments, and Intel's
"Specification Update" documents of the first three Xeon Scalable generations) and, for AMD, arch/x86/kernel/cpu/amd.c
("Figure out Zen generations") with the server models of AMD's "Processor Programming Reference" per family and model.
Names: Intel's "Intel Processor Names, Numbers and Generation List"; AMD's EPYC product numbers, whose last digit is
the generation. Data in the form of a module, because the core reads no files.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

ANY = frozenset(range(16))


@dataclass(frozen=True, slots=True)
class Generation:
    """One generation. `line`: only generations of one line are compared, by `rank`.

    Intel's processors of efficient cores are a line of their own: they lack AVX-512 and AMX, whatever their year.
    """

    name: str
    title: str
    line: str
    rank: int

    def reaches(self, least: Generation) -> bool:
        return self.line == least.line and self.rank >= least.rank


XEON, EFFICIENT, EPYC = "Xeon", "Xeon of efficient cores", "EPYC"
GENERATIONS: Mapping[str, Generation] = {one.name: one for one in (
    Generation("sandybridge", "Sandy Bridge", XEON, 1),
    Generation("ivybridge", "Ivy Bridge", XEON, 2),
    Generation("haswell", "Haswell", XEON, 3),
    Generation("broadwell", "Broadwell", XEON, 4),
    Generation("skylake", "Skylake", XEON, 5),
    Generation("cascadelake", "Cascade Lake", XEON, 6),
    Generation("cooperlake", "Cooper Lake", XEON, 7),
    Generation("icelake", "Ice Lake", XEON, 8),
    Generation("sapphirerapids", "Sapphire Rapids", XEON, 9),
    Generation("emeraldrapids", "Emerald Rapids", XEON, 10),
    Generation("graniterapids", "Granite Rapids", XEON, 11),
    Generation("sierraforest", "Sierra Forest", EFFICIENT, 1),
    Generation("clearwaterforest", "Clearwater Forest", EFFICIENT, 2),
    Generation("naples", "Naples", EPYC, 1),
    Generation("rome", "Rome", EPYC, 2),
    Generation("milan", "Milan", EPYC, 3),
    Generation("genoa", "Genoa", EPYC, 4),
    Generation("turin", "Turin", EPYC, 5),
)}

INTEL, AMD = "GenuineIntel", "AuthenticAMD"
SIGNATURES: tuple[tuple[str, int, frozenset[int], frozenset[int], str], ...] = (
    # vendor_id, family, models, steppings, generation
    (INTEL, 6, frozenset({0x2D}), ANY, "sandybridge"),
    (INTEL, 6, frozenset({0x3E}), ANY, "ivybridge"),
    (INTEL, 6, frozenset({0x3F}), ANY, "haswell"),
    (INTEL, 6, frozenset({0x4F, 0x56}), ANY, "broadwell"),
    (INTEL, 6, frozenset({0x55}), frozenset(range(5)), "skylake"),
    (INTEL, 6, frozenset({0x55}), frozenset(range(5, 10)), "cascadelake"),
    (INTEL, 6, frozenset({0x55}), frozenset(range(10, 16)), "cooperlake"),
    (INTEL, 6, frozenset({0x6A, 0x6C}), ANY, "icelake"),
    (INTEL, 6, frozenset({0x8F}), ANY, "sapphirerapids"),
    (INTEL, 6, frozenset({0xCF}), ANY, "emeraldrapids"),
    (INTEL, 6, frozenset({0xAD, 0xAE}), ANY, "graniterapids"),
    (INTEL, 6, frozenset({0xAF}), ANY, "sierraforest"),
    (INTEL, 6, frozenset({0xDD}), ANY, "clearwaterforest"),
    (AMD, 0x17, frozenset(range(0x00, 0x10)), ANY, "naples"),
    (AMD, 0x17, frozenset(range(0x30, 0x40)), ANY, "rome"),
    (AMD, 0x19, frozenset(range(0x00, 0x10)), ANY, "milan"),
    (AMD, 0x19, frozenset({*range(0x10, 0x20), *range(0xA0, 0xB0)}), ANY, "genoa"),
    (AMD, 0x1A, frozenset(range(0x00, 0x20)), ANY, "turin"),
)
"""Bergamo and Siena (0xA0) are Genoa's cores in other packages, Turin Dense (0x11) is Turin's."""

NAMES: tuple[tuple[str, str], ...] = (
    (r"xeon.*\b(bronze|silver|gold|platinum) \d1\d\d", "skylake"),
    (r"xeon.*\b(silver|gold|platinum|bronze) \d2\d\d", "cascadelake"),
    (r"xeon.*\b(gold|platinum) \d3\d\dhl?\b", "cooperlake"),
    (r"xeon.*\b(silver|gold|platinum) \d3\d\d", "icelake"),
    (r"xeon.*\b(bronze|silver|gold|platinum|max) \d4\d\d", "sapphirerapids"),
    (r"xeon.*\b(bronze|silver|gold|platinum) \d5\d\d", "emeraldrapids"),
    (r"xeon.*\b6\d\d\dp", "graniterapids"),
    (r"xeon.*\b6\d\d\de", "sierraforest"),
    (r"xeon.*\be[57]-\d{4}l?w? v4\b", "broadwell"),
    (r"xeon.*\be[57]-\d{4}l?w? v3\b", "haswell"),
    (r"xeon.*\be[57]-\d{4}l?w? v2\b", "ivybridge"),
    (r"epyc\D+7\w{2}1", "naples"),
    (r"epyc\D+7\w{2}2", "rome"),
    (r"epyc\D+7\w{2}3", "milan"),
    (r"epyc\D+[89]\w{2}4", "genoa"),
    (r"epyc\D+9\w{2}5", "turin"),
)


def maker_of(generation: str) -> str:
    """The vendor_id of the processors of a generation, "" = it is none."""
    return next((maker for maker, _, _, _, name in SIGNATURES if name == generation), "")


def by_signature(vendor: str, family: int, model: int, stepping: int) -> Generation | None:
    """The generation of a processor as /proc/cpuinfo numbers it; None = in no table of ours."""
    return next((GENERATIONS[name] for maker, of, models, steppings, name in SIGNATURES
                 if maker == vendor and of == family and model in models and stepping in steppings), None)


def by_name(model: str) -> Generation | None:
    """The generation of a processor by its product name ("Intel(R) Xeon(R) Gold 6230 CPU @ 2.10GHz"); None = it tells none."""
    plain = re.sub(r"\((r|tm)\)|[®™]", "", model.lower())
    plain = " ".join(plain.split())
    return next((GENERATIONS[name] for pattern, name in NAMES if re.search(pattern, plain)), None)
