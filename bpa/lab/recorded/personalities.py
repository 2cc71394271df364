"""The vendors whose ways are known, each with from where."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bpa.lab.errors import LabError
from bpa.lab.recorded.personality import Personality

DMTF = Personality("dmtf", vendors=("contoso",), absolute_location=True, timeout_in_minutes=True, success="resource")

# RAC0218 with 503: gofish issue 75. SYS011 with 400: clients of iDRAC 9 and 10. PSU501 with 409: badfish.
# InsertMedia answered with 204: dell/terraform-provider-redfish issue 331. ETags: only where the tree has one.
DELL = Personality(
    "dell", vendors=("dell",), server="Apache", etags="recorded", success="message", delete_success="message",
    max_sessions=8, bios_jobs=True,
    error_message="A general error has occurred. See ExtendedInfo for more information",
    content_type="application/json;odata.metadata=minimal;charset=utf-8",
    same_power=(409, "IDRAC.2.7.PSU501", "Server is already powered {state}."),
    error_text={
        "SessionLimitExceeded": (503, "IDRAC.2.7.RAC0218", "The maximum number of user sessions is reached."),
        "PendingConfig": (400, "IDRAC.2.7.SYS011",
                          "Pending configuration values are already committed, unable to perform another set operation."),
        "MediaIn": (400, "IDRAC.2.7.VRM0012", "The Virtual Media image server is already connected."),
        "MediaOut": (400, "IDRAC.2.7.VRM0009", "No Virtual Media devices are currently connected."),
    },
)

# Lower-case URIs of the BIOS, gzip-only registries, UnableToModifyDuringSystemPOST: sushy and Ironic's code for iLO 5.
HPE = Personality(
    "hpe", vendors=("hpe", "hewlett packard enterprise"), server="HPE-iLO-Server/1.30", any_case=True, etags="weak",
    success="extended", post_success="extended", delete_success="extended", message_texts=False,
    error_code="iLO.0.10.ExtendedInfo", error_message="See @Message.ExtendedInfo for more information.",
    max_sessions=13, timeout_in_minutes=True, post_lock=True, registries_gzip_only=True,
    same_power=(400, "iLO.2.15.InvalidOperationForSystemState", "The operation was not successful due to the current "
                "power state."),
    error_text={
        "Staged": (200, "iLO.2.15.SystemResetRequired", "The system must be restarted."),
        "InPost": (400, "iLO.2.15.UnableToModifyDuringSystemPOST", "The property cannot be modified in POST."),
        "MediaIn": (400, "iLO.2.15.MaxVirtualMediaConnectionEstablished", "No more virtual media connections are available."),
        "MediaOut": (400, "iLO.2.15.NoVirtualMediaConnectionAvailable", "There is no virtual media connection."),
    },
)

# Media by PATCH with If-Match: gofish issue 529, lenovo/python-redfish-lenovo; other PATCHes without: gofish issue 171 and
# Lenovo's own documentation of Bios/Pending. One slot, two URIs (System and Manager).
LENOVO = Personality(
    "lenovo", vendors=("lenovo",), server="XCC Web Server", if_match=("VirtualMedia",), success="resource",
    media_mirrored=True, session_timeout=300,
)

# EjectMedia only while media is in, Inserted and WriteProtected refused, ImageName stays: community.general 6969, 12537.
SUPERMICRO = Personality(
    "supermicro", vendors=("supermicro",), success="success", post_success="success", delete_success="success",
    base_underscored=True, media_eject_when_in=True, media_keeps_name=True,
    media_refuses=("Inserted", "WriteProtected"), session_timeout=300,
)

INTEL = Personality("intel", vendors=("intel", "intel corporation"))

# The transitions of its host state are PowerStates: bmcweb's systems.hpp.
OPENBMC = Personality(
    "openbmc", vendors=("openbmc",), success="message", post_success="message", max_sessions=64, powering=True)

AMI = Personality("ami", vendors=("ami", "american megatrends", "gigabyte", "giga computing"), if_match=("*",))

# InsertMedia wants a TransferProtocolType, or a UserName and a Password: sushy's code for virtual media.
CISCO = Personality("cisco", vendors=("cisco", "cisco systems inc"), media_needs=("TransferProtocolType",))
NVIDIA = Personality("nvidia", vendors=("nvidia",), media_needs=("UserName", "Password"))

# A PATCH without If-Match is 412, and the image is shown without its port: a public test of bootwright.
XFUSION = Personality("xfusion", vendors=("xfusion", "huawei"), if_match=("*",), if_match_status=412, media_drops_port=True)

ALL: Mapping[str, Personality] = {p.name: p for p in (
    DMTF, DELL, HPE, LENOVO, SUPERMICRO, INTEL, OPENBMC, AMI, CISCO, NVIDIA, XFUSION)}


def named(name: str) -> Personality:
    """A personality by its name. Raises LabError."""
    if name not in ALL:
        raise LabError(f"no personality is called {name!r}; there are {', '.join(ALL)}")
    return ALL[name]


def chosen(*docs: Any) -> Personality:
    """The vendor that service root, Systems and Managers name; DMTF's where none is known."""
    told: list[str] = []
    for doc in docs:
        if isinstance(doc, dict):
            oem = doc.get("Oem")
            told += [str(doc.get(k) or "") for k in ("Vendor", "Manufacturer", "Product", "Model")]
            told += list(oem) if isinstance(oem, dict) else []
    for said in told:
        for one in ALL.values():
            if said and any(said.lower() == v or said.lower().startswith(f"{v} ") for v in one.vendors):
                return one
    return DMTF
