"""SSH keys that BPA makes: one for itself per site, one host key per host, so that both ends can be pinned."""

from __future__ import annotations

import os
from pathlib import Path

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from bpa.adapters.errors import Refused
from bpa.core.config_drive import HostKey
from bpa.core.secret import Secret


def key_pair(path: Path) -> HostKey:
    """The Ed25519 key in `path` (OpenSSH format, mode 0600), made at first use; written whole or not at all."""
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        made = Ed25519PrivateKey.generate().private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.OpenSSH, serialization.NoEncryption())
        new = path.with_name(f".{path.name}.{os.getpid()}")
        descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(made)
            file.flush()
            os.fsync(file.fileno())
        try:
            os.link(new, path)
        except FileExistsError:
            pass
        finally:
            new.unlink()
    return read_key(path)


def read_key(path: Path) -> HostKey:
    """A private key in OpenSSH format without a passphrase, with its public half. Raises Refused."""
    try:
        text = path.read_bytes()
        private = serialization.load_ssh_private_key(text, password=None)
    except (OSError, ValueError, TypeError) as error:
        raise Refused(f"the SSH key {path} cannot be used: {error}", "give an OpenSSH private key without a passphrase") from None
    public = private.public_key().public_bytes(serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH)
    return HostKey(Secret(text.decode()), public.decode())
