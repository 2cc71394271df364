"""bpa bmc media: what is in the slots of virtual media, an image in, out, and booted from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from bpa.cli.bmc.shown import request_line, requests_json
from bpa.cli.bmc.target import bmc_target
from bpa.cli.options import json_option, print_json, wants_json
from bpa.cli.words import columns

if TYPE_CHECKING:
    from bpa.adapters.redfish.media.inserting import Insertion
    from bpa.adapters.redfish.media.ways import Medium
    from bpa.adapters.redfish.target import Target
    from bpa.adapters.redfish.waiting import Waiting
    from bpa.core.media import Kind, Slot
    from bpa.core.request import Request
    from bpa.one_bmc import OneBmc

BOOT_FROM = {"cd": "Cd", "usb": "Usb", "floppy": "Floppy"}
"""Kind of medium -> BootSourceOverrideTarget."""


@click.command(short_help="Virtual media: show, insert, eject, boot from it.")
@bmc_target
@click.argument("action", type=click.Choice(["show", "insert", "eject", "boot"]), default="show")
@click.argument("what", required=False, metavar="[IMAGE|SLOT]")
@click.option("--slot", default="", metavar="ID", help="The slot to use; else the first that takes this kind of medium.")
@click.option("--kind", type=click.Choice(list(BOOT_FROM)), default="cd", show_default=True, help="As what the host sees it.")
@click.option("--image-user", default="", metavar="NAME", help="User with which the BMC fetches the image.")
@click.option("--image-password-file", type=click.Path(exists=True, dir_okay=False, path_type=Path),
              help="A file with that user's password on its first line.")
@click.option("--transfer-protocol", default="", metavar="TYPE", help="HTTP, HTTPS, NFS, CIFS…; sent only if given or asked for.")
@click.option("--transfer-method", default="", metavar="METHOD", help="Stream or Upload; sent only if given or asked for.")
@click.option("--writable", is_flag=True, help="Let the host write to it, where the BMC can.")
@click.option("--replace", "force", is_flag=True, help="Put it in place of another image.")
@click.option("--enable", is_flag=True, help="Switch virtual media on where the BMC has it off as a whole.")
@click.option("--restart", is_flag=True, help="boot: restart the host now.")
@click.option("--timeout", type=click.FloatRange(min=0), default=120.0, show_default=True, help="Seconds to wait until it is so.")
@click.option("--dry-run", is_flag=True, help="Show the requests that would be sent; send none.")
@json_option
def media(
    one: OneBmc, action: str, what: str | None, slot: str, kind: Kind, image_user: str, image_password_file: Path | None,
    transfer_protocol: str, transfer_method: str, writable: bool, force: bool, enable: bool, restart: bool,
    timeout: float, dry_run: bool,
    output: str, as_json: bool,
) -> None:
    """Show the slots; insert IMAGE (a URL that the BMC can fetch); eject SLOT (all slots without it); or boot IMAGE once.

    \b
    Example:
      bpa bmc media https://192.0.2.10 insert https://192.0.2.1/live.iso
      bpa bmc media https://192.0.2.10 boot https://192.0.2.1/live.iso --restart
      bpa bmc media https://192.0.2.10 eject
    """
    from bpa.adapters.redfish.media.ways import Medium
    from bpa.adapters.redfish.waiting import Waiting
    from bpa.core.secret import Secret

    told = wants_json(output, as_json)
    if action != "eject" and (what is None) != (action == "show"):
        raise click.UsageError(f"{action} takes {'an IMAGE' if what is None else 'no IMAGE'}")
    password = Secret(image_password_file.read_text().split("\n")[0]) if image_password_file else None
    medium = Medium(what or "", image_user, password, transfer_protocol, transfer_method, not writable)
    how: dict[str, Any] = {"kind": kind, "slot": slot, "force": force}
    with one.open() as target:
        if action == "show":
            _show(target, told)
        elif action == "eject":
            _eject(target, what or slot, Waiting(timeout), dry_run, told)
        elif dry_run:
            _plan(target, medium, action, how, restart, told)
        elif action == "insert":
            _insert(target, medium, {**how, "enable": enable}, Waiting(timeout), told)
        else:
            _boot(target, medium, {**how, "enable": enable}, Waiting(timeout), restart, told)


def _show(target: Target, told: bool) -> None:
    from bpa.adapters.redfish.media.inserting import slots

    found = slots(target)
    if told:
        print_json({"slots": [asdict(s) | {"occupied": s.occupied} for s in found]})
        return
    rows = [("SLOT", "OF", "TYPES", "HOLDS", "FILLED BY")]
    rows += [(s.id, s.holder, ", ".join(s.types) or "not told", _holds(s), s.why) for s in found]
    for line in columns(rows):
        click.echo(line)


def _insert(target: Target, medium: Medium, how: dict[str, Any], waiting: Waiting, told: bool) -> None:
    from bpa.adapters.redfish.media.inserting import insert

    _tell(insert(target, medium, waiting=waiting, **how), told, "")


def _boot(
    target: Target, medium: Medium, how: dict[str, Any], waiting: Waiting, restart: bool, told: bool
) -> None:
    from bpa.adapters.redfish.boot.override import send_boot_override
    from bpa.adapters.redfish.media.inserting import eject, insert
    from bpa.adapters.redfish.power.reset import send_reset
    from bpa.adapters.redfish.writing import Writer

    done = insert(target, medium, anew=True, waiting=waiting, **how)
    writer = Writer(target, patience=waiting)
    try:
        send_boot_override(writer, BOOT_FROM[how["kind"]], "Once")
        if restart:
            send_reset(writer, "ForceRestart")
    except BaseException:
        # A medium that nobody boots from must not stay: the next restart for any reason could boot it.
        eject(target, done.slot.path, replace(waiting, seconds=min(waiting.seconds, 30.0)))
        raise
    then = "restarted; it boots from it now" if restart else "the host boots from it at its next restart"
    _tell(done, told, f"{then}; eject it afterwards: bpa bmc media … eject {done.slot.id}")


def _eject(target: Target, slot: str, waiting: Waiting, dry_run: bool, told: bool) -> None:
    from bpa.adapters.redfish.media.inserting import eject, plan_eject

    if dry_run:
        _tell_requests(plan_eject(target, slot), told, "nothing is in: nothing would be sent")
        return
    emptied = eject(target, slot, waiting)
    if told:
        print_json({"changed": bool(emptied), "ejected": [asdict(s) for s in emptied]})
        return
    for one in emptied:
        click.echo(f"{one.id}: ejected {one.image or 'the medium'}")
    if not emptied:
        click.echo("already so: nothing is in")


def _plan(target: Target, medium: Medium, action: str, how: dict[str, Any], restart: bool, told: bool) -> None:
    from bpa.adapters.redfish.boot.override import send_boot_override
    from bpa.adapters.redfish.media.inserting import plan_insert
    from bpa.adapters.redfish.power.reset import send_reset
    from bpa.adapters.redfish.writing import Writer

    plan = plan_insert(target, medium, anew=action == "boot", **how)
    writer = Writer(target, dry_run=True)
    if action == "boot":
        send_boot_override(writer, BOOT_FROM[how["kind"]], "Once")
        if restart:
            send_reset(writer, "ForceRestart")
    _tell_requests((*plan.requests, *writer.sent), told, f"already so: {plan.slot.id} holds it")


def _tell(done: Insertion, told: bool, then: str) -> None:
    if told:
        print_json({"changed": done.changed, "slot": asdict(done.slot), "notes": list(done.notes)})
        return
    click.echo(f"{done.slot.id}: {'inserted' if done.changed else 'already so: it holds'} {done.slot.image or 'the image'}")
    for note in done.notes:
        click.echo(f"  {note}")
    if then:
        click.echo(then)


def _tell_requests(requests: Sequence[Request], told: bool, none: str) -> None:
    if told:
        print_json({"requests": requests_json(requests)})
        return
    for request in requests:
        click.echo(request_line(request))
    click.echo("nothing was sent" if requests else none)


def _holds(slot: Slot) -> str:
    if slot.occupied:
        return slot.image or f"a medium of {slot.connected_via}"
    return "says inserted, is not connected" if slot.inserted else "nothing"
