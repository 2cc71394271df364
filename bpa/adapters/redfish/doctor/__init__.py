"""`bpa bmc doctor`: reads a BMC and tells what provisioning, and Ironic, can do with it."""

from bpa.adapters.redfish.doctor.diagnose import diagnose

__all__ = ["diagnose"]
