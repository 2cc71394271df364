"""Section software of a HardwareProfile as it is read."""

from __future__ import annotations

from pathlib import Path

import pytest

from bpa.core.want import AptSource, Package, Proxy, Registry, SoftwareNeeds, TimeSources
from bpa.documents.gathering import Findings, gather
from bpa.documents.profiles import read_profile

PEM = "-----BEGIN CERTIFICATE-----\\nMIIB\\n-----END CERTIFICATE-----\\n"

KEY = "-----BEGIN PGP PUBLIC KEY BLOCK-----\\n\\nmQGN\\n=VCZU\\n-----END PGP PUBLIC KEY BLOCK-----\\n"


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
    imageSources: false
    time: {{servers: [192.0.2.3, "2001:db8::3"], pools: [pool.example.org]}}
    registries: {{docker.io: {{mirrors: ["https://192.0.2.4"]}}, "192.0.2.5:5000": {{mirrors: ["http://192.0.2.4:5000",
      "https://192.0.2.6/v2/hub"], authority: site, fallback: false}}, _default: {{mirrors: ["https://192.0.2.4"]}}}}
    certificates: {{site: "{PEM}"}}""")
    assert not problems
    assert needs.packages == (Package("tmux"), Package("jq", "1.6-2.1"), Package("libc6:i386"))
    assert needs.sources == (AptSource("http://192.0.2.1/debian", ("bookworm",), ("main",)), AptSource("file:/srv/own", ("./",)))
    assert needs.proxy == Proxy("http://192.0.2.2:3128", "", (".example", "10.0.0.0/8"))
    assert needs.certificates["site"].startswith("-----BEGIN") and not needs.image_sources
    assert needs.time == TimeSources(("192.0.2.3", "2001:db8::3"), ("pool.example.org",))
    assert needs.registries == {
        "docker.io": Registry(("https://192.0.2.4",)), "_default": Registry(("https://192.0.2.4",)),
        "192.0.2.5:5000": Registry(("http://192.0.2.4:5000", "https://192.0.2.6/v2/hub"), False, "site")}


def test_a_source_can_bring_its_key(tmp_path: Path) -> None:
    needs, problems = read(
        tmp_path, f'{{sources: [{{uri: "http://192.0.2.1/mirror", suites: [bpa], components: [main], key: "{KEY}"}}]}}')
    assert not problems and needs.sources[0].key.splitlines()[:2] == ["-----BEGIN PGP PUBLIC KEY BLOCK-----", ""]
    assert needs.image_sources


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
    ("{sources: [{uri: 'http://192.0.2.1/', suites: [./], key: '-----BEGIN PGP PRIVATE KEY BLOCK-----'}]}", "public key"),
    (f"{{sources: [{{uri: 'http://192.0.2.1/', suites: [./], signedBy: /usr/share/k.gpg, key: \"{KEY}\"}}]}}", "both given"),
    ("{imageSources: false}", "no package source is left"),
    ("{time: {servers: []}}", "no time server is named"),
    ("{time: {servers: ['ntp.example.org iburst']}}", "name or an address"),
    ("{time: {servers: [\"a\\nserver b\"]}}", "name or an address"),
    ("{time: {servers: [ntp.example.org], pools: [ntp.example.org]}}", "ntp.example.org is named twice"),
    ("{registries: {docker.io: {}}}", "mirrors"),
    ("{registries: {docker.io: {mirrors: []}}}", "no mirror is named"),
    ("{registries: {'https://docker.io': {mirrors: ['https://192.0.2.4']}}}", "this is no registry"),
    ("{registries: {'../../etc': {mirrors: ['https://192.0.2.4']}}}", "this is no registry"),
    ("{registries: {docker.io: {mirrors: [192.0.2.4]}}}", "a URL without credentials"),
    ("{registries: {docker.io: {mirrors: ['https://user:word@192.0.2.4']}}}", "a URL without credentials"),
    ("{registries: {docker.io: {mirrors: ['https://192.0.2.4'], authority: site}}}", "there is no certificate site"),
    (f'{{certificates: {{../../../root/x: "{PEM}"}}}}', "no name for a certificate"),
])  # fmt: skip
def test_what_cannot_be_is_refused(tmp_path: Path, software: str, problem: str) -> None:
    _, problems = read(tmp_path, software)
    assert len(problems) == 1 and problem in problems[0], problems
