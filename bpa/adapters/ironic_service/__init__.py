"""Ironic run by BPA itself, for a site that names none: one process, SQLite, HTTP basic authentication."""

from bpa.adapters.ironic_service.conf import Ramdisk, Settings, render_conf
from bpa.adapters.ironic_service.service import EmbeddedIronic, Running, Status

__all__ = ["EmbeddedIronic", "Ramdisk", "Running", "Settings", "Status", "render_conf"]
