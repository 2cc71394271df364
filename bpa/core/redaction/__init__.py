"""What may be shown of a machine: its Redfish tree without its identity, what its commands print without secrets."""

from bpa.core.redaction.kinds import KINDS, MEANING, Kind
from bpa.core.redaction.printed import printed_without_secrets, seen_without_secrets
from bpa.core.redaction.redactor import Redactor
from bpa.core.redaction.secrets import REDACTED, without_secrets

__all__ = [
    "KINDS", "MEANING", "REDACTED", "Kind", "Redactor", "printed_without_secrets", "seen_without_secrets", "without_secrets",
]
