"""MembersReady: every host of the cluster has met its own requirements and can be reached."""

from __future__ import annotations

from bpa.core.facts import ClusterFacts
from bpa.core.requirement import ClusterRequirement
from bpa.core.verdict import Met, Stuck, Verdict, Wait
from bpa.core.want import ClusterWant, Member


def check(want: ClusterWant, have: ClusterFacts) -> Verdict:
    """Wait while a member is on its way; Stuck where the documents, not time, are at fault."""
    members = masters_first(want)
    if not want.masters:
        return Stuck(f"cluster {want.name} has no master", "list at least one host under spec.masters")
    unknown = [member.label for member in members if member.label not in have.members]
    if unknown:
        return Stuck(
            f"no host of this site that is online is behind {', '.join(unknown)}",
            "give each master and worker the mac-address of a BareMetalHost that does not say online: false",
        )
    stuck = [member for member in members if have.members[member.label].stuck]
    if stuck:
        told = ", ".join(_late(member, have) for member in stuck[:4])
        return Stuck(f"{len(stuck)} of {len(members)} members are stuck: {told}",
                     "see `bpa explain HOST` for each of them, then apply again")
    late = [member for member in members if not have.members[member.label].ready]
    if late:
        told = ", ".join(_late(member, have) for member in late[:4])
        more = f" and {len(late) - 4} more" if len(late) > 4 else ""
        return Wait(f"{len(members) - len(late)} of {len(members)} members ready; waiting for {told}{more}", 1.0)
    nowhere = [member.label for member in members if not have.members[member.label].address]
    if nowhere:
        return Wait(f"no address known yet for {', '.join(nowhere)}", 1.0)
    shared = _shared_addresses(want, have)
    if shared:
        return Stuck(shared, "give each host its own address; see networkData of the BareMetalHosts")
    return Met(f"{len(members)} of {len(members)} members ready")


def masters_first(want: ClusterWant) -> tuple[Member, ...]:
    """Each member once, masters before workers, told apart by exact label.

    ICN compared labels as substrings, so worker-1 vanished beside worker-10, and it wrote a second master that is
    also a worker twice (upstream-contract B8, B8a).
    """
    by_label: dict[str, Member] = {}
    for member in (*want.masters, *want.workers):
        by_label.setdefault(member.label, member)
    return tuple(by_label.values())


def _late(member: Member, have: ClusterFacts) -> str:
    waiting_for = have.members[member.label].waiting_for
    return f"{member.label} ({waiting_for})" if waiting_for else member.label


def _shared_addresses(want: ClusterWant, have: ClusterFacts) -> str:
    seen: dict[str, str] = {}
    for member in masters_first(want):
        address = have.members[member.label].address
        if address in seen:
            return f"{seen[address]} and {member.label} have the same address {address}"
        seen[address] = member.label
    return ""


MembersReady = ClusterRequirement(
    condition="MembersReady",
    needs="cluster",
    check=check,
    about="every master and worker is a ready host",
    # A whole fleet is imaged in this time; a host that cannot get there says so on its own line long before.
    patience=6 * 3600.0,
)
