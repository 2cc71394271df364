"""Documents to adapters, for real: `bpa` on a site with an Ironic of its own, by endpoint and by clouds.yaml.

A real Ironic and a real sushy-emulator run as processes on loopback. The emulated machine cannot boot, so that Ironic's
own refusal to inspect it is where the way ends: everything before it has then worked.
"""

import json
import socket
import subprocess
import sys

import pytest
import requests
import yaml
from polling import until

from bpa.adapters.ironic_service import EmbeddedIronic
from bpa.cli import run
from bpa.cli.exits import Exit

UUID, MAC = "27946b59-9e44-4fa7-8e91-f3527a1ef0a1", "00:5c:52:31:3a:a1"


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return probe.getsockname()[1]


@pytest.fixture(scope="module")
def bmc(tmp_path_factory):
    folder, port = tmp_path_factory.mktemp("bmc"), free_port()
    systems = [{"uuid": UUID, "name": "fake", "power_state": "Off", "external_notifier": False,
                "nics": [{"mac": MAC, "ip": "127.0.0.1"}]}]
    (folder / "sushy.conf").write_text(
        f"SUSHY_EMULATOR_LISTEN_IP = '127.0.0.1'\nSUSHY_EMULATOR_LISTEN_PORT = {port}\n"
        f"SUSHY_EMULATOR_STATE_DIR = {str(folder)!r}\nSUSHY_EMULATOR_FAKE_SYSTEMS = {systems!r}\n")
    process = subprocess.Popen(
        [sys.executable, "-m", "sushy_tools.emulator.main", "--fake", "--config", str(folder / "sushy.conf")],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=folder)
    try:
        until(lambda: requests.get(f"http://127.0.0.1:{port}/redfish/v1/", timeout=5), lambda answer: answer.ok,
              ignore=(requests.ConnectionError, requests.Timeout))
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait()


@pytest.fixture(scope="module")
def ironic(tmp_path_factory):
    service = EmbeddedIronic(tmp_path_factory.mktemp("own-ironic"), "127.0.0.1", api_port=free_port(), http_port=free_port())
    try:
        yield service.ensure()
    finally:
        service.stop()


def documents(site, bmc, ironic_settings):
    site.mkdir()
    (site / "site.yaml").write_text(yaml.safe_dump_all([
        {"apiVersion": "bpa.akraino.org/v1alpha1", "kind": "Site", "metadata": {"name": "own"},
         "spec": {"ironic": ironic_settings}},
        {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "bmc"},
         "stringData": {"username": "admin", "password": "any"}},
        {"apiVersion": "v1", "kind": "Secret", "metadata": {
            "name": "ironic", "annotations": {"bpa.akraino.org/from-env": "password=OWN_IRONIC_PASSWORD"}}},
        {"apiVersion": "metal3.io/v1alpha1", "kind": "BareMetalHost",
         "metadata": {"name": f"host-{site.name}", "annotations": {"bpa.akraino.org/profile": "minimal"}},
         "spec": {"online": True, "bootMACAddress": MAC if site.name == "endpoint" else "00:5c:52:31:3a:a2",
                  "bmc": {"address": f"redfish-virtualmedia+{bmc}/redfish/v1/Systems/{UUID}", "credentialsName": "bmc"},
                  "image": {"url": "http://127.0.0.1/os.raw", "checksum": "ab" * 32, "checksumType": "sha256"}}},
    ]))


@pytest.mark.parametrize("how", ["endpoint", "cloud"])
def test_a_host_is_enrolled_in_the_sites_own_ironic(how, bmc, ironic, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("BPA_STATE", str(tmp_path / "state"))
    monkeypatch.setenv("OWN_IRONIC_PASSWORD", ironic.password.reveal())
    settings = {"endpoint": {"url": ironic.api_url, "username": ironic.username, "passwordFrom": {"name": "ironic"}}}
    if how == "cloud":
        settings = {"cloud": "own"}
        (tmp_path / "clouds.yaml").write_text(yaml.safe_dump({"clouds": {"own": {
            "auth_type": "http_basic", "baremetal_endpoint_override": ironic.api_url,
            "auth": {"endpoint": ironic.api_url, "username": ironic.username, "password": ironic.password.reveal()}}}}))
        monkeypatch.setenv("OS_CLIENT_CONFIG_FILE", str(tmp_path / "clouds.yaml"))
    documents(tmp_path / how, bmc, settings)
    site = str(tmp_path / how)
    if how == "cloud":  # the emulated machine has another MAC: it is refused before Ironic hears of it
        assert run(["apply", site, "--yes"]) == Exit.NOT_MET
        assert "another machine" in capsys.readouterr().out
        code = run(["facts", "host-cloud", "--site", site])
        seen = json.loads(capsys.readouterr().out)
        assert code == Exit.MET, seen["unseen"]
        assert seen["node"]["provision_state"] == ""
        return
    assert run(["apply", site, "--yes"]) == Exit.NOT_MET
    said = capsys.readouterr().out
    assert "Enrolled act: ask Ironic to manage" in said and "Inspected stuck" in said
    assert run(["facts", "host-endpoint", "--site", site]) == Exit.MET
    node = json.loads(capsys.readouterr().out)["node"]
    assert node["uuid"] and node["current"] and ironic.password.reveal() not in json.dumps(node)
    assert run(["explain", "host-endpoint", "--site", site]) == Exit.MET
    assert "deploy_ramdisk" in capsys.readouterr().out  # what Ironic itself says is missing
    assert run(["ironic", "status", site]) == Exit.NOT_MET  # there is none of ours to tell of
