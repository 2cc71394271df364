"""What a machine and a cluster must be, as the documents say. Frozen values without secrets."""

from bpa.core.bios import BiosWant
from bpa.core.want.cluster import ClusterWant, Member
from bpa.core.want.hardening import HardeningWant
from bpa.core.want.host import HostWant, Image
from bpa.core.want.kata import KataWant
from bpa.core.want.kernel import HugepagesWant, KernelWant
from bpa.core.want.minimum import DisksWant, Minimum, NicsWant
from bpa.core.want.pmem import EraseWant, GoalWant, ModulesWant, NamespaceWant
from bpa.core.want.profile import Nested, Profile
from bpa.core.want.software import AptSource, Package, Proxy, Registry, SoftwareNeeds, TimeSources
from bpa.core.want.sriov import PfMatch, VfSettings, VfWant
from bpa.core.want.virtualization import VirtualizationWant

__all__ = [
    "AptSource", "BiosWant", "ClusterWant", "DisksWant", "EraseWant", "GoalWant", "HardeningWant", "HostWant",
    "HugepagesWant", "Image", "KataWant", "KernelWant", "Member", "Minimum", "ModulesWant", "NamespaceWant", "Nested",
    "NicsWant", "Package", "PfMatch", "Profile", "Proxy", "Registry", "SoftwareNeeds", "TimeSources", "VfSettings", "VfWant",
    "VirtualizationWant",
]
