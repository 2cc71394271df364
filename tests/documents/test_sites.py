"""A complete site becomes a complete value: hosts, profiles, clusters, and where they came from."""

from __future__ import annotations

import io
import shutil
import sys
from pathlib import Path

import pytest
from whole_site import GOOD, ROOT, site_of, with_good

from bpa.core.secret import Secret
from bpa.core.want import Image
from bpa.documents import (
    DocumentErrors,
    load,
)


def test_the_example_site_has_no_errors(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "manifests" / "examples" / "edge-site", tmp_path / "site")
    (tmp_path / "site/private/edge-2.password").chmod(0o600)

    site = load(tmp_path / "site", environment={"EDGE_BMC_USERNAME": "root", "EDGE_BMC_PASSWORD": "x"})

    assert site.name == "edge-site"
    assert [host.want.profile.name for host in site.hosts] == ["xeon-kata-edge", "edge-worker"]
    assert site.host("edge-2").bmc_password == Secret((tmp_path / "site/private/edge-2.password").read_text().strip())
    assert site.host("edge-1").addresses == ("192.0.2.21",)
    assert site.host("edge-2").user_data.reveal().startswith("#cloud-config")
    assert site.host("edge-3") is None
    assert site.clusters[0].pod_subnet == "172.21.64.0/18"
    assert not site.notes


def test_a_host_knows_its_place(tmp_path: Path) -> None:
    host = with_good(tmp_path).hosts[0]

    assert (host.file, host.line) == (str(tmp_path / "good.yaml"), 10)


def test_a_file_and_standard_input_are_read_like_a_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "whole.yaml").write_text(GOOD)
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(GOOD.encode())))

    from_file, from_stdin = load(tmp_path / "whole.yaml"), load("-")

    assert from_file.name == "whole"
    assert from_stdin.name == "stdin"
    assert from_file.hosts[0].want == from_stdin.hosts[0].want


def test_hidden_files_and_other_files_of_a_directory_are_left_alone(tmp_path: Path) -> None:
    (tmp_path / ".hidden.yaml").write_text("a: [")
    (tmp_path / "readme.txt").write_text("a: [")
    (tmp_path / "folder.yaml").mkdir()

    assert with_good(tmp_path).hosts


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda path: None, "no such file or directory"),
        (lambda path: path.mkdir(), "there is no *.yaml or *.yml file in directory site"),
        (lambda path: path.write_text("# nothing\n"), "this is empty"),
        (lambda path: (path.mkdir(), (path / "a.yaml").write_text("---\n")), "no *.yaml in directory site has a document"),
        (lambda path: path.write_text(site_of("  {}")), "there is no BareMetalHost in these documents"),
        (lambda path: path.write_bytes(b"a: " + b"x" * 9 * 1024 * 1024), "is larger than 8 MiB"),
    ],
)
def test_a_source_without_hosts_is_refused(tmp_path: Path, make, message: str) -> None:
    make(tmp_path / "site")

    with pytest.raises(DocumentErrors) as refusal:
        load(tmp_path / "site")

    assert [error.message for error in refusal.value.errors] == [message]


@pytest.mark.parametrize(
    ("old", "new", "note"),
    [
        *(
            (
                "bpa.akraino.org/serial",
                name,
                f"15: annotation {name} is not read by BPA; did you mean bpa.akraino.org/serial?",
            )
            for name in ("akraino.org/serial", "bpa.akraino.io/serial", "BPA.akraino.org/Serial", "serial")
        ),
        (
            "bpa.akraino.org/serial",
            "icn.akraino.org/nodeip",
            "15: annotation icn.akraino.org/nodeip is not read by BPA; did you mean icn.akraino.org/node-ip?",
        ),
        ("bpa.akraino.org/serial", "example.org/rack", ""),
        (
            "    credentialsName",
            "    disableCertificateVerificaton: true\n    credentialsName",
            "21: spec.bmc.disableCertificateVerificaton is not a field Metal3 knows; "
            "did you mean disableCertificateVerification?",
        ),
        (
            "  online: true",
            "  bootMacAddres: 52:54:00:00:00:01",
            "17: spec.bootMacAddres is not a field Metal3 knows; did you mean bootMACAddress?",
        ),
        ("  online: true", "  automatedCleaningMode: disabled", ""),
        ("  online: true", "  fieldOfAnotherYear: kept", ""),
        (
            "    checksum:",
            "    checksum_type: sha256\n    checksum:",
            "25: spec.image.checksum_type is not a field Metal3 knows; did you mean checksumType?",
        ),
        (
            "  rootDeviceHints: {deviceName: /dev/sda}\n",
            "",
            "10: BareMetalHost good has no root device hint: the smallest disk of at least 4 GiB is taken",
        ),
    ],
)
def test_what_looks_like_a_slip_on_a_host_is_noted_and_what_is_of_others_is_not(
    tmp_path: Path, old: str, new: str, note: str
) -> None:
    site = with_good(tmp_path, **{old: new})

    assert [text.split("good.yaml:")[1] for text in site.notes] == ([note] if note else [])


