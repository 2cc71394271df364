"""bpa images: the deployment ramdisk and an operating system image, built from the machine's own apt sources."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from bpa.cli.options import json_option, print_json, wants_json

if TYPE_CHECKING:
    from bpa.images import ImageSet, Kind


@click.group()
def images() -> None:
    """Images that BPA builds itself; a site may name others by URL.

    \b
    Example:
      bpa images build
    """


@images.command()
@click.argument("kinds", nargs=-1, type=click.Choice(["ipa", "os", "mirror"]), metavar="[ipa|os|mirror]...")
@json_option
def build(kinds: tuple[Kind, ...], output: str, as_json: bool) -> None:
    """Build what is not in the cache: Ironic's ramdisk (ipa), a Debian or Ubuntu image for the hosts (os), and a package
    mirror for hosts that reach no other (mirror); all without an argument.

    Needs root and takes some minutes; the cache ($BPA_CACHE, by default /var/cache/bpa) is keyed by content, so that
    a second call ends at once.

    \b
    Example:
      bpa images build mirror
    """
    made = tuple(_build(kind) for kind in dict.fromkeys(kinds)) or build_all()
    if wants_json(output, as_json):
        print_json({s.kind: {"key": s.key, "files": {r: str(p) for r, p in s.files.items()}, "sha256": dict(s.sha256)}
                    for s in made})
        return
    for one in made:
        for role, path in one.files.items():
            click.echo(f"{one.kind} {role}: {path} (sha256 {one.sha256[role][:16]}...)")


def build_all() -> tuple[ImageSet, ImageSet, ImageSet]:
    """Ramdisk, operating system and package mirror, built now where the cache lacks them; progress goes to standard error."""
    return _build("ipa"), _build("os"), _build("mirror")


def _build(kind: Kind) -> ImageSet:
    from bpa.images import build as build_one
    from bpa.images import cache_directory

    return build_one(kind, cache_directory(), lambda text: click.echo(f"  {text}", err=True))
