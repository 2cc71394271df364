"""Arguments and options that several commands share."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

C = TypeVar("C", bound=Callable[..., Any])
SITE = click.Path(allow_dash=True)


def host_names(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:
    """The hosts of the documents that begin so, for completion; none where the documents cannot be read."""
    from bpa import documents, place

    try:
        source = place.find_site(ctx.params.get("site"))
        if source == "-":
            return []
        return [h.want.name for h in documents.load(Path(source)).hosts if h.want.name.startswith(incomplete)]
    except Exception:  # noqa: BLE001  (a completion that fails says nothing)
        return []


def site_argument(command: C) -> C:
    """SITE: a directory of documents, a file, or -."""
    return click.argument("site", required=False, metavar="[SITE]", type=SITE)(command)


def host_argument(command: C) -> C:
    """HOST: the name of a BareMetalHost."""
    return click.argument("host", metavar="HOST", shell_complete=host_names)(command)


def site_option(command: C) -> C:
    """--site, for commands whose argument is a host."""
    return click.option("--site", "-s", metavar="SITE", type=SITE, help="Documents of the site (see `bpa --help`).")(command)


def from_option(command: C) -> C:
    """--from: judge a file of `bpa host collect` instead of the machine."""
    return click.option("--from", "file", metavar="FILE", type=click.Path(dir_okay=False, path_type=Path),
                        help="Judge the host in this file (see `bpa host collect`); no machine is asked.")(command)


def json_option(command: C) -> C:
    """-o json, or --json."""
    command = click.option("--json", "as_json", is_flag=True, help="The same as -o json.")(command)
    return click.option("-o", "--output", type=click.Choice(["text", "json"]), default="text",
                        help="How to print.")(command)


def wants_json(output: str, as_json: bool) -> bool:
    """Whether either spelling asked for JSON."""
    return as_json or output == "json"


def print_json(value: Any) -> None:
    """One JSON document on standard output."""
    click.echo(json.dumps(value, indent=2, sort_keys=False, default=str))
