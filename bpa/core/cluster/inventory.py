"""InventoryRendered: the files that KuD is handed, as ICN's operator wrote them.

    <cluster>/hosts.ini                    groups with dashes, ansible_ssh_host and ansible_ssh_port
    <cluster>/group_vars/k8s-cluster.yml   what this cluster overrides of KuD's own group_vars
    <cluster>/known_hosts                  the pinned SSH host keys, where there are any (public)
    <cluster>/device-plugins.yaml          resources and networks of VFs, where nodes have some
    <cluster>/pmem-csi.yaml                pmem-csi's deployment and storage classes, where nodes have persistent memory

KuD's installer copies hosts.ini and *its own* group_vars into `inventory/<cluster>/` below itself, so ours would be
lost, and ICN's `--network` never existed in a released KuD. `bpa.adapters.kud` therefore puts the override beside
KuD's copy under the names of the child groups (kube-master, kube-node): Ansible lets a child group win over its
parent, and KuD's `cp -rf` leaves files that it does not ship. KuD itself is not touched.
Source: onap/multicloud-k8s kud/hosting_providers/containerized/installer.sh; ICN 95ca9e9 provisioning_controller.go.
"""

from __future__ import annotations

import re
from ipaddress import ip_address, ip_network

from bpa.core.cluster.device_plugins import DEVICE_PLUGINS, network_wants, qat_wants, render_device_plugins
from bpa.core.cluster.members import masters_first
from bpa.core.cluster.pmem_csi import PMEM_CSI, node_labels, pmem_nodes, render_pmem_csi
from bpa.core.facts import ClusterFacts
from bpa.core.requirement import Change, ClusterRequirement
from bpa.core.steps import RenderInventory
from bpa.core.verdict import Act, Met, Stuck, Verdict, Wait
from bpa.core.want import ClusterWant, Member

HOSTS_INI = "hosts.ini"
GROUP_VARS = "group_vars/k8s-cluster.yml"
KNOWN_HOSTS = "known_hosts"
KUD_SERVICES = "10.244.0.0/18"  # kube_service_addresses in KuD's group_vars/k8s-cluster.yml

_LABEL = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?")


def nodes_of(want: ClusterWant) -> tuple[Member, ...]:
    """The members that run pods: the workers, or the masters where no worker is listed (ICN's rule)."""
    return want.workers or want.masters


def render_hosts_ini(want: ClusterWant, have: ClusterFacts) -> str:
    """The inventory, with the legacy dash names of Kubespray's groups, sections in ICN's order."""
    masters = [member.label for member in want.masters]
    nodes = [member.label for member in nodes_of(want)]
    sections = {
        "all": [
            f"{member.label}  ansible_ssh_host={have.members[member.label].address} ansible_ssh_port=22"
            + _labels(want, member.label)
            for member in masters_first(want)
        ],
        "kube-master": masters,
        "kube-node": nodes,
        "etcd": masters,
        "ovn-central": masters,
        "ovn-controller": nodes,
        "virtlet": nodes,
        "k8s-cluster:children": ["kube-node", "kube-master"],
    }
    return "\n".join("\n".join([f"[{name}]", *lines, ""]) for name, lines in sections.items())


def render_group_vars(want: ClusterWant) -> str:
    """YAML with only what differs from KuD's own group_vars; `PodSubnet` is Kubespray's `kube_pods_subnet`."""
    lines = ["---", f"# Cluster {want.name}: these win over the group_vars that KuD ships."]
    if want.pod_subnet:
        lines.append(f'kube_pods_subnet: "{want.pod_subnet}"')
    return "\n".join(lines) + "\n"


def render_known_hosts(want: ClusterWant, have: ClusterFacts) -> str:
    """OpenSSH known_hosts lines for the members whose host key is pinned."""
    pinned = [have.members[member.label] for member in masters_first(want) if member.label in have.members]
    return "".join(f"{member.address} {member.host_key.strip()}\n" for member in pinned if member.host_key)


