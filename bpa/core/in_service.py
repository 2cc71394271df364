"""A host in service is not disturbed unless a person says so, and then drained first: cordon, evict, wait, and only then act.

In service = its Kubernetes Node is Ready and not cordoned. Nothing is remembered of a drain but since when it lasts: how far
it is, the Node and its pods tell. Which pods may go follows `kubectl drain`
(k8s.io/kubectl/pkg/drain/filters.go): mirror and DaemonSet pods stay, finished ones go, others need a controller
(--force) and no emptyDir (--delete-emptydir-data).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from bpa.core.facts import Pod, ServiceFacts
from bpa.core.steps import Cordon, EvictPods, Reset, Step
from bpa.core.verdict import Act, Stuck, Verdict, Wait

DRAIN_SECONDS = 900.0
"""How long a drain may take: pods have 30 s to end by default, and a budget may have to wait for pods elsewhere."""
API_SECONDS = 600.0
"""How long to wait for a cluster that does not answer: its only master may just have been restarted by us."""
TELL_AT_MOST = 8


@dataclass(frozen=True, slots=True)
class Drain:
    """What a person allows a drain, in the words of kubectl. wanted False = disturb the host without draining it."""

    delete_emptydir_data: bool = False
    force: bool = False
    wanted: bool = True


@dataclass(frozen=True, slots=True)
class Standing:
    """What is remembered and allowed. handed_over: given to a cluster; cordoned: the Node that BPA cordoned, "" = none.

    disrupt: a person said so; lasts: seconds since the drain, or the wait for its cluster, began.
    """

    handed_over: bool
    cordoned: str
    disrupt: bool
    drain: Drain
    lasts: float


def disturbs(step: Step) -> bool:
    """Whether workloads on the host would notice the step; none run where the machine is off and is switched on."""
    if isinstance(step, Reset) and step.reset_type == "On":
        return False
    return bool(step.restarts or step.destroys or step.disrupts)


def protect(act: Act, service: ServiceFacts | None, standing: Standing) -> Verdict:
    """The act itself where it disturbs nobody; else what comes before it, or why it is not done."""
    step = act.step
    if not disturbs(step):
        return act
    if service is None:
        return _refused(step, "it was handed over") if standing.handed_over and not standing.disrupt else act
    if service.problem:
        return _unknown(act, service, standing)
    if not service.serving and not (service.ours and service.ready):
        return replace(act, reason="; ".join(part for part in (act.reason, idle(service)) if part))
    if not standing.disrupt:
        why = f"BPA cordoned Node {service.node} at {service.cordoned}" if service.ours \
            else f"Node {service.node} is Ready and schedulable"
        return _refused(step, why)
    return _drained(act, service, standing) if standing.drain.wanted else act


def idle(service: ServiceFacts) -> str:
    """Why the host counts as not in service, for people; service must be free of problems and not serving."""
    if not service.node:
        return "not in service: no Node of its cluster is this host"
    if service.unschedulable and not service.cordoned:
        return f"not in service: Node {service.node} is cordoned, not by BPA"
    return f"not in service: Node {service.node} is not Ready"


def in_the_way(service: ServiceFacts) -> str:
    """What stands against disturbing the host, for a plan; "" = nothing: it is not in service."""
    if service.problem:
        return f"perhaps in service: {service.problem}"
    if service.serving:
        return f"in service: Node {service.node} is Ready and schedulable"
    if service.ours and service.ready:
        return f"in service: BPA cordoned Node {service.node} at {service.cordoned}"
    return ""


def _refused(step: Step, why: str) -> Stuck:
    lost = f"; it would disrupt {step.disrupts}" if step.disrupts else ""
    return Stuck(f"the host is in service ({why}); not done: {step.text}{lost}",
                 "apply with --disrupt HOST: it is drained first and given back at the end; or cordon and drain it yourself")


def _unknown(act: Act, service: ServiceFacts, standing: Standing) -> Verdict:
    """The cluster does not say. What is remembered decides, and the safe side of it."""
    if not (standing.handed_over or standing.cordoned):
        note = f"its cluster could not be asked ({service.problem}); it was never handed over"
        return replace(act, reason=f"{act.reason}; {note}" if act.reason else note)
    if not standing.disrupt:
        return _refused(act.step, f"it was handed over, and its cluster could not be asked: {service.problem}")
    if not standing.drain.wanted:
        return act
    if service.passing and standing.lasts <= API_SECONDS:
        return Wait(f"the host cannot be drained yet: {service.problem}; not done: {act.step.text}", 5.0)
    return Stuck(f"the host cannot be drained: {service.problem}; not done: {act.step.text}",
                 f"see that {service.kubeconfig} works (kubectl --kubeconfig {service.kubeconfig} get nodes), then apply "
                 "again; or add --no-drain, and whatever runs on the host ends with it")


def _drained(act: Act, service: ServiceFacts, standing: Standing) -> Verdict:
    if service.pods is None:
        return Wait(f"the pods of Node {service.node} are not known yet", 1.0)
    pods = service.pods
    refused = _refusal(service.node, pods, standing.drain)
    if refused is not None:
        return refused
    if not service.ours:
        return Act(Cordon(service.node, service.kubeconfig, act.step.text), f"Node {service.node} is in service")
    left = [pod for pod in pods if goes(pod)]
    if not left:
        drained = f"Node {service.node} is drained"
        return replace(act, reason=f"{act.reason}; {drained}" if act.reason else drained)
    if standing.lasts > DRAIN_SECONDS:
        return Stuck(f"Node {service.node} was not drained within {DRAIN_SECONDS / 60:.0f} min: {_told(left)}; "
                     f"not done: {act.step.text}",
                     f"let the owners of these pods move them, then apply again; `kubectl uncordon {service.node}` gives the "
                     "Node back as it is")
    stand = [pod for pod in left if not pod.ending]
    if stand:
        return Act(EvictPods(service.node, service.kubeconfig, {full_name(pod): pod.uid for pod in stand}),
                   f"Node {service.node} is cordoned, {len(left)} pods are left")
    return Wait(f"Node {service.node} is cordoned, {len(left)} pods are ending: {_told(left)}", 2.0)


def full_name(pod: Pod) -> str:
    """namespace/name."""
    return f"{pod.namespace}/{pod.name}"


def finished(pod: Pod) -> bool:
    """Whether all its containers have ended for good."""
    return pod.phase in ("Succeeded", "Failed")


def goes(pod: Pod) -> bool:
    """Whether a drain takes the pod away: a static pod cannot be, and one of a DaemonSet would be back at once."""
    return not pod.mirror and (finished(pod) or not pod.controller.startswith("DaemonSet/"))


def _refusal(node: str, pods: Sequence[Pod], drain: Drain) -> Stuck | None:
    """Pods that an eviction would end for ever, or with their data: named before anything is touched."""
    at_stake = [pod for pod in pods if goes(pod) and not finished(pod) and not pod.ending]
    alone = [pod for pod in at_stake if not pod.controller and not drain.force]
    dirty = [pod for pod in at_stake if pod.empty_dirs and not drain.delete_emptydir_data]
    said = [f"{_named(alone)} {'has' if len(alone) == 1 else 'have'} no controller that would start them elsewhere"] \
        if alone else []
    if dirty:
        said.append(f"{_named(dirty)} would lose what is in emptyDir volumes ({', '.join(_volumes(dirty))})")
    if not said:
        return None
    flags = [flag for flag, needed in (("--force", alone), ("--delete-emptydir-data", dirty)) if needed]
    return Stuck(f"Node {node} is not drained: {'; '.join(said)}",
                 f"move these pods, or agree to their end: apply with --disrupt HOST {' '.join(flags)}")


def _volumes(pods: Sequence[Pod]) -> list[str]:
    return list(dict.fromkeys(name for pod in pods for name in pod.empty_dirs))


def _named(pods: Sequence[Pod]) -> str:
    more = f" and {len(pods) - TELL_AT_MOST} more" if len(pods) > TELL_AT_MOST else ""
    return ", ".join(sorted(map(full_name, pods))[:TELL_AT_MOST]) + more


def _told(pods: Sequence[Pod]) -> str:
    """The pods that are left, each with the budgets that hold it."""
    said = [full_name(pod) + (f" (budget {', '.join(pod.budgets)})" if pod.budgets else "")
            + (" is ending" if pod.ending else "") for pod in sorted(pods, key=full_name)]
    more = f" and {len(said) - TELL_AT_MOST} more" if len(said) > TELL_AT_MOST else ""
    return ", ".join(said[:TELL_AT_MOST]) + more
