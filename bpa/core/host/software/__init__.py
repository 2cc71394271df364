"""Software that a host needs beyond its image, and where it comes from."""

from bpa.core.host.software import clock, files, reading, registries, sources
from bpa.core.host.software.clock import IN_STEP
from bpa.core.host.software.packages import INSTALLED
from bpa.core.host.software.registries import MIRRORED
from bpa.core.host.software.sources import READY

PROBES = {**sources.PROBES, **reading.PROBES, **clock.PROBES, **registries.PROBES}
OWNED = (*files.OWNED, *reading.OWNED, *clock.OWNED, *registries.OWNED)

__all__ = ["INSTALLED", "IN_STEP", "MIRRORED", "OWNED", "PROBES", "READY"]
