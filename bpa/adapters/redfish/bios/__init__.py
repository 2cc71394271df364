"""BIOS attributes: read, described by their registry, and staged."""
