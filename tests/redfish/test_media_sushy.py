"""Virtual media against a real sushy-emulator, which fetches the image it is given."""

from __future__ import annotations

import functools
import http.server
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from test_sushy_emulator import SYSTEMS, Emulator, emulator

from bpa.adapters.errors import Refused
from bpa.adapters.redfish.media.inserting import eject, insert
from bpa.adapters.redfish.media.ways import Medium
from bpa.adapters.redfish.target import Target

__all__ = ["emulator"]


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *args: object) -> None:
        pass


@pytest.fixture
def image(tmp_path: Path) -> Iterator[str]:
    (tmp_path / "live.iso").write_bytes(b"x" * 100_000)
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(_Quiet, directory=str(tmp_path)))
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}/live.iso"
    server.shutdown()
    server.server_close()


def test_an_image_goes_in_and_out_and_one_that_is_not_there_is_told(emulator: Emulator, image: str) -> None:
    with Target(emulator.access(system=f"/redfish/v1/Systems/{SYSTEMS[0]['uuid']}")) as target:
        done = insert(target, Medium(image))
        assert (done.changed, done.slot.id, done.slot.holds(image)) == (True, "Cd", True)
        assert insert(target, Medium(image)).changed is False
        assert [s.id for s in eject(target)] == ["Cd"]
        assert insert(target, Medium(image), kind="usb").slot.id == "Floppy"
        assert [s.id for s in eject(target)] == ["Floppy"]
        with pytest.raises(Refused, match="got error 404 from the server"):
            insert(target, Medium(f"{image}.gone"))
