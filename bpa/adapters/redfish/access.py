"""How to reach one BMC, and which of its Systems is meant."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from bpa.adapters.errors import Refused
from bpa.adapters.redfish.login.shelf import SessionShelf
from bpa.core.secret import Secret


@dataclass(frozen=True, slots=True)
class BmcAccess:
    """address: base URL (https where no scheme is given). verify: True, a CA bundle's path, or False if told so.

    system is the explicit path of the System; without it uuid, serial or boot MAC choose among several. pin: SHA-256
    (hex) of the one certificate that is accepted, which then decides instead of verify. parallel: GETs at once. shelf:
    where sessions are remembered until they are closed; without it only this process knows of them.
    """

    address: str
    username: str
    password: Secret
    verify: bool | str = True
    system: str | None = None
    uuid: str | None = None
    serial: str | None = None
    mac: str | None = None
    pin: str = ""
    parallel: int = 2
    shelf: SessionShelf | None = field(default=None, repr=False, compare=False)

    @property
    def origin(self) -> str:
        """scheme://host[:port], the only place that requests ever go to. Raises Refused where address is no URL."""
        text = self.address if "://" in self.address else f"https://{self.address}"
        try:
            parts = urlsplit(text)
            port = parts.port
        except ValueError as error:
            raise Refused(f"the BMC address is not a URL: {error}", "correct the address") from None
        if parts.scheme not in ("https", "http") or not parts.hostname:
            raise Refused(
                f"the BMC address is not an http(s) URL: {parts.scheme}://{parts.hostname or ''}",
                "write it as https://ADDRESS[:PORT]",
            )
        if parts.username is not None or parts.password is not None:
            raise Refused(f"the address of BMC {parts.hostname} carries credentials", "put them into a Secret")
        host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
        return f"{parts.scheme}://{host}" + (f":{port}" if port else "")

    def checked_verify(self) -> bool | str:
        """verify, once the CA bundle it names is known to exist. Raises Refused."""
        if isinstance(self.verify, str) and not Path(self.verify).exists():
            raise Refused(f"the CA file {self.verify} does not exist", "correct the path, or make the file")
        return self.verify
