"""bpa host: one host's operating system by hand."""

from __future__ import annotations

import socket
import time
from dataclasses import asdict
from pathlib import Path

import click

from bpa.cli.exits import Exit
from bpa.cli.options import host_argument, host_names, json_option, print_json, site_option, wants_json
from bpa.cli.words import clock, columns, state_word


@click.group()
def host() -> None:
    """One host: gather what a look sees into a file, or list what is BPA's own there.

    \b
    Example:
      bpa host collect node0 -o node0.json && bpa verify --from node0.json
    """


@host.command()
@click.argument("name", metavar="[HOST]", required=False, shell_complete=host_names)
@site_option
@click.option("--local", is_flag=True, help="Ask this machine itself, as root; no site is needed.")
@click.option("-o", "--output", "file", metavar="FILE", type=click.Path(dir_okay=False, path_type=Path),
              help="By default HOST.json here.")
@click.option("--force", is_flag=True, help="Replace FILE where it is there already.")
def collect(name: str | None, site: str | None, local: bool, file: Path | None, force: bool) -> None:
    """Everything that a look at a host needs, in one file. Changes nothing on the host.

    The file holds serial numbers, addresses and configuration. Passwords, tokens and private keys are taken out before it is
    written, wherever they show by a name, in a URL or in a header; look through it before you give it away all the same. It
    is readable by you only. `bpa verify --from` and `bpa explain --from` judge it, here or elsewhere, now or later; they
    compare no passwords.

    \b
    Example:
      bpa host collect node0 --site site/ -o node0.json
      sudo bpa host collect --local node0 -o here.json
    """
    from bpa.collection import Collection, collect_here, save

    if name is None and not local:
        raise click.UsageError("give the name of a host, or --local for this machine")
    secrets: list[str] = []
    if local:
        name = name or socket.gethostname()
        target = _free(file or Path(f"{name}.json"), force)
        collected = collect_here(name)
    else:
        from bpa.cli.plan import find_subject
        from bpa.wiring import open_site

        with open_site(site) as wired:
            subject = find_subject(wired, str(name))
            if subject in wired.clusters:
                raise click.UsageError(f"{name} is a cluster; a collection is of one host")
            target = _free(file or Path(f"{subject.name}.json"), force)
            secrets += [one.bmc_password.reveal() for one in wired.site.hosts]
            survey = wired.survey([subject.name]).surveys[subject.name]
            collected = Collection(subject.name, time.time(), survey.have, {k: str(v) for k, v in survey.unseen.items()})
    save(collected, target, secrets)
    click.echo(str(target))
    for source, why in collected.unseen.items():
        click.echo(f"not in it: {source}: {why}", err=True)
    if collected.unseen and not local:
        raise click.exceptions.Exit(Exit.NOT_SEEN)


def _free(target: Path, force: bool) -> Path:
    """Where it is to be written; ends the command, before any machine is asked, where that cannot or should not be."""
    if not target.parent.is_dir():
        raise click.UsageError(f"{target.parent} is no directory")
    # It may be the only file that tells how the host was.
    if not force and target.exists():
        raise click.UsageError(f"{target} is there already: name another file with -o, or replace it with --force")
    return target


@host.command()
@host_argument
@site_option
@click.option("--all", "everything", is_flag=True, help="Also the files that BPA may make and that are not there.")
@json_option
def owned(host: str, site: str | None, everything: bool, output: str, as_json: bool) -> None:
    """All that is BPA's own on a host: files, and what it set up that is no file. Changes nothing.

    Per file: what it is for, the section of the HardwareProfile that asks for it, size, when it was changed, and whether it
    is as BPA wrote it. Taking the section out of the profile and applying again removes it; namespaces stay, with their data.

    \b
    Example:
      bpa host owned node0 --site site/

    Exit codes: 0 all is as written, 1 something is not, 2 could not look.
    """
    from bpa.cli.plan import find_subject
    from bpa.core.host import OWNED
    from bpa.core.host.belongings import belongings
    from bpa.core.verdict import Met
    from bpa.wiring import open_site

    with open_site(site) as wired:
        subject = find_subject(wired, host)
        if subject in wired.clusters:
            raise click.UsageError(f"{host} is a cluster; only hosts have files of BPA")
        written = {path: said for one in wired.store.seen(subject.name).values() for path, said in one.files.items()}
        survey = wired.survey([subject.name]).surveys[subject.name]
        met = {one.requirement.condition: isinstance(one.verdict, Met) for one in survey.judged}
        found = belongings(subject.want, survey.have, OWNED, met, written, time.time())
    unseen = survey.have.os is None
    why = str(survey.unseen.get("os") or survey.have.os_problem)
    if unseen:
        found = ()
    shown = [one for one in found if everything or one.state != "absent" or one.found]
    if wants_json(output, as_json):
        print_json({"host": subject.name, "unseen": why if unseen else "", "owned": [asdict(one) for one in shown]})
    elif shown:
        table = [["WHAT", "FOR", "SECTION", "SIZE", "CHANGED", "STATE", "SEEN"]]
        table += [[one.name, one.about, one.section, "-" if one.size is None else str(one.size),
                   "-" if one.changed is None else clock(one.changed), state_word(one.state), one.found] for one in shown]
        for line in columns(table):
            click.echo(line)
    elif not unseen:
        click.echo(f"nothing on {subject.name} is BPA's")
    if unseen:
        click.echo(f"{subject.name} was not seen: {why}", err=True)
        raise click.exceptions.Exit(Exit.NOT_SEEN)
    if any(one.state in ("changed", "not as asked") or (one.state == "absent" and one.found) for one in found):
        raise click.exceptions.Exit(Exit.NOT_MET)
