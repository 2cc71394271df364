"""Software that a host needs beyond its image, and where it comes from."""

from bpa.core.host.software import reading, sources
from bpa.core.host.software.packages import INSTALLED
from bpa.core.host.software.sources import READY

PROBES = {**sources.PROBES, **reading.PROBES}

__all__ = ["INSTALLED", "PROBES", "READY"]
