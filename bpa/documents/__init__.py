"""A site's YAML documents as typed values: `load(source)` gives a Site, or DocumentErrors with all that is wrong."""

from bpa.core.want import Package
from bpa.documents.errors import DocumentError, DocumentErrors
from bpa.documents.load import load
from bpa.documents.profiles import builtin_directory
from bpa.documents.site import (
    Concurrency,
    EmbeddedIronicSettings,
    HostDocument,
    ImageSettings,
    IronicCloudSettings,
    IronicEndpointSettings,
    KudSettings,
    Site,
    SiteSettings,
    SoftwareWant,
    SshSettings,
)

__all__ = [
    "Concurrency",
    "DocumentError",
    "DocumentErrors",
    "EmbeddedIronicSettings",
    "HostDocument",
    "ImageSettings",
    "IronicCloudSettings",
    "IronicEndpointSettings",
    "KudSettings",
    "Package",
    "Site",
    "SiteSettings",
    "SoftwareWant",
    "SshSettings",
    "builtin_directory",
    "load",
]
