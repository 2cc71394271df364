"""Logging in and out, what a killed run left behind, and changing a password."""
