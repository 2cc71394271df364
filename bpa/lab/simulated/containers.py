"""containerd of a simulated host: there with its package, `containerd` (1.6) or `bpa-lab-containerd` (2.4), which is configured
as bpa/images/recipes/containerd.sh does it; and Kata's files, with `bpa-lab-kata`.
"""

from __future__ import annotations

import tomllib
from typing import TYPE_CHECKING, Any

from bpa.core.host.containerd_look import CONFIG, DROP_IN

if TYPE_CHECKING:
    from bpa.lab.simulated.linux import Running

VERSIONS = {"bpa-lab-containerd": "v2.4.2", "containerd": "1.6.20~ds1"}
KATA = "bpa-lab-kata"
MAIN = {
    "bpa-lab-containerd": 'version = 3\nimports = ["/etc/containerd/conf.d/*.toml"]\n'
    '[plugins."io.containerd.cri.v1.runtime".containerd.runtimes.runc]\nruntime_type = "io.containerd.runc.v2"\n'
    '[plugins."io.containerd.cri.v1.images".registry]\nconfig_path = "/etc/containerd/certs.d"\n',
    "containerd": "version = 2\n",
}


def containerd(os: Running) -> str:
    """Probe `containerd`."""
    files = os.installed.files
    package = next((name for name in VERSIONS if name in os.installed.packages), "")
    main, ours = files.get(CONFIG, MAIN.get(package, "")), files.get(DROP_IN)
    written = "" if ours is None else f"{files.now() - files.changed[DROP_IN]:.0f}\n"
    kata = KATA in os.installed.packages
    return (
        f"@@ version\n{f'containerd github.com/containerd/containerd {VERSIONS[package]} x' if package else ''}\n"
        f"@@ running\n{f'{os.machine.time - os.containerd_started:.0f}' if package else ''}\n@@ written\n{written}"
        f"@@ memlock\n{'8388608' if package else ''}\n@@ unit\nLoadState={'loaded' if package else 'not-found'}\n"
        f"ActiveState={'active' if package else 'inactive'}\n@@ dump\n{_dump(main, ours or '') if package else ''}"
        f"@@ main\n{''.join(line for line in main.splitlines(True) if line.startswith(('version', 'imports')))}"
        f"@@ drop-in\n{ours or ''}@@ kata\n{'/opt/kata/bin/containerd-shim-kata-v2' if kata else ''}\n@@ kata configuration\n"
        f"{'/opt/kata/share/defaults/kata-containers/configuration-qemu.toml' if kata else ''}\n@@ kubelet\n"
        "@@ cgroup\ncgroup2fs\n@@ room\nmemory 61865984\ndisk 94371840\n")


def _dump(main: str, ours: str) -> str:
    """`containerd config dump`, the lines that the probe keeps: it reads the files, whatever the daemon has read."""
    try:
        read = [tomllib.loads(main), tomllib.loads(ours)]
    except tomllib.TOMLDecodeError as error:
        return f"containerd: failed to unmarshal TOML: {error}\n"
    lines = []
    for plugins in (one.get("plugins", {}) for one in read):
        for name, plugin in plugins.items():
            lines += _runtimes(name, plugin)
            if "registry" in plugin:
                lines += [f"[plugins.'{name}'.registry]\n", f"  config_path = '{plugin['registry'].get('config_path', '')}'\n"]
    return "".join(lines)


def _runtimes(name: str, plugin: dict[str, Any]) -> list[str]:
    return [line for handler, table in plugin.get("containerd", {}).get("runtimes", {}).items()
            for line in (f"[plugins.'{name}'.containerd.runtimes.{handler}]\n",
                         f"  runtime_type = '{table.get('runtime_type', '')}'\n")]
