"""Where a site's documents come from, and where its state is kept."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

from bpa.adapters.errors import Refused
from bpa.lab.layout import Layout


class NoSite(Refused):
    """Nothing says which site is meant."""


def find_site(given: str | None) -> str:
    """The source of documents: as given, else $BPA_SITE, else this directory, else the running lab's site.

    Raises NoSite where none of them has documents.
    """
    if given is not None:
        return given
    named = os.environ.get("BPA_SITE")
    if named:
        return named
    here = Path.cwd()
    if any("apiVersion" in path.read_text(errors="replace")[:10_000] for path in sorted(here.glob("*.y*ml"))):
        return str(here)
    lab = Layout.default().site
    if os.access(lab, os.R_OK) and any(lab.glob("*.y*ml")):
        return str(lab)
    raise NoSite("no site is given, and there are no documents here",
                 "bpa COMMAND SITE, or set BPA_SITE; or start the lab: bpa lab up")


def state_directory(name: str, source: str) -> Path:
    """Where the site's state is: $BPA_STATE/NAME-hash, by default under /var/lib/bpa/sites, or ~/.local/state for users.

    The hash is of the documents' place, so that two directories with one name do not share state; for standard
    input there is no place, and the name alone decides.
    """
    return _base() / (name if source == "-" else f"{name}-{_mark(source)}")


def states_of(source: str) -> tuple[Path, ...]:
    """The state directories of the documents at this place, whatever names they have had."""
    return tuple(sorted(_base().glob(f"*-{_mark(source)}")))


def bmc_directory() -> Path:
    """Where is kept what belongs to a BMC and not to a site: its pinned certificate, sessions not closed yet."""
    # No site is called so: their names have no underscore.
    return _base() / "_bmc"


def _base() -> Path:
    given = os.environ.get("BPA_STATE")
    if given is not None:
        return Path(given)
    if os.geteuid() == 0:
        return Path("/var/lib/bpa/sites")
    return Path(os.environ.get("XDG_STATE_HOME", Path.home() / ".local/state")) / "bpa"


def _mark(source: str) -> str:
    return hashlib.sha256(str(Path(source).resolve()).encode()).hexdigest()[:8]
