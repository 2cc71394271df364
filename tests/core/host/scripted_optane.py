"""A host with Optane modules, played by scripts: ipmctl and ndctl answer in the forms of their manuals, and keep state.

The probes and steps of the product run in a real shell, with their paths led here; only the tools are not the real ones.
Sources: intel/ipmctl Documentation/ipmctl, pmem/ndctl ndctl/json.c.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from bpa.core.facts import Facts, OsFacts, Ran
from bpa.core.host.pmem import PROBES

GIB = 1 << 30
CAPACITY = 126 * GIB
IDS = {0: ("0x0001", "0x0101"), 1: ("0x1001", "0x1101")}

IPMCTL = '''
import json, pathlib, sys
path = pathlib.Path(__file__).parent.parent / "state.json"
state = json.loads(path.read_text())
words = [word for word in sys.argv[1:] if word not in ("-f", "-a")]
verb, old = words[0], state.get("old")
socket = words[words.index("-socket") + 1] if "-socket" in words else None
modules = [m for m in state["modules"] if socket is None or m["socket"] == int(socket)]

def say(kind, rows, none):
    if not rows:
        print(none)
    elif old:
        print(" " + " | ".join(rows[0]))
        print("=" * 80)
        for row in rows:
            print(" " + " | ".join(v.replace(" B", " GiB") if v.endswith(" B") else v for v in row.values()))
    else:
        print('<?xml version="1.0"?>\\n<%sList>' % kind)
        for row in rows:
            print(" <%s>" % kind + "".join("\\n  <%s>%s</%s>" % (k, v, k) for k, v in row.items()) + "\\n </%s>" % kind)
        print("</%sList>" % kind)

def size(number):
    return ("%.3f" % (number / 2**30)).replace(".", state.get("point", ".")) + " GiB" if old else "%d B" % number

if verb == "show":
    if old and "-o" in words and "-dimm" in words:
        print("Syntax Error: Invalid option -o."); sys.exit(201)
    if "-dimm" in words:
        say("Dimm", [{"DimmID": m["id"], "SocketID": "0x%04x" % m["socket"], "DimmUID": "8089-a2-1839-" + m["id"][2:],
            "Capacity": size(m["capacity"]), "MemoryCapacity": size(m["memory"]),
            "AppDirectCapacity": size(m["capacity"] - m["memory"] if m["kind"] else 0), "HealthState": m.get("health", "Healthy"),
            "LockState": m.get("lock", "Disabled"), "FWVersion": "01.02.00.5446"} for m in modules],
            "No PMem modules in the system.")
    elif "-region" in words:
        sets = {}
        for m in modules:
            if m["kind"]:
                sets.setdefault(str(m["socket"]) if m["kind"] == "AppDirect" else m["id"], []).append(m)
        say("Region", [{"SocketID": "0x%04x" % g[0]["socket"], "PersistentMemoryType": g[0]["kind"],
            "Capacity": size(sum(m["capacity"] - m["memory"] for m in g)), "HealthState": "Healthy",
            "DimmID": ", ".join(m["id"] for m in g)} for g in sets.values()], "There are no Regions defined in the system.")
    else:
        say("ConfigGoal", [{"SocketID": "0x%04x" % m["socket"], "DimmID": m["id"],
            "MemorySize": size(m["capacity"] * m["goal"][0] // 100),
            "AppDirect1Size": size(m["capacity"] * (100 - m["goal"][0]) // 100), "AppDirect2Size": size(0),
            "Status": m.get("status", "New")} for m in modules if m.get("goal")],
            "There are no goal configs defined in the system.")
    sys.exit()
if verb == "delete":
    for m in modules:
        m.pop("goal", None); m.pop("status", None)
elif verb == "create":
    said = dict(word.split("=", 1) for word in words if "=" in word)
    if state.get("namespaces"):
        print("Error: One or more of the specified PMem modules has namespaces."); sys.exit(1)
    if any(m.get("goal") for m in modules):
        print("Error: A requested DIMM already has a configured goal."); sys.exit(1)
    if state.get("fails_once") == int(socket):
        state["fails_once"] = None; path.write_text(json.dumps(state)); sys.exit(137)
    for m in modules:
        m["goal"] = [int(said["MemoryMode"]), said.get("PersistentMemoryType", "")]
    print("A reboot is required to process new memory allocation goals.")
path.write_text(json.dumps(state))
'''

NDCTL = '''
import json, pathlib, sys
root = pathlib.Path(__file__).parent.parent
state = json.loads((root / "state.json").read_text())
words = sys.argv[1:]
(root / "ndctl.log").open("a").write(" ".join(words) + "\\n")
if words[:2] == ["list", "-R"]:
    region = {"dev": "region0", "size": 252 * 2**30, "align": 2**24, "available_size": 252 * 2**30, "type": "pmem",
              "namespaces": [{"dev": n, "mode": "fsdax", "size": 2**30, "blockdev": "pmem0"}
                             for n in state.get("namespaces", [])]}
    print(json.dumps({"regions": [region] if state.get("namespaces") else []}))
elif words[:2] == ["list", "-D"]:
    print(json.dumps([{"dev": "nmem%d" % n, "id": "8089-" + m["id"], "handle": int(m["id"], 16),
                       "security": m.get("lock", "disabled").lower(),
                       "health": {"health_state": "ok"}} for n, m in enumerate(state["modules"])]))
elif words[0] == "destroy-namespace":
    state["namespaces"].remove(words[-1])
elif words[0] == "sanitize-dimm" and state.get("fails_once") == words[-1]:
    state["fails_once"] = None
    (root / "state.json").write_text(json.dumps(state)); sys.exit(137)
(root / "state.json").write_text(json.dumps(state))
'''


class ScriptedHost:
    """`state` is what the tools read and write; restart() is what the firmware does, with `drops` and `refuses`."""

    def __init__(self, root: Path, **state: Any) -> None:
        self.root, self.boots, self.drops, self.refuses = root, 1, 0, ""
        for name in ("bin", "sys", "units", "etc"):
            (root / name).mkdir()
        for name, text in (("ipmctl", IPMCTL), ("ndctl", NDCTL)):
            (root / "bin" / name).write_text(f"#!{sys.executable} -SE{text}")
            (root / "bin" / name).chmod(0o755)
        for number in range(4):
            (root / "sys" / f"nmem{number}").mkdir()
        (root / "mounts").write_text("/dev/sda1 / ext4 rw\n")
        modules = [{"id": i, "socket": s, "capacity": CAPACITY, "memory": 0, "kind": ""} for s in IDS for i in IDS[s]]
        self.save({"modules": modules, **state})

    @property
    def state(self) -> dict[str, Any]:
        read: dict[str, Any] = json.loads((self.root / "state.json").read_text())
        return read

    def save(self, state: dict[str, Any]) -> None:
        (self.root / "state.json").write_text(json.dumps(state))

    def look(self) -> Facts:
        return Facts(os=OsFacts("192.0.2.10", f"boot-{self.boots}", {name: self.run(argv) for name, argv in PROBES.items()}))

    def run(self, argv: tuple[str, ...]) -> Ran:
        ran = subprocess.run([self._here(word) for word in argv], capture_output=True, text=True, check=False,
                             env={"PATH": f"{self.root}/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C"})
        return Ran(ran.returncode, ran.stdout, ran.stderr)

    def _here(self, word: str) -> str:
        for there, here in (("/sys/bus/nd/devices", "sys"), ("/etc/bpa", "etc/bpa"), ("/etc/systemd/system", "units"),
                            ("/proc/self/mounts", "mounts"), ("/dev/pmem", "dev/pmem")):
            word = word.replace(there, str(self.root / here))
        return word

    def restart(self) -> None:
        """POST: goals are applied, dropped without a word, or refused with one."""
        self.boots += 1
        state = self.state
        for module in state["modules"]:
            if not module.get("goal"):
                continue
            if self.refuses:
                module["status"] = f"Failed - {self.refuses}"
                continue
            if not self.drops:
                module["memory"] = module["capacity"] * module["goal"][0] // 100
                module["kind"] = module["goal"][1]
            module.pop("goal")
        self.drops = max(self.drops - 1, 0)
        self.save(state)
