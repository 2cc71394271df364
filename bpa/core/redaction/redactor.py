"""Learn a whole tree, then replace: everywhere the same, in values, names and paths."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Collection, Mapping
from typing import Any

from bpa.core.redaction import kinds
from bpa.core.redaction.kinds import KINDS, Kind
from bpa.core.redaction.literals import any_of
from bpa.core.redaction.pseudonyms import Pseudonyms
from bpa.core.redaction.secrets import REDACTED, named_by, without_secrets
from bpa.core.redaction.sightings import LONGEST, Sightings
from bpa.core.redaction.spellings import canonical, spellings, spelt

_ORDER: tuple[Kind, ...] = ("macs", "uuids", "addresses", "serials", "certificates", "users", "mails", "names", "places")
"""Which kind a text is of that was seen as several."""
_TRIES = 60


class Redactor:
    """First `learn` every body of a tree, then `redact` them; what is learnt after the first redact raises ValueError.

    key: random bytes of this recording. keep: kinds that stay as they are. A value is replaced wherever its text
    occurs; where that would spoil the tree (short, or a word of the tree's own language) only where it stands alone.
    """

    def __init__(self, key: bytes, keep: Collection[Kind] = ()) -> None:
        self._made = Pseudonyms(key)
        self._keep = frozenset(keep)
        self._seen = Sightings()
        self._ready = False
        self._secrets: set[str] = set()
        self._anywhere: dict[str, tuple[Kind, str]] = {}
        self._alone: dict[tuple[Kind, str], str] = {}
        self._given: dict[tuple[Kind, str], str] = {}
        self._taken: set[str] = set()
        self._hard = self._all = re.compile(r"(?!)")
        self._clean: set[str] = set()
        self.found: Counter[str] = Counter()
        self.replaced: Counter[str] = Counter()

    def learn(self, body: Any, path: str = "") -> None:
        """Take in one resource, and the path that it is at."""
        if self._ready:
            raise ValueError("a tree is learnt whole before it is redacted")
        self._seen.look(body)
        if path:
            self._seen.look(path, "@odata.id")

    def know(self, kind: Kind, value: str) -> None:
        """A value that is known from elsewhere: the address that was asked, the account that asked."""
        self._seen.look(value, {"addresses": "Address", "names": "HostName", "users": "UserName"}.get(kind, ""))

    def know_secret(self, value: str) -> None:
        """A secret that is known from elsewhere: the password that was used."""
        self._secrets.add(value)

    def redact(self, body: Any) -> Any:
        """The same resource without identities and secrets. Types and the form of values stay."""
        self._prepare()
        return self._value(without_secrets(body), "", None)

    def text(self, text: str, key: str = "@odata.id") -> str:
        """The same for one text: a path, a header."""
        self._prepare()
        return str(self._value(without_secrets(text), key, None))

    def _value(self, value: Any, key: str, parent: Mapping[str, Any] | None) -> Any:
        if isinstance(value, Mapping):
            return {self._within(k, True): self._value(v, k, value) for k, v in value.items()}
        if isinstance(value, list):
            return [self._value(v, key, parent) for v in value]
        name = named_by(key, parent)
        if isinstance(value, str):
            return value if key == "@odata.type" else self._string(value, name)
        if isinstance(value, int) and not isinstance(value, bool) and kinds.kind_of(name) == "serials":
            made = self._alone.get(("serials", str(value))) or self._anywhere.get(str(value), ("", ""))[1]
            return int(made) if made.isdecimal() else value
        return value

    def _string(self, value: str, name: str) -> str:
        kind = kinds.kind_of(name)
        if kind is not None and (made := self._alone.get((kind, value.strip().lower()))) is not None:
            self.replaced[kind] += 1
            return made
        if "certificates" not in self._keep:
            value = self._uncertified(value, name)
        return self._within(value, kinds.VERSION.search(name) is not None and not kinds.ADDRESS.search(name))

    def _uncertified(self, value: str, name: str) -> str:
        if kinds.BARE_CERTIFICATE.search(kinds.plain_key(name)) and len(value) > 200 and "-----BEGIN" not in value:
            self.replaced["certificates"] += 1
            return REDACTED
        for pattern, instead in ((kinds.CERTIFICATE, f"-----BEGIN \\1-----\n{REDACTED}\n-----END \\1-----"),
                                 (kinds.SSH_KEY, REDACTED)):
            if "-----BEGIN" in value or " " in value:
                value, times = pattern.subn(instead, value)
                self.replaced["certificates"] += times
        return value

    def _within(self, text: str, hard_only: bool) -> str:
        """hard_only: in a place for versions and ids, addresses that are only perhaps such stay."""
        if text in self._clean:
            return text
        made = (self._hard if hard_only else self._all).sub(self._instead, text)
        if made == text and not hard_only and len(self._clean) < 100_000:
            self._clean.add(text)
        return made

    def _instead(self, match: re.Match[str]) -> str:
        text = match[0]
        if text in self._secrets:
            self.replaced["secrets"] += 1
            return REDACTED
        kind, made = self._anywhere[text.lower()]
        self.replaced[kind] += 1
        if text.islower():
            return made.lower()
        return made.upper() if text.isupper() and kind in ("macs", "uuids", "serials", "addresses") else made

    # What follows happens once, between learning and redacting.

    def _prepare(self) -> None:
        if self._ready:
            return
        self._ready = True
        values = {kind: sorted(self._seen.values.get(kind, ())) for kind in _ORDER if kind not in self._keep}
        spelled: dict[str, tuple[Kind, str]] = {}
        alone: list[tuple[Kind, str]] = []
        words = "\n".join(self._seen.words)
        for kind, found in values.items():
            for value in found:
                if kind == "addresses" and value in self._seen.versions and value in self._seen.soft:
                    continue
                if _everywhere(kind, value, words, self._seen.products):
                    for spelling in spellings(kind, value):
                        spelled.setdefault(spelling.lower(), (kind, value))
                else:
                    alone.append((kind, value))
        self._secrets = {s for s in self._secrets if len(s) >= 4 and s.lower() not in words}
        self._taken = {*spelled, *(value.lower() for _, value in alone)}
        words_only = {s for s, (k, _) in spelled.items() if k == "users" or (k == "names" and "." not in s)}
        plain = [s for s, (k, _) in spelled.items() if k != "addresses" and s not in words_only]
        soft = {s for s in spelled if spelled[s][0] == "addresses" and s in self._seen.soft}
        hard = [s for s, (k, _) in spelled.items() if k == "addresses" and s not in soft]
        self._hard, self._all = (_pattern(self._secrets, plain, words_only, a) for a in (hard, [*hard, *soft]))
        for spelling, (kind, value) in spelled.items():
            self._anywhere[spelling] = (kind, self._pseudonym(kind, value, spelling))
        for kind, value in alone:
            self._alone[kind, value.lower()] = self._pseudonym(kind, value, value)
        self.found = Counter(kind for kind, found in values.items() for _ in found)

    def _pseudonym(self, kind: Kind, value: str, spelling: str) -> str:
        """The pseudonym of a value in one of its spellings."""
        make = _MAKERS[kind]
        name = (kind, canonical(kind, value))
        if name not in self._given:
            for turn in range(_TRIES):
                made = make(self._made, name[1], turn)
                if made.lower() not in self._taken and not self._all.search(made):
                    break
            self._given[name] = made
            self._taken.add(made.lower())
        return spelt(kind, self._given[name], value, spelling)


def _everywhere(kind: Kind, value: str, words: str, products: Collection[str]) -> bool:
    """Whether a value says so much that its text can be replaced wherever it stands."""
    lower = value.lower()
    if len(value) > LONGEST:
        return False
    if kind in ("macs", "uuids", "addresses", "mails"):
        return True
    if lower in words or lower in products or not lower.strip():
        return False
    telling = sum(letter.isalnum() for letter in value)
    if kind in ("users", "names"):
        # As a whole word only: see _pattern.
        return telling >= 4
    return telling >= (5 if kind == "serials" else 6) and any(letter.isdigit() for letter in value)


def _pattern(
    secrets: Collection[str], plain: Collection[str], whole: Collection[str], addresses: Collection[str]
) -> re.Pattern[str]:
    parts = (
        f"(?-i:{any_of(secrets)})",
        rf"(?<![0-9A-Za-z.:])(?:{any_of(a for a in addresses if ':' in a)})(?![0-9A-Za-z:])",
        any_of(plain),
        rf"(?<![0-9.])(?:{any_of(a for a in addresses if ':' not in a)})(?![0-9]|\.[0-9])",
        rf"(?<![0-9A-Za-z])(?:{any_of(whole)})(?![0-9A-Za-z])",
    )
    return re.compile("|".join(parts), re.IGNORECASE | re.ASCII)


def _host(made: Pseudonyms, name: str, turn: int) -> str:
    first, dot, domain = name.partition(".")
    if not dot:
        return made.word("host-", first, turn)
    return f"{made.word('host-', first, turn)}.{made.word('net-', domain, turn)}.example.com"


_MAKERS: dict[Kind, Callable[[Pseudonyms, str, int], str]] = {
    "macs": lambda made, value, turn: made.hexadecimal(value, turn),
    "uuids": lambda made, value, turn: re.sub(
        r"(.{8})(.{4})(.{4})(.{4})(.{12})", r"\1-\2-\3-\4-\5", made.hexadecimal(value.replace("-", ""), turn, 0)),
    "addresses": lambda made, value, turn: made.ipv6(value, turn) if ":" in value else made.ipv4(value, turn),
    "serials": lambda made, value, turn: made.formed(value, turn),
    "certificates": lambda made, value, turn: made.formed(value, turn),
    "users": lambda made, value, turn: made.word("user-", value, turn),
    "mails": lambda made, value, turn: made.word("mail-", value, turn) + "@example.com",
    "names": _host,
    "places": lambda made, value, turn: made.formed(value, turn),
}
assert set(_MAKERS) == set(KINDS)
