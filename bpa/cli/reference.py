"""docs/cli.md from the commands themselves: `python -m bpa.cli.reference > docs/cli.md`."""

from __future__ import annotations

import inspect
from collections.abc import Iterator

import click

from bpa.cli import bpa
from bpa.cli.exits import MEANING
from bpa.lab.faults import ABOUT

HEAD = """# Command reference

Written by `make docs` from the commands themselves; change the commands, not this file.

SITE is a directory of YAML documents, one file, or `-` for standard input. Without SITE, BPA takes `$BPA_SITE`, then
the current directory if it holds documents, then the site of the running lab. Commands whose argument is a HOST take
the site by `--site`.

Every command that prints data prints one JSON document on standard output with `--json` or `-o json`. Notes, questions,
progress of long work and errors go to standard error. Progress of `bpa apply` is a live table on a terminal, and one
line per change elsewhere.
"""

ENVIRONMENT = {
    "BPA_SITE": "the site, where a command is given none",
    "BPA_STATE": "the directory that holds the state of all sites; by default `/var/lib/bpa/sites` for root, "
                 "`$XDG_STATE_HOME/bpa` or `~/.local/state/bpa` for other users",
    "BPA_BMC_USER": "the account of the BMC that `bpa bmc` is given by its address",
    "BPA_BMC_PASSWORD": "its password; or use `--password-file`",
    "BPA_CACHE": "where built images are kept; by default `/var/cache/bpa`",
    "BPA_LAB_DIR": "the lab's own directory; by default `/var/lib/bpa/lab`",
    "OS_CLIENT_CONFIG_FILE": "the `clouds.yaml` of a site that names a cloud (openstacksdk's own variable)",
}

FILES = {
    "STATE/_bmc/certificates/": "pinned certificates of BMCs, one PEM file each (`bpa bmc trust`)",
    "STATE/_bmc/sessions/": "which Redfish sessions are open, so that a later run can close those of a run that was killed",
    "STATE/_bmc/rotations/": "passwords old and new of a change that was interrupted, mode 0600; gone when it is finished",
    "STATE/_bmc/registries/": "BIOS attribute registries that were read, to be asked for once only",
    "STATE/NAME-HASH/site.sqlite": "memory, consent, conditions and history of the site; HASH is of the documents' place",
    "STATE/NAME-HASH/lock": "held by `bpa apply` while it works",
    "STATE/NAME-HASH/bpa.log": "what the adapters did, rotated at 5 MB; with `-v` on standard error too",
    "STATE/NAME-HASH/report.html, report.json, report.xml": "written at the end of an apply, and by `bpa report`",
    "STATE/NAME-HASH/ssh/, hosts/": "BPA's own SSH key, and the host key of each host",
    "STATE/NAME-HASH/ironic/": "the embedded Ironic: configuration, database, logs, images",
}


def render() -> str:
    """The whole reference as Markdown, ending in a newline."""
    parts = [HEAD, _contents(), _exits(), _table("Environment", ENVIRONMENT), _table("Files", FILES)]
    parts += ["".join(_command(command, path)) for path, command in (("bpa", bpa), *commands())]
    return "\n".join(parts)


def commands(group: click.Group = bpa, path: str = "bpa") -> Iterator[tuple[str, click.Command]]:
    """Every command below `group` with its full name, in the order of `--help`; groups come before their commands."""
    context = click.Context(group, info_name=path)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        if command is None:
            continue
        yield f"{path} {name}", command
        if isinstance(command, click.Group):
            yield from commands(command, f"{path} {name}")


def _contents() -> str:
    return "".join(f"- [{path}](#{path.replace(' ', '-')}): {_first_sentence(command)}\n" for path, command in commands())


def _first_sentence(command: click.Command) -> str:
    return " ".join(inspect.cleandoc(command.help or "").split("\n\n")[0].split())


def _exits() -> str:
    lines = "".join(f"| {code.value} | {meaning} |\n" for code, meaning in MEANING.items())
    return f"## Exit codes\n\n| Code | Meaning |\n|---:|---|\n{lines}"


def _table(heading: str, rows: dict[str, str]) -> str:
    return f"## {heading}\n\n| Name | Meaning |\n|---|---|\n" + "".join(f"| `{k}` | {v} |\n" for k, v in rows.items())


def _command(command: click.Command, path: str) -> Iterator[str]:
    context = click.Context(command, info_name=path, max_content_width=100)
    yield f"## {path}\n\n"
    if path == "bpa" or not isinstance(command, click.Group):
        usage = " ".join(command.collect_usage_pieces(context))
        yield f"    {path} {usage}\n\n"
    yield from _prose(inspect.cleandoc(command.help or ""))
    records = [_option(option, context) for option in command.params if isinstance(option, click.Option)]
    if records:
        yield "| Option | Meaning |\n|---|---|\n" + "".join(records) + "\n"
    if path == "bpa lab fault":
        yield "| Fault | What the BMC does |\n|---|---|\n"
        yield "".join(f"| `{name}` | {about} |\n" for name, about in ABOUT.items()) + "\n"


def _prose(text: str) -> Iterator[str]:
    """Paragraphs as they are; what click must not wrap (after its mark \\b) as a block of code under its heading."""
    for paragraph in text.split("\n\n"):
        if not paragraph.startswith("\b"):
            yield " ".join(paragraph.split()) + "\n\n"
            continue
        heading, *lines = paragraph.splitlines()[1:]
        yield f"{heading}\n\n" + "".join(f"    {line.strip()}\n" for line in lines) + "\n"


def _option(option: click.Option, context: click.Context) -> str:
    record = option.get_help_record(context)
    names, about = record if record else (", ".join(option.opts), option.help or "")
    escaped = names.replace("|", "\\|")
    return f"| `{escaped}` | {about} |\n"


if __name__ == "__main__":
    click.echo(render(), nl=False)
