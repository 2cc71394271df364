"""Requests to one Ironic over openstacksdk, and what its refusals mean."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import openstack
import requests
from keystoneauth1 import exceptions as keystone
from keystoneauth1.adapter import Adapter
from openstack import exceptions as sdk
from openstack.connection import Connection

from bpa.adapters.errors import AdapterError, Busy, Refused, Unreachable, Unsupported
from bpa.adapters.ironic.endpoint import IronicEndpoint

MICROVERSION = "1.81"
"""The oldest API that tells all we read (node inventory: Ironic 2023.1); pinned, so that answers keep their shape."""
TIMEOUT = 60.0
CLOUDS_ADVICE = "check the site's spec.ironic and its clouds.yaml"
LOCKED = (
    "is locked by host", "is being used", "state transition", "currently locked", "database is locked", "is reserved",
)


class Api:
    """JSON requests to one Ironic. Safe for several threads; raises the four adapter errors only."""

    def __init__(self, endpoint: IronicEndpoint) -> None:
        self._endpoint = endpoint
        try:
            self._connection = _connect(endpoint)
            self._adapter: Adapter = self._connection.baremetal
        except keystone.DiscoveryFailure as error:
            raise _why_no_ironic(endpoint) from error
        except (sdk.SDKException, keystone.ClientException, requests.RequestException) as error:
            raise translate(error, endpoint.text) from error

    def call(
        self, method: str, path: str, body: object = None, params: Mapping[str, str | int] | None = None,
        absent: tuple[int, ...] = (), microversion: str = MICROVERSION,
    ) -> Any:
        """The decoded answer (None when it is empty, or its status is one of `absent`)."""
        try:
            answer: requests.Response = self._adapter.request(
                path, method, json=body, params=params, microversion=microversion, raise_exc=False,
                headers={"Accept": "application/json"}, connect_retries=0, status_code_retries=0,
                timeout=TIMEOUT,
            )
        except (sdk.SDKException, keystone.ClientException, requests.RequestException) as error:
            raise translate(error, self._endpoint.text) from error
        if answer.status_code in absent:
            return None
        if answer.status_code >= 400:
            wait = answer.headers.get("Retry-After")
            raise refusal(answer.status_code, fault(answer.text), self._endpoint.text, wait)
        if not answer.content:
            return None
        try:
            return answer.json()
        except ValueError as error:
            raise Unreachable(f"{self._endpoint.text} does not answer like Ironic", CLOUDS_ADVICE) from error

    def close(self) -> None:
        """Give the connections back."""
        self._connection.close()


def _connect(endpoint: IronicEndpoint) -> Connection:
    if endpoint.auth == "clouds":
        return openstack.connect(cloud=endpoint.cloud)
    login = {"endpoint": endpoint.url}
    if endpoint.auth == "http_basic":
        login["username"] = endpoint.username or ""
        login["password"] = endpoint.password.reveal() if endpoint.password else ""
    settings: dict[str, Any] = {"auth_type": endpoint.auth, "auth": login, "baremetal_endpoint_override": endpoint.url}
    if endpoint.ca:
        settings["cacert"] = endpoint.ca
    return Connection(**settings)


def _why_no_ironic(endpoint: IronicEndpoint) -> AdapterError:
    # Discovery fails with one and the same message whatever was wrong: ask once more, plainly, to be able to say it.
    try:
        answer = requests.get(endpoint.url, timeout=10.0, verify=endpoint.ca or True) if endpoint.url else None
    except requests.RequestException as error:
        return translate(error, endpoint.text)
    if answer is not None and answer.status_code >= 400:
        return refusal(answer.status_code, fault(answer.text), endpoint.text, answer.headers.get("Retry-After"))
    return Unreachable(f"{endpoint.text} does not answer like Ironic", CLOUDS_ADVICE)


def fault(text: str) -> str:
    """The message of an Ironic error body: error_message holds a JSON object, or text that is one."""
    try:
        said: object = json.loads(text)
    except ValueError:
        return " ".join(text.split())[:300]
    message = said.get("error_message", said) if isinstance(said, dict) else said
    if isinstance(message, str):
        try:
            message = json.loads(message)
        except ValueError:
            return message
    if isinstance(message, dict):
        return str(message.get("faultstring") or message.get("message") or message)
    return str(message)


def refusal(status: int, message: str, where: str, retry_after: str | None = None) -> AdapterError:
    """An HTTP status of Ironic with its message, as one of our errors."""
    said = message.strip() or f"HTTP {status}"
    seconds = float(retry_after) if retry_after and retry_after.isdigit() else None
    if status == 401:
        return Refused(f"Ironic at {where} does not accept the credentials: {said}",
                       "check the username and password of the Ironic endpoint")
    if status == 403:
        return Refused(f"Ironic at {where} forbids it: {said}", "give the account an Ironic administrator's rights")
    if status in (406, 501):
        return Unsupported(f"Ironic at {where} cannot do this: {said}",
                           f"BPA needs API {MICROVERSION} (Ironic 2023.1) or newer")
    if status in (429, 502, 503, 504) or (status in (409, 500) and any(words in said for words in LOCKED)):
        return Busy(f"Ironic is busy: {said}", retry_after=seconds or 3.0)
    return Refused(f"Ironic refuses: {said}")


def translate(error: Exception, where: str) -> AdapterError:
    """An exception of openstacksdk, keystoneauth or requests as one of our errors."""
    if isinstance(error, (keystone.SSLError, requests.exceptions.SSLError)):
        return Refused(f"the certificate of Ironic at {where} is not trusted", "name its CA in the site's spec.ironic")
    if isinstance(error, (keystone.Unauthorized, keystone.MissingRequiredOptions)):
        return Refused(f"Ironic at {where} does not accept the credentials", CLOUDS_ADVICE)
    if isinstance(error, sdk.ConfigException):
        return Refused(f"{where}: {error}", CLOUDS_ADVICE)
    if isinstance(error, (keystone.CatalogException, keystone.EndpointNotFound, sdk.NotSupported)):
        return Unsupported(f"{where} has no usable Ironic: {error}", CLOUDS_ADVICE)
    if isinstance(error, (keystone.ConnectionError, keystone.DiscoveryFailure, requests.RequestException)):
        return Unreachable(f"Ironic at {where} does not answer: {_short(error)}")
    status = getattr(error, "http_status", None) or getattr(error, "status_code", None)
    if isinstance(status, int):
        return refusal(status, _short(error), where)
    return Unreachable(f"Ironic at {where}: {_short(error)}")


def _short(error: Exception) -> str:
    return " ".join(str(error).split())[:300] or type(error).__name__
