"""Names that BPA lets through because they may be somebody else's, but that look like slips of the pen: notes for a person."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from bpa.documents.document import OUR_GROUP, Document, nearest
from bpa.documents.errors import Path, shortened
from bpa.documents.hosts import NODE_IP, OUR_ANNOTATIONS

# Source: the API reference of baremetal-operator (metal3.io/v1alpha1, BareMetalHostSpec, BMCDetails, Image).
_METAL3: Mapping[Path, tuple[str, ...]] = {
    ("spec",): (
        "architecture", "automatedCleaningMode", "bmc", "bootMACAddress", "bootMode", "consumerRef", "customDeploy",
        "description", "disablePowerOff", "externallyProvisioned", "firmware", "hardwareProfile", "image",
        "inspectionMode", "metaData", "networkData", "online", "preprovisioningNetworkDataName", "raid",
        "rootDeviceHints", "taints", "userData",
    ),
    ("spec", "bmc"): ("address", "credentialsName", "disableCertificateVerification"),
    ("spec", "image"): ("url", "checksum", "checksumType", "format"),
}  # fmt: skip
# Source: KuD's playbooks configure-*.yml, and the plugins that ICN's own documents name.
_PLUGINS = (
    "cmk", "emco", "istio", "kata", "kata-webhook", "multus", "nfd", "onap4k8s", "optane", "ovn", "ovn4nfv", "qat", "sriov",
    "virtlet",
)  # fmt: skip
# High, because fields and annotations of others are none of our business.
_CUTOFF = 0.8


def host_slips(document: Document) -> Iterator[str]:
    """Notes on annotations and fields of a BareMetalHost that nobody reads, and that look like ones that somebody does."""
    annotations = (*OUR_ANNOTATIONS, NODE_IP)
    for name in document.get("metadata", "annotations") or ():
        # Those of our own group are errors already.
        if name in annotations or name.startswith(f"{OUR_GROUP}/"):
            continue
        bare = next((known for known in annotations if known.endswith(f"/{name.lower()}")), "")
        meant = bare or nearest(name, annotations, _CUTOFF)
        if meant:
            where = document.place("metadata", "annotations", name)
            yield f"{where}: annotation {shortened(name)} is not read by BPA; did you mean {meant}?"
    for path, known in _METAL3.items():
        fields = document.get(*path)
        for name in fields if isinstance(fields, dict) else ():
            meant = "" if name in known else nearest(name, known, _CUTOFF)
            if meant:
                yield (
                    f"{document.place(*path, name)}: {'.'.join(map(str, path))}.{shortened(name)} is not a field Metal3 knows; "
                    f"did you mean {meant}?"
                )


def plugin_slips(document: Document) -> Iterator[str]:
    """Notes on plugins of a Provisioning that look like one of KuD's, spelt wrong."""
    for number, name in enumerate(document.get("spec", "KUDPlugins") or ()):
        meant = "" if not name or name in _PLUGINS else nearest(name, _PLUGINS, 0.75)
        if meant:
            where = document.place("spec", "KUDPlugins", number)
            yield f"{where}: {shortened(name)} is no plugin of KuD that BPA has heard of; did you mean {meant}?"
