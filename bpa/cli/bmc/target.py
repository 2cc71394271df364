"""Argument and options with which every verb of `bpa bmc` names its BMC."""

from __future__ import annotations

import functools
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from bpa.cli.options import site_option
from bpa.core.secret import Secret


def bmc_target(command: Callable[..., Any]) -> Callable[..., Any]:
    """Adds ADDRESS and the options; the command is called with `one`, a bpa.one_bmc.OneBmc, in their place."""

    @click.argument("address", metavar="ADDRESS")
    @click.option("-u", "--user", envvar="BPA_BMC_USER", help="The BMC's user.  [env: BPA_BMC_USER]")
    @click.option("--password-file", type=click.Path(allow_dash=True, dir_okay=False),
                  help="A file with its password on the first line; - is standard input.  [env: BPA_BMC_PASSWORD]")
    @click.option("--ca", type=click.Path(exists=True, path_type=Path), help="PEM file of the CA of its certificate.")
    @click.option("--insecure", is_flag=True, help="Do not verify the BMC's certificate.")
    @click.option("--system", metavar="PATH", help="Path of the System, where the BMC has several.")
    @site_option
    @functools.wraps(command)
    def wrapped(
        address: str, user: str | None, password_file: str | None, ca: Path | None, insecure: bool, system: str | None,
        site: str | None, **others: Any,
    ) -> Any:
        from bpa.one_bmc import Credentials, find_bmc

        given = Credentials(user, _password(password_file), ca, insecure, system)
        return command(one=find_bmc(address, given, site), **others)

    return wrapped


def _password(file: str | None) -> Secret | None:
    """From the file; else from the environment; else None. A password never stands in argv."""
    if file is not None:
        text = sys.stdin.read() if file == "-" else Path(file).read_text()
        return Secret(text.split("\n")[0])
    given = os.environ.get("BPA_BMC_PASSWORD")
    return None if given is None else Secret(given)
