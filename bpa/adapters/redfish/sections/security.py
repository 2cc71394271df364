"""Secure Boot and trusted modules."""

from __future__ import annotations

import re

from bpa.adapters.redfish.reading import Json, Reader, absent, objects, text
from bpa.adapters.redfish.sections.ground import Ground
from bpa.adapters.redfish.sections.normal import enabled, flag, raw, state, told
from bpa.adapters.redfish.sections.tree import optional
from bpa.core.machine import Security, Tpm


def read_security(reader: Reader, ground: Ground) -> Security:
    """SecureBoot of the System, and its TrustedModules that are there."""
    secure = optional(reader, ground.system, "SecureBoot")
    return Security(
        secure_boot=flag(secure, "SecureBootEnable"),
        secure_boot_now=enabled(text(secure, "SecureBootCurrentBoot")),
        secure_boot_mode=text(secure, "SecureBootMode"),
        tpms=tuple(_tpm(module) for module in objects(ground.system, "TrustedModules") if not absent(module)),
    )


def _tpm(module: Json) -> Tpm:
    """InterfaceType TPM1_2, TPM2_0 or TCM1_0, as the version printed on the module."""
    said = text(module, "InterfaceType")
    known = re.fullmatch(r"TPM(\d)_(\d)", said)
    version = f"{known[1]}.{known[2]}" if known else said
    return Tpm(version, told(module, "FirmwareVersion"), state(module), raw(module, "InterfaceType") if known else {})
