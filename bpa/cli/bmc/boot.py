"""bpa bmc boot: from where the machine boots next, or always."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from bpa.cli.bmc.shown import request_line, requests_json
from bpa.cli.bmc.target import bmc_target
from bpa.cli.options import json_option, print_json, wants_json
from bpa.cli.words import columns

if TYPE_CHECKING:
    from bpa.adapters.redfish.bios.settings import Staged
    from bpa.adapters.redfish.boot.override import Boot
    from bpa.adapters.redfish.writing import Writer
    from bpa.one_bmc import OneBmc

SOURCES = {"pxe": "Pxe", "cd": "Cd", "disk": "Hdd", "usb": "Usb", "http": "UefiHttp", "setup": "BiosSetup"}
"""Short words for BootSourceOverrideTarget; its own words are taken too."""


@click.command(short_help="From where the machine boots next.")
@bmc_target
@click.argument("source", default="show", metavar="[SOURCE]")
@click.argument("options", nargs=-1, metavar="[OPTION]...")
@click.option("--always", is_flag=True, help="Until it is taken back, where the BMC can; else once.")
@click.option("--mode", type=click.Choice(["uefi", "legacy"]), help="The boot mode; left as it is without this.")
@click.option("--uri", metavar="URL", help="http: what to boot.")
@click.option("--timeout", type=click.FloatRange(min=0), default=300.0, show_default=True,
              help="Seconds to wait for a BMC that is busy or in POST.")
@click.option("--dry-run", is_flag=True, help="Show the requests that would be sent; send none.")
@json_option
def boot(
    one: OneBmc, source: str, options: tuple[str, ...], always: bool, mode: str | None, uri: str | None, timeout: float,
    dry_run: bool, output: str, as_json: bool,
) -> None:
    """Boot next from SOURCE: pxe, cd (virtual media), disk, usb, http, setup, or a BootSourceOverrideTarget.

    Without SOURCE: show it. `none` takes it back. `order OPTION…` puts boot options in front, by reference or name.

    \b
    Example:
      bpa bmc boot https://192.0.2.10 pxe
      bpa bmc boot https://192.0.2.10 http --uri http://192.0.2.1/boot.efi
      bpa bmc boot https://192.0.2.10 order Boot0003
    """
    from bpa.adapters.redfish.boot.override import read_boot
    from bpa.adapters.redfish.waiting import Waiting
    from bpa.adapters.redfish.writing import Writer

    if (source.lower() == "order") != bool(options):
        raise click.UsageError("`order` takes boot options, and nothing else does")
    if uri and source.lower() not in ("http", "uefihttp"):
        raise click.UsageError("--uri is for http")
    told = wants_json(output, as_json)
    with one.open() as target:
        if source == "show":
            now = read_boot(target)
            print_json(asdict(now)) if told else _show(now)
            return
        writer = Writer(target, dry_run, patience=Waiting(timeout, 5.0))
        now, staged = _do(writer, source, options, always, mode, uri)
        if told:
            print_json({"requests": requests_json(writer.sent), **asdict(now)} | ({"bios": asdict(staged)} if staged else {}))
        else:
            _tell(writer, now, staged, bool(options))


def _do(
    writer: Writer, source: str, options: tuple[str, ...], always: bool, mode: str | None, uri: str | None
) -> tuple[Boot, Staged | None]:
    from bpa.adapters.redfish.boot.http import boot_from_url
    from bpa.adapters.redfish.boot.override import disable_boot_override, send_boot_override, set_boot_order

    enabled: Any = "Continuous" if always else "Once"
    if options:
        return set_boot_order(writer, options), None
    if source.lower() == "none":
        return disable_boot_override(writer), None
    if uri:
        return boot_from_url(writer, uri, enabled)
    wanted: Any = {"uefi": "UEFI", "legacy": "Legacy"}.get(mode or "")
    return send_boot_override(writer, SOURCES.get(source.lower(), source), enabled, wanted), None


def _tell(writer: Writer, now: Boot, staged: Staged | None, order: bool) -> None:
    for request in writer.sent if writer.dry_run else ():
        click.echo(request_line(request))
    so = f"order {', '.join(now.order)}" if order else _override(now)
    if writer.dry_run and writer.sent:
        click.echo("nothing was sent")
    else:
        click.echo(f"already so: {so}" if not writer.sent else so)
    for note in staged.notes if staged else ():
        click.echo(f"  {note}")


def _override(now: Boot) -> str:
    if now.enabled == "Disabled" or now.target in ("", "None"):
        return "boots as its boot order says"
    often = {"Once": "at its next boot", "Continuous": "at every boot"}.get(now.enabled, now.enabled)
    return f"boots from {now.target} {often}" + (f" ({now.http_uri})" if now.http_uri else "")


def _show(now: Boot) -> None:
    click.echo(_override(now) + (f"; mode {now.mode}" if now.mode else ""))
    if now.targets:
        click.echo(f"can boot from: {', '.join(now.targets)}")
    rows = [("ORDER", "OPTION", "NAME", "UEFI DEVICE PATH")]
    places = {reference: str(place) for place, reference in enumerate(now.order, start=1)}
    rows += [(places.get(o.reference, "-"), o.reference, o.name, o.path) for o in now.options]
    if len(rows) == 1:
        rows += [(place, reference, "", "") for reference, place in places.items()]
    for line in columns(rows) if len(rows) > 1 else ():
        click.echo(line)
