"""Section `qat`."""

from __future__ import annotations

from collections.abc import Iterator

from bpa.core.want import VfWant
from bpa.documents.document import Document
from bpa.documents.errors import DocumentError
from bpa.documents.profile.matches import read_match, read_vfs

# cfg_services of the kernel (Documentation/ABI/testing/sysfs-driver-qat), and the names of the vendor's own driver
# (ServicesEnabled, and KuD's resource qat.intel.com/cy2_dc2) for what comes nearest.
SERVICES = {
    "sym;asym": "sym;asym", "asym;sym": "sym;asym", "dc": "dc", "sym": "sym", "asym": "asym", "sym;dc": "sym;dc",
    "dc;sym": "sym;dc", "asym;dc": "asym;dc", "dc;asym": "asym;dc", "cy": "sym;asym", "cy2_dc2": "sym;dc", "dcc": "dcc",
    "cy;dc": "sym;dc",
}  # fmt: skip
ALL_AT_ONCE = {"8086:37c8": ("C62x", 16), "8086:6f54": ("D15xx", 16), "8086:19e2": ("C3xxx", 16), "8086:0435": ("DH895xCC", 32),
               "8086:4940": ("4xxx", 16), "8086:4942": ("401xx", 16), "8086:4944": ("402xx", 16)}
"""What is known of a QAT device and the VFs it has. Its driver makes all of them or none: drivers/crypto/intel/qat,
adf_sriov_configure."""
SERVED = ("8086:4940", "8086:4942", "8086:4944")


def read_qat(document: Document, problems: list[DocumentError]) -> Iterator[VfWant]:
    """The one want of the section; what is wrong with it goes to `problems`."""
    qat = document.get("spec", "qat")
    if not qat:
        return
    match, vfs = read_match(qat.get("match") or {}), read_vfs(document, ("spec", "qat", "vfs"), problems)
    said = qat.get("services", "")
    for name, given in (("mac", match.mac), ("interface", match.interface), ("link", match.link)):
        if given is not None:
            problems.append(document.error(("spec", "qat", "match", name), "a QAT device is no network port",
                                           "pciAddress, device, driver or numaNode"))
    name, total = ALL_AT_ONCE.get(match.device or "", ("", 0))
    if total and vfs not in (0, total, "all", "max"):
        problems.append(document.error(("spec", "qat", "vfs"), f"the driver of a {name} makes {total} VFs or none, not {vfs}",
                                       f"0, {total} or all"))
    if said and name and match.device not in SERVED:
        if SERVICES[said] not in ("sym;dc",):
            problems.append(document.error(
                ("spec", "qat", "services"), f"a {name} always serves crypto and compression", "cy2_dc2, or no services"))
        said = ""
    yield VfWant(match, vfs, "QAT", qat.get("count"), qat.get("driver"), services=SERVICES.get(said, ""))
