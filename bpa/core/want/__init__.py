"""What a machine and a cluster must be, as the documents say. Frozen values without secrets."""

from bpa.core.bios import BiosWant
from bpa.core.want.cluster import ClusterWant, Member
from bpa.core.want.hardening import HardeningWant
from bpa.core.want.host import HostWant, Image
from bpa.core.want.kata import KataWant
from bpa.core.want.kernel import HugepagesWant, KernelWant
from bpa.core.want.minimum import Minimum
from bpa.core.want.pmem import EraseWant, GoalWant, ModulesWant, NamespaceWant
from bpa.core.want.profile import Nested, Profile
from bpa.core.want.software import AptSource, Package, Proxy, SoftwareNeeds
from bpa.core.want.sriov import PfMatch, VfSettings, VfWant
from bpa.core.want.virtualization import VirtualizationWant

__all__ = [
    "AptSource", "BiosWant", "ClusterWant", "EraseWant", "GoalWant", "HardeningWant", "HostWant", "HugepagesWant", "Image",
    "KataWant", "KernelWant", "Member", "Minimum", "ModulesWant", "NamespaceWant", "Nested", "Package", "PfMatch", "Profile",
    "Proxy", "SoftwareNeeds", "VfSettings", "VfWant", "VirtualizationWant",
]
