"""The System that is meant behind one BMC: found once, looked at as often as needed. Every capability starts here."""

from __future__ import annotations

from collections.abc import Iterator
from types import TracebackType

from bpa.adapters.errors import Unsupported
from bpa.adapters.redfish.access import BmcAccess
from bpa.adapters.redfish.quirks import Quirks, firmware_decides, identify, quirks_of
from bpa.adapters.redfish.reading import Json, Reader, inner, objects
from bpa.adapters.redfish.systems import find_system
from bpa.adapters.redfish.transport.answers import Missing
from bpa.adapters.redfish.transport.link import Link
from bpa.adapters.redfish.transport.wire import Answer


class Target:
    """Use as a context manager: it logs out. Every method raises the four adapter errors only."""

    def __init__(self, access: BmcAccess) -> None:
        self.access = access
        self.link = Link(access)
        self.origin = access.origin
        self._path = ""
        self._quirks: Quirks | None = None
        self._tuned = False

    def reader(self) -> Reader:
        """A reader with no problems noted yet: one for each section."""
        return Reader(self.link)

    def system_path(self, reader: Reader | None = None) -> str:
        """Path of the System, as the BMC spells it."""
        if not self._path:
            self._path = find_system(reader or self.reader(), self.access)
        return self._path

    def system(self, reader: Reader | None = None) -> Answer:
        """The System as it is now. Raises Unsupported where it is empty."""
        reader = reader or self.reader()
        path = self.system_path(reader)
        try:
            answer = reader.resource(path)
        except Missing:
            # Gone behind our back (a BMC replaced or updated): what was found before counts no more.
            self._path = ""
            raise
        if not answer.body:
            raise Unsupported(f"{self.origin}{path} is empty: not a usable System")
        if not self._tuned:
            self._tuned = True
            self._tune(quirks_of(identify(self.link.root(), answer.body)))
        return answer

    def managers(self, reader: Reader, system: Json) -> Iterator[tuple[str, Json]]:
        """Path and body of the managers of this System (Links.ManagedBy); of all managers where it names none."""
        named = objects(inner(system, "Links"), "ManagedBy")
        if named:
            yield from reader.each(named)
        else:
            yield from reader.collection(self.link.root(), "Managers")

    def chassis(self, reader: Reader, system: Json) -> Iterator[tuple[str, Json]]:
        """Path and body of the chassis that this System is in (Links.Chassis)."""
        yield from reader.each(objects(inner(system, "Links"), "Chassis"))

    @property
    def quirks(self) -> Quirks:
        """What is known of this vendor, model and firmware; found once, and kept. Raises the adapter errors.

        Costs a look at the System, and at its Managers where a firmware version decides.
        """
        if self._quirks is None:
            reader = self.reader()
            system = self.system(reader).body
            who = identify(self.link.root(), system)
            if firmware_decides(who):
                who = identify(self.link.root(), system, (body for _, body in self.managers(reader, system)))
            self._quirks = quirks_of(who)
            self._tune(self._quirks)
        return self._quirks

    def forget(self) -> None:
        """Another machine is behind the address: what was found out about this one counts no more."""
        self._quirks, self._tuned = None, False

    def _tune(self, known: Quirks) -> None:
        """Read as this BMC bears it; from what has been read already, before a version is known."""
        self.link.expanding.wanted = self.link.expanding.wanted and known.expand
        if known.parallel:
            self.link.parallel = min(self.link.parallel, known.parallel)

    def close(self) -> None:
        """Log out and hang up. May be called twice; a later look logs in again."""
        self.link.close()

    def __enter__(self) -> Target:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
