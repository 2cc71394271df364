"""Requests to one BMC over sushy's connector: one attempt each, bounded, judged, and never to anywhere else."""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import requests
from sushy.connector import Connector
from sushy.exceptions import SushyError

from bpa.adapters.errors import Unsupported
from bpa.adapters.redfish.access import BmcAccess
from bpa.adapters.redfish.answers import (
    Faulty,
    Moved,
    clean,
    judge,
    parse_object,
    read_body,
    transport_error,
)

CONNECT_SECONDS = 5.0
READ_SECONDS = 30.0
REDIRECTS = 4
# sushy reports to its log what we raise; without a handler Python would print it over the user's screen.
logging.getLogger("sushy").addHandler(logging.NullHandler())


@dataclass(frozen=True, slots=True)
class Answer:
    """A resource: its JSON object, its ETag and Location ("" = none served), and all headers."""

    body: Mapping[str, Any]
    etag: str = ""
    location: str = ""
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)


class Wire:
    """Raises the adapter errors, and Unauthorized and Moved for the link above it to judge."""

    def __init__(self, access: BmcAccess) -> None:
        self.origin = access.origin
        self._body = b""
        # server_side_retries=1 is one attempt: 0 would mean sushy's default of three with two seconds between.
        self._connector = Connector(
            self.origin,
            verify=access.checked_verify(),
            response_callback=self._judge,
            server_side_retries=1,
            default_request_timeout=READ_SECONDS,
            connect_timeout=CONNECT_SECONDS,
        )
        # sushy closes the connection after each request; a TLS handshake costs a BMC up to a second. We keep it
        # for one look and hang up after it. Proxies and ~/.netrc of the caller are no business of a BMC.
        self._connector._session.headers.pop("Connection", None)
        self._connector._session.trust_env = False

    def exchange(
        self,
        method: str,
        path: str,
        data: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
        timeout: float = READ_SECONDS,
    ) -> Answer:
        """One request, one answer. timeout in seconds of silence."""
        verb = {"GET": "get", "POST": "post", "PATCH": "patch", "DELETE": "delete"}[method]
        try:
            response: requests.Response = getattr(self._connector, verb)(
                path,
                data=data,
                headers=dict(headers or {}),
                timeout=timeout,
                stream=True,
                allow_redirects=False,
            )
        except (SushyError, requests.RequestException, OSError, ValueError) as error:
            raise transport_error(self.origin, error) from None
        try:
            body = parse_object(response, self._body)
        except Faulty:
            # A write that was accepted has happened, whatever its answer looks like.
            if method == "GET":
                raise
            body = {}
        etag = response.headers.get("ETag") or body.get("@odata.etag")
        served = isinstance(etag, str) and re.fullmatch(r"[\x21-\x7e]{1,256}", etag)
        return Answer(body, str(etag) if served else "", response.headers.get("Location", ""), response.headers)

    def follow(self, path: str) -> Answer:
        """GET, over redirects that stay on this BMC."""
        for _ in range(REDIRECTS):
            try:
                return self.exchange("GET", path)
            except Moved as moved:
                path = self.path_of(moved.location)
        raise Unsupported(f"{self.origin} redirects in circles")

    def path_of(self, link: object) -> str:
        """The path of an @odata.id (or of a whole reference object). Raises Unsupported if it leads elsewhere."""
        target = link.get("@odata.id") if isinstance(link, Mapping) else link
        if not isinstance(target, str) or not target or len(target) > 1024 or not target.isprintable():
            raise Unsupported("a link of the BMC is missing or malformed")
        try:
            parts = urlsplit(target.split("#")[0])
        except ValueError:
            raise Unsupported("a link of the BMC is malformed") from None
        origin = f"{parts.scheme}://{parts.netloc}".lower()
        if (parts.scheme or parts.netloc) and origin != self.origin.lower():
            raise Unsupported(f"a link of the BMC leads elsewhere: {clean(target)}")
        if not parts.path.startswith("/") or " " in target:
            raise Unsupported(f"a link of the BMC is no path: {clean(target)}")
        return parts.path + (f"?{parts.query}" if parts.query else "")

    def use_token(self, token: str) -> None:
        """Send this X-Auth-Token from now on."""
        self._connector.set_http_session_auth(token)

    def use_basic(self, username: str, password: str) -> None:
        """Send basic authentication from now on."""
        # As bytes: requests would encode text as Latin-1 and fail on the rest of the world's passwords.
        self._connector.set_http_basic_auth(username.encode(), password.encode())

    def use_nothing(self) -> None:
        """Send no credentials from now on."""
        self._connector._session.auth = None
        self._connector._session.headers.pop("X-Auth-Token", None)

    def hang_up(self) -> None:
        """Close idle connections."""
        self._connector.close()

    def _judge(self, response: requests.Response) -> None:
        # Raising here, before sushy looks at the status, keeps its own retries, sleeps, re-authentication and error
        # parsing (which fails on a body that is not an object) out of the way.
        self._body = read_body(response)
        judge(response, self._body)
