"""Images that BPA builds: the deployment ramdisk for Ironic and an operating system for the hosts."""

from bpa.images.build import ImageError, ImageSet, Kind, build, cache_directory, cached

__all__ = ["ImageError", "ImageSet", "Kind", "build", "cache_directory", "cached"]
