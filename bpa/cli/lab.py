"""bpa lab: virtual machines with BMCs, to try a site on."""

from __future__ import annotations

import importlib
from dataclasses import asdict
from types import ModuleType
from typing import TYPE_CHECKING, Literal

import click

from bpa.cli.exits import Exit
from bpa.cli.lab_bmc import bmc
from bpa.cli.options import json_option, print_json, wants_json
from bpa.cli.words import columns

if TYPE_CHECKING:
    from bpa.lab.lab import LabStatus


@click.group()
def lab() -> None:
    """A virtual lab on this machine: powered-off hosts with empty disks behind Redfish BMCs, and a site to apply.

    \b
    Example:
      bpa lab up && bpa apply
    """


lab.add_command(bmc)


def virtual_lab() -> ModuleType:
    """bpa.lab.lab, which needs packages that a site does not. Raises LabError where they are missing."""
    try:
        return importlib.import_module("bpa.lab.lab")
    except ModuleNotFoundError as error:
        from bpa.lab.errors import LabError

        raise LabError(f"the lab needs the package {error.name}: pip install 'bpa[lab]'") from None


def tell(text: str) -> None:
    """Progress, on standard error."""
    click.echo(f"  {text}", err=True)


@lab.command()
@click.option("--hosts", type=click.IntRange(1, 40), default=1, show_default=True, help="How many hosts.")
@click.option("--kvm", type=click.Choice(["auto", "on", "off"]), default="auto", show_default=True,
              help="Use KVM: auto tries whether it really runs a guest.")
@click.option("--fault", "faults", multiple=True, metavar="NAME", help="Start with this fault on (see `bpa lab fault`).")
@json_option
def up(hosts: int, kvm: Literal["auto", "on", "off"], faults: tuple[str, ...], output: str, as_json: bool) -> None:
    """Start the lab, or what is missing of it, and write its site directory. Needs root.

    \b
    Example:
      bpa lab up --hosts 2 && bpa apply
    """
    from bpa.cli.images import build_all
    virtual = virtual_lab()

    ramdisk, system, mirror = build_all()
    show(virtual.up(hosts, ramdisk, system, mirror, kvm_mode=kvm, switch_on=faults, progress=tell), wants_json(output, as_json))


@lab.command()
def down() -> None:
    """Remove every trace: processes, namespace, domains with NVRAM and disks, and the state of the lab's site.

    \b
    Example:
      bpa lab down
    """
    virtual = virtual_lab()
    from bpa.wiring import forget_lab_site

    forget_lab_site()
    kept = virtual.down(progress=tell)
    for name in kept:
        click.echo(f"kept, because it was changed by hand: {name}")


@lab.command()
@json_option
def status(output: str, as_json: bool) -> None:
    """What of the lab runs; exit code 2 where something that should does not.

    \b
    Example:
      bpa lab status
    """
    virtual = virtual_lab()

    seen = virtual.status()
    show(seen, wants_json(output, as_json))
    if seen.up and not seen.running:
        raise click.exceptions.Exit(Exit.NOT_SEEN)


@lab.command()
@click.argument("name")
@click.option("--host", help="Only for this host.")
@click.option("--off", is_flag=True, help="Switch it off again.")
@click.option("--seconds", type=float, help="For so long only.")
def fault(name: str, host: str | None, off: bool, seconds: float | None) -> None:
    """Make the lab's BMC misbehave, as real ones do.

    \b
    Example:
      bpa lab fault bios-ignored --host lab-0
      bpa lab fault unavailable --seconds 60
    """
    virtual = virtual_lab()

    for one in virtual.fault(name, host, not off, seconds):
        click.echo(f"on: {one.name}" + (f" for {one.host}" if one.host else ""))


@lab.command()
@click.argument("host")
@click.argument("state", type=click.Choice(["on", "off"]))
def power(host: str, state: str) -> None:
    """Pull a host's plug, or plug it in and switch it on, behind the back of BMC, Ironic and BPA.

    \b
    Example:
      bpa lab power lab-0 off && bpa lab power lab-0 on
    """
    virtual = virtual_lab()

    virtual.power(host, state == "on")


def show(seen: LabStatus, as_json: bool) -> None:
    """The lab's state."""
    if as_json:
        print_json({**asdict(seen), "hosts": [{"name": h.host.name, "uuid": h.host.uuid, "serial": h.host.serial,
                                               "boot_mac": h.host.boot_mac, "power": h.power} for h in seen.hosts]})
        return
    if not seen.up:
        click.echo("no lab is up")
        return
    click.echo(f"lab in {seen.directory}, {'KVM' if seen.kvm else 'emulated'}"
               + (f"; missing: {', '.join(seen.missing)}" if seen.missing else ""))
    for line in columns([["HOST", "POWER", "SERIAL", "BOOT MAC", "SYSTEM"],
                         *([h.host.name, h.power, h.host.serial, h.host.boot_mac, h.host.uuid] for h in seen.hosts)]):
        click.echo(line)
    for one in seen.faults:
        click.echo(f"fault: {one.name}" + (f" for {one.host}" if one.host else ""))
    click.echo(f"site: {seen.site}" + (f" (changed by hand: {', '.join(seen.kept)})" if seen.kept else ""))
