"""Its place makes `tests` importable for all of them: `from polling import until`."""

from hypothesis import settings

# How long an example takes is no property of the code: on a busy machine any of them takes longer than hypothesis allows.
settings.register_profile("no clock", deadline=None)
settings.load_profile("no clock")
