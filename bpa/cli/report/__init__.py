"""bpa report: proof of how a site is, as JSON for programs, HTML for people and JUnit XML for CI; and two of them compared."""

from bpa.cli.report.command import report
from bpa.cli.report.filing import to_plain
from bpa.cli.report.gathering import gather
from bpa.cli.report.writing import write_all, write_report

__all__ = ["gather", "report", "to_plain", "write_all", "write_report"]
