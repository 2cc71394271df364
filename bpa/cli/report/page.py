"""A report as one HTML page that needs nothing else: no script, no file, no network."""

from __future__ import annotations

from typing import Any

from bpa.cli.words import exact_clock
from bpa.core.compliance import Report


def page(report: Report) -> str:
    """The whole page. Times are local, with their distance from UTC."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(loader=PackageLoader("bpa.cli", "templates"), autoescape=True, undefined=StrictUndefined,
                              trim_blocks=True, lstrip_blocks=True)
    environment.filters["clock"] = exact_clock
    environment.filters["told"] = told
    return environment.get_template("report.html").render(report=report)


def told(value: Any) -> str:
    """Wanted values as a person reads them: {"vfs": 4, "match": {"device": "8086:1583"}} -> vfs 4, match (device 8086:1583)."""
    if isinstance(value, dict):
        return ", ".join(f"{key} {_inner(inner)}" for key, inner in value.items())
    if isinstance(value, list):
        return "; ".join(told(inner) for inner in value)
    return {True: "yes", False: "no", None: "none"}.get(value, str(value)) if isinstance(value, bool | None) else str(value)


def _inner(value: Any) -> str:
    return f"({told(value)})" if isinstance(value, (dict, list)) and len(value) > 0 else told(value)
