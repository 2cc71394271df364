"""What the embedded Ironic needs of the machine it runs on: packages, free ports, files in place."""

from __future__ import annotations

import hashlib
import importlib.metadata
import os
import shutil
import socket
import sys
from pathlib import Path

from tenacity import Retrying, retry_if_exception_type, stop_after_delay, wait_fixed

from bpa.adapters.errors import Refused, Unsupported

PORT_PATIENCE = 10.0
TOOLS = {"mkisofs": "genisoimage", "qemu-img": "qemu-utils"}
"""What Ironic runs to make a virtual-media ISO and to look at images -> the Debian package that has it."""


def require_parts(with_ramdisk: bool) -> None:
    """Unsupported, with what to install, where a package is missing."""
    try:
        importlib.metadata.version("ironic")
    except importlib.metadata.PackageNotFoundError as error:
        raise Unsupported("the Python package ironic is not installed: BPA cannot run an Ironic of its own",
                          "pip install 'bpa[ironic]', or name an Ironic in the site's spec.ironic") from error
    missing = sorted({package for tool, package in TOOLS.items() if with_ramdisk and shutil.which(tool) is None})
    if missing:
        raise Unsupported(f"Debian packages that Ironic needs are missing: {', '.join(missing)}",
                          f"apt-get install {' '.join(missing)}")


def require_free(address: str, port: int, who: str) -> None:
    """Refused where the port is not ours to take."""
    # A process that was killed may take a moment to give its port back.
    poll = Retrying(stop=stop_after_delay(PORT_PATIENCE), wait=wait_fixed(0.1), reraise=True,
                    retry=retry_if_exception_type(OSError))
    try:
        poll(_bind, address, port)
    except OSError as error:
        raise Refused(f"{who} cannot listen on {address} port {port}: {error.strerror}",
                      "free the port, or give another one in spec.ironic.embedded") from error


def _bind(address: str, port: int) -> None:
    with socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind((address, port))


def connects(address: str, port: int) -> bool:
    """Whether something accepts connections there."""
    try:
        with socket.create_connection((address, port), timeout=5.0):
            return True
    except OSError:
        return False


def package_path() -> dict[str, str]:
    """The environment in which a Python of ours finds this package, installed or not."""
    root = str(Path(__file__).resolve().parents[3])
    return {"PYTHONPATH": os.pathsep.join(p for p in (root, os.environ.get("PYTHONPATH", "")) if p)}


def last_error(log: Path) -> str:
    """The last error in Ironic's log, without the prefix of the line."""
    text = log.read_text(errors="replace")[-65536:] if log.exists() else ""
    errors = [line.split(" ERROR ", 1)[1] for line in text.splitlines() if " ERROR " in line]
    told = [line.split(" ", 1)[-1].strip() for line in errors if not line.rstrip().endswith("ironic")]
    return next((line for line in reversed(told) if line), "it said nothing")[:400]


def script(name: str) -> str:
    """The path of a command of the ironic package, that of our own virtual environment first."""
    beside = Path(sys.executable).parent / name
    found = str(beside) if beside.exists() else shutil.which(name)
    if found is None:
        raise Unsupported(f"the command {name} is not installed", "pip install 'bpa[ironic]'")
    return found


def digest(text: str) -> str:
    """SHA-256 in hex."""
    return hashlib.sha256(text.encode()).hexdigest()


def write_private(path: Path, text: str) -> None:
    """Write text for the owner only, atomically."""
    if path.exists() and path.read_text() == text:
        return
    temporary = path.with_name(f".{path.name}.new")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)
    temporary.replace(path)


def link(source: Path, target: Path) -> None:
    """Give source a second name; a symbolic link to a folder, and where it lies on another file system."""
    if not source.exists():
        raise Refused(f"there is no file {source} to serve", "run `bpa images build`, or correct spec.images")
    if target.exists() and target.samefile(source):
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    target.unlink(missing_ok=True)
    try:
        os.link(source.resolve(), target)
    except OSError:
        target.symlink_to(source.resolve())
