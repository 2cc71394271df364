"""bpa completion: the shell's completion script."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class


@click.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def completion(shell: str) -> None:
    """Print the completion script of a shell.

    \b
    Example:
      bpa completion bash > /etc/bash_completion.d/bpa
    """
    from bpa.cli import bpa

    made = get_completion_class(shell)
    if made is None:
        raise click.UsageError(f"no completion for {shell}")
    click.echo(made(bpa, {}, "bpa", "_BPA_COMPLETE").source())
