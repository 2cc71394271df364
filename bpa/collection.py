"""What was seen of one host, in one file: gathered from the machine now, judged anywhere and at any time later.

The file may be given away: secrets are taken out before it is written, and from what is wanted when it is judged.
"""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
import time
from collections.abc import Collection as Several
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

from bpa.adapters.errors import Refused, Unreachable, Unsupported
from bpa.core import steps
from bpa.core.bios import Registry
from bpa.core.bios.filing import from_plain, to_plain
from bpa.core.facts import Facts, OsFacts, Ran, ServiceFacts
from bpa.core.host import PROBES
from bpa.core.redaction import seen_without_secrets
from bpa.core.requirement import Source
from bpa.core.verdict import Verdict, Wait
from bpa.core.walk import LooksAtAll

KIND = "bpa-collection"
VERSION = 1
LOCAL_SECONDS = 60.0
COLLECTED_HERE = "it was collected on the host itself"
NOT_IN_FILE = "not in the file: "


class NoCollection(Refused):
    """The file is no collection, or of a host that the documents do not have."""


@dataclass(frozen=True, slots=True)
class Collection:
    """host is its name in the documents; at seconds since the epoch; unseen: source -> why it is not in here."""

    host: str
    at: float
    facts: Facts
    unseen: Mapping[str, str]
    bpa: str = ""


def not_asked(verdict: Verdict) -> bool:
    """Whether it is of a source that a host collected on itself cannot know: its BMC, its node in Ironic."""
    return isinstance(verdict, Wait) and verdict.reason == f"{NOT_IN_FILE}{COLLECTED_HERE}"


def save(collection: Collection, file: Path, secrets: Several[str] = ()) -> None:
    """Write the file as a whole, readable by its owner only: it holds serial numbers and addresses, and no secrets.

    secrets: those that are known by value, beside those that show by their names. A file that is there is replaced.
    Raises OSError where it cannot be written.
    """
    collection = seen_without_secrets(collection, secrets)
    text = json.dumps({"kind": KIND, "version": VERSION, "bpa": version("bpa"), "host": collection.host,
                       "at": collection.at, "unseen": dict(collection.unseen), "facts": asdict(collection.facts)}, indent=1,
                      default=_plain)
    with tempfile.NamedTemporaryFile("w", dir=file.parent, prefix=f".{file.name}.", delete=False) as new:
        try:
            new.write(text + "\n")
            new.flush()
            os.fsync(new.fileno())
        except OSError:
            Path(new.name).unlink()
            raise
    Path(new.name).replace(file)


def _plain(value: object) -> Any:
    if isinstance(value, Registry):
        return to_plain(value)
    raise TypeError(f"{type(value).__name__} is no plain data")


def load(file: Path) -> Collection:
    """Read what `save` wrote, by this or an older BPA. Raises NoCollection where it is something else."""
    import cattrs  # only those who read a collection wait for it

    converter = cattrs.Converter(forbid_extra_keys=False)
    # BIOS values are text, whole numbers or truth values as JSON has them; no conversion may turn one into another.
    converter.register_structure_hook(steps.BiosValue, lambda value, _: value)
    converter.register_structure_hook(Registry, lambda said, _: from_plain(said))
    try:
        said = json.loads(file.read_text("utf-8"))
    except (ValueError, RecursionError) as error:
        raise NoCollection(f"{file} is no collection: it is not JSON ({error})", "make one with `bpa host collect`") from None
    except OSError as error:
        raise NoCollection(f"{file} cannot be read: {error.strerror}", "give the file that `bpa host collect` wrote") from None
    if not isinstance(said, dict) or said.get("kind") != KIND:
        raise NoCollection(f"{file} is no collection: its kind is not {KIND}", "make one with `bpa host collect`")
    if not isinstance(said.get("version"), int) or said["version"] > VERSION:
        raise NoCollection(f"{file} was written by a newer BPA ({said.get('bpa')})", "use that BPA")
    try:
        read = Collection(str(said["host"]), float(said["at"]), converter.structure(said["facts"], Facts),
                          {str(k): str(v) for k, v in said["unseen"].items()}, str(said.get("bpa", "")))
    except (cattrs.BaseValidationError, KeyError, TypeError, ValueError, AttributeError) as error:
        first = cattrs.transform_error(error)[0] if isinstance(error, cattrs.BaseValidationError) else repr(error)
        raise NoCollection(f"{file} is damaged: {first}", "collect anew with `bpa host collect`") from None
    # An older BPA, or a person, may have left secrets in it: they would differ from what is wanted without its own.
    return seen_without_secrets(read)


def collect_here(host: str) -> Collection:
    """Ask this machine itself what a look over SSH would ask. Raises Unsupported for a caller who is not root."""
    if os.geteuid() != 0:
        raise Unsupported("a look at a host needs root", "sudo bpa host collect --local")
    environment = {**os.environ, "LC_ALL": "C"}
    answers: dict[str, Ran] = {}
    for name, argv in PROBES.items():
        try:
            ran = subprocess.run(argv, stdin=subprocess.DEVNULL, capture_output=True, text=True, errors="replace",
                                 timeout=LOCAL_SECONDS, env=environment, check=False)
            answers[name] = Ran(ran.returncode, ran.stdout, ran.stderr)
        except subprocess.TimeoutExpired:
            answers[name] = Ran(None)
        except OSError as error:
            answers[name] = Ran(127, stderr=f"{argv[0]}: {error.strerror}")
    boot_id = answers["boot_id"].stdout.strip() if "boot_id" in answers else ""
    return Collection(host, time.time(), Facts(os=OsFacts("127.0.0.1", boot_id, answers)),
                      {"bmc": COLLECTED_HERE, "node": COLLECTED_HERE})


class CollectedWorld(LooksAtAll):
    """The outside of a host as a file has it: it can be looked at, and not touched."""

    def __init__(self, collection: Collection) -> None:
        self._collection = collection
        self.address = collection.facts.os.address if collection.facts.os else ""

    def nothing_seen(self) -> Facts:
        return Facts()

    def look(self, have: Facts, source: Source) -> Facts:
        """Raises Unreachable with the reason why the file does not have it."""
        filed = self._collection.facts
        if str(source) in self._collection.unseen:
            raise Unreachable(f"{NOT_IN_FILE}{self._collection.unseen[str(source)]}")
        match source:
            case "bmc":
                return replace(have, bmc=filed.bmc)
            case "node":
                return replace(have, node=filed.node)
            case "service":
                return replace(have, service=filed.service)
            case _:
                return replace(have, os=filed.os, os_problem=filed.os_problem)

    def in_service(self, have: Facts, pods: bool) -> ServiceFacts | None:
        return self._collection.facts.service

    def perform(self, step: steps.Step) -> None:
        raise Refused("a collected host cannot be changed", "apply to the machine itself")

    def identity(self, have: Any) -> str:
        return (have.bmc.uuid or have.bmc.serial) if have.bmc else ""

    def acknowledge(self) -> None:
        """Nothing failed here."""

    def close(self) -> None:
        """Nothing is open."""
