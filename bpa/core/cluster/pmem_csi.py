"""What pmem-csi needs of a cluster: the label on the nodes with persistent memory, its deployment and storage classes.

KuD labels one node and applies pmem-csi-lvm.yaml (upstream-contract section on Optane): nodes are chosen by storage=pmem,
the test claims a volume of pmem-csi-sc-ext4. intel/pmem-csi: deploy/common/pmem-csi.intel.com_v1beta1_pmemcsideployment_cr.yaml,
deploy/common/pmem-storageclass-ext4.yaml and -ext4-kata.yaml; docs/design.md.
"""

from __future__ import annotations

from bpa.core.host.owned import HEADER
from bpa.core.want import ClusterWant, Profile

PMEM_CSI = "pmem-csi.yaml"
LABEL = {"storage": "pmem"}
DRIVER = "pmem-csi.intel.com"


def has_pmem(profile: Profile) -> bool:
    """Whether the node has persistent memory for pmem-csi: namespaces in a volume group, or App Direct room for them."""
    if any(one.volume_group for one in profile.pmem):
        return True
    return not profile.pmem and any(goal.memory_percent < 100 for goal in profile.pmem_goals)


def pmem_nodes(want: ClusterWant) -> tuple[str, ...]:
    """Labels of the members that pmem-csi is to run on."""
    return tuple(label for label, profile in want.profiles.items() if has_pmem(profile))


def node_labels(want: ClusterWant, label: str) -> dict[str, str]:
    """Kubernetes labels of a member (Kubespray's node_labels)."""
    return dict(LABEL) if label in pmem_nodes(want) else {}


def device_mode(want: ClusterWant) -> str:
    """lvm as KuD deploys it, where any node has volume groups; direct where all have regions with nothing on them."""
    grouped = any(one.volume_group for label in pmem_nodes(want) for one in want.profiles[label].pmem)
    return "lvm" if grouped or "optane" in want.plugins else "direct"


def render_pmem_csi(want: ClusterWant) -> str:
    """A PmemCSIDeployment and storage classes; a lone comment where no node has persistent memory."""
    if not pmem_nodes(want):
        return HEADER + "# No node of this cluster has persistent memory for pmem-csi.\n"
    classes = [("pmem-csi-sc-ext4", "ext4", False), ("pmem-csi-sc-xfs", "xfs", False)]
    if want.kata:
        classes.append(("pmem-csi-sc-ext4-kata", "ext4", True))
    deployment = f"""apiVersion: pmem-csi.intel.com/v1beta1
kind: PmemCSIDeployment
metadata:
  name: {DRIVER}
spec:
  deviceMode: {device_mode(want)}
  nodeSelector:
    storage: pmem
"""
    return HEADER + "---\n".join((deployment, *(_storage_class(*one) for one in classes)))


def _storage_class(name: str, filesystem: str, kata: bool) -> str:
    return f"""apiVersion: storage.k8s.io/v1
kind: StorageClass
metadata:
  name: {name}
provisioner: {DRIVER}
parameters:
  csi.storage.k8s.io/fstype: {filesystem}
  eraseafter: "true"
""" + ('  kataContainers: "true"\n' if kata else "") + """reclaimPolicy: Delete
volumeBindingMode: WaitForFirstConsumer
"""
