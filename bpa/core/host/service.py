"""ReturnedToService: what BPA cordoned is uncordoned once all else is met and its kubelet has come back."""

from __future__ import annotations

from bpa.core.facts import Facts, ServiceFacts
from bpa.core.requirement import Change, HostRequirement
from bpa.core.steps import Uncordon
from bpa.core.verdict import Act, Met, Verdict, Wait
from bpa.core.want import HostWant


def check(want: HostWant, have: Facts) -> Verdict:
    """Never Stuck by itself: a Node that somebody else cordoned, or that is not Ready, is its cluster's matter."""
    service = have.service
    if service is None:
        return Met("in no cluster that could be asked")
    if service.problem:
        return Met(f"its cluster could not be asked: {service.problem}")  # a guard waits where BPA has cordoned the Node
    if not service.node:
        return Met("no Node of its cluster is this host")
    if service.cordoned and not service.unschedulable:
        return Act(Uncordon(service.node, service.kubeconfig),
                   f"somebody has uncordoned Node {service.node}; the annotation of BPA is left over")
    if service.ours:
        return _given_back(service, have)
    if service.unschedulable:
        return Met(f"Node {service.node} is cordoned, not by BPA: it stays so")
    return Met(f"Node {service.node} is {'Ready and schedulable' if service.ready else 'not Ready'}")


def _given_back(service: ServiceFacts, have: Facts) -> Verdict:
    since = f"cordoned by BPA at {service.cordoned}"
    if not service.ready:
        return Wait(f"Node {service.node} is not Ready yet; {since}", 5.0)
    # For 40 s after a restart has begun a Node still shows the Ready of before it; the boot id tells.
    if have.os is not None and have.os.boot_id and service.boot_id and have.os.boot_id != service.boot_id:
        return Wait(f"the kubelet of Node {service.node} has not reported since the restart; {since}", 5.0)
    return Act(Uncordon(service.node, service.kubeconfig), f"all is met; {since}")


def changes(want: HostWant, have: Facts) -> tuple[Change, ...]:
    """The Node, where BPA has cordoned it."""
    service = have.service
    if service is None or service.problem or not service.ours:
        return ()
    return (Change(f"Node {service.node}", "cordoned by BPA", "schedulable"),)


RETURNED = HostRequirement(
    condition="ReturnedToService",
    needs="service",
    check=check,
    about="its Kubernetes Node is not left cordoned by BPA",
    changes=changes,
    # A kubelet is Ready within a minute or two of a restart; longer means that something is wrong with it.
    patience=900.0,
    seconds=5.0,
)
