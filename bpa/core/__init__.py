"""The decisions: pure functions over frozen values. No I/O, clock, randomness or logging in here."""
