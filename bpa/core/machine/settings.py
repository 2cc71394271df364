"""What can be set on a machine: BIOS attributes, from where it boots, what it trusts."""

from __future__ import annotations

from dataclasses import dataclass, field

from bpa.core.machine.parts import Raw
from bpa.core.steps import BiosValue


@dataclass(frozen=True, slots=True)
class BiosAttribute:
    """One attribute: its value now, what is staged (None = nothing), and what the registry says of it ("" = nothing).

    allowed: as this machine writes values; read_only: as other attributes have it now; label: DisplayName.
    """

    name: str
    value: BiosValue
    pending: BiosValue | None = None
    type: str = ""
    allowed: tuple[BiosValue, ...] = ()
    read_only: bool | None = None
    label: str = ""


@dataclass(frozen=True, slots=True)
class BiosFacts:
    """BIOS attributes by name. registry: the id that describes them, "" = none. settings: where they are staged."""

    attributes: tuple[BiosAttribute, ...] = ()
    registry: str = ""
    settings: str = ""
    apply_times: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class BootOption:
    """An entry of the boot order; enabled None = not told."""

    reference: str
    name: str = ""
    enabled: bool | None = None
    device_path: str = ""


@dataclass(frozen=True, slots=True)
class Boot:
    """From where it boots. enabled: Disabled, Once, Continuous; mode: UEFI or Legacy; allowed values where told."""

    target: str = ""
    enabled: str = ""
    mode: str = ""
    targets: tuple[str, ...] = ()
    enableds: tuple[str, ...] = ()
    modes: tuple[str, ...] = ()
    uefi_target: str = ""
    next: str = ""
    order: tuple[BootOption, ...] = ()


@dataclass(frozen=True, slots=True)
class Tpm:
    """A trusted module. version: 1.2, 2.0, TCM, or as told."""

    version: str = ""
    firmware: str = ""
    state: str = ""
    raw: Raw = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Security:
    """Secure Boot (None = not told) and trusted modules. secure_boot_now: what the last boot did."""

    secure_boot: bool | None = None
    secure_boot_now: bool | None = None
    secure_boot_mode: str = ""
    tpms: tuple[Tpm, ...] = ()
