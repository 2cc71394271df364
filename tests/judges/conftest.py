"""Outside judges of the recorded machine as a machine: see docs/validators.md. Its place makes its helpers importable."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "redfish"))
