"""Exit codes: part of the interface, documented in docs/cli.md and in `bpa --help`."""

from __future__ import annotations

from enum import IntEnum


class Exit(IntEnum):
    """What a command came to."""

    MET = 0
    NOT_MET = 1
    NOT_SEEN = 2
    DOCUMENTS = 3
    NO_CONSENT = 4
    LOCKED = 5
    LAB = 6
    STATE = 7
    USAGE = 64
    BUG = 70
    INTERRUPTED = 130


MEANING = {
    Exit.MET: "done: everything is as the documents say",
    Exit.NOT_MET: "not so: drift, a host that is stuck, or a plan that cannot be done",
    Exit.NOT_SEEN: "could not look: a BMC, Ironic or a host did not answer",
    Exit.DOCUMENTS: "the documents are wrong; nothing was touched",
    Exit.NO_CONSENT: "data would be destroyed and nobody agreed; nothing was touched",
    Exit.LOCKED: "another apply is at work on this site",
    Exit.LAB: "the lab or the images could not be built, started or stopped",
    Exit.STATE: "the site's state or a report cannot be read or written",
    Exit.USAGE: "wrong use of the command line",
    Exit.BUG: "a bug of BPA",
    Exit.INTERRUPTED: "interrupted; apply again to go on",
}
