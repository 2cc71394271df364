"""Section `pmem` of a HardwareProfile: persistent memory."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class NamespaceWant:
    """One persistent-memory namespace. size in bytes (None = all the region has); filesystem needs mode fsdax."""

    region: str
    mode: str = "fsdax"
    size: int | None = None
    name: str = ""
    filesystem: str = ""
    mount_point: str = ""
