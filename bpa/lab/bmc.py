"""The lab's BMC: sushy-emulator over HTTPS with sessions, a BIOS that acts, and the resources a real BMC has.

Run as `python -m bpa.lab.bmc CONFIG [READY]` (CONFIG as bmc_config writes it) inside the lab's network namespace.
"""

from __future__ import annotations

import logging
import sys
from pathlib import Path

import flask
from cheroot.ssl.builtin import BuiltinSSLAdapter
from cheroot.wsgi import Server
from sushy_tools.emulator import main as emulator

from bpa.lab.bmc_access import Gate, WsgiApp
from bpa.lab.bmc_config import BmcConfig, read
from bpa.lab.bmc_driver import LabDriver, emulator_settings, watch_restarts
from bpa.lab.bmc_routes import Routes


def build(config: BmcConfig) -> tuple[WsgiApp, LabDriver]:
    """The whole application behind its gate, and the driver that acts on libvirt. Once per process: the emulator's
    Flask application is a module-level object."""
    app: flask.Flask = emulator.app
    LabDriver.bmc = config
    app.config.update(emulator_settings(config))
    emulator.libvirtdriver.LibvirtDriver = LabDriver
    driver: LabDriver = emulator.app.systems
    Routes(app, driver).install()
    return Gate(
        app.wsgi_app, config.username, config.password, config.faults, {h.name: h.uuid for h in config.hosts}
    ), driver


def main(config_file: Path, ready: Path | None = None) -> None:
    """Serve until killed; makes the file `ready` as soon as it listens."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    config = read(config_file)
    application, driver = build(config)
    watch_restarts(driver)
    # cheroot answers "Connection: close" with the same and closes; sushy sends it with every request and would
    # otherwise go on using a dead connection, at 3 s each.
    server = Server((config.address, config.port), application, numthreads=16, request_queue_size=64)
    if config.certificate and config.key:
        server.ssl_adapter = BuiltinSSLAdapter(str(config.certificate), str(config.key))
    server.prepare()
    if ready is not None:
        ready.touch()
    server.serve()


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:3]))
