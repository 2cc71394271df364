"""The few lines, of all that a look saw, that prove a verdict: those that name what was wanted or found."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from bpa.core.compliance.sightings import sightings
from bpa.core.redaction import REDACTED, without_secrets
from bpa.core.requirement import Requirement

MOST = 8
LONGEST = 200
_WORD = re.compile(r"[A-Za-z0-9_.:-]+")
_TELLING = re.compile(r"\d.*\d|[A-Za-z]\d|_|[a-z][A-Z]|\w[.:]\w")
"""What names a thing and is no word of a sentence: an address, a parameter, a module, a BIOS attribute."""
_SECRET = re.compile(
    r"""(?ix) \b ([\w.-]*(?:passw(?:or)?d|passphrase|secret|token|api[_-]?key|credentials?)["']? \s*[=:]\s* ["']?)
        (?!(?:yes|no|true|false|on|off|none|\d{1,3})\b) [^\s"',;]+""")


def evidence_of(
    requirement: Requirement[Any, Any], want: Any, have: Any, found: str, wanted: Mapping[str, Any],
) -> tuple[str, ...]:
    """At most MOST lines "where: what was told", without secrets. found is the verdict's own text.

    They are picked from what the requirement's check reads.
    """
    seen = sightings(requirement, want, have)
    words = {word for word in _words(found) if _TELLING.search(word)} | set(_leaves(wanted))
    ranked = [(len(words & set(_words(line))), place, line) for place, lines in seen.items() for line in dict.fromkeys(lines)]
    best = sorted({score for score, _, _ in ranked if score}, reverse=True)
    chosen: set[int] = set()
    for score in best:
        chosen |= {n for n, one in enumerate(ranked) if one[0] == score and len(chosen) < MOST}
        if len(chosen) >= MOST:
            break
    if not chosen:
        firsts = {place: n for n, (_, place, _) in reversed(list(enumerate(ranked)))}
        chosen = set(sorted(firsts.values())[:MOST // 2])
    return tuple(f"{place}: {cleaned(line, words)}" for _, place, line in (ranked[n] for n in sorted(chosen)[:MOST]))


def cleaned(line: str, around: Iterable[str] = ()) -> str:
    """One line as it may be shown: without secrets and control characters, and not longer than LONGEST.

    Of a longer line the part with the first of the words `around` is shown.
    """
    shown = "".join(char if char.isprintable() else " " for char in line).strip()
    bare: str = without_secrets(_SECRET.sub(rf"\1{REDACTED}", shown))
    if len(bare) <= LONGEST:
        return bare
    first = min((at for at in (bare.find(word) for word in around) if at >= 0), default=0)
    begin = max(0, first - LONGEST // 4)
    return f"{'... ' if begin else ''}{bare[begin:begin + LONGEST - 8]} ..."


def _words(text: str) -> Iterator[str]:
    for word in _WORD.findall(text):
        bare = word.strip(".:-")
        if len(bare) > 2 or (len(bare) == 2 and bare[0].isalpha() and bare[1].isdigit()):
            yield bare


def _leaves(value: Any) -> Iterator[str]:
    if isinstance(value, Mapping):
        for key, inner in value.items():
            yield from (word for word in _words(str(key)) if _TELLING.search(word))
            yield from _leaves(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _leaves(inner)
    elif isinstance(value, (str, int)) and not isinstance(value, bool):
        yield from _words(str(value))
