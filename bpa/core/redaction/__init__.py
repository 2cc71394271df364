"""Taking a machine's identity out of its Redfish tree, so that the tree can be shown: consistent, typed, complete."""

from bpa.core.redaction.kinds import KINDS, MEANING, Kind
from bpa.core.redaction.redactor import Redactor
from bpa.core.redaction.secrets import REDACTED, without_secrets

__all__ = ["KINDS", "MEANING", "REDACTED", "Kind", "Redactor", "without_secrets"]
