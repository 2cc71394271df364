"""bpa bmc trust: look at a BMC's certificate once, and accept only that one from then on."""

from __future__ import annotations

import re
import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click

from bpa.cli.exits import Exit
from bpa.cli.failure import Stop
from bpa.cli.options import json_option, print_json, site_option, wants_json
from bpa.cli.words import columns

if TYPE_CHECKING:
    from bpa.adapters.redfish.trust import Certificate, Pin, Pins


@click.command()
@click.argument("address", metavar="[ADDRESS]", required=False)
@click.option("--fingerprint", metavar="SHA256", help="Pin only if the certificate has this one; asks nothing.")
@click.option("--yes", is_flag=True, help="Ask nothing: fine if it is pinned already, refused if not.")
@click.option("--forget", is_flag=True, help="Remove the pin of this BMC.")
@click.option("--list", "show_all", is_flag=True, help="Show all pins.")
@site_option
@json_option
def trust(
    address: str | None, fingerprint: str | None, yes: bool, forget: bool, show_all: bool, site: str | None, output: str,
    as_json: bool,
) -> None:
    """Pin the certificate that a BMC shows: from then on BPA talks to it only if it shows the same one.

    Needs no credentials and sends none. Compare the SHA-256 with what the BMC itself says, in its web pages or on the
    machine's screen; a pin made without comparing trusts whoever answers today.

    \b
    Example:
      bpa bmc trust https://192.0.2.10
      bpa bmc trust https://192.0.2.10 --fingerprint AB:CD:...
      bpa bmc trust --list
    """
    from bpa.adapters.redfish.trust import probe
    from bpa.bmc_memory import BmcMemory
    from bpa.one_bmc import find_origin

    pins = BmcMemory().pins
    json_wanted = wants_json(output, as_json)
    if show_all:
        _list(pins, json_wanted)
        return
    if address is None:
        raise click.UsageError("give the ADDRESS of a BMC, or --list")
    origin = find_origin(address, site)
    before = pins.find(origin)
    if forget:
        pins.forget(origin)
        if json_wanted:
            print_json({"origin": origin, "forgotten": before is not None})
        else:
            click.echo(f"{origin} is no longer pinned" if before else f"{origin} was not pinned")
        return
    shown = probe(origin)
    if json_wanted:
        _decide(shown, before, fingerprint, yes, ask=False)
        pin = pins.keep(shown) if before is None or before.sha256 != shown.sha256 else before
        print_json({"origin": origin, "sha256": pin.sha256, "file": str(pin.file), "was": before.sha256 if before else None})
        return
    for line in _described(shown):
        click.echo(line)
    if before is not None and before.sha256 == shown.sha256 and fingerprint is None:
        click.echo(f"pinned already ({before.pinned})")
        return
    if before is not None and before.sha256 != shown.sha256:
        click.echo(click.style("! another certificate than the pinned one", fg="red", bold=True))
        click.echo(f"  pinned {before.pinned}: {_colons(before.sha256)}  {before.subject}")
    _decide(shown, before, fingerprint, yes, ask=sys.stdin.isatty())
    pin = pins.keep(shown)
    click.echo(f"pinned in {pin.file}")


def _decide(shown: Certificate, before: Pin | None, fingerprint: str | None, yes: bool, ask: bool) -> None:
    """Return where it is to be pinned; raises Stop where it is not."""
    if fingerprint is not None:
        told = re.sub(r"^sha-?256[:=]?|[:\s]", "", fingerprint.strip().lower())
        told = re.sub(r"[:\s]", "", told)
        if not re.fullmatch(r"[0-9a-f]{64}", told):
            raise Stop("--fingerprint wants a SHA-256: 64 hexadecimal digits, colons or none", Exit.USAGE)
        if told != shown.sha256:
            raise Stop(f"the certificate is another one: told {_colons(told)}, shown {shown.fingerprint}; nothing is pinned",
                       Exit.NOT_MET)
        return
    if before is not None and before.sha256 == shown.sha256:
        return
    if yes or not ask:
        raise Stop(f"nobody has compared this certificate; nothing is pinned: --fingerprint {shown.fingerprint} says you have",
                   Exit.NO_CONSENT)
    if not click.confirm("Is this what the BMC itself says? Pin it"):
        raise Stop("nothing is pinned", Exit.NO_CONSENT)


def _described(shown: Certificate) -> list[str]:
    now = datetime.now(UTC)
    own = " (by itself)" if shown.issuer == shown.subject else ""
    valid = "-"
    if shown.not_before and shown.not_after:
        expired = " (over)" if shown.not_after < now else " (not yet begun)" if shown.not_before > now else ""
        valid = f"{shown.not_before:%Y-%m-%d} to {shown.not_after:%Y-%m-%d}{expired}"
    return list(columns([
        ["BMC", shown.origin],
        ["subject", shown.subject or "-"],
        ["issuer", (shown.issuer or "-") + own],
        ["valid", valid],
        ["names", ", ".join(shown.names) or "-"],
        ["key", shown.key or "-"],
        ["SHA-256", shown.fingerprint],
        ["Ironic", "can use it as the CA" if shown.verifies else "cannot use it: it does not verify under this address"],
    ]))


def _list(pins: Pins, json_wanted: bool) -> None:
    found = pins.all()
    if json_wanted:
        print_json([{"origin": p.origin, "sha256": p.sha256, "pinned": p.pinned, "subject": p.subject, "file": str(p.file)}
                    for p in found])
        return
    if not found:
        click.echo("no BMC is pinned")
        return
    for line in columns([["BMC", "PINNED", "SHA-256", "SUBJECT"],
                         *([p.origin, p.pinned, _colons(p.sha256), p.subject] for p in found)]):
        click.echo(line)


def _colons(sha256: str) -> str:
    return ":".join(sha256[i : i + 2] for i in range(0, 64, 2)).upper()