@pytest.mark.parametrize(
    ("plugin", "meant"),
    [("sriv", "sriov"), ("kata-webhok", "kata-webhook"), ("onap4k8", "onap4k8s"), ("sriov", ""), ("somebody-elses", "")],
)
def test_a_plugin_that_looks_like_one_of_kud_is_noted(tmp_path: Path, plugin: str, meant: str) -> None:
    site = with_good(
        tmp_path,
        f"""apiVersion: bpa.akraino.org/v1alpha1
kind: Provisioning
metadata: {{name: x, labels: {{cluster: x}}}}
spec:
  masters: [good: {{mac-address: "52:54:00:00:00:01"}}]
  KUDPlugins: [nfd, {plugin}]
""",
    )

    expected = f"{tmp_path}/more.yaml:6: {plugin} is no plugin of KuD that BPA has heard of; did you mean {meant}?"
    assert site.clusters[0].plugins == ("nfd", plugin)
    assert site.notes == ((expected,) if meant else ())


def test_kinds_of_others_are_ignored_with_a_note(tmp_path: Path) -> None:
    site = with_good(tmp_path, "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\nanything: [goes]\n")

    assert [note.split(": ", 1)[1] for note in site.notes] == ["Deployment web (apps/v1) is not read by BPA"]


def test_documents_that_bpa_writes_or_does_not_perform_yet_are_noted(tmp_path: Path) -> None:
    head = "apiVersion: bpa.akraino.org/v1alpha1\nkind: {}\nmetadata: {{name: x}}\nspec: {{}}\n"

    site = with_good(tmp_path, head.format("Tenant") + "---\n" + head.format("HostProvisioning"))

    assert [note.split(": ", 1)[1] for note in site.notes] == [
        "Tenant x is read, but not performed yet",
        "HostProvisioning x is written by BPA, not read",
    ]


@pytest.mark.parametrize(
    ("image", "expected"),
    [
        (
            "{url: 'http://h/a.qcow2', checksum: 098F6BCD4621D373CADE4E832627B4F6}",
            Image("http://h/a.qcow2", "098f6bcd4621d373cade4e832627b4f6", "md5", "qcow2"),
        ),
        (
            "{url: 'http://h/a.img', checksum: 'http://h/a.SHA512', format: qcow2}",
            Image("http://h/a.img", "http://h/a.SHA512", "sha512", "qcow2"),
        ),
        ("{url: 'file:///srv/a.raw', checksum: 'http://h/a.sum'}", Image("file:///srv/a.raw", "http://h/a.sum", "md5", "raw")),
        (
            "{url: 'https://h/a', checksum: 'https://h/a.sum', checksumType: auto}",
            Image("https://h/a", "https://h/a.sum", "auto", "raw"),
        ),
        (f"{{url: 'https://h/a', checksum: {'a' * 64}, checksumType: auto}}", Image("https://h/a", "a" * 64, "sha256", "raw")),
        ("null", None),
    ],
)
def test_an_image_has_a_type_of_checksum_and_a_format(tmp_path: Path, image: str, expected: Image | None) -> None:
    text = GOOD[: GOOD.index("  image:")] + f"  image: {image}\n"
    (tmp_path / "good.yaml").write_text(text)

    site = load(tmp_path)

    assert site.hosts[0].want.image == expected
    assert (["has no image" in note for note in site.notes] == [True]) == (expected is None)


