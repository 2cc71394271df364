"""A real API server for all tests of this directory; `make test-kube` builds its binaries and names them in BPA_KUBE_BIN."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from control_plane import ControlPlane
from simulated_kubelet import Cluster


@pytest.fixture(scope="session")
def plane(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlPlane]:
    binaries = Path(os.environ.get("BPA_KUBE_BIN", ""))
    if not (binaries / "kube-apiserver").is_file():
        pytest.fail("BPA_KUBE_BIN names no directory with etcd and kube-apiserver: `make test-kube` builds them")
    with ControlPlane(binaries.absolute(), tmp_path_factory.mktemp("plane")) as running:
        yield running


@pytest.fixture(scope="session")
def admin(plane: ControlPlane) -> Path:
    """The administrator's kubeconfig."""
    return plane.kubeconfig("admin", "system:masters")


@pytest.fixture
def cluster(plane: ControlPlane, admin: Path, request: pytest.FixtureRequest) -> Iterator[Cluster]:
    """A Node and a namespace of this test's own."""
    made = Cluster(plane, f"n{abs(hash(request.node.nodeid)):x}"[:12])
    yield made
    made.remove()
