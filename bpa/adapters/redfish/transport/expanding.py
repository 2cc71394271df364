"""$expand: a whole collection in one answer, used only where it is announced and does what it says."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from typing import Any

from bpa.adapters.errors import AdapterError
from bpa.adapters.redfish.transport.answers import Denied, Faulty, Missing
from bpa.adapters.redfish.transport.wire import Answer

LOG = logging.getLogger(__name__)
Json = Mapping[str, Any]


class Expanding:
    """wanted may be set to False (a quirk); it is so by itself once the BMC has not kept its word."""

    def __init__(self) -> None:
        self.wanted = True
        self._proven = False

    def query(self, root: Json) -> str:
        """What to append to a collection's path (DSP0266, 7.3.3: "." expands all but Links); "" = not possible."""
        features = root.get("ProtocolFeaturesSupported")
        expand = features.get("ExpandQuery") if isinstance(features, Mapping) else None
        if not self.wanted or not isinstance(expand, Mapping):
            return ""
        sign = "." if expand.get("NoLinks") is True else "*" if expand.get("ExpandAll") is True else ""
        if not sign:
            return ""
        return f"?$expand={sign}" + ("($levels=1)" if expand.get("Levels") is True else "")

    def judge(self, answer: Answer, member: Callable[[Json], Json]) -> bool:
        """Whether the members are there with their bodies. The first time, one is compared with the resource itself."""
        members = answer.body.get("Members")
        count = answer.body.get("Members@odata.count")
        if not isinstance(members, list) or not members or not isinstance(count, int):
            return False  # nothing that could be checked: it is asked for plainly
        whole = [m for m in members if isinstance(m, Mapping) and isinstance(m.get("@odata.id"), str)]
        paged = "Members@odata.nextLink" in answer.body
        if any(len(m) < 3 for m in whole) or len(whole) != len(members) or (count != len(members) and not paged):
            self._give_up("it answers with references, or not with all members")
            return False
        if not self._proven:
            try:
                alone = member(whole[0])
            except (Missing, Denied, Faulty):
                return True  # this one cannot be read by itself; the next collection will tell
            missing = {key for key in alone if not key.startswith("@odata.")} - set(whole[0])
            if missing:
                self._give_up(f"expanded members lack {', '.join(sorted(missing)[:3])}")
                return False
            self._proven = True
        return True

    def fails(self, error: AdapterError) -> None:
        """It was announced, and refused."""
        self._give_up(str(error))

    def _give_up(self, why: str) -> None:
        self.wanted = False
        LOG.info("$expand is not used on this BMC: %s", why)