def test_a_cluster_gives_its_image_and_profile_to_hosts_that_name_none(tmp_path: Path) -> None:
    text = GOOD[: GOOD.index("  image:")]
    cluster = """---
apiVersion: bpa.akraino.org/v1alpha1
kind: Provisioning
metadata: {name: x, labels: {cluster: x}}
spec:
  masters: [good: {mac-address: "52:54:00:00:00:01"}]
  profile: lab
  image: {url: "http://h/a.raw", checksum: "http://h/a.sha256"}
"""
    (tmp_path / "good.yaml").write_text(text + cluster)

    host = load(tmp_path).hosts[0]

    assert host.want.image == Image("http://h/a.raw", "http://h/a.sha256", "sha256", "raw")
    assert host.want.profile.name == "lab"
    assert host.cluster == "x"


def test_a_host_that_others_provision_keeps_its_disk(tmp_path: Path) -> None:
    (tmp_path / "good.yaml").write_text(GOOD.replace("  online: true", "  externallyProvisioned: true"))

    assert load(tmp_path).hosts[0].want.image is None


@pytest.mark.parametrize(
    ("annotation", "hardware_profile", "name"),
    [(None, "unknown", "minimal"), (None, "lab", "lab"), ("own", "lab", "own"), ("xeon-kata-edge", None, "xeon-kata-edge")],
)
def test_the_profile_of_a_host_is_the_first_that_is_said(
    tmp_path: Path, annotation: str | None, hardware_profile: str | None, name: str
) -> None:
    text = GOOD
    if annotation:
        text = text.replace("  annotations:\n", f"  annotations:\n    bpa.akraino.org/profile: {annotation}\n")
    if hardware_profile:
        text += f"  hardwareProfile: {hardware_profile}\n"
    own = "---\napiVersion: bpa.akraino.org/v1alpha1\nkind: HardwareProfile\nmetadata: {name: own}\nspec: {}\n"
    (tmp_path / "good.yaml").write_text(text + own)

    assert load(tmp_path).hosts[0].want.profile.name == name


def test_a_profile_of_the_site_comes_before_one_of_bpa_with_the_same_name(tmp_path: Path) -> None:
    own = "apiVersion: bpa.akraino.org/v1alpha1\nkind: HardwareProfile\nmetadata: {name: minimal}\nspec: {minimum: {cpus: 99}}\n"

    assert with_good(tmp_path, own).hosts[0].want.profile.minimum.cpus == 99


def test_metal3_hints_become_hints_of_ironic(tmp_path: Path) -> None:
    (tmp_path / "good.yaml").write_text(
        GOOD.replace("{deviceName: /dev/sda}", "{serialNumber: DISK1, minSizeGigabytes: 8, rotational: false}")
    )

    assert load(tmp_path).hosts[0].want.root_device == {"serial": "s== DISK1", "size": ">= 8", "rotational": False}


def test_network_data_gives_the_address_where_no_annotation_does(tmp_path: Path) -> None:
    network = """---
apiVersion: v1
kind: Secret
metadata: {name: net}
stringData:
  networkData: |
    links: [{id: a, ethernet_mac_address: "52:54:00:00:00:99"}]
    networks: [{id: n, link: a, type: ipv4, ip_address: 192.0.2.20, netmask: 255.255.255.0, gateway: 192.0.2.1}]
  metaData: "{rack: north}"
"""
    (tmp_path / "good.yaml").write_text(GOOD + "  networkData: {name: net}\n  metaData: {name: net}\n" + network)

    host = load(tmp_path).hosts[0]

    assert host.want.node_ip == "192.0.2.20"
    assert host.addresses == ("192.0.2.20",)
    assert host.network_data["networks"][0]["netmask"] == "255.255.255.0"
    assert host.meta_data == {"rack": "north"}


def test_an_error_reads_as_one_line_with_place_field_expectation_and_suggestion(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "good.yaml").write_text(
        GOOD + "---\napiVersion: bpa.akraino.org/v1alpha1\nkind: HardwareProfile\n"
        "metadata: {name: x}\nspec: {virtualization: {nested: require}}\n"
    )

    with pytest.raises(DocumentErrors) as refusal:
        load("good.yaml")

    assert str(refusal.value) == (
        'good.yaml:30:25: spec.virtualization.nested: "require" is not known; '
        "expected one of required, forbidden, indifferent; did you mean required?"
    )
