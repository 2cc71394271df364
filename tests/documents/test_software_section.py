"""Section software of a HardwareProfile as it is read."""

from __future__ import annotations

from pathlib import Path

import pytest

from bpa.core.want import AptSource, Package, Proxy, SoftwareNeeds
from bpa.documents.gathering import Findings, gather
from bpa.documents.profiles import read_profile

PEM = "-----BEGIN CERTIFICATE-----\\nMIIB\\n-----END CERTIFICATE-----\\n"


def read(tmp_path: Path, software: str) -> tuple[SoftwareNeeds, list[str]]:
    (tmp_path / "p.yaml").write_text(
        f"apiVersion: bpa.akraino.org/v1alpha1\nkind: HardwareProfile\nmetadata: {{name: p}}\nspec:\n  software: {software}\n")
    findings = Findings()
    documents = gather(tmp_path / "p.yaml", findings)
    profile, problems = read_profile(documents[0])
    return profile.software, [str(one) for one in (*findings.problems, *problems)]


def test_everything_is_read(tmp_path: Path) -> None:
    needs, problems = read(tmp_path, f"""
    packages: [tmux, jq: {{version: 1.6-2.1}}, jq, "libc6:i386"]
    sources: [{{uri: "http://192.0.2.1/debian", suites: [bookworm], components: [main]}}, {{uri: "file:/srv/own", suites: [./]}}]
    proxy: {{http: "http://192.0.2.2:3128", except: [.example, 10.0.0.0/8]}}
    certificates: {{site: "{PEM}"}}""")
    assert not problems
    assert needs.packages == (Package("tmux"), Package("jq", "1.6-2.1"), Package("libc6:i386"))
    assert needs.sources == (AptSource("http://192.0.2.1/debian", ("bookworm",), ("main",)), AptSource("file:/srv/own", ("./",)))
    assert needs.proxy == Proxy("http://192.0.2.2:3128", "", (".example", "10.0.0.0/8"))
    assert needs.certificates["site"].startswith("-----BEGIN")


@pytest.mark.parametrize(("software", "problem"), [
    ("{packages: ['jq; reboot']}", "is no package"),
    ("{packages: ['$(reboot)']}", "is no package"),
    ("{packages: [htop-]}", "is no package"),
    ("{packages: [--allow-unauthenticated]}", "is no package"),
    ("{packages: [jq: {version: 1.6}]}", "is no version"),
    ("{packages: [jq: {version: '1'}, jq: {version: '2'}]}", "jq 1 and 2"),
    ("{proxy: {http: 'http://user:word@192.0.2.1:3128'}}", "without credentials"),
    ("{sources: [{uri: 'http://192.0.2.1/debian', suites: [bookworm]}]}", "do not fit"),
    ("{sources: [{uri: 'http://192.0.2.1/debian', suites: [./], components: [main]}]}", "do not fit"),
    ("{certificates: {site: no certificate}}", "PEM"),
    (f'{{certificates: {{../../../root/x: "{PEM}"}}}}', "no name for a certificate"),
])  # fmt: skip
def test_what_cannot_be_is_refused(tmp_path: Path, software: str, problem: str) -> None:
    _, problems = read(tmp_path, software)
    assert len(problems) == 1 and problem in problems[0], problems
