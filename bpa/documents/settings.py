"""The Site document to settings."""

from __future__ import annotations

import os
from collections.abc import Callable
from ipaddress import ip_address
from pathlib import Path

from bpa.core.secret import Secret
from bpa.documents.document import Document
from bpa.documents.errors import DocumentError
from bpa.documents.secrets import SecretValue
from bpa.documents.site import (
    Concurrency,
    EmbeddedIronicSettings,
    ImageSettings,
    IronicCloudSettings,
    IronicEndpointSettings,
    KubernetesSettings,
    KudSettings,
    SiteSettings,
    SshSettings,
)

_INSTALLERS = ("installer", "installer.sh")


def read_settings(document: Document, secret_value: SecretValue) -> tuple[SiteSettings, tuple[DocumentError, ...]]:
    """A Site as check_schema leaves it. Paths are relative to the document; those of files to read must exist.

    secret_value finds the value of a Secret, and says itself when it cannot.
    """
    problems: list[DocumentError] = []
    default = SiteSettings()

    def existing(*path: str) -> Path | None:
        found = _path(document, *path)
        if found is not None and not found.exists():
            problems.append(document.error(path, f"{found} does not exist", "a path that exists"))
        return found

    settings = SiteSettings(
        namespace=document.text("spec", "network", "namespace"),
        bmc_ca=existing("spec", "bmc", "caFile"),
        ironic=_ironic(document, existing, secret_value, problems),
        images=ImageSettings(
            existing("spec", "images", "directory"),
            _location(document, "kernel", problems),
            _location(document, "ramdisk", problems),
            _location(document, "bootloader", problems),
        ),
        ssh=SshSettings(
            document.text("spec", "ssh", "user") or "root",
            document.get("spec", "ssh", "port") or 22,
            existing("spec", "ssh", "keyFile"),
        ),
        kud=KudSettings(
            _installer(document, problems),
            _path(document, "spec", "kud", "directory") or default.kud.directory,
        ),
        kubernetes=KubernetesSettings(existing("spec", "kubernetes", "kubeconfig")),
        concurrency=Concurrency(
            document.get("spec", "concurrency", "hosts") or default.concurrency.hosts,
            document.get("spec", "concurrency", "perBmc") or default.concurrency.per_bmc,
        ),
    )
    return settings, tuple(problems)


def _path(document: Document, *path: str) -> Path | None:
    text = document.text(*path)
    return None if text is None else Path(os.path.normpath((document.folder / Path(text)).absolute()))


def _installer(document: Document, problems: list[DocumentError]) -> Path | None:
    """Where KuD's installer is: what bpa.adapters.kud can run, refused here before any disk is written."""
    path = ("spec", "kud", "installer")
    found = _path(document, *path)
    if found is None:
        return None
    executable = found
    if found.is_dir():
        executable = next((found / name for name in _INSTALLERS if (found / name).is_file()), found)
    expected = f"an executable file, or a directory with an executable {' or '.join(_INSTALLERS)}"
    if not found.exists():
        problems.append(document.error(path, f"{found} does not exist", expected))
    elif not executable.is_file():
        problems.append(document.error(path, f"there is no installer in {found}", expected))
    elif not os.access(executable, os.X_OK):
        problems.append(document.error(path, f"{executable} is not executable", expected))
    return found


def _location(document: Document, name: str, problems: list[DocumentError]) -> str | None:
    text = document.text("spec", "images", name)
    if text is None or "://" in text:
        if text is not None and not text.startswith(("http://", "https://", "file:///")):
            problems.append(document.error(("spec", "images", name), "this is no URL BPA knows", "http, https or file"))
        return text
    found = _path(document, "spec", "images", name)
    if found is not None and not found.is_file():
        problems.append(document.error(("spec", "images", name), f"{found} does not exist", "a URL or a file"))
    return str(found)


def _ironic(
    document: Document,
    existing: Callable[..., Path | None],
    secret_value: SecretValue,
    problems: list[DocumentError],
) -> EmbeddedIronicSettings | IronicEndpointSettings | IronicCloudSettings:
    cloud = document.text("spec", "ironic", "cloud")
    if cloud is not None:
        return IronicCloudSettings(cloud)
    endpoint = document.get("spec", "ironic", "endpoint")
    if endpoint is None:
        return _embedded(document, problems)
    where = ("spec", "ironic", "endpoint")
    password: Secret | None = None
    reference = endpoint.get("passwordFrom")
    if reference is not None:
        password = secret_value(
            document, (*where, "passwordFrom"), reference.get("name", ""), (reference.get("key", "password"),)
        )
    username = endpoint.get("username")
    if (username is None) != (reference is None):
        missing = "passwordFrom" if reference is None else "username"
        problems.append(document.error((*where, missing), f"{missing} is missing", "username and passwordFrom, or neither"))
    return IronicEndpointSettings(endpoint.get("url", "").rstrip("/"), username, password, existing(*where, "caFile"))


def _embedded(document: Document, problems: list[DocumentError]) -> EmbeddedIronicSettings:
    where = ("spec", "ironic", "embedded")
    default = EmbeddedIronicSettings()
    given = document.get(*where) or {}
    listen = given.get("listen")
    if listen is not None:
        try:
            ip_address(listen)
        except ValueError:
            problems.append(document.error((*where, "listen"), "this is no IP address", "an IP address of this machine"))
    api, http = given.get("apiPort", default.api_port), given.get("httpPort", default.http_port)
    if api == http and api:
        problems.append(document.error((*where, "httpPort"), f"port {http} is the API's", "two different ports"))
    return EmbeddedIronicSettings(listen, api, http)
