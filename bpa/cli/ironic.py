"""bpa ironic: the Ironic that BPA runs for a site."""

from __future__ import annotations

from dataclasses import asdict

import click

from bpa.cli.exits import Exit
from bpa.cli.options import json_option, print_json, site_argument, wants_json


@click.group()
def ironic() -> None:
    """The Ironic that BPA runs itself where a site names none; `bpa apply` starts it when it is needed.

    \b
    Example:
      bpa ironic status site/
    """


@ironic.command()
@site_argument
@json_option
def status(site: str | None, output: str, as_json: bool) -> None:
    """Whether it runs and answers; exit code 2 where it does not.

    \b
    Example:
      bpa ironic status site/
    """
    from bpa.wiring import Wiring, open_site

    with open_site(site) as wired:
        seen = Wiring(wired.site, wired.state).embedded_ironic().status()
    if wants_json(output, as_json):
        print_json(asdict(seen))
    else:
        click.echo(f"{seen.api_url}: {'answers' if seen.answers else 'does not run'}; log {seen.log}")
    if not seen.answers:
        raise click.exceptions.Exit(Exit.NOT_SEEN)


@ironic.command()
@site_argument
def stop(site: str | None) -> None:
    """Stop it cleanly; its database stays, and the hosts go on running.

    \b
    Example:
      bpa ironic stop site/
    """
    from bpa.wiring import Wiring, open_site

    with open_site(site) as wired:
        Wiring(wired.site, wired.state).embedded_ironic().stop()
