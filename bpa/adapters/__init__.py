"""The hands and eyes: each adapter speaks one protocol and returns plain values."""
