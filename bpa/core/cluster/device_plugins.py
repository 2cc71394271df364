"""What Kubernetes is to be told of the VFs that the profiles of a cluster's nodes make: resources, and networks on them.

The SR-IOV device plugin's ConfigMap sriovdp-config (k8snetworkplumbingwg/sriov-network-device-plugin README, "Configuration
parameters"), NetworkAttachmentDefinitions for the SR-IOV CNI, and a QatDevicePlugin (intel/intel-device-plugins-for-kubernetes
cmd/qat_plugin/README.md, deployments/operator/samples). Names as KuD has them and its tests ask for (upstream-contract 5.9):
intel.com/intel_sriov_700 with network sriov-eno2 in 10.56.206.0/24. The file is for `kubectl apply`; KuD does not read it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass

from bpa.core.host.owned import HEADER
from bpa.core.want import ClusterWant, VfWant

DEVICE_PLUGINS = "device-plugins.yaml"
KUD_NETWORK = {"intel_sriov_700": "sriov-eno2"}


@dataclass(frozen=True, slots=True)
class Family:
    """Ports of a kind: the resource's name after intel.com/, their drivers, their VFs' device and its drivers."""

    resource: str
    devices: tuple[str, ...]
    driver: str
    vf: str
    vf_drivers: tuple[str, ...]


FAMILIES = (
    Family("intel_sriov_700", ("1572", "1580", "1581", "1583", "1584", "1585", "1586", "1589", "158a", "158b", "0d58"), "i40e",
           "154c", ("iavf", "i40evf")),
    Family("intel_sriov_700", ("37ce", "37d0", "37d1", "37d2", "37d3"), "i40e", "37cd", ("iavf", "i40evf")),
    Family("intel_sriov_800", ("1591", "1592", "1593", "1599", "159a", "159b"), "ice", "1889", ("iavf",)),
    Family("intel_sriov_82599", ("10fb",), "ixgbe", "10ed", ("ixgbevf",)),
    Family("intel_sriov_igb", ("10c9",), "igb", "10ca", ("igbvf",)),
    Family("intel_sriov_igb", ("1521",), "igb", "1520", ("igbvf",)),
)
QAT_VF_DRIVERS = {"8086:37c8": "c6xxvf", "8086:4940": "4xxxvf", "8086:4942": "4xxxvf", "8086:4944": "4xxxvf"}


def network_wants(want: ClusterWant) -> tuple[VfWant, ...]:
    """What the nodes' profiles ask of network ports, each once."""
    return tuple(one for one in _all(want) if one.what != "QAT" and one.vfs != 0)


def qat_wants(want: ClusterWant) -> tuple[VfWant, ...]:
    """What the nodes' profiles ask of QAT devices, each once."""
    return tuple(one for one in _all(want) if one.what == "QAT" and one.vfs != 0)


def _all(want: ClusterWant) -> Iterable[VfWant]:
    return dict.fromkeys(one for profile in want.profiles.values() for one in profile.vfs)


def families_of(wanted: VfWant) -> tuple[Family, ...]:
    """The kinds of port that a want may be of, () = nothing is known of them."""
    if wanted.match.device:
        vendor, _, device = wanted.match.device.partition(":")
        return tuple(one for one in FAMILIES if vendor == "8086" and device in one.devices)
    return tuple(one for one in FAMILIES if wanted.match.driver == one.driver)


def resource_of(wanted: VfWant) -> str:
    """The name of the resource after intel.com/. VFs on vfio-pci are another resource than those with an interface."""
    if wanted.resource:
        return wanted.resource
    found = dict.fromkeys(one.resource for one in families_of(wanted))
    name = next(iter(found)) if len(found) == 1 else "intel_sriov_nic"
    return f"{name}_vfio" if wanted.driver == "vfio-pci" else name


def resources(wants: Iterable[VfWant]) -> list[dict[str, object]]:
    """resourceList of the device plugin: wants with one name are one resource, with a list of selectors."""
    found: dict[str, list[dict[str, list[str]]]] = {}
    for one in wants:
        selectors = found.setdefault(resource_of(one), [])
        if (selector := _selector(one)) not in selectors:
            selectors.append(selector)
    return [{"resourceName": name, "selectors": selectors[0] if len(selectors) == 1 else selectors}
            for name, selectors in found.items()]


def _selector(wanted: VfWant) -> dict[str, list[str]]:
    known, match = families_of(wanted), wanted.match
    selector: dict[str, list[str]] = {}
    if known:
        selector["vendors"] = ["8086"]
        selector["devices"] = list(dict.fromkeys(one.vf for one in known))
    if wanted.driver == "vfio-pci":
        selector["drivers"] = ["vfio-pci"]
    elif known:
        selector["drivers"] = list(dict.fromkeys(driver for one in known for driver in one.vf_drivers))
    if match.pci_address:
        selector["rootDevices"] = [match.pci_address]
    elif match.interface and not set("*?[") & set(match.interface):
        selector["pfNames"] = [match.interface]
    return selector


def render_device_plugins(want: ClusterWant) -> str:
    """The manifests; a lone comment where no node has VFs."""
    networks, qat = network_wants(want), qat_wants(want)
    documents = []
    if networks:
        config = json.dumps({"resourceList": resources(networks)}, indent=2)
        documents.append("apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: sriovdp-config\n  namespace: kube-system\ndata:\n"
                         "  config.json: |\n" + "".join(f"    {line}\n" for line in config.splitlines()))
        documents += [_network(name, number) for number, name in
                      enumerate(dict.fromkeys(resource_of(one) for one in networks if one.driver != "vfio-pci"))]
    if qat:
        documents.append(_qat_plugin(qat))
    return HEADER + ("---\n".join(documents) or "# No node of this cluster has virtual functions.\n")


def network_name(resource: str) -> str:
    """The name of the network on a resource."""
    return KUD_NETWORK.get(resource, f"sriov-{resource.removeprefix('intel_sriov_').lower().replace('_', '-')}")


def _network(resource: str, number: int) -> str:
    name = network_name(resource)
    config = json.dumps({"cniVersion": "0.3.1", "name": name, "type": "sriov", "ipam": {
        "type": "host-local", "subnet": f"10.56.{206 + number}.0/24", "routes": [{"dst": "0.0.0.0/0"}],
        "gateway": f"10.56.{206 + number}.1"}})
    return (f"apiVersion: k8s.cni.cncf.io/v1\nkind: NetworkAttachmentDefinition\nmetadata:\n  name: {name}\n  annotations:\n"
            f"    k8s.v1.cni.cncf.io/resourceName: intel.com/{resource}\nspec:\n  config: '{config}'\n")


def _qat_plugin(wants: tuple[VfWant, ...]) -> str:
    drivers = dict.fromkeys(QAT_VF_DRIVERS[one.match.device] for one in wants
                            if one.match.device in QAT_VF_DRIVERS) or dict.fromkeys(sorted(set(QAT_VF_DRIVERS.values())))
    return ("apiVersion: deviceplugin.intel.com/v1\nkind: QatDevicePlugin\nmetadata:\n  name: qatdeviceplugin\nspec:\n"
            "  image: intel/intel-qat-plugin:0.30.0\n  dpdkDriver: vfio-pci\n"
            f"  kernelVfDrivers: [{', '.join(drivers)}]\n  maxNumDevices: 128\n"
            "  nodeSelector:\n    feature.node.kubernetes.io/pci-0b40_8086.present: \"true\"\n")
