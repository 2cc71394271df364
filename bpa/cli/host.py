"""bpa host: one host's operating system by hand."""

from __future__ import annotations

import socket
import time
from pathlib import Path

import click

from bpa.cli.exits import Exit
from bpa.cli.options import host_names, site_option


@click.group()
def host() -> None:
    """One host: gather what a look sees into a file.

    \b
    Example:
      bpa host collect node0 -o node0.json && bpa verify --from node0.json
    """


@host.command()
@click.argument("name", metavar="HOST", required=False, shell_complete=host_names)
@site_option
@click.option("--local", is_flag=True, help="Ask this machine itself, as root; no site is needed.")
@click.option("-o", "--output", "file", type=click.Path(dir_okay=False, path_type=Path), help="By default HOST.json here.")
def collect(name: str | None, site: str | None, local: bool, file: Path | None) -> None:
    """Everything that a look at a host needs, in one file. Changes nothing.

    The file holds serial numbers, addresses and configuration, no passwords and no keys. It is readable by you only.
    `bpa verify --from` and `bpa explain --from` judge it, here or elsewhere, now or later.

    \b
    Example:
      bpa host collect node0 --site site/ -o node0.json
      sudo bpa host collect --local -o here.json
    """
    from bpa.collection import Collection, collect_here, save

    if local:
        collected = collect_here(name or socket.gethostname())
    elif name is None:
        raise click.UsageError("give the name of a host, or --local for this machine")
    else:
        from bpa.cli.plan import find_subject
        from bpa.wiring import open_site

        with open_site(site) as wired:
            subject = find_subject(wired, name)
            if subject in wired.clusters:
                raise click.UsageError(f"{name} is a cluster; a collection is of one host")
            survey = wired.survey([subject.name]).surveys[subject.name]
            collected = Collection(subject.name, time.time(), survey.have, {k: str(v) for k, v in survey.unseen.items()})
    target = file or Path(f"{collected.host}.json")
    save(collected, target)
    click.echo(str(target))
    for source, why in collected.unseen.items():
        click.echo(f"not in it: {source}: {why}", err=True)
    if collected.unseen and not local:
        raise click.exceptions.Exit(Exit.NOT_SEEN)
