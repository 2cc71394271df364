"""The Kubernetes Node that a simulated host has become: its kubelet follows the machine, its pods end in their time."""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import replace

from bpa.adapters.errors import Busy, Unreachable
from bpa.core.facts import Pod, ServiceFacts
from bpa.core.in_service import full_name, goes
from bpa.core.steps import Cordon, EvictPods, Step, Uncordon
from bpa.lab.simulated.machine import Machine

KUBECONFIG = "simulated.conf"
KUBELET_SECONDS = 20.0
GRACE_PERIOD = 40.0
"""Seconds for which a Node still shows the Ready of before (node-monitor-grace-period)."""


class KubernetesNode:
    """`held`: namespace/name -> until when its budget does not let the pod go. `ends`: seconds that a pod takes to end.

    disturbed holds every step that ended pods which a drain would have moved.
    """

    def __init__(self, machine: Machine, name: str, pods: Iterable[Pod] = (), ends: float = 30.0) -> None:
        self.name, self.machine, self.ends = name, machine, ends
        self.pods = {full_name(pod): pod for pod in pods}
        self.held: dict[str, float] = {}
        self.unschedulable, self.cordoned = False, ""
        self.disturbed: list[str] = []
        self.boot_id = machine.os.boot_id if machine.os else ""
        self._ready_at = machine.time
        self._ending: dict[str, float] = {}

    def look(self, pods: bool) -> ServiceFacts:
        self._follow()
        if self.machine.faults.active("kubernetes silent", self.machine.time):
            return ServiceFacts(kubeconfig=KUBECONFIG, problem="the Kubernetes API https://192.0.2.6:6443 does not answer",
                                passing=True)
        return ServiceFacts(self.name, self.machine.time - self._ready_at < GRACE_PERIOD, self.unschedulable, self.cordoned,
                            self.boot_id, KUBECONFIG, tuple(self._seen()) if pods else None)

    def perform(self, step: Cordon | EvictPods | Uncordon) -> None:
        self._follow()
        if self.machine.faults.active("kubernetes silent", self.machine.time):
            raise Unreachable("the Kubernetes API https://192.0.2.6:6443 does not answer")
        match step:
            case Cordon():
                self.unschedulable = True
                self.cordoned = self.cordoned or time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(self.machine.time))
            case Uncordon():
                self.unschedulable, self.cordoned = False, ""
            case EvictPods(_, _, pods):
                kept = [name for name in sorted(pods) if self.machine.time < self.held.get(name, 0.0)]
                for name in pods.keys() & self.pods.keys() - set(kept):
                    self._ending.setdefault(name, self.machine.time + self.ends)
                if kept:
                    raise Busy(f"{', '.join(kept)} may not be evicted now", retry_after=5.0)

    def disturb(self, step: Step) -> None:
        """Something happens to the machine that pods notice."""
        self._follow()
        if any(goes(pod) for pod in self.pods.values()):
            self.disturbed.append(step.text)

    def _follow(self) -> None:
        now, os = self.machine.time, self.machine.os
        for name in [name for name, at in self._ending.items() if at <= now]:
            del self._ending[name]
            self.pods.pop(name, None)
        if os is not None and now >= os.started + KUBELET_SECONDS:
            self._ready_at, self.boot_id = now, os.boot_id

    def _seen(self) -> Iterable[Pod]:
        for name, pod in self.pods.items():
            held = (f"of-{pod.name} allows 0",) if self.machine.time < self.held.get(name, 0.0) else ()
            yield replace(pod, ending=name in self._ending, budgets=held)
