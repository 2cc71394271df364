"""What a user reads when a command cannot go on."""

from __future__ import annotations

import errno
import logging
import tempfile
import traceback
from typing import IO, Any

import click

from bpa.adapters.errors import AdapterError, Busy, Unreachable
from bpa.adapters.store import Locked, StateError
from bpa.cli.exits import Exit
from bpa.collection import NoCollection
from bpa.documents.errors import DocumentErrors
from bpa.images import ImageError
from bpa.lab.errors import LabError
from bpa.place import NoSite

LOG = logging.getLogger(__name__)


class Stop(click.ClickException):
    """A command ends here with one message and an exit code."""

    def __init__(self, message: str, code: Exit) -> None:
        super().__init__(message)
        self.exit_code: int = code  # type: ignore[misc]  # click declares it on the class, and reads it here

    def show(self, file: IO[Any] | None = None) -> None:
        """As every other error of BPA."""
        click.echo(f"error: {self.message}", file=file, err=file is None)


def explain_failure(error: Exception) -> int:
    """Print what went wrong for a person; returns the exit code. A bug leaves its traceback in a file."""
    match error:
        case DocumentErrors():
            for one in error.errors:
                click.echo(one.text, err=True)
            count = len(error.errors)
            click.echo(f"{count} error{'s' if count > 1 else ''} in the documents; nothing was touched", err=True)
            return Exit.DOCUMENTS
        case Locked():
            code = Exit.LOCKED
        case StateError():
            code = Exit.STATE
        case NoSite() | NoCollection():
            code = Exit.USAGE
        case AdapterError():
            code = Exit.NOT_SEEN if isinstance(error, (Unreachable, Busy)) else Exit.NOT_MET
        case LabError() | ImageError():
            code = Exit.LAB
        case OSError() if error.filename or error.errno == errno.ENOSPC:
            click.echo(f"error: {error.filename or 'the output'}: {error.strerror}", err=True)
            return Exit.STATE
        case _:
            with tempfile.NamedTemporaryFile("w", prefix="bpa-bug-", suffix=".txt", delete=False) as file:
                traceback.print_exception(error, file=file)
            click.echo(f"error: unexpected {type(error).__name__}: {error}\n"
                       f"this is a bug of BPA; please report it with {file.name}", err=True)
            return Exit.BUG
    click.echo(f"error: {error}", err=True)
    advice = getattr(error, "advice", "")
    if advice:
        click.echo(f"  try: {advice}", err=True)
    return code
