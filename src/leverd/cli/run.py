"""`leverd run` and `run_agent`: the daemon in the foreground, until told to stop."""

from __future__ import annotations

from typing import Annotated

import typer

from leverd.cli.given import Config, Mode, settings_of

Wait = Annotated[
    float,
    typer.Option("--wait", help="Seconds to wait for the chain at start before giving up."),
]


def command(config: Config = None, mode: Mode = "", wait: Wait = 60.0) -> None:
    """Run the agent until told to stop."""
    settings = settings_of(config, mode)
    from leverd.cli import logs  # noqa: PLC0415 -- loads loguru

    logs.set_up(settings.logs)
    from leverd.bootstrap.service import run  # noqa: PLC0415 -- loads web3

    raise typer.Exit(run(settings, wait_s=wait))
