"""A report as one HTML page that needs nothing else: no script, no file, no network."""

from __future__ import annotations

from bpa.cli.report.telling import SOURCES, wanted_told
from bpa.cli.words import exact_clock
from bpa.core.compliance import Report


def page(report: Report) -> str:
    """The whole page. Times are local, with their distance from UTC."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(loader=PackageLoader("bpa.cli", "templates"), autoescape=True, undefined=StrictUndefined,
                              trim_blocks=True, lstrip_blocks=True)
    environment.filters["clock"] = exact_clock
    environment.filters["wanted_told"] = wanted_told
    return environment.get_template("report.html").render(report=report, sources=SOURCES)
