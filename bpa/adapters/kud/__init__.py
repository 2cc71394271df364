"""KuD on this machine: hand it files, run its installer detached, find it again, read what it left."""

from bpa.adapters.kud.kud import Kud
from bpa.adapters.kud.log import LogTail

__all__ = ["Kud", "LogTail"]
