"""What a host says is written down without the secrets in it; what checks need of it stays."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bpa.core.facts import BmcFacts, Facts, OsFacts, Ran
from bpa.core.redaction import printed_without_secrets, seen_without_secrets

SECRETS = [
    ("root=UUID=1 ro rd.iscsi.password=hunter2 quiet", "root=UUID=1 ro rd.iscsi.password=REDACTED quiet"),
    ('GRUB_CMDLINE="x.token=\\"hunter2 hunter2\\" quiet"', 'GRUB_CMDLINE="x.token=\\"REDACTED\\" quiet"'),
    ("systemd.set_credential=passwd.plaintext-password.root:hunter2 a=b", "systemd.set_credential=REDACTED a=b"),
    ("netroot=iscsi:me:hunter2@192.0.2.1::3260::iqn.x", "netroot=iscsi:me:REDACTED@192.0.2.1::3260::iqn.x"),
    ("ds=nocloud;s=https://192.0.2.1/x?token=hunter2&y=1", "ds=nocloud;s=https://192.0.2.1/x?token=REDACTED&y=1"),
    ("options mod psk=hunter2,hunter3 debug=1", "options mod psk=REDACTED debug=1"),
    ('Acquire::http::Proxy "http://me:hunter2@proxy:3128/";', 'Acquire::http::Proxy "http://me:REDACTED@proxy:3128/";'),
    ("http_proxy=http://me:hun/ter2@x@proxy:3128", "http_proxy=http://me:REDACTED@proxy:3128"),
    ("deb https://:hunter2@mirror/debian bookworm main", "deb https://:REDACTED@mirror/debian bookworm main"),
    ("https://token:hunter2@mirror/x", "https://token:REDACTED@mirror/x"),
    ("machine r login me password hunter2", "machine r login me password REDACTED"),
    ('[host."https://r".header]\n  Authorization = ["Basic hunter2=="]\nca = "x"',
     '[host."https://r".header]\n  Authorization = ["REDACTED"]\nca = "x"'),
    ("Proxy-Authorization: Basic hunter2==\nHost: r", "Proxy-Authorization: REDACTED\nHost: r"),
    ("curl: Bearer hunter2hunter2", "curl: Bearer REDACTED"),
    ('{"auths": {"r": {"auth": "hunter2", "user": "me"}}}', '{"auths": {"r": {"auth": "REDACTED", "user": "me"}}}'),
    ("identitytoken = 'hunter2'", "identitytoken = 'REDACTED'"),
    ("password: hunter2 with blanks\nnext: line", "password: REDACTED\nnext: line"),
    ('password = "hunter2 cut of', 'password = "REDACTED"'),
    ("net.ipv4.tcp_fastopen_key = 1-2-hunter2", "net.ipv4.tcp_fastopen_key = REDACTED"),
    ("/etc/sysctl.d/x.conf:net.ipv6.conf.all.stable_secret=hunter2",
     "/etc/sysctl.d/x.conf:net.ipv6.conf.all.stable_secret=REDACTED"),
    ("-----BEGIN RSA PRIVATE KEY-----\nhunter2\n-----END RSA PRIVATE KEY-----",
     "-----BEGIN RSA PRIVATE KEY-----\nREDACTED\n-----END RSA PRIVATE KEY-----"),
    ("-----BEGIN PRIVATE KEY-----\nhunter2, cut off", "-----BEGIN PRIVATE KEY-----\nREDACTED\n-----END PRIVATE KEY-----"),
]
STAY = [
    "deb [signed-by=/usr/share/keyrings/x.gpg] http://mirror:3142/debian/x@y bookworm main",
    "http://[2001:db8::1]:5000/v2/a@sha256:0",
    "sudo: a password is required",
    "Permission denied (publickey,password).",
    "spec_store_bypass: Mitigation: disabled via prctl",
    "iommu=pt iommu.passthrough=1 default_hugepagesz=1G",
    "password = \"\"\npassphrase: none\nsecurity: disabled",
    "@@ token\n@@ sums\n0123abcd  /etc/x",
    "Serial Number: S4YPNE0N800123",
    "-----BEGIN CERTIFICATE-----\nMIIB=\n-----END CERTIFICATE-----",
]


@pytest.mark.parametrize(("text", "left"), SECRETS)
def test_a_secret_is_replaced_and_nothing_else(text: str, left: str) -> None:
    assert printed_without_secrets(text) == left
    assert printed_without_secrets(left) == left, "twice is as once"


@pytest.mark.parametrize("text", STAY)
def test_what_is_no_secret_stays(text: str) -> None:
    assert printed_without_secrets(text) == text


def test_facts_lose_secrets_wherever_they_stand_and_keep_their_types() -> None:
    bios = {"SetupPassword": "hunter2", "Cores": 4, "Lock": "On"}
    said = Facts(BmcFacts("/redfish/v1/Systems/1", "On", serial="S1", bios=bios),
                 os=OsFacts("192.0.2.1", "b", {"kernel": Ran(0, "@@ running\nkey.password=hunter2 quiet\n", "token: hunter2")}),
                 os_problem="ssh://me:hunter2@192.0.2.1 refused")
    left = seen_without_secrets(said)
    assert left.bmc is not None and left.os is not None and "hunter2" not in repr(left)
    assert left.bmc == replace(said.bmc, bios={"SetupPassword": "REDACTED", "Cores": 4, "Lock": "On"})
    assert left.os.answers["kernel"].stdout == "@@ running\nkey.password=REDACTED quiet\n"
    assert seen_without_secrets(left) == left


def test_a_secret_that_is_known_is_replaced_wherever_it_stands() -> None:
    said = Facts(os=OsFacts("192.0.2.1", answers={"x": Ran(0, "it said correct-horse, and root")}))
    left = seen_without_secrets(said, ("correct-horse", "root"))
    assert left.os is not None and left.os.answers["x"].stdout == "it said REDACTED, and root"
