"""From powered off to handed over, for real: two hosts at once, three kills, a cold restart, drift.

The tests are one story and run in order; each starts where the one before it ended.
"""

import re

import pytest
from polling import until

HOSTS = ("lab-0", "lab-1")


def requirements(report, name):
    subject = next(s for s in report["subjects"] if s["name"] == name)
    return subject, {r["condition"]: r for r in subject["requirements"]}


def test_the_plan_names_what_will_change_and_what_will_be_lost(lab):
    text = lab.bpa("plan")
    for line in ("BIOS ProcVirtualization: Disabled -> Enabled", "LABDISK0", "intel_iommu=on", "fsdax 512 MiB"):
        assert line in text
    plan = lab.json("plan")
    assert [s["restarts"] for s in plan["subjects"] if s["name"] in HOSTS] == [2, 2]


def test_nothing_is_destroyed_without_consent(lab):
    assert "--yes" in lab.bpa("apply", check=4)
    assert "now" in lab.bpa("apply", "--plan", "000000000000", check=4)
    assert all(h["power"] == "Off" for h in lab.json("lab", "status")["hosts"])


def test_killed_during_the_bios_reset_it_goes_on(lab):
    lab.apply_until(("lab-0", "FirmwareApplied", "act", "reset"), "--plan", lab.json("plan")["hash"])


def test_killed_during_the_deploy_it_goes_on_with_the_consent_it_had(lab):
    lab.apply_until(("lab-0", "ImageDeployed", "wait call-back"))


def test_killed_while_virtual_functions_are_made_it_goes_on(lab):
    lab.apply_until(("lab-0", "VfsCreated", "act", "create 4 VFs"))


def test_both_hosts_are_handed_over(lab):
    lab.bpa("apply")
    assert lab.bpa("verify")
    report = lab.json("report")
    assert report["met"]
    for host in HOSTS:
        subject, _ = requirements(report, host)
        done = [step["text"] for step in subject["steps"]]
        counts = [sum(text.startswith(words) for text in done) for words in ("reset (", "write debian", "restart the host")]
        # The kills came after lab-0's steps were on record. For lab-1 one may have fallen between remembering a step
        # and doing it: then it is asked for twice and done once, or done and not on record.
        assert counts == [1, 1, 1] if host == "lab-0" else max(counts) <= 1, done
        assert subject["restarts"]["firmware"] == 1 and subject["restarts"]["kernel"] >= 1


@pytest.mark.parametrize("host", HOSTS)
def test_the_host_itself_shows_what_was_asked(lab, host):
    bios = lab.facts(host)["bmc"]["bios"]
    assert bios["ProcVirtualization"] == bios["ProcVtd"] == bios["SriovGlobalEnable"] == "Enabled"
    assert {"intel_iommu=on", "iommu=pt"} <= set(lab.on(host, "cat /proc/cmdline").split())
    assert lab.on(host, "cat /sys/bus/pci/devices/*/sriov_numvfs").split() == ["4", "2"]
    assert lab.on(host, "ls -d /sys/bus/pci/devices/*/physfn").count("physfn") == 6
    assert "ext4" in lab.on(host, "findmnt -no FSTYPE,OPTIONS /mnt/pmem0")
    assert lab.on(host, "cat /sys/module/kvm_amd/parameters/nested").strip() in ("1", "Y")
    made = "import fcntl,os; print(os.fstat(fcntl.ioctl(os.open('/dev/kvm', os.O_RDWR), 0xAE01, 0)).st_mode > 0)"
    assert lab.on(host, f'python3 -c "{made}"').strip() == "True"
    assert int(lab.on(host, "ls /sys/kernel/iommu_groups | wc -l")) > 0


@pytest.mark.parametrize("host", HOSTS)
def test_one_bmc_by_hand_tells_the_same_machine(lab, host):
    facts = lab.json("bmc", "facts", host)
    assert facts["identity"]["value"]["serial"] == lab.facts(host)["bmc"]["serial"]
    assert "can be provisioned" in lab.bpa("bmc", "doctor", host)
    assert "already so" in lab.bpa("bmc", "bios", host, "plan", "virtualization=on", "iommu=on", "sriov=on")
    assert "On" in lab.bpa("bmc", "power", host)


def test_the_killed_runs_left_no_session_on_the_bmc(lab):
    # What is open is this command's own, and those of Ironic, which keeps one for each of its nodes.
    open_now = lab.json("bmc", "sessions", "lab-0")["sessions"]
    assert len([s for s in open_now if not s["own"]]) <= len(HOSTS)


def test_a_host_can_be_judged_from_a_file(lab):
    lab.bpa("host", "collect", "lab-0", "-o", "lab-0.json", "--force")
    lab.bpa("verify", "--from", "lab-0.json")


def test_the_installer_log_has_ansibles_own_recap_without_failures(lab):
    log = (lab.root / "lab" / "kud" / "lab" / "log" / "installer.log").read_text()
    recap = log[log.rindex("PLAY RECAP"):]
    for host in HOSTS:
        assert re.search(rf"^{host}\s.*unreachable=0\s+failed=0", recap, re.MULTILINE)


def test_a_second_apply_finds_nothing_to_do(lab):
    steps = [len(s["steps"]) for s in lab.json("report")["subjects"]]
    assert "everything is as the documents say" in lab.bpa("apply")
    assert [len(s["steps"]) for s in lab.json("report")["subjects"]] == steps


def test_a_cold_restart_changes_nothing(lab):
    boot = lab.facts("lab-0")["os"]["boot_id"]
    lab.bpa("lab", "power", "lab-0", "off")
    lab.bpa("verify", check=None)
    lab.bpa("lab", "power", "lab-0", "on")

    until(lambda: lab.json("verify", check=None), lambda found: found["met"], seconds=600)
    assert lab.facts("lab-0")["os"]["boot_id"] != boot


def test_drift_is_found_and_mended(lab):
    lab.on("lab-0", "for f in /sys/bus/pci/devices/*/sriov_numvfs; do echo 0 > $f; done")
    assert "VfsCreated" in lab.bpa("verify", check=1)
    lab.bpa("apply")
    lab.bpa("verify")
