"""Ironic's provision states, and what its errors mean to a person.

Source: ironic/common/states.py (states and verbs); the messages are those of Ironic and ironic-python-agent.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from bpa.core.facts import NodeFacts
from bpa.core.verdict import Stuck, Wait

LOOK_EVERY = 1.0
MAX_RETRIES = 3
UNDER_WAY: Mapping[str, str] = {
    "verifying": "Ironic is checking that it can reach the BMC",
    "inspecting": "Ironic is preparing the inspection",
    "inspect wait": "the ramdisk is booting and looking at the hardware",
    "cleaning": "Ironic is cleaning the host",
    "clean wait": "the ramdisk is cleaning the host",
    "deploying": "Ironic is deploying",
    "wait call-back": "the ramdisk is booting or writing the image",
    "deleting": "Ironic is taking the image's deployment down",
    "adopting": "Ironic is adopting the host",
    "rescuing": "Ironic is putting the host into rescue mode",
    "rescue wait": "the rescue ramdisk is booting",
    "unrescuing": "Ironic is ending rescue mode",
    "servicing": "Ironic is servicing the host",
    "service wait": "the ramdisk is servicing the host",
}
NOT_OURS: Mapping[str, tuple[str, str]] = {
    "rescue": ("the host is in rescue mode", "end it with `openstack baremetal node unrescue {name}`"),
    "clean hold": ("a clean step holds the host", "let it go on with `openstack baremetal node unhold {name}`"),
    "deploy hold": ("a deploy step holds the host", "let it go on with `openstack baremetal node unhold {name}`"),
    "service hold": ("a service step holds the host", "let it go on with `openstack baremetal node unhold {name}`"),
    "rescue failed": ("rescue mode failed", "end it with `openstack baremetal node unrescue {name}`"),
    "unrescue failed": ("ending rescue mode failed", "try again with `openstack baremetal node unrescue {name}`"),
    "service failed": ("servicing failed", "go back with `openstack baremetal node abort {name}`"),
}
FAILED: Mapping[str, str] = {
    "deploy failed": "writing the image failed",
    "inspect failed": "inspection failed",
    "clean failed": "cleaning failed",
    "adopt failed": "adoption failed",
    "error": "taking the deployment down failed",
}
AT_REST = ("enroll", "manageable", "available", "active")


@dataclass(frozen=True, slots=True)
class Cause:
    """What a message that matches `pattern` means: advice, the state of the disk, and whether trying again may help."""

    pattern: str
    advice: str
    disk: str = ""
    passes: bool = False


CAUSES = (
    Cause(r"can'?t be resumed by conductor|conductor.*(restart|went away|died|stopp)",
          "nothing to do: Ironic was restarted in the middle; it is tried again", passes=True),
    Cause(r"checksum",
          "compare image.checksum in the document with the checksum of the image, correct it and apply again",
          "the image was streamed to the disk but not accepted: what was on it is gone, and the host did not boot it"),
    Cause(r"no suitable device|root device hint|does not match.*hint|could not find.*root device",
          "correct rootDeviceHints: `bpa facts` lists the disks that were found", "no disk was written"),
    Cause(r"too (small|big|large)|no space left|not enough (disk )?space|exceeds",
          "give the host a larger disk by rootDeviceHints, or a smaller image", "the disk may hold part of the image"),
    Cause(r"invalid image|image format|disk_format|unsafe|failed validation of.*image|image .*is not",
          "correct image.format in the document, or the image", "no disk was written"),
    Cause(r"image.*(could not be found|not be reached|unreachable|download|404|refused|validation)|got http code|"
          r"unable to (download|fetch)|failed to download|error downloading image|download of image|"
          r"name or service not known|ImageRefValidation",
          "check that image.url can be fetched from Ironic and from the host's provisioning network",
          "the disk may hold part of the image"),
    Cause(r"certificate|CERTIFICATE_VERIFY_FAILED|SSL",
          "check the CA of the BMC (spec.bmc.caFile) or disableCertificateVerification"),
    Cause(r"\b401\b|\b403\b|unauthori[sz]ed|authenticat|access ?error|invalid credentials",
          "correct the user name and password in the Secret that bmc.credentialsName names"),
    Cause(r"timeout reached|timed out waiting|no callback|waiting for callback",
          "look at the host's console: the ramdisk did not call back; check virtual media, and that the network of the "
          "boot MAC reaches Ironic"),
    Cause(r"virtual ?media|insert.*media|boot ?iso|mkisofs|failed to create .*iso",
          "check that the BMC can mount virtual media, and fetch it over HTTP from Ironic's image server"),
    Cause(r"\b503\b|temporarily|unavailable|timed? ?out|connection (refused|reset|aborted)|unable to connect",
          "check that the BMC answers", passes=True),
    Cause(r"lookup|no node found|mac address",
          "check bootMACAddress: the ramdisk found no such network card"),
)


def cause_of(message: str) -> Cause | None:
    """The first known cause that a message of Ironic points to."""
    return next((cause for cause in CAUSES if re.search(cause.pattern, message, re.IGNORECASE)), None)


def trimmed(message: str) -> str:
    """Ironic's words, unchanged but for white space and length."""
    return " ".join(message.split())[:600]


def may_pass(node: NodeFacts) -> bool:
    """Whether the failure is over: a person or a new document answered it, or it is of a kind that passes."""
    if not node.last_error:
        return True
    cause = cause_of(node.last_error)
    return cause is not None and cause.passes and node.retries < MAX_RETRIES


def under_way(node: NodeFacts) -> Wait | None:
    """The Wait for a state that Ironic leaves by itself."""
    what = UNDER_WAY.get(node.provision_state)
    return Wait(f"{what} ({node.provision_state})", LOOK_EVERY) if what else None


def not_ours(node: NodeFacts, name: str) -> Stuck | None:
    """The Stuck for a state into which a person, not BPA, brought the node, or that BPA does not know."""
    if node.provision_state in NOT_OURS:
        what, advice = NOT_OURS[node.provision_state]
        error = f": {trimmed(node.last_error)}" if node.last_error else ""
        return Stuck(f"{what}{error}", advice.format(name=name))
    if node.provision_state in (*UNDER_WAY, *FAILED, *AT_REST, ""):
        return None
    return Stuck(f"Ironic says that the node is '{node.provision_state}', which BPA does not know",
                 f"look at `openstack baremetal node show {name}`")


def failure(node: NodeFacts) -> Stuck:
    """The Stuck for a failed state: what failed, Ironic's last_error, the state of the disk, and what to do."""
    what = FAILED.get(node.provision_state, f"the node is {node.provision_state}")
    cause = cause_of(node.last_error)
    reason = f"{what}: {trimmed(node.last_error) or 'Ironic gives no reason'}"
    if cause and cause.disk and node.provision_state == "deploy failed":
        reason += f" [{cause.disk}]"
    advice = cause.advice if cause else "look at Ironic's log and the host's console, remove the cause"
    return Stuck(reason, f"{advice}; then apply again")
