"""The hardening rules as data: what each sets, and why. docs/guides/hardening.md lists them, and what is left out.

Source: Akraino ICN R6 resources/harden_os.sh (akraino-edge-stack/icn b13f564), whose rules follow Lynis.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from bpa.core.host.owned import HEADER
from bpa.core.want import HardeningWant

SSHD = "/etc/ssh/sshd_config.d/10-bpa.conf"
UMASK = "/etc/profile.d/bpa-umask.sh"
APPORT = "/etc/systemd/system/apport.service.d/bpa.conf"


@dataclass(frozen=True, slots=True)
class Rule:
    """sysctls and sshd: name -> value that must be in effect; files: path of ours -> its text below the header."""

    id: str
    reason: str
    sysctls: Mapping[str, str] = field(default_factory=dict)
    sshd: Mapping[str, str] = field(default_factory=dict)
    files: Mapping[str, str] = field(default_factory=dict)


RULES: tuple[Rule, ...] = (
    Rule("line-disciplines", "unprivileged users load no old tty code into the kernel", {"dev.tty.ldisc_autoload": "0"}),
    Rule("protected-fifos", "a FIFO in a shared directory is no trap for others", {"fs.protected_fifos": "2"}),
    Rule("no-suid-dumps", "programs with raised rights leave no memory dumps", {"fs.suid_dumpable": "0"}),
    Rule("no-apport", "apport would switch dumps of such programs on again",
         files={APPORT: "[Unit]\nConditionPathExists=!/\n"}),
    Rule("dumps-by-process", "a memory dump does not overwrite another", {"kernel.core_uses_pid": "1"}),
    Rule("kernel-log", "the kernel's log is for root only", {"kernel.dmesg_restrict": "1"}),
    Rule("kernel-addresses", "the kernel shows its addresses to nobody", {"kernel.kptr_restrict": "2"}),
    Rule("no-sysrq", "the console's keyboard cannot restart the host or kill its programs", {"kernel.sysrq": "0"}),
    Rule("no-unprivileged-bpf", "only root loads BPF programs", {"kernel.unprivileged_bpf_disabled": "1"}),
    Rule("bpf-jit", "BPF code cannot be used to plant instructions", {"net.core.bpf_jit_harden": "2"}),
    Rule("no-redirects-taken", "nobody on the network changes this host's routes", {
        "net.ipv4.conf.all.accept_redirects": "0", "net.ipv4.conf.default.accept_redirects": "0",
        "net.ipv6.conf.all.accept_redirects": "0", "net.ipv6.conf.default.accept_redirects": "0"}),
    Rule("no-redirects-sent", "this host changes nobody's routes", {"net.ipv4.conf.all.send_redirects": "0"}),
    Rule("no-source-routes", "a sender does not choose its way through this host",
         {"net.ipv4.conf.default.accept_source_route": "0"}),
    Rule("martians", "packets with impossible addresses are logged",
         {"net.ipv4.conf.all.log_martians": "1", "net.ipv4.conf.default.log_martians": "1"}),
    Rule("reverse-path", "packets with a forged source address are dropped", {"net.ipv4.conf.all.rp_filter": "1"}),
    Rule("ssh-forwarding", "SSH is no way through this host to others", sshd={"AllowTcpForwarding": "no"}),
    Rule("ssh-tries", "a connection ends after three wrong passwords or keys", sshd={"MaxAuthTries": "3"}),
    Rule("ssh-alive", "a connection whose other end is gone ends soon", sshd={"ClientAliveCountMax": "2"}),
    Rule("ssh-keepalive", "no sign of life that can be forged keeps a connection open", sshd={"TCPKeepAlive": "no"}),
    Rule("umask", "what people write on the host is not readable to all", files={UMASK: "umask 027\n"}),
)


def rules_of(want: HardeningWant) -> tuple[Rule, ...]:
    """The rules that are asked."""
    return tuple(rule for rule in RULES if rule.id not in want.excepted) if want.profile else ()


def sysctls_of(want: HardeningWant, settled: Mapping[str, str]) -> dict[str, str]:
    """The sysctls of the rules that are asked, but those that the profile settles itself: it says what it needs."""
    return {key: value for rule in rules_of(want) for key, value in rule.sysctls.items() if key not in settled}


def render_sshd(want: HardeningWant) -> str:
    """Our drop-in of sshd, "" = nothing is asked. Of a keyword given twice sshd takes the first (sshd_config(5))."""
    lines = [f"{word} {value}\n" for rule in rules_of(want) for word, value in rule.sshd.items()]
    return HEADER + "".join(lines) if lines else ""


def files_of(want: HardeningWant) -> dict[str, str]:
    """Path -> content of every file of ours that the rules ask for; those they do not ask for are "": to be removed."""
    found = {SSHD: render_sshd(want)} | {path: "" for rule in RULES for path in rule.files}
    for rule in rules_of(want):
        found |= {path: HEADER + text for path, text in rule.files.items()}
    return found
