"""What commands and files of a host say, without the secrets in it: command lines, configuration, URLs, headers.

Serial numbers, addresses and names stay, for checks are made on what is left. What the host has and what is wanted lose
their secrets by the same rules, so that both are still the same where they were: passwords are not compared.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import fields, is_dataclass, replace
from typing import Any, TypeVar

from bpa.core.redaction.secrets import KEY, PRIVATE_KEY, REDACTED, STATE

T = TypeVar("T")
SHORTEST = 8
"""Characters. Known secrets that are shorter are words that stand there by right ("root", "admin")."""

# Beside those of Redfish: HTTP (RFC 9110), containerd's and Docker's configuration, ip-sysctl.rst (the key of TCP Fast
# Open), systemd.system-credentials(7).
_ALSO = re.compile(r"(^|[._-])(pass|auth|(proxy_?)?authorization|(set_?)?cookie|(api|access|secret|fastopen)_?key"
                   r"|set_credential(_binary)?)$", re.IGNORECASE)
# A user name may be empty. What looks like a port and a path is one: http://mirror:3142/debian. A password may have / and @.
# Lengths are bounded, so that no text takes long.
_IN_URL = re.compile(r"""(://[^\s/@:"'\[?#]{0,256}):(?!\d{1,5}(?:[/?#,;"'\s]|$))[^\s"'<>]{0,512}@""")
# dracut.cmdline(7): netroot=iscsi:[user:password[:user:password]@]server
_ISCSI = re.compile(r"\b(iscsi:[^\s:@/\[]{1,256}):[^\s@/]{1,512}@")
_LOGIN = re.compile(r"""\b(login\s+\S+\s+password\s+)\S+""")
_BEARER = re.compile(r"\b(Bearer\s+)[\w.~+/=-]{8,}", re.IGNORECASE)
# A value in quotes, in quotes within quotes, in brackets, or up to a blank; one whose quotes do not close has the whole line.
_NAMED = re.compile(r"""(?<![\w.-])(?P<name>[\w.-]{1,256})\\?["']?(?P<equals>[ \t]*[=:][ \t]*)"""
                    r"""(?P<value>"(?:[^"\\\n]|\\.)*"|'[^'\n]*'|\\(?P<quote>["']).*?\\(?P=quote)|\[[^\]]{0,4096}\]|["'][^\n]*|[^\s"'&]+)""")


def names_a_secret(name: str) -> bool:
    """Whether what a setting, field or header of this name holds is a secret."""
    plain = name.replace("-", "_")
    return bool(KEY.search(plain) or _ALSO.search(plain))


def printed_without_secrets(text: str) -> str:
    """A command's output, or a file, with REDACTED for each secret; line breaks, names and user names stay.

    Taken out are values whose name tells that they are secret (password=..., `Authorization: ...`, "token": "..."),
    passwords of URLs and of iscsi roots, private keys, bearer tokens, and passwords of netrc(5). Twice is as once.
    """
    if "-----BEGIN" in text:
        text = PRIVATE_KEY.sub(f"-----BEGIN \\1-----\n{REDACTED}\n-----END \\1-----", text)
    text = _IN_URL.sub(rf"\1:{REDACTED}@", text)
    text = _ISCSI.sub(rf"\1:{REDACTED}@", text)
    text = _BEARER.sub(rf"\1{REDACTED}", _LOGIN.sub(rf"\1{REDACTED}", text))
    return _named(text)


def seen_without_secrets(value: T, known: Collection[str] = (), name: str = "") -> T:
    """The same facts or wants; all texts in them are as printed_without_secrets leaves them, and without `known` secrets.

    name: what a text goes by where it stands in a mapping, "" = nothing.
    """
    found: T = _seen(value, tuple(one for one in known if len(one) >= SHORTEST), name)
    return found


def _seen(value: Any, known: tuple[str, ...], name: str) -> Any:
    if type(value) is str:
        if name and names_a_secret(name) and not STATE.fullmatch(value):
            return REDACTED
        for secret in known:
            value = value.replace(secret, REDACTED)
        return printed_without_secrets(value)
    if is_dataclass(value) and not isinstance(value, type):
        return replace(value, **{one.name: _seen(getattr(value, one.name), known, "") for one in fields(value) if one.init})
    if isinstance(value, Mapping):
        return {key: _seen(inner, known, key if isinstance(key, str) else "") for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return type(value)([_seen(inner, known, name) for inner in value])
    return value


def _named(text: str) -> str:
    """Each name and its value in turn."""
    made, at = [], 0
    while found := _NAMED.search(text, at):
        begin, end, value = found.start("value"), found.end("value"), found["value"]
        bare = value.strip("\\\"'[],; ")
        if not names_a_secret(found["name"]) or STATE.fullmatch(bare) or bare.startswith(REDACTED):
            # What stays may hold names itself: options="a=b", [{password = "x"}].
            made.append(text[at:begin])
            at = begin
            continue
        if value[0] not in "\\\"'[" and found["equals"] != found["equals"].strip():
            # "password: two words": a line of a file, or of a header, is the value's alone.
            end = (text + "\n").find("\n", begin)
        made += [text[at:begin], _like(value)]
        at = end
    return "".join((*made, text[at:]))


def _like(value: str) -> str:
    """REDACTED in the same quotes: the file can still be read as what it is."""
    if value[0] == "[" and value[-1] == "]":
        return f'["{REDACTED}"]'
    quote = '\\"' if value[:2] == '\\"' else value[0] if value[0] in "\"'" else ""
    return f"{quote}{REDACTED}{quote}"
