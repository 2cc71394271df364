"""InstallerSucceeded: KuD's installer has run to its end, with the inputs that the documents ask for.

A success counts only for the inputs it had: their fingerprint covers the call, the environment, the files handed
over and which installer it was. A failure stays Stuck until a person has looked: changed inputs, or setting the
failed run aside (`Kud.set_aside_failure`, which a new `bpa apply` does), let it run again.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping, Sequence

from bpa.core.facts import ClusterFacts, InstallerRun
from bpa.core.requirement import Change, ClusterRequirement
from bpa.core.steps import StartInstaller
from bpa.core.verdict import Act, Met, Stuck, Verdict, Wait
from bpa.core.want import ClusterWant

_PLUGIN = re.compile(r"[a-z0-9][a-z0-9_-]*")
_CLUSTER = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?")
# What tells most comes first: why ssh gave up, ansible-core's own summary, a failed task of any Ansible, the rest.
_SSH = "Host key verification failed|Permission denied|Connection refused|Connection timed out|No route to host"
_TELLING = (
    re.compile(rf"^fatal: \[(?P<host>[^]]+)\]: UNREACHABLE!.*?(?P<told>{_SSH})"),
    re.compile(r"^\[ERROR\]: (?:Task failed: )?(?:Action failed: |Module failed: )?(?P<told>.+)"),
    re.compile(r"^(?P<told>(?:fatal|failed): .+)"),
    re.compile(r"^(?P<told>.*\berror:? .+)", re.IGNORECASE),
)
_PROGRESS = re.compile(r"^(?:TASK|PLAY|RUNNING HANDLER) \[.*\]")
_SHARED = frozenset({"addons"})  # /opt/kud/multi-cluster/addons belongs to all clusters


def cluster_name_problem(name: str) -> str:
    """Why `name` cannot name a directory and a `cluster` label, or "" if it can."""
    if name in _SHARED:
        return f"{name!r} is the name of a directory that KuD keeps for all clusters"
    if not _CLUSTER.fullmatch(name):
        return f"{name!r} is not a cluster name: letters, digits, dots and dashes, at most 63, as a Kubernetes label"
    return ""


def argv(want: ClusterWant) -> tuple[str, ...]:
    """KuD reads its arguments by position: the third must be --plugins. Never --network (upstream-contract K1)."""
    plugins = ("--plugins", *want.plugins) if want.plugins else ()
    return ("./installer", "--cluster", want.name, *plugins)


def environment(want: ClusterWant) -> dict[str, str]:
    """What ICN's ConfigMap kud-installer held, every variable told so that nothing is inherited by accident.

    Tests stay off: a failing test exits before KuD hands out admin.conf although the cluster is up (K2). The webhook
    needs Kata: KuD would install it under docker too (K5).
    """
    return {
        "CONTAINER_RUNTIME": "containerd" if want.kata else "docker",
        "ENABLE_KATA_WEBHOOK": "true" if want.kata and want.kata_webhook else "false",
        "KATA_WEBHOOK_RUNTIMECLASS": want.kata_runtime_class,
        "KUD_ADDONS": "",
        "KUD_DEBUG": "",
        "KUD_ENABLE_TESTS": "false",
    }


def fingerprint(argv: Sequence[str], environment: Mapping[str, str], files: Mapping[str, str], installer: str) -> str:
    """16 hex digits that change when any input of a run does. Manifests (*.yaml) are for kubectl: KuD does not read them."""
    read = {name: text for name, text in files.items() if not name.endswith(".yaml")}
    inputs = json.dumps([list(argv), dict(environment), read, installer], sort_keys=True)
    return hashlib.sha256(inputs.encode()).hexdigest()[:16]


def check(want: ClusterWant, have: ClusterFacts) -> Verdict:
    """Assumes InventoryRendered. Where the site names no installer, the files are all that BPA hands over."""
    problem = cluster_name_problem(want.name)
    if problem:
        return Stuck(problem, "change the label `cluster` of the Provisioning document")
    if not have.installer:
        return Met("not asked: the site names no KuD installer (spec.kud.installer)")
    odd = [plugin for plugin in want.plugins if not _PLUGIN.fullmatch(plugin)]
    if odd:
        return Stuck(f"{odd[0]!r} is not the name of a KuD plugin", "see KUDPlugins: cmk, emco, nfd, qat, sriov, ...")
    step = StartInstaller(want.name, argv(want), environment(want))
    run = have.run
    if run is None:
        return Act(step, "the installer has not run yet")
    if run.alive:
        return Wait(_last_line(run) or "the installer has just started", 1.0)
    if run.exit_code is None:
        return Act(step, "the last run was killed, or the machine restarted: it left no exit code")
    if run.fingerprint != fingerprint(step.argv, step.environment, have.files, have.installer):
        return Act(step, "its inputs have changed since the last run")
    if run.exit_code == 0:
        return Met(f"{' '.join(run.argv)} succeeded, {len(have.artifacts)} artifact(s)")
    told = "; ".join(telling_lines(run.last_lines)) or "it wrote nothing"
    return Stuck(
        f"the installer ended with exit code {run.exit_code}: {told}",
        f"read {run.log or 'its log'}, mend what it names, and run `bpa apply` again",
    )


def changes(want: ClusterWant, have: ClusterFacts) -> tuple[Change, ...]:
    """Whether the installer would run, and with which container runtime."""
    if not have.installer:
        return ()
    run = have.run
    wanted = fingerprint(argv(want), environment(want), have.files, have.installer)
    if run is not None and run.exit_code == 0 and run.fingerprint == wanted:
        return ()
    old = "not run" if run is None else "running" if run.alive else f"ended with {run.exit_code}"
    return (Change("KuD installer", old, f"{' '.join(argv(want))} ({environment(want)['CONTAINER_RUNTIME']})"),)


def telling_lines(lines: Sequence[str], most: int = 3) -> tuple[str, ...]:
    """The lines of a log's end that say what went wrong; else simply its last ones. Long lines are cut at 300."""
    full = [line.strip() for line in lines if line.strip()]
    chosen = full[-most:]
    for pattern in _TELLING:
        told = [_named(found) for found in map(pattern.match, full) if found]
        if told:
            chosen = told[:most]
            break
    return tuple(line if len(line) <= 300 else line[:297] + "..." for line in chosen)


def _named(found: re.Match[str]) -> str:
    host = found.groupdict().get("host")
    return f"{host} cannot be reached by SSH: {found['told']}" if host else found["told"]


def _last_line(run: InstallerRun) -> str:
    told = [line.strip() for line in run.last_lines if line.strip()]
    progress = [found[0] for found in map(_PROGRESS.match, told) if found]
    return (progress or told or [""])[-1][:120]


InstallerSucceeded = ClusterRequirement(
    condition="InstallerSucceeded",
    needs="cluster",
    check=check,
    about="KuD's installer has succeeded with these inputs",
    changes=changes,
    # KuD downloads and installs a whole cluster; the lab's installer takes a minute per host.
    patience=4 * 3600.0,
    seconds=120.0,
)
