"""bpa bmc rotate-password: a new password, proven by a login, or the old one back."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from bpa.cli.bmc.target import bmc_target
from bpa.cli.options import json_option, print_json, wants_json
from bpa.core.secret import Secret

if TYPE_CHECKING:
    from bpa.one_bmc import OneBmc


@click.command("rotate-password")
@bmc_target
@click.option("--new-password-file", required=True, type=click.Path(exists=True, dir_okay=False, path_type=Path),
              help="A file with the new password on its first line.")
@click.option("--user-to-change", metavar="USER", default="", help="Another account than the one that logs in.")
@click.option("--dry-run", is_flag=True, help="Show the request; send nothing that changes anything.")
@json_option
def rotate_password(
    one: OneBmc, new_password_file: Path, user_to_change: str, dry_run: bool, output: str, as_json: bool
) -> None:
    """Change the password of a BMC account.

    Both passwords are kept in BPA's state (mode 0600) until one is proven by a login: a run that is killed loses nothing,
    and the next one with the same options finishes it. Each password is tried once. A new password that the BMC takes and
    then refuses is replaced by the old one.

    \b
    Example:
      bpa bmc rotate-password https://192.0.2.10 --new-password-file new.txt
    """
    from bpa.adapters.redfish.login.rotation import Rotations, rotate
    from bpa.bmc_memory import BmcMemory

    new = Secret(new_password_file.read_text().split("\n")[0])
    kept = Rotations(BmcMemory().directory / "rotations")
    quiet = wants_json(output, as_json)
    said: list[str] = []

    def say(line: str) -> None:
        said.append(line)
        if not quiet:
            click.echo(line)

    done = rotate(one.access, new, kept, user_to_change, dry_run, say)
    user = user_to_change or one.access.username
    next_step = "" if user != one.access.username or dry_run else (
        f"set it in the Secret that spec.bmc.credentialsName of {one.want.name} names, then bpa apply: Ironic has the old one"
        if one.want else "set it in the Secrets of the sites that know this BMC, then bpa apply there: Ironic has the old one")
    if quiet:
        print_json({"user": user, "changed": done.changed, "dry_run": dry_run, "done": said, "notes": done.notes,
                    "next": next_step})
        return
    for note in done.notes:
        click.echo(note)
    if not dry_run:
        click.echo(f"the password of {user} {'is changed, and proven by a login' if done.changed else 'was so already'}")
    if next_step:
        click.echo(f"  next: {next_step}")
