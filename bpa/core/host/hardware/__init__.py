"""Minimum hardware and the right machine: seen by the BMC, by Ironic's inspection, and by the running system."""

from bpa.core.host.hardware.fits import FITS, check, known_drives
from bpa.core.host.hardware.probe import PROBES
from bpa.core.host.hardware.seen import SEEN

__all__ = ["FITS", "PROBES", "SEEN", "check", "known_drives"]
