"""Images that BPA builds: the deployment ramdisk for Ironic and an operating system for the hosts."""

from bpa.images.build import ImageSet, Kind, build, cache_directory, cached
from bpa.images.errors import ImageError

__all__ = ["ImageError", "ImageSet", "Kind", "build", "cache_directory", "cached"]
