"""Which kubeconfigs tell whether a host is in service."""

from pathlib import Path

import pytest

from bpa.adapters.kubernetes import KubernetesNodes
from bpa.wiring import open_site

HOSTS = (Path(__file__).parents[1] / "documents" / "good.yaml").read_text()
CLUSTER = """---
apiVersion: bpa.akraino.org/v1alpha1
kind: Provisioning
metadata: {name: edge, labels: {cluster: edge}}
spec: {masters: [{master-1: {mac-address: "52:54:00:00:00:01"}}]}
"""
SITE = """---
apiVersion: bpa.akraino.org/v1alpha1
kind: Site
metadata: {name: edge}
spec: {kud: {directory: clusters}%s}
"""
LEFT_BY_KUD = "clusters/edge/artifacts/admin.conf"


@pytest.mark.parametrize("cluster, kubernetes, asked", [
    ("", "", []),
    (CLUSTER, "", [LEFT_BY_KUD]),
    ("", ", kubernetes: {kubeconfig: edge.conf}", ["edge.conf"]),
    (CLUSTER, ", kubernetes: {kubeconfig: edge.conf}", ["edge.conf", LEFT_BY_KUD]),
], ids=["no cluster", "KuD's", "the Site's", "both"])
def test_the_sites_own_kubeconfig_and_the_one_that_kud_leaves(tmp_path, monkeypatch, cluster, kubernetes, asked):
    seen = []

    def made(self, kubeconfigs, keep):
        seen.append([str(path.relative_to(tmp_path)) for path in kubeconfigs])
        real(self, kubeconfigs, keep)

    real = KubernetesNodes.__init__
    monkeypatch.setattr(KubernetesNodes, "__init__", made)
    monkeypatch.setenv("BPA_STATE", str(tmp_path / "state"))
    monkeypatch.setenv("BPA_LAB_DIR", str(tmp_path / "lab"))
    (tmp_path / "edge.conf").touch()
    (tmp_path / "site.yaml").write_text(HOSTS + cluster + SITE % kubernetes)
    with open_site(str(tmp_path / "site.yaml")):
        pass
    assert seen == [asked]
