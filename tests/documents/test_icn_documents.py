"""Documents written for ICN's operator are read unchanged, and mean what ICN meant by them."""

from __future__ import annotations

from pathlib import Path

import pytest

from bpa.core.want import Member
from bpa.documents import DocumentErrors, Package, Site, load

HERE = Path(__file__).parent / "icn"
MASTER = Member("master", "node1", "00:c6:14:04:61:b2")


@pytest.fixture
def with_hosts(tmp_path: Path):
    """Loads a document beside the three hosts of the samples."""

    def load_beside(text: str) -> Site:
        (tmp_path / "hosts.yaml").write_text((HERE / "baremetalhosts.txt").read_text())
        (tmp_path / "sample.yaml").write_text(text)
        return load(tmp_path, environment={})

    return load_beside


def test_masters_are_workers_when_there_are_no_workers(with_hosts) -> None:
    (cluster,) = with_hosts((HERE / "one-node.yaml").read_text()).clusters

    assert cluster.name == "cluster-abc"
    assert cluster.masters == cluster.workers == (MASTER,)
    assert cluster.plugins == ()
    assert cluster.pod_subnet is None


def test_a_worker_with_the_label_of_a_master_and_no_body_is_the_same_host(with_hosts) -> None:
    (cluster,) = with_hosts((HERE / "same-label-with-null-body.yaml").read_text()).clusters

    assert cluster.masters == cluster.workers == (Member("pod11-node3", "node1", "00:c6:14:04:61:b2"),)
    assert cluster.pod_subnet == "172.21.64.0/18"


def test_hardware_fields_become_minimums_and_unknown_ones_a_note(with_hosts) -> None:
    site = with_hosts((HERE / "hardware-and-plugins.yaml").read_text())

    assert site.clusters[0].plugins == ("onap4k8s", "emco")
    assert [host.want.profile.minimum.cpus for host in site.hosts] == [10, 20, 1]
    assert [host.want.profile.minimum.memory >> 30 for host in site.hosts] == [4, 8, 2]
    assert any("power of worker-1 is not read" in note for note in site.notes)
    assert any("worker-1 is to have SR-IOV" in note for note in site.notes)
    assert any("worker-1 is to have QAT" in note for note in site.notes)


def test_a_host_is_found_by_a_whole_mac_of_any_of_its_adapters_in_any_case(with_hosts) -> None:
    (cluster,) = with_hosts((HERE / "hardware-and-plugins.yaml").read_text()).clusters

    assert [member.host for member in (*cluster.masters, *cluster.workers)] == ["node1", "node2", "node3"]


def test_a_label_that_begins_like_another_is_a_member_of_its_own(with_hosts) -> None:
    (cluster,) = with_hosts((HERE / "hardware-and-plugins.yaml").read_text()).clusters

    assert [member.label for member in cluster.workers] == ["worker-1", "worker-10"]


def test_the_hostname_of_a_member_is_its_label(with_hosts) -> None:
    site = with_hosts((HERE / "hardware-and-plugins.yaml").read_text())

    assert [host.hostname for host in site.hosts] == ["master-1", "worker-1", "worker-10"]
    assert [host.want.os_name for host in site.hosts] == ["master-1", "worker-1", "worker-10"]


def test_software_is_read_in_both_forms(with_hosts) -> None:
    site = with_hosts((HERE / "software.yaml").read_text())

    (software,) = site.software
    assert software.masters == (
        Package("curl"),
        Package("htop"),
        Package("jq", "1.5+dfsg-1ubuntu0.1"),
        Package("maven", "3.3.9-3"),
    )
    assert software.workers == (Package("tmux"), Package("jq"))
    (host,) = [one for one in site.hosts if one.cluster == "cluster-xyz"]
    assert host.want.profile.software.packages == (*software.masters, Package("tmux")), "no workers: the master works too"


def test_null_lists_are_empty_lists(with_hosts) -> None:
    (cluster,) = with_hosts((HERE / "software.yaml").read_text()).clusters

    assert cluster.workers == (MASTER,)
    assert cluster.plugins == ()


def test_two_masters_that_both_work_are_each_there_once(with_hosts) -> None:
    (cluster,) = with_hosts("""
apiVersion: bpa.akraino.org/v1alpha1
kind: Provisioning
metadata: {name: x, labels: {cluster: x}}
spec:
  masters:
    - a: {mac-address: "00:c6:14:04:61:b2"}
    - b: {mac-address: "00:c6:14:04:61:b3"}
  workers: [b: null, a: {}]
""").clusters

    assert [member.label for member in cluster.masters] == ["a", "b"]
    assert [member.label for member in cluster.workers] == ["b", "a"]


def test_a_label_without_mac_address_may_name_the_host(with_hosts) -> None:
    (cluster,) = with_hosts("""
apiVersion: bpa.akraino.org/v1alpha1
kind: Provisioning
metadata: {name: x, labels: {cluster: x}}
spec: {masters: [node2: ]}
""").clusters

    assert cluster.masters == (Member("node2", "node2", "00:c6:14:04:61:ff"),)


def test_an_unknown_mac_is_refused_in_the_words_of_icn(with_hosts) -> None:
    with pytest.raises(DocumentErrors, match="Host with MAC Address 00:c6:14:04:61:b not found|is no MAC address"):
        with_hosts((HERE / "one-node.yaml").read_text().replace("61:b2", "61:b"))
    with pytest.raises(DocumentErrors, match="Host with MAC Address 00:c6:14:04:61:00 not found"):
        with_hosts((HERE / "one-node.yaml").read_text().replace("61:b2", "61:00"))


def test_a_cluster_of_virtual_machines_is_read_with_a_note(with_hosts) -> None:
    site = with_hosts((HERE / "one-node.yaml").read_text().replace("owner: c1", "cluster-type: virtlet-vm"))

    assert any("virtlet-vm is not served" in note for note in site.notes)


def test_foreign_fields_are_kept(with_hosts) -> None:
    site = with_hosts((HERE / "one-node.yaml").read_text())

    assert site.hosts[0].document["spec"]["fieldOfAnotherYear"] == "kept"
    assert site.hosts[0].document["spec"]["consumerRef"]["name"] == "machine-1"


def test_addresses_of_bmcs_become_a_service_and_a_system(with_hosts) -> None:
    wants = [host.want for host in with_hosts((HERE / "one-node.yaml").read_text()).hosts]

    assert [(want.bmc, want.system) for want in wants] == [
        ("https://10.10.110.11", "/redfish/v1/Systems/1"),
        ("http://10.10.110.12:8000", "/redfish/v1/Systems/2"),
        ("https://[2001:db8::13]", "/redfish/v1/Systems/System.Embedded.1"),
    ]


def test_trust_and_power_are_as_the_documents_say(with_hosts) -> None:
    hosts = with_hosts((HERE / "one-node.yaml").read_text()).hosts

    assert [host.verify for host in hosts] == [True, True, False]
    assert [host.online for host in hosts] == [True, True, False]
    assert hosts[0].bmc_username.reveal() == "root"
    assert hosts[0].bmc_password.reveal() == "secret"


def test_a_host_that_would_get_two_versions_of_a_package_is_refused(with_hosts) -> None:
    text = (HERE / "software.yaml").read_text()

    with pytest.raises(DocumentErrors, match=r"jq 1\.5\+dfsg-1ubuntu0\.1 and 1\.6"):
        with_hosts(text.replace("    - jq:\n---", "    - jq: {version: '1.6'}\n---"))
