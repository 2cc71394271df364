"""--report FILE, for commands that look at a site."""

from __future__ import annotations

from pathlib import Path

import click

from bpa.cli.options import C

SUFFIXES = (".json", ".html", ".xml")


def report_option(command: C) -> C:
    """--report, any number of times; what cannot be written is said before any machine is asked."""
    return click.option("--report", "reports", metavar="FILE", multiple=True, callback=_writable,
                        type=click.Path(dir_okay=False, path_type=Path),
                        help="Write a compliance report: .json, .html or .xml (JUnit). May be given several times.")(command)


def _writable(ctx: click.Context, param: click.Parameter, files: tuple[Path, ...]) -> tuple[Path, ...]:
    for file in files:
        if file.suffix.lower() not in SUFFIXES:
            raise click.BadParameter(f"{file} is neither .json, .html nor .xml", ctx, param)
        if not file.parent.is_dir():
            raise click.BadParameter(f"{file.parent} is no directory", ctx, param)
    return files
