"""From where one System boots next."""

from __future__ import annotations

from typing import Literal

from bpa.adapters.errors import Unsupported
from bpa.adapters.redfish.reading import inner, texts
from bpa.adapters.redfish.target import Target

Enabled = Literal["Once", "Continuous", "Disabled"]


def set_boot_override(target: Target, source: str, enabled: Enabled = "Once") -> None:
    """BootSourceOverride to source (Pxe, Cd, Hdd, UefiHttp, None, …); Once where Continuous is not allowed."""
    answer = target.system()
    boot = inner(answer.body, "Boot")
    sources = texts(boot, "BootSourceOverrideTarget@Redfish.AllowableValues")
    if sources and source not in sources:
        raise Unsupported(f"{target.origin} cannot boot from {source}, only from {', '.join(sources)}")
    modes = texts(boot, "BootSourceOverrideEnabled@Redfish.AllowableValues")
    chosen = "Once" if enabled == "Continuous" and modes and enabled not in modes else enabled
    change = {"Boot": {"BootSourceOverrideTarget": source, "BootSourceOverrideEnabled": chosen}}
    target.link.patch(target.system_path(), change, answer.etag)
