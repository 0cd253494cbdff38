"""`leverd run` and `run_agent`: the daemon in the foreground, until told to stop."""

from __future__ import annotations

import math
import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeAlias

import typer

from leverd.cli.given import DEFAULT, Config, JournalFile, Mode, settings_of
from leverd.cli.modes import FORK, Deposit, Fork, Rpc, Speed, check, on_a_fork
from leverd.errors import JournalError, LeverdError, OwnerError, SettingsError

if TYPE_CHECKING:
    from leverd.settings import Settings

Wait: TypeAlias = Annotated[
    float,
    typer.Option("--wait", help="Seconds to wait for the chain at start before giving up."),
]
GuardOnly: TypeAlias = Annotated[
    bool, typer.Option("--guard-only", help="Run the guards alone; they only lower risk.")
]
OrGuard: TypeAlias = Annotated[
    bool,
    typer.Option(
        "--or-guard", help="Where settings or journal are broken, guard instead of ending."
    ),
]


def command(
    config: Config = None,
    mode: Mode = "",
    wait: Wait = 60.0,
    guard_only: GuardOnly = False,  # noqa: FBT002 -- Typer's way to declare a flag
    or_guard: OrGuard = False,  # noqa: FBT002 -- Typer's way to declare a flag
    journal: JournalFile = None,
    rpc: Rpc = "",
    speed: Speed = 1.0,
    deposit: Deposit = "",
) -> None:
    """Run the agent until told to stop."""
    if not (math.isfinite(wait) and wait >= 0):
        raise typer.BadParameter("seconds, 0 or more", param_hint="'--wait'")
    files = config or [DEFAULT]
    why: LeverdError | None = None
    if guard_only:
        why = OwnerError("the owner said --guard-only", number=8)
    fork = Fork(rpc, speed, deposit)
    try:
        settings = settings_of(config, mode)
        check(settings, mode, fork)
    except SettingsError as error:
        if not (guard_only or or_guard):
            raise
        settings, why = _kept(files, mode, journal, error), error
        check(settings, mode, fork)  # real money is meant twice, also by what guards
    from leverd.cli import logs  # noqa: PLC0415 -- loads loguru

    logs.set_up(settings.logs)

    def run(chosen: Settings) -> int:
        return _run(chosen, files, mode, wait, why, or_guard=or_guard)

    raise typer.Exit(on_a_fork(settings, fork, run) if settings.mode == FORK else run(settings))


def _kept(files: list[Path], mode: str, journal: Path | None, error: SettingsError) -> Settings:
    from leverd.bootstrap.guarding import settings_kept  # noqa: PLC0415 -- loads web3

    return settings_kept(files, mode, journal, error)


def _run(
    settings: Settings,
    files: list[Path],
    mode: str,
    wait_s: float,
    why: LeverdError | None,
    *,
    or_guard: bool,
) -> int:
    from leverd.bootstrap import guarding, service  # noqa: PLC0415 -- loads web3
    from leverd.bootstrap.sources import Source  # noqa: PLC0415 -- as above

    if why is not None:
        return guarding.run(settings, why, wait_s=wait_s)
    try:
        # what runs on a copy was made from the files for it: they cannot be taken up again
        on_a_copy = settings.mode == FORK
        source = None if on_a_copy else Source(files, mode, dict(os.environ))
        return service.run(settings, service.Start(wait_s, source))
    except JournalError as error:
        if not (or_guard and guarding.is_broken(error)):
            raise
        return guarding.run(settings, error, wait_s=wait_s)
