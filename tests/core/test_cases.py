"""Every file below cases/<condition>/ is one situation: what is wanted, what is there, and the verdict due.

    about: one sentence
    want: {boot_mac: ..., profile: {bios: {intents: {virtualization: true}}}}     HostWant, only what matters
    have: {bmc: {power: On, bios: {ProcVirtualization: Disabled}}}                Facts, only what matters
    verdict: {act: StageBios, attributes: {ProcVirtualization: Enabled}}          fields of the step that matter
             or {met: text} or {wait: text, seconds: 15} or {stuck: text, advice: text}; a text must be contained,
             of a list each
    changes: [{what: ..., old: ..., new: ..., restart: ...}]                      optional, exact and complete

Words of YAML 1.1 (on, off, yes, no) are read as text, as BPA reads documents; true and false are truth values.
"""

from __future__ import annotations

import dataclasses
import types
import typing
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from bpa.core.facts import BmcFacts, Facts, NodeFacts, OsFacts
from bpa.core.host import HOST, OWNED
from bpa.core.host.owned import owner_of
from bpa.core.steps import WriteFile
from bpa.core.verdict import Act, Met, Stuck, Verdict, Wait
from bpa.core.want import BiosWant, HostWant
from bpa.documents.profile.bios import intent_rules

CASES = sorted((Path(__file__).parent / "cases").glob("*/*.yaml"))
BY_CONDITION = {requirement.condition: requirement for requirement in HOST}
UNSAID: dict[type, dict[str, Any]] = {
    HostWant: {"name": "node1", "bmc": "https://192.0.2.1", "boot_mac": "", "image": None},
    BmcFacts: {"system": "/redfish/v1/Systems/1", "power": "On"},
    NodeFacts: {"provision_state": ""},
    OsFacts: {"address": "192.0.2.10"},
}


class _Loader(yaml.SafeLoader):
    pass


_Loader.yaml_implicit_resolvers = {
    letter: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:bool"]
    for letter, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
_Loader.add_implicit_resolver("tag:yaml.org,2002:bool", __import__("re").compile("^(true|false)$"), list("tf"))


def build(kind: Any, value: Any) -> Any:
    """A value of a type (dataclasses, unions, tuples and mappings of them) from plain YAML data."""
    origin = typing.get_origin(kind)
    if origin in (typing.Union, types.UnionType):
        options = [option for option in typing.get_args(kind) if option is not type(None)]
        return value if value is None or len(options) > 1 else build(options[0], value)
    if origin is tuple:
        item, *rest = typing.get_args(kind)
        kinds = [item] * len(value) if rest in ([], [...]) else [item, *rest]
        return tuple(build(k, v) for k, v in zip(kinds, value, strict=True))
    if isinstance(origin, type) and issubclass(origin, Mapping):
        return {k: build(typing.get_args(kind)[1], v) for k, v in value.items()}
    if dataclasses.is_dataclass(kind):
        assert isinstance(kind, type)
        hints = typing.get_type_hints(kind)
        unknown = value.keys() - hints.keys()
        assert not unknown, f"{kind.__name__} has no {', '.join(unknown)}"
        said = {name: build(hints[name], v) for name, v in value.items()}
        if kind is BiosWant and "rules" not in said:
            said["rules"] = intent_rules()
        return kind(**{**UNSAID.get(kind, {}), **said})
    return value


def agrees(verdict: Verdict, due: Mapping[str, Any]) -> None:
    """Assert that a verdict is the one due."""
    due = dict(due)
    kind = next(iter(due))
    said = due.pop(kind)
    if kind == "act":
        assert isinstance(verdict, Act), verdict
        assert type(verdict.step).__name__ == said, verdict
        _contains(verdict.reason, due.pop("reason", []))
        for name, value in due.items():
            found = getattr(verdict.step, name)
            assert _listed(found) == value, verdict
        return
    assert isinstance(verdict, {"met": Met, "wait": Wait, "stuck": Stuck}[kind]), verdict
    _contains(verdict.evidence if isinstance(verdict, Met) else verdict.reason, said)
    for name, value in due.items():
        if name == "advice":
            _contains(getattr(verdict, name), value)
        else:
            assert getattr(verdict, name) == value, verdict


def _listed(value: Any) -> Any:
    return [_listed(one) for one in value] if isinstance(value, tuple) else value


def _contains(text: str, parts: str | list[str] | None) -> None:
    for part in [parts] if isinstance(parts, str) else parts or []:
        assert part in text, f"{part!r} is not in {text!r}"


@pytest.mark.parametrize("file", CASES, ids=lambda file: f"{file.parent.name}-{file.stem}")
def test_a_requirement_judges_the_situation_as_written(file: Path) -> None:
    case = yaml.load(file.read_text(), _Loader)
    requirement = BY_CONDITION[file.parent.name]
    want, have = build(HostWant, case.get("want") or {}), build(Facts, case.get("have") or {})
    agrees(requirement.check(want, have), case["verdict"])
    if "changes" in case:
        found = [dataclasses.asdict(change) for change in requirement.changes(want, have)]
        usual = {"old": None, "restart": "", "destroys": "", "disrupts": "", "part_of": ""}
        due = [{**usual, **change} for change in case["changes"]]
        assert found == due


def test_every_file_that_a_step_of_any_case_writes_is_declared() -> None:
    written: set[str] = set()
    for file in CASES:
        case = yaml.load(file.read_text(), _Loader)
        if case["verdict"].get("act") != "WriteFile":
            continue
        want, have = build(HostWant, case.get("want") or {}), build(Facts, case.get("have") or {})
        verdict = BY_CONDITION[file.parent.name].check(want, have)
        assert isinstance(verdict, Act) and isinstance(verdict.step, WriteFile)
        written.add(verdict.step.path)
    assert "/etc/kernel/install.d/95-bpa.install" in written
    assert not [path for path in written if owner_of(path, OWNED) is None], "declare it in OWNED of the module that writes it"
