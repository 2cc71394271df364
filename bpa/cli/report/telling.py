"""Values of a report as a person reads them: in the words of the documents, sizes with units."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bpa.core.compliance import ConditionReport, in_document_words

SOURCES = {"bmc": "BMC", "node": "Ironic", "os": "operating system", "service": "Kubernetes", "cluster": "cluster"}
"""Source of facts -> its name."""
LABELS = {"bpa": "BPA", "uuid": "UUID", "serial": "serial number", "service_tag": "service tag", "bios_version": "BIOS",
          "boot_id": "boot id"}
"""Field of a report or of its machine -> its name, where that is another."""


def wanted_told(condition: ConditionReport) -> dict[str, str]:
    """Where the documents ask it ("kernel.hugepages") -> what they ask there, in one line."""
    return {path: told(value) for path, value in in_document_words(condition.wanted, condition.needs == "cluster").items()}


def told(value: Any) -> str:
    """{"vfs": 4, "match": {"device": "8086:1583"}} -> vfs 4, match (device 8086:1583)."""
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {_inner(inner)}" for key, inner in value.items())
    if isinstance(value, (list, tuple)):
        return "; ".join(told(inner) for inner in value)
    return {True: "yes", False: "no", None: "none"}.get(value, str(value)) if isinstance(value, bool | None) else str(value)


def _inner(value: Any) -> str:
    return f"({told(value)})" if isinstance(value, (dict, list)) and len(value) > 0 else told(value)
