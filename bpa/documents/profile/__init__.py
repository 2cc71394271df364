"""The sections of a HardwareProfile document, one reader each."""
