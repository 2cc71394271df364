"""`bpa`: the only place that prints or exits."""

from __future__ import annotations

import importlib
import logging
import sys
from collections.abc import Sequence

import click

from bpa.cli.exits import MEANING, Exit

COMMANDS = {
    "plan": ("bpa.cli.plan", "What an apply would do, and destroy; reads only."),
    "apply": ("bpa.cli.apply", "Do it, with consent and live progress."),
    "status": ("bpa.cli.look", "Where every host and cluster stands."),
    "verify": ("bpa.cli.look", "Look at every machine: is it as documented?"),
    "explain": ("bpa.cli.look", "Why a host is not ready, and what to do next."),
    "facts": ("bpa.cli.look", "What BPA sees of a host."),
    "host": ("bpa.cli.host", "One host: gather what a look sees into a file."),
    "report": ("bpa.cli.report", "Wanted against found, as HTML and JSON."),
    "bmc": ("bpa.cli.bmc", "One BMC by hand: facts, doctor, bios, power, media, ..."),
    "images": ("bpa.cli.images", "Build the ramdisk and an OS image."),
    "ironic": ("bpa.cli.ironic", "The Ironic that BPA runs itself."),
    "lab": ("bpa.cli.lab", "Virtual machines with BMCs, to try a site on."),
    "completion": ("bpa.cli.completion", "The shell's completion script."),
}


class Lazy(click.Group):
    """Imports a command's module only when that command is asked for, so that `--help` is quick."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = getattr(importlib.import_module(COMMANDS[cmd_name][0]), cmd_name)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in COMMANDS.items()])


EPILOG = "\b\nExit codes:\n" + "\n".join(f"  {code.value:3}  {meaning}" for code, meaning in MEANING.items())


@click.group(cls=Lazy, epilog=EPILOG, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(package_name="bpa", prog_name="bpa")
@click.option("-v", "--verbose", is_flag=True, help="Log what the adapters do, to standard error.")
def bpa(verbose: bool) -> None:
    """From a BMC address to a host handed to Kubernetes: plan, apply, verify, explain.

    SITE is a directory of YAML documents, one file, or - for standard input. Without SITE, $BPA_SITE is used, then
    the current directory if it holds documents, then the site of the running lab.

    \b
    Example:
      bpa plan site/             what would be done, and what would be destroyed
      bpa apply site/            do it, with consent
      bpa explain node0          why a host is not ready, and what to do next
    """
    shown = logging.StreamHandler(sys.stderr)
    shown.setLevel(logging.INFO if verbose else logging.CRITICAL)  # the site's bpa.log has it all
    logging.basicConfig(level=logging.INFO, handlers=[shown], format="%(asctime)s %(threadName)s %(name)s: %(message)s")


def main(arguments: Sequence[str] | None = None) -> None:
    """Run one command; every way it can end is an exit code, and none is a traceback."""
    sys.exit(run(arguments))


def run(arguments: Sequence[str] | None = None) -> int:
    """The same, returning the exit code."""
    try:
        ended = bpa.main(args=list(arguments) if arguments is not None else None, standalone_mode=False)
        return ended if isinstance(ended, int) else Exit.MET
    except click.UsageError as error:
        error.show()
        return Exit.USAGE
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except (click.Abort, KeyboardInterrupt):
        click.echo("interrupted; give the same command again to go on", err=True)
        return Exit.INTERRUPTED
    except SystemExit:  # click's own end where the reader of a pipe has gone: it has seen what it wanted
        return Exit.MET
    except Exception as error:  # noqa: BLE001  (the last resort: a user never sees a traceback)
        from bpa.cli.failure import explain_failure

        return explain_failure(error)
