"""The group `bpa bmc`; each verb is a module of its own, imported when it is asked for."""

from __future__ import annotations

import importlib

import click

VERBS = {
    "facts": ("bpa.cli.bmc.facts", "What the BMC tells of the machine, section by section."),
    "doctor": ("bpa.cli.bmc.doctor", "What works on this BMC, which quirks it has, what to do by hand."),
    "bios": ("bpa.cli.bmc.bios", "BIOS attributes and intents: get, plan, set."),
    "power": ("bpa.cli.bmc.power", "Power on, off, restart; waits until it is so."),
    "boot": ("bpa.cli.bmc.boot", "From where the machine boots next."),
    "media": ("bpa.cli.bmc.media", "Virtual media: show, insert, eject."),
    "pmem": ("bpa.cli.bmc.pmem", "Persistent-memory goals by Redfish."),
    "sessions": ("bpa.cli.bmc.sessions", "Open Redfish sessions, and those left behind."),
    "log": ("bpa.cli.bmc.log", "The event log."),
    "record": ("bpa.cli.bmc.record", "The whole tree into a directory, redacted."),
    "trust": ("bpa.cli.bmc.trust", "Pin the certificate that a BMC shows."),
    "rotate-password": ("bpa.cli.bmc.rotate_password", "Change the account's password, with a way back."),
}
"""Verb -> module (its command has the verb's name, - as _) and what it is for."""


class Verbs(click.Group):
    """Imports a verb's module only when that verb is asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(VERBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in VERBS:
            return None
        command: click.Command = getattr(importlib.import_module(VERBS[cmd_name][0]), cmd_name.replace("-", "_"))
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in VERBS.items()])


@click.group(cls=Verbs)
def bmc() -> None:
    """One BMC, by its address or by the name of a host in the site's documents. No site is needed for an address.

    \b
    Example:
      export BPA_BMC_USER=admin; read -rs BPA_BMC_PASSWORD; export BPA_BMC_PASSWORD
      bpa bmc facts https://192.0.2.10
    """
