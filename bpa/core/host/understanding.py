"""An answer of the host that BPA cannot read is a cause to tell, and no bug to end with.

The tools on a host are of any version: what they print may change. Probes ask in the C locale, for formats made for
programs wherever a tool has one; what is none of that all the same ends here.
"""

from __future__ import annotations

from dataclasses import replace
from functools import wraps

from bpa.core.facts import Facts
from bpa.core.requirement import Change, HostRequirement
from bpa.core.verdict import Stuck, Verdict
from bpa.core.want import HostWant

ADVICE = ("a tool on the host is newer than BPA knows, or prints in another language: send us the file that `bpa host collect` "
          "writes; until then use the tool's version of the image that worked")


def understood(one: HostRequirement) -> HostRequirement:
    """The same requirement; where it cannot read what the host said, it is stuck and says where it was read."""
    if one.needs != "os":
        return one

    @wraps(one.check)
    def check(want: HostWant, have: Facts) -> Verdict:
        try:
            return one.check(want, have)
        except (ValueError, LookupError) as error:
            return Stuck(f"what the host said is not understood: {error} ({_place(error)})", ADVICE)

    @wraps(one.changes)
    def changes(want: HostWant, have: Facts) -> tuple[Change, ...]:
        try:
            return one.changes(want, have)
        except (ValueError, LookupError):
            return ()  # the check tells of it

    return replace(one, check=check, changes=changes)


def _place(error: Exception) -> str:
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    if trace is None:
        return type(error).__name__
    code = trace.tb_frame.f_code
    return f"{type(error).__name__} in {code.co_name} of {code.co_filename.rpartition('/')[2]}"
