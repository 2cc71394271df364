"""Power, resets, and waiting for the end of POST."""
