"""What a verdict says to people: why, and what is done about it, each once."""

from __future__ import annotations

import pytest

from bpa.core.steps import RestartHost, RunOnHost, Step
from bpa.core.verdict import Act

LACKS = "the running kernel lacks iommu=pt"


@pytest.mark.parametrize(("step", "reason", "text"), [
    (RestartHost(LACKS), f"{LACKS}; running: none of these; next start: iommu=pt",
     f"{LACKS}; running: none of these; next start: iommu=pt: restart the host"),
    (RestartHost(LACKS), LACKS, f"{LACKS}: restart the host"),
    (RestartHost(LACKS), "", f"restart the host: {LACKS}"),
    (RestartHost("the goal takes effect"), "a goal waits on socket 0",
     "a goal waits on socket 0: restart the host: the goal takes effect"),
    (RunOnHost(("modprobe", "vfio"), "load vfio"), "not loaded: vfio", "not loaded: vfio: load vfio"),
    (RunOnHost(("x",), "stage kernel arguments: quiet"), "it is not there yet",
     "it is not there yet: stage kernel arguments: quiet"),
])
def test_a_step_does_not_repeat_its_reason(step: Step, reason: str, text: str) -> None:
    assert Act(step, reason).text == text
