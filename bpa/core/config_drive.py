"""The config drive: what a freshly written host learns at its first boot.

Format: OpenStack config drive, `openstack/latest/{meta_data.json,network_data.json,user_data}`, as Ironic builds it
from JSON (API 1.56) and cloud-init's ConfigDrive data source reads it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from email import message_from_string
from email.message import Message
from email.mime.multipart import MIMEMultipart
from email.mime.nonmultipart import MIMENonMultipart

from bpa.core.secret import Secret


@dataclass(frozen=True, slots=True)
class ConfigDrive:
    """user_data is secret: it carries the host's private SSH key, and what the site put into its own."""

    meta_data: Mapping[str, object]
    user_data: Secret
    network_data: Mapping[str, object] | None = None


@dataclass(frozen=True, slots=True)
class HostKey:
    """An SSH host key that BPA made: private in OpenSSH format, public as "ssh-ed25519 AAAA...". """

    private: Secret
    public: str


@dataclass(frozen=True, slots=True)
class FirstBoot:
    """What a host is told. user is who BPA logs in as; user_data and network_data are the site's own, unchanged."""

    name: str
    uuid: str
    host_key: HostKey
    authorized_keys: tuple[str, ...]
    user: str = "root"
    user_data: Secret | None = None
    network_data: Mapping[str, object] | None = None
    meta_data: Mapping[str, object] = field(default_factory=dict)


def render(boot: FirstBoot) -> ConfigDrive:
    """The config drive for a host. ValueError when the site's user data is of a kind that cloud-init cannot combine."""
    meta = {
        **boot.meta_data, "uuid": boot.uuid, "name": boot.name, "hostname": boot.name,
        "public_keys": {f"bpa-{number}": key for number, key in enumerate(boot.authorized_keys)},
    }
    return ConfigDrive(meta, render_user_data(boot), boot.network_data)


def render_cloud_config(boot: FirstBoot) -> str:
    """Our own #cloud-config: host name, the pinned host key, and access for `user`. JSON, which is YAML too."""
    config: dict[str, object] = {
        "hostname": boot.name,
        "preserve_hostname": False,
        "ssh_deletekeys": True,
        "ssh_keys": {"ed25519_private": boot.host_key.private.reveal(), "ed25519_public": boot.host_key.public},
        "ssh_authorized_keys": list(boot.authorized_keys),
        # Lists of the site's own user data are kept and ours appended; for single values ours win, because without
        # them BPA could not log in to finish the host.
        "merge_how": [{"name": "list", "settings": ["append"]},
                      {"name": "dict", "settings": ["recurse_dict", "recurse_list", "replace"]}],
    }
    if boot.user == "root":
        config["disable_root"] = False
    else:
        config["users"] = ["default", {
            "name": boot.user, "shell": "/bin/bash", "lock_passwd": True, "sudo": "ALL=(ALL) NOPASSWD:ALL",
            "ssh_authorized_keys": list(boot.authorized_keys),
        }]
    return "#cloud-config\n" + json.dumps(config, indent=1, sort_keys=True) + "\n"


def render_user_data(boot: FirstBoot) -> Secret:
    """Multipart user data: the site's own part first, unchanged, then ours, so that ours has the last word."""
    parts: list[Message] = []
    if boot.user_data is not None and boot.user_data.reveal().strip():
        parts.append(_site_part(boot.user_data.reveal()))
    ours = render_cloud_config(boot)
    parts.append(_text(ours, "cloud-config", "bpa.yaml"))
    seed = hashlib.sha256("".join(part.as_string() for part in parts).encode("utf-8", "surrogateescape")).hexdigest()
    message = MIMEMultipart("mixed", boundary=f"bpa-{seed[:32]}")
    for part in parts:
        message.attach(part)
    return Secret(message.as_string())


def _site_part(text: str) -> Message:
    if text.lstrip().startswith("{"):
        raise ValueError("user data in JSON (Ignition) cannot be combined with ours: use an image with cloud-init")
    if text[:2] == "\x1f\x8b":
        raise ValueError("compressed user data cannot be combined; give it as plain text")
    if text.lower().startswith(("content-type:", "mime-version:", "from nobody")):
        return message_from_string(text)
    # text/plain makes cloud-init look at the first line itself: #!, #cloud-config, #include, #cloud-boothook, ...
    return _text(text, "plain", "site")


def _text(text: str, subtype: str, filename: str) -> Message:
    part = MIMENonMultipart("text", subtype, charset="utf-8")
    part.add_header("Content-Disposition", "attachment", filename=filename)
    part.set_payload(text, "utf-8")
    return part
