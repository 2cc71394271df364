"""Section `kernel` of a HardwareProfile beyond its arguments: modules, sysctls, huge pages, isolated processors."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from bpa.core.want.ranges import numbers_in


@dataclass(frozen=True, slots=True)
class HugepagesWant:
    """`count` huge pages of `size` bytes (2 MiB or 1 GiB) on one NUMA node; node None = on the whole machine."""

    size: int
    count: int
    node: int | None = None


@dataclass(frozen=True, slots=True)
class KernelWant:
    """load, forbid: module names with `_`. options: module -> "name=value" as modprobe.d(5) takes them.

    sysctls: key with dots first, as sysctl.d(5) has it -> value as text. isolated: processors as the kernel writes a
    list of them ("2-5,8"), "" = none.
    """

    load: tuple[str, ...] = ()
    forbid: tuple[str, ...] = ()
    options: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    sysctls: Mapping[str, str] = field(default_factory=dict)
    hugepages: tuple[HugepagesWant, ...] = ()
    isolated: str = ""

    @property
    def isolated_cpus(self) -> frozenset[int]:
        """The numbers of the isolated processors."""
        return numbers_in(self.isolated)
