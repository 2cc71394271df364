"""A BMC as the lab runs it, on a hypervisor in memory."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import fake_libvirt
from werkzeug.test import Client, TestResponse

HYPERVISOR = fake_libvirt.Hypervisor()
PASSWORD = "right"


class Bmc:
    """The application behind its gate, with the host it manages."""

    def __init__(self, directory: Path) -> None:
        from bpa.core.secret import Secret
        from bpa.lab import bmc, machine
        from bpa.lab.bmc_config import BmcConfig
        from bpa.lab.hosts import LabHost

        self.host, self.faults, self.state = LabHost(0), directory / "faults.json", directory / "state"
        self.hypervisor = HYPERVISOR
        self.files = machine.Files(directory / "disk", (directory / "nvdimm0", directory / "nvdimm1"),
                                   *(directory / name for name in ("nvme", "nvram", "console")))
        self.config = BmcConfig(
            "127.0.0.1", 0, "admin", Secret(PASSWORD), "test:///default", self.state, self.faults, (self.host,)
        )
        self.reset()
        self.application, self.driver = bmc.build(self.config)
        self.system = f"/redfish/v1/Systems/{self.host.uuid}"

    def reset(self) -> None:
        from bpa.lab import machine

        self.hypervisor.definitions = {self.host.uuid: machine.render(self.host, self.files, kvm=False)}
        self.hypervisor.running, self.hypervisor.acts, self.hypervisor.starts_refused = {}, [], False
        self.faults.unlink(missing_ok=True)
        for file in self.state.glob("bios-*"):
            file.unlink()

    def ask(
        self, method: str, path: str, body: Any = None, password: str | None = PASSWORD, **headers: str
    ) -> TestResponse:
        auth = None if password is None else ("admin", password)
        return Client(self.application).open(
            path, method=method, json=body, auth=auth, headers={k.replace("_", "-"): v for k, v in headers.items()}
        )

    def reset_system(self, kind: str) -> int:
        return self.ask("POST", f"{self.system}/Actions/ComputerSystem.Reset", {"ResetType": kind}).status_code

    def stage(self, **attributes: Any) -> TestResponse:
        return self.ask("PATCH", f"{self.system}/BIOS/Settings", {"Attributes": attributes})

    def bios(self) -> dict[str, Any]:
        found: dict[str, Any] = self.ask("GET", f"{self.system}/BIOS").get_json()["Attributes"]
        return found
