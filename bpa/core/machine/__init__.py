"""Everything that a BMC tells of one machine, section by section. Frozen, plain, serialisable by `dataclasses.asdict`.

Words are Redfish's, units and enumerations are ours: sizes in MiB (memory) or bytes (drives), speeds in MHz or Mbit/s,
power in watts, MACs in lower case with colons, PCI ids as four lower-case hex digits. "" and 0 mean "not told", None
means "not told" where 0 or False is an answer. `raw` holds what the BMC said wherever that was changed or left out.
"""

from bpa.core.machine.parts import (
    Accelerator,
    Cpu,
    Disk,
    Memory,
    MemoryModule,
    Network,
    Nic,
    PciDevice,
    Port,
    Power,
    PowerSupply,
    Processors,
    Raw,
    Sensor,
    Sensors,
    Storage,
    StorageController,
)
from bpa.core.machine.settings import (
    BiosAttribute,
    BiosFacts,
    Boot,
    BootOption,
    Security,
    Tpm,
)
from bpa.core.machine.whole import (
    Firmware,
    Identity,
    MachineFacts,
    Manager,
    Section,
    State,
)

__all__ = [
    "Accelerator",
    "BiosAttribute",
    "BiosFacts",
    "Boot",
    "BootOption",
    "Cpu",
    "Disk",
    "Firmware",
    "Identity",
    "MachineFacts",
    "Manager",
    "Memory",
    "MemoryModule",
    "Network",
    "Nic",
    "PciDevice",
    "Port",
    "Power",
    "PowerSupply",
    "Processors",
    "Raw",
    "Section",
    "Security",
    "Sensor",
    "Sensors",
    "State",
    "Storage",
    "StorageController",
    "Tpm",
]
