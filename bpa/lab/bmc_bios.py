"""The BIOS settings that the lab's BMC remembers: what is in force and what waits for the next start of the machine."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from bpa.lab import firmware
from bpa.lab.firmware import Value


@dataclass(frozen=True, slots=True)
class BiosMemory:
    """Settings of one machine in one JSON file {"current": {...}, "pending": {...}}; serial fills SerialNumber."""

    path: Path
    serial: str

    def current(self) -> dict[str, Value]:
        return self._read()[0]

    def pending(self) -> dict[str, Value]:
        """Only what will change."""
        return self._read()[1]

    def stage(self, changes: Mapping[str, Value]) -> None:
        """Keep `changes` for the next start. A value that is in force already takes an older pending one back."""
        current, pending = self._read()
        merged = {**pending, **changes}
        self._write(current, {k: v for k, v in merged.items() if current.get(k) != v})

    def stage_defaults(self) -> None:
        current, _ = self._read()
        factory = firmware.defaults(self.serial)
        self._write(current, {k: v for k, v in factory.items() if current.get(k) != v})

    def start(self) -> dict[str, Value]:
        """The machine starts: pending becomes current; returns what is in force now."""
        current, pending = self._read()
        if pending:
            current = {**current, **pending}
            self._write(current, {})
        return current

    def _read(self) -> tuple[dict[str, Value], dict[str, Value]]:
        try:
            data = json.loads(self.path.read_text())
        except FileNotFoundError:
            return firmware.defaults(self.serial), {}
        return data["current"], data["pending"]

    def _write(self, current: Mapping[str, Value], pending: Mapping[str, Value]) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        draft = self.path.with_suffix(".new")
        draft.write_text(json.dumps({"current": current, "pending": pending}))
        os.replace(draft, self.path)
