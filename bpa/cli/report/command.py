"""The group `bpa report`: `bpa report SITE` makes a report, `bpa report compare` compares two."""

from __future__ import annotations

from pathlib import Path

import click

from bpa.cli.options import json_option, print_json, site_argument, wants_json

DEFAULT = "make"


class WithDefault(click.Group):
    """What is no verb of this group is the SITE of its first verb, so that `bpa report site/` needs none."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if not args or (args[0] not in self.commands and args[0] not in ctx.help_option_names):
            args = [DEFAULT, *args]
        return super().parse_args(ctx, args)


@click.group(cls=WithDefault)
def report() -> None:
    """Proof of how a site is: wanted, found, evidence and time, for every host and condition.

    `bpa report SITE` is short for `bpa report make SITE`. A file of one kind is also written by `bpa verify --report`.

    \b
    Example:
      bpa report site/ --directory reports/
      bpa report compare monday.json tuesday.json
    """


@report.command()
@site_argument
@click.option("--directory", "-d", type=click.Path(file_okay=False, path_type=Path),
              help="Where to write report.html, report.json and report.xml; by default the site's state directory.")
@json_option
def make(site: str | None, directory: Path | None, output: str, as_json: bool) -> None:
    """Look at every machine and write what was wanted, what was found, by which evidence, and how long each step took.

    report.html is for people, report.json for programs (docs/report.schema.json) and for `bpa report compare`, report.xml
    is JUnit XML for CI. None of them holds passwords; they hold serial numbers and addresses.

    \b
    Example:
      bpa report make site/ --directory reports/
    """
    from bpa.cli.report.filing import to_plain
    from bpa.cli.report.gathering import gather
    from bpa.cli.report.writing import write_report
    from bpa.wiring import open_site

    with open_site(site) as wired:
        report = gather(wired, wired.survey())
        written = write_report(report, directory or wired.state)
        if wants_json(output, as_json):
            print_json(to_plain(report))
        else:
            click.echo(str(written))


@report.command()
@click.argument("old", metavar="OLD", type=click.Path(dir_okay=False, path_type=Path))
@click.argument("new", metavar="NEW", type=click.Path(dir_okay=False, path_type=Path))
@json_option
def compare(old: Path, new: Path, output: str, as_json: bool) -> None:
    """What got worse, better or just different between two JSON reports. Asks no machine.

    A condition gets worse where it held and does not, or where an apply could mend it and now a person must. What is no
    longer seen counts as worse, a host that comes with unmet conditions too; what is asked no more only as different. Times and
    evidence are not compared.

    \b
    Example:
      bpa report compare yesterday.json today.json

    Exit codes: 0 nothing got worse, 1 something did, 64 a file is no report of this BPA or an older one.
    """
    from bpa.cli.exits import Exit
    from bpa.cli.report.comparison_text import lines_of, to_plain
    from bpa.cli.report.filing import NoReport, read
    from bpa.core.compliance import compare as compared

    try:
        before, after = read(old), read(new)
    except NoReport as error:
        raise click.UsageError(str(error)) from None
    comparison = compared(before, after)
    if wants_json(output, as_json):
        print_json(to_plain(before, after, comparison))
    else:
        for line in lines_of(before, after, comparison):
            click.echo(line)
    if comparison.worse:
        raise click.exceptions.Exit(Exit.NOT_MET)
