"""Its place makes `tests` importable for all of them: `from polling import until`."""
