"""The virtual lab as a fixture: real BMC emulator, real Ironic, real virtual machines. Needs root and about 20 minutes."""

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

BPA = Path(sys.executable).parent / "bpa"


class Lab:
    """`bpa` as a user runs it, on a lab and a state of the tests' own."""

    def __init__(self, root: Path):
        self.root = root
        self.environment = {**os.environ, "BPA_LAB_DIR": str(root / "lab"), "BPA_STATE": str(root / "state")}
        self.environment.pop("BPA_SITE", None)
        self.site = root / "lab" / "site"
        self.addresses = {}

    def bpa(self, *arguments, check=0):
        """Run to the end; the output is shown, and the exit code must be `check`."""
        done = subprocess.run([BPA, *arguments], env=self.environment, cwd=self.root, text=True, stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
        print(f"$ bpa {' '.join(arguments)}\n{done.stdout}[exit code {done.returncode}]", flush=True)
        if check is not None:
            assert done.returncode == check, done.stdout[-3000:]
        return done.stdout

    def json(self, *arguments, check=0):
        """The same for commands that print JSON on standard output."""
        done = subprocess.run([BPA, *arguments, "--json"], env=self.environment, cwd=self.root, text=True,
                              stdin=subprocess.DEVNULL, capture_output=True, check=False)
        if check is not None:
            assert done.returncode == check, done.stdout[-2000:] + done.stderr[-2000:]
        return json.loads(done.stdout)

    def facts(self, host):
        return json.loads(subprocess.run([BPA, "facts", host], env=self.environment, cwd=self.root, text=True,
                                         capture_output=True, check=True).stdout)

    def apply_until(self, wanted, *arguments):
        """Start an apply and kill it with SIGKILL as soon as a line of its progress has all the `wanted` words."""
        process = subprocess.Popen([BPA, "apply", *arguments], env=self.environment, cwd=self.root, text=True,
                                   stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        print(f"$ bpa apply {' '.join(arguments)}   (killed at: {' '.join(wanted)})", flush=True)
        seen = []
        for line in process.stdout:
            seen.append(line)
            print(line, end="", flush=True)
            if all(word in line for word in wanted):
                process.send_signal(signal.SIGKILL)
                process.wait()
                print("[killed]", flush=True)
                return
        pytest.fail(f"apply ended with {process.wait()} and never came to {wanted}:\n{''.join(seen[-30:])}")

    def keep_logs(self):
        """`lab down` removes them: what a failure is understood from is kept, and its end shown."""
        kept = self.root / "kept"
        kept.mkdir()
        places = ("lab/logs/*", "lab/kud/*/log/*.log", "state/*/bpa.log", "state/*/ironic/log/*.log")
        for log in (log for place in places for log in self.root.glob(place)):
            shutil.copy(log, kept / log.name)
            print(f"--- {kept / log.name}\n{log.read_text(errors='replace')[-2000:]}", flush=True)

    def state_directory(self):
        return next(p for p in (self.root / "state").iterdir() if not p.name.startswith("_"))

    def on(self, host, command):
        """Run a shell command on a host over OpenSSH with the pinned host key: an eye that is not BPA's."""
        state = self.state_directory()
        if host not in self.addresses:
            self.addresses[host] = self.facts(host)["os"]["address"]
        address = self.addresses[host]
        known = self.root / "known_hosts"
        public = subprocess.run(["ssh-keygen", "-y", "-f", state / "hosts" / host / "ssh_host_ed25519_key"],
                                text=True, capture_output=True, check=True).stdout
        known.write_text(f"{address} {public}")
        done = subprocess.run(
            ["ip", "netns", "exec", "bpa-lab", "ssh", "-i", state / "ssh" / "id_ed25519", "-o", "BatchMode=yes",
             "-o", f"UserKnownHostsFile={known}", "-o", "GlobalKnownHostsFile=/dev/null",
             "-o", "StrictHostKeyChecking=yes", f"root@{address}", command],
            text=True, capture_output=True, stdin=subprocess.DEVNULL, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout


@pytest.fixture(scope="session")
def lab(request):
    if os.geteuid():
        pytest.exit("the virtual lab needs root; use `make test` for everything that does not", returncode=2)
    if Path("/run/netns/bpa-lab").exists():
        inside = subprocess.run(["ip", "netns", "pids", "bpa-lab"], text=True, capture_output=True, check=True).stdout
        if inside.strip():
            pytest.exit("a lab is up already and there can be one only: `make demo-clean` first", returncode=2)
        subprocess.run(["ip", "netns", "delete", "bpa-lab"], check=True)
    made = Lab(Path(tempfile.mkdtemp(prefix="bpa-test-lab-")))
    try:
        made.bpa("images", "build")
        made.bpa("lab", "up", "--hosts", "2", "--kvm", "off")
        yield made
    finally:
        if request.session.testsfailed:
            made.keep_logs()
        made.bpa("lab", "down", check=None)
    assert not Path("/run/netns/bpa-lab").exists()
    if not request.session.testsfailed:
        shutil.rmtree(made.root)
