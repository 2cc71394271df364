"""Whatever is typed or written wrong ends in one readable message and the right exit code."""

import json
import sys
import types

import pytest

from bpa.cli.exits import Exit


def test_a_site_that_is_not_there(run, site, tmp_path):
    ran = run("plan", tmp_path / "nowhere")
    assert ran.code == Exit.DOCUMENTS
    assert "nowhere: no such file or directory" in ran.err
    assert "nothing was touched" in ran.err


def test_broken_yaml_is_named_by_file_line_and_column(run, site):
    (site / "broken.yaml").write_text("a: [\n")
    ran = run("apply", site, "--yes")
    assert ran.code == Exit.DOCUMENTS
    assert "broken.yaml:2:1: broken YAML" in ran.err
    assert "DocumentError(" not in ran.err


def test_all_errors_are_told_at_once(run, site):
    text = (site / "documents.yaml").read_text()
    (site / "documents.yaml").write_text(
        text.replace("52:54:00:00:00:01", "fifty-two").replace("redfish://", "ipmi://"))
    ran = run("plan", site)
    assert ran.code == Exit.DOCUMENTS
    assert "spec.bootMACAddress" in ran.err and "spec.bmc.address" in ran.err


def test_a_secret_is_never_in_an_error(run, site):
    text = (site / "documents.yaml").read_text()
    (site / "documents.yaml").write_text(text.replace("  name: drawer\n", "  name: drawer\n  name: drawer\n"))
    ran = run("plan", site)
    assert ran.code == Exit.DOCUMENTS
    assert "correct-horse" not in ran.out + ran.err


@pytest.mark.parametrize("command", ["explain", "facts"])
def test_an_unknown_host_is_answered_with_the_known_ones(run, site, command):
    ran = run(command, "drawr", "--site", site)
    assert ran.code == Exit.USAGE
    assert "drawr" in ran.err and "drawer" in ran.err.replace("drawr", "")


@pytest.mark.parametrize("option", ["--replaced", "--disrupt"])
def test_an_option_with_an_unknown_host_is_refused(run, site, drawer, option):
    ran = run("apply", site, "--yes", option, "drawr")
    assert ran.code == Exit.USAGE
    assert "drawr" in ran.err
    assert drawer.performed == []


def test_no_site_anywhere_says_what_to_do(run, site, tmp_path, monkeypatch):
    empty = tmp_path / "empty"
    empty.mkdir()
    monkeypatch.chdir(empty)
    ran = run("plan")
    assert ran.code == Exit.USAGE
    assert "BPA_SITE" in ran.err


def test_the_site_of_the_environment_and_of_this_directory_are_found(run, site, monkeypatch, tmp_path):
    monkeypatch.chdir(site)
    assert "drawer" in run("plan").out
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("BPA_SITE", str(site))
    assert "drawer" in run("plan").out


def test_documents_come_by_standard_input_too(run, site, monkeypatch):
    monkeypatch.setattr("sys.stdin", (site / "documents.yaml").open())
    assert "drawer" in run("plan", "-").out


@pytest.mark.parametrize("arguments", [
    ["no-such-command"], ["plan", "--no-such-option"], ["plan", "a", "b"], ["explain"], ["completion", "tcsh"],
    ["apply", "--plan"], ["lab", "up", "--hosts", "0"], ["lab", "up", "--kvm", "maybe"], ["plan", "-o", "xml"],
])
def test_wrong_use_is_told_from_everything_else(run, arguments):
    ran = run(*arguments)
    assert ran.code == Exit.USAGE
    assert "Error: " in ran.err


def test_an_ironic_of_the_site_is_not_ours_to_stop(run, site):
    (site / "site.yaml").write_text(
        "apiVersion: bpa.akraino.org/v1alpha1\nkind: Site\nmetadata: {name: s}\n"
        "spec: {ironic: {endpoint: {url: 'http://192.0.2.1:6385'}}}\n")
    ran = run("ironic", "stop", site)
    assert ran.code == Exit.NOT_MET
    assert "does not run one" in ran.err


def test_the_lab_says_that_it_needs_root(run, site, monkeypatch):
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    monkeypatch.setattr("bpa.cli.images.build_all", lambda: (None, None, None))
    monkeypatch.setitem(sys.modules, "libvirt", sys.modules.get("libvirt") or types.ModuleType("libvirt"))
    ran = run("lab", "up")
    assert ran.code == Exit.LAB
    assert "root" in ran.err


def test_an_empty_plan_hash_is_no_consent(run, site, drawer):
    ran = run("apply", site, "--plan", "")
    assert ran.code == Exit.USAGE
    assert drawer.performed == []


def test_a_host_that_is_offline_is_left_out_and_said_so(run, site, drawer):
    documents = site / "documents.yaml"
    documents.write_text(documents.read_text().replace("online: true", "online: false"))
    assert "left alone" in run("plan", site).err
    ran = run("explain", "drawer", "--site", site)
    assert ran.code == Exit.USAGE and "online: false" in ran.err


def test_the_hash_of_a_plan_changes_with_what_is_written_even_where_it_reads_the_same(run, site, monkeypatch):
    documents = site / "documents.yaml"
    image = "  image: {url: 'http://192.0.2.1/os.raw', checksum: %s}\n"
    hashes = set()
    for checksum in ("a" * 64, "b" * 64):
        documents.write_text(documents.read_text().partition("  image:")[0] + image % checksum)
        hashes.add(json.loads(run("plan", site, "--json").out)["hash"])
    assert len(hashes) == 2
