"""The CRDs in manifests/ are the schemas that the command line checks with, and are what Kubernetes takes for a CRD."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from bpa.documents.document import OUR_KINDS
from bpa.documents.manifests import write_crds
from bpa.documents.schema import crd_texts

ROOT = Path(__file__).resolve().parents[2]
CRDS = [yaml.safe_load(text) for text in crd_texts().values()]
KEYWORDS = {
    "type",
    "description",
    "properties",
    "required",
    "items",
    "additionalProperties",
    "enum",
    "pattern",
    "minimum",
    "maximum",
    "minLength",
    "maxLength",
    "minProperties",
    "maxProperties",
    "nullable",
    "default",
    "format",
    "x-kubernetes-int-or-string",
    "x-kubernetes-preserve-unknown-fields",
}


def test_manifests_hold_exactly_the_schemas(tmp_path: Path) -> None:
    written = {path.name: path.read_text() for path in write_crds(tmp_path)}

    assert {path.name: path.read_text() for path in (ROOT / "manifests" / "crds").iterdir()} == written


def test_every_kind_of_ours_has_one() -> None:
    assert {crd["spec"]["names"]["kind"] for crd in CRDS} == set(OUR_KINDS)


@pytest.mark.parametrize("crd", CRDS, ids=lambda crd: crd["spec"]["names"]["kind"])
def test_a_crd_is_of_the_version_that_kubernetes_serves(crd: dict[str, Any]) -> None:
    names, (version,) = crd["spec"]["names"], crd["spec"]["versions"]

    assert (crd["apiVersion"], crd["kind"]) == ("apiextensions.k8s.io/v1", "CustomResourceDefinition")
    assert crd["metadata"]["name"] == f"{names['plural']}.{crd['spec']['group']}"
    assert (version["name"], version["served"], version["storage"]) == ("v1alpha1", True, True)
    assert version["subresources"] == {"status": {}}


@pytest.mark.parametrize(("kind", "plural", "short"), [("Provisioning", "provisionings", "bpa"), ("Software", "softwares", "sw")])
def test_the_names_are_those_of_icn(kind: str, plural: str, short: str) -> None:
    (names,) = (crd["spec"]["names"] for crd in CRDS if crd["spec"]["names"]["kind"] == kind)

    assert (names["plural"], names["shortNames"]) == (plural, [short])


def schemas(schema: dict[str, Any], path: str) -> Iterator[tuple[str, dict[str, Any]]]:
    yield path, schema
    for name, part in schema.get("properties", {}).items():
        yield from schemas(part, f"{path}.{name}")
    for name in ("items", "additionalProperties"):
        if isinstance(schema.get(name), dict):
            yield from schemas(schema[name], f"{path}.{name}")


@pytest.mark.parametrize("crd", CRDS, ids=lambda crd: crd["spec"]["names"]["kind"])
def test_a_schema_is_structural(crd: dict[str, Any]) -> None:
    for path, schema in schemas(crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"], ""):
        untyped = schema.get("x-kubernetes-int-or-string") or schema.get("x-kubernetes-preserve-unknown-fields")
        assert "type" in schema or untyped, path
        assert set(schema) <= KEYWORDS, path
        assert not ({"properties", "additionalProperties"} <= set(schema)), path
        assert set(schema.get("required", ())) <= set(schema.get("properties", ())), path
