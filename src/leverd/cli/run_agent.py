"""`run_agent`: what a service manager starts; the same as `leverd run`."""

from __future__ import annotations

import sys

import typer

from leverd.cli import edge
from leverd.cli.run import command

app = typer.Typer(
    name="run_agent",
    help="Keep the positions that the settings name, until told to stop.",
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)
app.command()(command)


def main() -> None:
    """Run the agent and exit with its code."""
    arguments = sys.argv[1:]
    sys.exit(edge.guard(lambda: app(args=arguments, prog_name="run_agent"), arguments))
