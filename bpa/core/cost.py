"""What it takes to mend something: done at once, with a restart, with consent, or to the harm of what runs on the host."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from bpa.core.requirement import Change
from bpa.core.steps import Step


@dataclass(frozen=True, slots=True)
class Cost:
    """What mending takes. restarts: firmware, kernel; destroys: data by name; takes: what is taken away from who has it;
    disrupts: what running workloads lose. Destroying and taking away need consent.
    """

    restarts: tuple[str, ...] = ()
    destroys: tuple[str, ...] = ()
    takes: tuple[str, ...] = ()
    disrupts: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        """For people."""
        parts = [f"with a {one} restart" for one in self.restarts]
        parts += [f"with consent: it destroys {one}" for one in self.destroys]
        parts += [f"with consent: it takes away {one}" for one in self.takes]
        parts += [f"it disrupts {one}" for one in self.disrupts]
        return "; ".join(parts) or "at once"


def cost_of(step: Step | None, changes: Iterable[Change] = ()) -> Cost:
    """What the next step (None = there is none) and all that the plan says of the same condition come to."""
    said = [(one.restart, one.destroys, one.disrupts) for one in changes]
    said += [(step.restarts, step.destroys, step.disrupts)] if step else []

    def each(words: Iterable[str]) -> tuple[str, ...]:
        return tuple(dict.fromkeys(word for word in words if word))

    return Cost(each(restart for restart, _, _ in said), each(lost for _, lost, hurt in said if lost != hurt),
                each(lost for _, lost, hurt in said if lost == hurt), each(hurt for _, lost, hurt in said if lost != hurt))