def render_files(want: ClusterWant, have: ClusterFacts) -> dict[str, str]:
    """Path below the cluster's directory -> text."""
    files = {HOSTS_INI: render_hosts_ini(want, have), GROUP_VARS: render_group_vars(want)}
    known_hosts = render_known_hosts(want, have)
    if known_hosts:
        files[KNOWN_HOSTS] = known_hosts
    # A file of ours that is wanted no more is made empty: nothing takes files away from a cluster's directory.
    if pmem_nodes(want) or PMEM_CSI in have.files:
        files[PMEM_CSI] = render_pmem_csi(want)
    if network_wants(want) or qat_wants(want) or DEVICE_PLUGINS in have.files:
        files[DEVICE_PLUGINS] = render_device_plugins(want)
    return files


def check(want: ClusterWant, have: ClusterFacts) -> Verdict:
    """Assumes MembersReady. The files are never rewritten under a running installer (upstream-contract B2)."""
    problem = _bad_label(want) or _bad_subnet(want, have)
    if problem:
        return problem
    if not _known(want, have):
        return Wait("the addresses of the members are not known yet", 1.0)
    files = render_files(want, have)
    stale = sorted(name for name, text in files.items() if have.files.get(name) != text)
    if not stale:
        return Met(f"{', '.join(sorted(files))} as wanted")
    if have.run is not None and have.run.alive:
        return Wait(f"{', '.join(stale)} must change, but the installer is reading them", 5.0)
    new = [name for name in stale if name not in have.files]
    return Act(RenderInventory(want.name, files), "not written yet" if new == stale else f"{', '.join(stale)} differs")


def changes(want: ClusterWant, have: ClusterFacts) -> tuple[Change, ...]:
    """One line for the inventory, one for the pod subnet."""
    labels = [member.label for member in masters_first(want)]
    lines: list[Change] = []
    if not _known(want, have) or have.files.get(HOSTS_INI) != render_hosts_ini(want, have):
        lines.append(Change(HOSTS_INI, "other hosts" if HOSTS_INI in have.files else "absent", ", ".join(labels)))
    if have.files.get(GROUP_VARS) != render_group_vars(want) and want.pod_subnet:
        old = "other" if GROUP_VARS in have.files else "KuD's default"
        lines.append(Change("kube_pods_subnet", old, want.pod_subnet))
    return tuple(lines)


def _labels(want: ClusterWant, label: str) -> str:
    """Kubespray's node_labels as an inventory variable, which Ansible reads as a Python literal; "" = none."""
    labels = node_labels(want, label)
    return f' node_labels="{labels}"' if labels else ""


def _known(want: ClusterWant, have: ClusterFacts) -> bool:
    labels = [member.label for member in masters_first(want)]
    return all(label in have.members and have.members[label].address for label in labels)


def _bad_label(want: ClusterWant) -> Stuck | None:
    bad = [member.label for member in masters_first(want) if not _LABEL.fullmatch(member.label)]
    if not bad:
        return None
    return Stuck(
        f"{bad[0]!r} cannot be a host name in the inventory",
        "use letters, digits, dots and dashes for the keys of spec.masters and spec.workers",
    )


def _bad_subnet(want: ClusterWant, have: ClusterFacts) -> Stuck | None:
    if not want.pod_subnet:
        return None
    try:
        pods = ip_network(want.pod_subnet)
    except ValueError as error:
        return Stuck(f"PodSubnet {want.pod_subnet!r} is not a network: {error}", "write it as 172.21.64.0/18")
    advice = "choose another PodSubnet"
    if pods.version == 4 and pods.overlaps(ip_network(KUD_SERVICES)):
        return Stuck(f"PodSubnet {pods} overlaps the service addresses {KUD_SERVICES} of KuD", advice)
    for label, member in have.members.items():
        if member.address and _contains(str(pods), member.address):
            return Stuck(f"PodSubnet {pods} contains {member.address}, the address of {label}", advice)
    return None


def _contains(network: str, address: str) -> bool:
    try:
        return ip_address(address) in ip_network(network)
    except ValueError:
        return False


InventoryRendered = ClusterRequirement(
    condition="InventoryRendered",
    needs="cluster",
    check=check,
    about="hosts.ini and group_vars for KuD are written",
    changes=changes,
    # A Wait here means that an installer is still running with older files.
    patience=4 * 3600.0,
)
