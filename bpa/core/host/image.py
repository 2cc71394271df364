"""The documented image is on the root disk and was booted."""

from __future__ import annotations

from bpa.core.facts import Facts, NodeFacts
from bpa.core.host.hardware import known_drives
from bpa.core.host.ironic_states import failure, may_pass, not_ours, under_way
from bpa.core.requirement import Change, HostRequirement
from bpa.core.root_device import describe, describe_hints, match, pinned
from bpa.core.steps import Deploy, SetProvisionState
from bpa.core.verdict import Act, Met, Verdict, Wait
from bpa.core.want import HostWant, Image


def check(want: HostWant, have: Facts) -> Verdict:
    """Met when the node is active with the image and checksum of the document."""
    node, image = have.node, want.image
    if image is None:
        return Met("the documents name no image")
    if node is None or not node.provision_state or node.provision_state == "enroll":
        return Wait("the host is not enrolled yet", 2.0)
    waiting = under_way(node)
    if waiting:
        return waiting
    match node.provision_state:
        case "manageable":
            return Act(SetProvisionState("provide"), "inspected")
        case "available" if node.ramdisk_due:
            return Wait("the ramdisk of the inspection is about to report in, and will write the image", 1.0)
        case "available":
            return Act(_deploy(want, have, image), "no image yet")
        case "active":
            if same_image(node, image):
                return Met(f"{_short(image.url)} is deployed")
            other = _short(node.image_url) or "another image"
            return Act(_deploy(want, have, image, rebuild=True), f"{other} is deployed")
        case "deploy failed":
            if may_pass(node) or not same_image(node, image):
                return Act(_deploy(want, have, image), node.last_error[:200])
            return failure(node)
        case "clean failed" | "adopt failed" if may_pass(node):
            return Act(SetProvisionState("manage"), node.last_error[:200])
        case "error" if may_pass(node):
            return Act(SetProvisionState("deleted"), node.last_error[:200])
        case "inspect failed":
            return Wait("the host is not inspected yet", 2.0)
    return not_ours(node, want.name) or failure(node)


def same_image(node: NodeFacts, image: Image) -> bool:
    """Whether the node was last given this very image."""
    return node.image_url == image.url and _bare(node.image_checksum) == _bare(image.checksum)


def _bare(checksum: str) -> str:
    if checksum.startswith(("http://", "https://")):
        return checksum
    return checksum.rpartition(":")[2].strip().lower()


def _deploy(want: HostWant, have: Facts, image: Image, rebuild: bool = False) -> Deploy:
    seen = have.node.inventory if have.node else None
    hints = pinned(want.root_device, match(want.root_device, seen.drives) if seen else None)
    return Deploy(image.url, image.checksum, disk_text(want, have), rebuild, hints)


def disk_text(want: HostWant, have: Facts) -> str:
    """The disk in words. It must read the same in the plan and, after inspection, in the step: consent is tied to it.

    So what the BMC tells comes first, then the document's hints, and what only the inspection can tell last.
    """
    told = match(want.root_device, have.bmc.drives) if have.bmc else None
    if told is not None:
        return describe(told)
    if want.root_device:
        return f"disk with {describe_hints(want.root_device)}"
    found = match(want.root_device, known_drives(have))
    return describe(found) if found else "the smallest disk of at least 4 GiB"


def changes(want: HostWant, have: Facts) -> tuple[Change, ...]:
    """The image, where it is not the one that is on the disk."""
    node, image = have.node, want.image
    if image is None or (node is not None and node.provision_state == "active" and same_image(node, image)):
        return ()
    new, old = _short(image.url), None
    if node is not None and node.provision_state == "active":
        old = _short(node.image_url)
        if old == new:
            old, new = f"{old} ({_bare(node.image_checksum)[:12]})", f"{new} ({_bare(image.checksum)[:12]})"
    return (Change("image", old, new, destroys=disk_text(want, have)),)


def _short(url: str) -> str:
    return url.rsplit("/", 1)[-1]


DEPLOYED = HostRequirement(
    "ImageDeployed", "node", check, "the documented image is on the root disk and was booted", changes,
    patience=3600.0, seconds=170.0)

