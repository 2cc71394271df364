"""bpa lab bmc: recorded machines that behave."""

from __future__ import annotations

import logging
import ssl
import threading
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import click

from bpa.cli.options import json_option, print_json, wants_json
from bpa.cli.words import columns

if TYPE_CHECKING:
    from bpa.lab.recorded import Machine, Request
    from bpa.lab.recorded.server import Server

PASSWORD = "password"  # noqa: S105


@click.command()
@click.argument("trees", metavar="DIR...", nargs=-1, required=True,
                type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--address", default="127.0.0.1", show_default=True, help="Where to listen.")
@click.option("--port", type=click.IntRange(0, 65535), default=8000, show_default=True,
              help="Port of the first machine, the others follow; 0: any that is free.")
@click.option("--count", type=click.IntRange(1, 1000), default=1, show_default=True, help="Machines of each tree.")
@click.option("--user", default="admin", show_default=True, help="The administrator's name.")
@click.option("--password-file", type=click.Path(exists=True, dir_okay=False, path_type=Path),
              help=f"Where the password is; without it, it is '{PASSWORD}'.")
@click.option("--tls", type=click.Path(file_okay=False, path_type=Path), metavar="DIR",
              help="Serve HTTPS, with a CA and a certificate that are made in DIR.")
@click.option("--personality", metavar="VENDOR", default="", help="Behave like this vendor's firmware, whatever the tree says.")
@click.option("--fault", "faults", multiple=True, metavar="NAME[=VALUE]", help="Start with this fault on (see --faults).")
@click.option("--fault-file", type=click.Path(dir_okay=False, path_type=Path),
              help="A file that says which faults are on, one per line; read again whenever it changes.")
@click.option("--faults", "lists", is_flag=True, is_eager=True, expose_value=False, help="List the faults.",
              callback=lambda ctx, param, value: _list(ctx) if value else None)
@click.option("--post-seconds", type=click.FloatRange(0), default=5.0, show_default=True, help="How long POST takes.")
@click.option("--bmc-seconds", type=click.FloatRange(0), default=5.0, show_default=True,
              help="How long a BMC is gone after Manager.Reset.")
@click.option("--pmem", type=click.Path(exists=True, file_okay=False, path_type=Path), metavar="DIR",
              help="Put these recorded MemoryDomains and MemoryChunks over each machine.")
@click.option("--log", "logs", is_flag=True, help="Print each request.")
@json_option
def bmc(
    trees: tuple[Path, ...], address: str, port: int, count: int, user: str, password_file: Path | None, tls: Path | None,
    personality: str, faults: tuple[str, ...], fault_file: Path | None, post_seconds: float, bmc_seconds: float,
    pmem: Path | None, logs: bool, output: str, as_json: bool,
) -> None:
    """Serve recorded Redfish trees as machines that behave, until interrupted.

    DIR is what `bpa bmc record` or DMTF's Redfish-Mockup-Creator wrote. Nothing in it is changed.

    \b
    Example:
      bpa lab bmc recorded/r750 --fault slow=0.2
      bpa lab bmc recorded/* --count 20 --port 9000
    """
    from bpa.lab.recorded import Machine
    from bpa.lab.recorded.personalities import named
    from bpa.lab.recorded.server import Server
    from bpa.lab.recorded.tree import open_tree

    password = password_file.read_text().strip() if password_file else PASSWORD
    ways = named(personality) if personality else None
    machines: list[tuple[Path, Machine]] = []
    for tree in trees:
        for _ in range(count):
            machine = Machine(open_tree(tree), user, password, personality=ways, on=faults, post_seconds=post_seconds,
                              bmc_seconds=bmc_seconds, pmem=pmem, logged=100)
            if fault_file:
                machine.follow_faults(fault_file)
            machines.append((tree, machine))
    context = _context(tls, address) if tls else None
    # A wrong name in the fault file is worth telling even without --verbose.
    logging.getLogger("bpa.lab.recorded").addHandler(logging.StreamHandler())
    server = Server()
    try:
        for number, (_, machine) in enumerate(machines):
            _listen(server, machine, address, port + number if port else 0, context)
            if logs:
                machine.observer = _printer(machine)
        _show(machines, tls, wants_json(output, as_json))
        threading.Event().wait()
    except KeyboardInterrupt:
        click.echo("", err=True)
    finally:
        server.close()


def _listen(server: Server, machine: Machine, address: str, port: int, context: ssl.SSLContext | None) -> None:
    from bpa.lab.errors import LabError

    try:
        server.add(machine, address, port, context)
    except OSError as error:
        raise LabError(f"{address}:{port} cannot be listened on ({error.strerror}): name another --port") from None


def _context(folder: Path, address: str) -> ssl.SSLContext:
    from bpa.lab.tls import ensure

    made = ensure(folder, address)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(made.certificate, made.key)
    return context


def _printer(machine: Machine) -> Callable[[Request], None]:
    def tell(request: Request) -> None:
        click.echo(f"{machine.address} {request.method} {request.path} {request.status or 'broken off'}", err=True)

    return tell


def _show(machines: list[tuple[Path, Machine]], tls: Path | None, as_json: bool) -> None:
    rows = [{"address": m.address, "tree": str(tree), "personality": m.ways.name, "resources": len(m.store.tree),
             "systems": [h.path for h in m.hosts]} for tree, m in machines]
    if as_json:
        print_json({"machines": rows, "ca": str(tls / "ca.pem") if tls else None})
        return
    for line in columns([["ADDRESS", "LIKE", "RESOURCES", "TREE"],
                         *([str(r["address"]), str(r["personality"]), str(r["resources"]), str(r["tree"])] for r in rows)]):
        click.echo(line)
    if tls:
        click.echo(f"CA: {tls / 'ca.pem'}")
    click.echo("Ctrl-C ends it", err=True)


def _list(ctx: click.Context) -> None:
    from bpa.lab.recorded.faults import ABOUT

    for line in columns([["FAULT", "WHAT IT DOES"], *([name, about] for name, about in ABOUT.items())]):
        click.echo(line)
    ctx.exit()
