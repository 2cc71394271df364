"""One BMC by Redfish: our own connection underneath, plain JSON above it, because real machines bend the schema."""

from bpa.adapters.redfish.access import BmcAccess
from bpa.adapters.redfish.bmc import ALL, QUICK, Bmc, Section

__all__ = ["ALL", "QUICK", "Bmc", "BmcAccess", "Section"]
