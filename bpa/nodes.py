"""Who answers for Ironic: one that the site has, or our own, started when somebody first needs it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING

from bpa.adapters.errors import Unreachable
from bpa.adapters.ironic import IronicEndpoint, NodeSpec
from bpa.adapters.ironic_service import EmbeddedIronic
from bpa.core.facts import NodeFacts

if TYPE_CHECKING:
    from bpa.adapters.ironic.client import Ironic

Expected = Callable[[str], NodeSpec | None]


class ExternalNodes:
    """An Ironic that somebody else runs."""

    def __init__(self, endpoint: IronicEndpoint, expected: Expected) -> None:
        self._endpoint, self._expected = endpoint, expected
        self._lock = threading.Lock()
        self._client: Ironic | None = None

    def look(self, name: str) -> NodeFacts:
        return self.ironic().look(name)

    def ironic(self) -> Ironic:
        with self._lock:
            if self._client is None:
                self._client = _connect(self._endpoint, self._expected)
            return self._client

    def close(self) -> None:
        """Give the connections back."""
        if self._client is not None:
            self._client.close()


class EmbeddedNodes:
    """BPA's own Ironic. A look starts it only where it has nodes to tell of; a step always does."""

    def __init__(self, service: Callable[[], EmbeddedIronic], known: bool, expected: Expected) -> None:
        self._service, self._known, self._expected = service, known, expected
        self._lock = threading.Lock()
        self._client: Ironic | None = None

    def look(self, name: str) -> NodeFacts:
        if self._client is None and not self._known:
            return NodeFacts(provision_state="")
        client = self.ironic()
        try:
            return client.look(name)
        except Unreachable:
            with self._lock:  # it may have died: the next look starts it again
                if self._client is client:
                    self._client = None
            raise

    def ironic(self) -> Ironic:
        with self._lock:
            if self._client is None:
                running = self._service().ensure()
                endpoint = IronicEndpoint(running.api_url, running.username, running.password)
                self._client = _connect(endpoint, self._expected)
            return self._client

    def close(self) -> None:
        """Give the connections back; Ironic itself goes on."""
        if self._client is not None:
            self._client.close()


def _connect(endpoint: IronicEndpoint, expected: Expected) -> Ironic:
    from bpa.adapters.ironic.client import Ironic

    return Ironic(endpoint, expected)
