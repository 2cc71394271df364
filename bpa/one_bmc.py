"""One BMC by its address, without a site; or that of one host of a site, with what its documents say."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from bpa import place
from bpa.adapters.errors import Refused
from bpa.adapters.redfish import Bmc, BmcAccess
from bpa.adapters.redfish.target import Target
from bpa.bmc_memory import BmcMemory
from bpa.core.secret import Secret
from bpa.lab import namespace

if TYPE_CHECKING:
    from bpa.core.want import HostWant


@dataclass(frozen=True, slots=True)
class Credentials:
    """What the command line says of how to reach a BMC; None = not said."""

    username: str | None = None
    password: Secret | None = None
    ca: Path | None = None
    insecure: bool = False
    system: str | None = None


@dataclass(frozen=True, slots=True)
class OneBmc:
    """How to reach it, and the host of the documents that it belongs to (None where an address was given)."""

    access: BmcAccess
    want: HostWant | None = None

    @contextmanager
    def open(self) -> Iterator[Target]:
        """Its System, to be read and changed; logged out at the end, whatever happens. Nothing is contacted yet.

        Raises Refused where the address is no URL.
        """
        with Target(self.access) as target:
            yield target

    def bmc(self) -> Bmc:
        """The same as the engine sees it; a context manager that logs out."""
        return Bmc(self.access)


def find_bmc(name: str, given: Credentials, site: str | None = None) -> OneBmc:
    """The BMC of host `name` of the site where a site is told or `name` is no address; else the BMC at that address.

    Enters the network namespace that the site, or the running lab, wants. Raises Refused, DocumentErrors, NoSite.
    """
    by_name = site is not None or not _is_address(name)
    found = _of_host(name, given, site) if by_name else OneBmc(_at_address(name, given))
    return replace(found, access=BmcMemory().remembered(found.access, insecure=given.insecure))


def find_origin(name: str, site: str | None = None) -> str:
    """https://host[:port] of that BMC, without any credentials. Enters the network namespace, and raises, as find_bmc."""
    nobody = Credentials("", Secret(""))
    if site is not None or not _is_address(name):
        return _of_host(name, nobody, site).access.origin
    return _at_address(name, nobody).origin


def _is_address(name: str) -> bool:
    # A host's name is a DNS label (no dot, no colon) in Kubernetes' documents, and "localhost" is nobody's.
    return "." in name or ":" in name or "/" in name or name == "localhost"


def _at_address(name: str, given: Credentials) -> BmcAccess:
    url, system = name, None
    scheme = name.partition("://")[0] if "://" in name else ""
    if scheme in ("http", "https"):
        parts = urlsplit(name)
        url, path = f"{scheme}://{parts.netloc}", parts.path.rstrip("/")
        system = path if "/Systems/" in path else None
    elif scheme:
        from bpa.documents.bmc_address import NotRedfish, parse_bmc_address

        try:
            address = parse_bmc_address(name)
        except NotRedfish as error:
            raise Refused(str(error), f"write {error.suggestion}" if error.suggestion else "") from None
        url, system = address.url, address.system
    if given.username is None or given.password is None:
        raise Refused(f"no credentials are given for {urlsplit(url).hostname or url}",
                      "--user NAME and --password-file FILE (- reads standard input), or BPA_BMC_USER and BPA_BMC_PASSWORD")
    access = BmcAccess(url, given.username, given.password, _verify(given, None), given.system or system)
    lab = namespace.lab_of([urlsplit(access.origin).hostname or ""])
    if lab is not None:
        namespace.enter(lab.namespace)
        access = BmcAccess(url, given.username, given.password, _verify(given, lab.ca), access.system)
    return access


def _of_host(name: str, given: Credentials, source: str | None) -> OneBmc:
    # Half a second of imports, which one BMC at an address does without.
    from bpa import documents
    from bpa.wiring import with_lab

    place_of = place.find_site(source)
    site = with_lab(documents.load("-" if place_of == "-" else Path(place_of)), simulate=False)
    host = site.host(name)
    if host is None:
        raise Refused(f"{site.name} has no host {name}; it has {', '.join(h.want.name for h in site.hosts) or 'none'}",
                      "give the name of a BareMetalHost, or the BMC's address")
    want = host.want
    verify = _verify(given, site.settings.bmc_ca) if host.verify else False
    return OneBmc(BmcAccess(want.bmc, given.username or host.bmc_username.reveal(), given.password or host.bmc_password,
                            verify, given.system or want.system, want.uuid, want.serial, want.boot_mac), want)


def _verify(given: Credentials, ca: Path | None) -> bool | str:
    if given.insecure:
        return False
    chosen = given.ca or ca
    return str(chosen) if chosen else True
