"""HardeningApplied: every rule that the profile asks for holds, and what was asked once is gone.

Sysctls are set by SysctlsSet, which owns their files; here they are judged with their rule. sshd says itself what it
will do (`sshd -T`, sshd(8)); it takes a new configuration when it is told to, and writes its pid file anew then.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from bpa.core.facts import Facts
from bpa.core.host.hardening.rules import APPORT, RULES, SSHD, UMASK, files_of, rules_of, sysctls_of
from bpa.core.host.owned import HEADER, REMOVE_DROP_IN, Owned
from bpa.core.host.probe import shell, told
from bpa.core.host.sysctl import parse_sysctls, render
from bpa.core.requirement import Change, HostRequirement
from bpa.core.steps import RunOnHost, WriteFile
from bpa.core.verdict import Act, Met, Stuck, Verdict
from bpa.core.want import HostWant

OWNED = (
    Owned(SSHD, "what sshd allows", "hardening", "HardeningApplied"),
    Owned(UMASK, "who may read what people write", "hardening", "HardeningApplied"),
    Owned(APPORT, "keeps apport from starting", "hardening", "HardeningApplied"),
)

PROBES = {"hardening": shell("""
PATH=$PATH:/usr/sbin:/sbin
echo '@@ sshd'
sshd -T 2>/dev/null | grep -iE '^(allowtcpforwarding|maxauthtries|clientalivecountmax|tcpkeepalive) '
echo '@@ sshd unread'; for pid in /run/sshd.pid /run/ssh.pid; do
  [ -e $pid ] && [ $pid -ot /etc/ssh/sshd_config.d/10-bpa.conf ] && echo yes
done
echo '@@ file /etc/ssh/sshd_config.d/10-bpa.conf'; cat /etc/ssh/sshd_config.d/10-bpa.conf 2>/dev/null
echo '@@ file /etc/profile.d/bpa-umask.sh'; cat /etc/profile.d/bpa-umask.sh 2>/dev/null
echo '@@ file /etc/systemd/system/apport.service.d/bpa.conf'; cat /etc/systemd/system/apport.service.d/bpa.conf 2>/dev/null
exit 0
""")}

RELOAD_SSHD = """PATH=$PATH:/usr/sbin:/sbin
sshd -t || { rm -f "$1"; echo "sshd refuses $1: removed again" >&2; exit 1; }
for unit in ssh sshd; do systemctl is-active -q $unit 2>/dev/null && { systemctl reload $unit; exit; }; done
[ ! -e /run/sshd.pid ] || kill -HUP "$(cat /run/sshd.pid)"
"""
THEN: Mapping[str, tuple[tuple[str, ...], ...]] = {
    SSHD: ((*shell(RELOAD_SSHD), SSHD),),
    APPORT: (shell("systemctl daemon-reload; systemctl stop apport.service 2>/dev/null; exit 0"),),
    UMASK: (),
}
"""What makes a file of ours effective."""
# Only apport's directory is there for our file alone.
REMOVE = {SSHD: 'rm -f "$1"; ' + RELOAD_SSHD, APPORT: REMOVE_DROP_IN + THEN[APPORT][0][2], UMASK: 'rm -f "$1"; '}


@dataclass(frozen=True, slots=True)
class Hardening:
    """What sshd does, by keyword in lower case; unread: it has not read our file yet; texts of our files by path."""

    sshd: Mapping[str, str] = field(default_factory=dict)
    unread: bool = False
    files: Mapping[str, str] = field(default_factory=dict)


def parse_hardening(text: dict[str, str]) -> Hardening:
    """The sections of probe `hardening`."""
    words = (line.split(maxsplit=1) for line in text.get("sshd", "").splitlines())
    sshd = {one[0].lower(): one[1].strip() for one in words if len(one) == 2}
    files = {name.removeprefix("file "): said for name, said in text.items() if name.startswith("file ")}
    return Hardening(sshd, text.get("sshd unread", "").strip() == "yes", files)


def check(want: HostWant, have: Facts) -> Verdict:
    text, of_sysctl = told(have, "hardening"), told(have, "sysctl")
    if not isinstance(text, dict):
        return text
    if not isinstance(of_sysctl, dict):
        return of_sysctl
    seen, kernel, wanted = parse_hardening(text), parse_sysctls(of_sysctl), want.profile.hardening
    for path, content in files_of(wanted).items():
        there = seen.files.get(path, "")
        if content and content != there:
            return Act(WriteFile(path, content, f"harden by {path}", then=THEN[path]), f"{path} is not as the rules ask")
        if there.startswith(HEADER) and not content:
            return Act(RunOnHost((*shell(REMOVE[path]), path), f"remove {path}"),
                       f"{path} is there, and no rule asks for it")
    if seen.unread and files_of(wanted)[SSHD]:
        return Act(RunOnHost(THEN[SSHD][0], "let sshd read its configuration again"), f"sshd has not read {SSHD} yet")
    sysctls = sysctls_of(wanted, want.profile.kernel.sysctls)
    rules = rules_of(wanted)
    if kernel.hardening_file != render(sysctls):
        return Stuck("the sysctls of the rules are not set yet", "see SysctlsSet")
    for rule in rules:
        for key, value in rule.sysctls.items():
            # What this kernel does not have needs no hardening.
            if key in sysctls and (found := kernel.values.get(key, value)) != value:
                return Stuck(f"rule {rule.id} does not hold: {key} is {found}, not {value} ({rule.reason})",
                             f"see SysctlsSet, or except {rule.id}")
        for word, value in rule.sshd.items():
            does = seen.sshd.get(word.lower())
            if seen.sshd and does != value:
                return Stuck(f"rule {rule.id} does not hold: sshd has {word} {does}, not {value} ({rule.reason})",
                             f"an earlier file of /etc/ssh/sshd_config.d or a line above Include in /etc/ssh/sshd_config says "
                             f"so, or there is no Include: mend it, or except {rule.id}")
    if not rules:
        return Met("not asked")
    return Met(f"{len(rules)} rules hold" + (f", {len(RULES) - len(rules)} excepted" if len(rules) < len(RULES) else ""))


def changes(want: HostWant, have: Facts) -> tuple[Change, ...]:
    text = told(have, "hardening")
    seen = parse_hardening(text) if isinstance(text, dict) else None
    found = []
    for path, content in files_of(want.profile.hardening).items():
        there = seen.files.get(path, "") if seen else None
        if content and content != there:
            found.append(Change(path, None if there is None else "other" if there else "absent", "as the hardening rules ask"))
        elif there and there.startswith(HEADER) and not content:
            found.append(Change(path, "ours", "removed"))
    return tuple(found)


APPLIED = HostRequirement("HardeningApplied", "os", check, "the hardening rules of the profile hold", changes)
