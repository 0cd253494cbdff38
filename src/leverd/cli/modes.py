"""What a mode asks of the one who starts it: real money is meant twice, a fork says of what."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Final, TypeAlias

import typer

from leverd.cli import typed
from leverd.errors import OwnerError, SettingsError

if TYPE_CHECKING:
    from leverd.settings import Settings

FORK: Final = "fork"
_LIVE: Final = "live"
_NOT_A_FORK: Final = 22
_NOT_ASKED: Final = 23
_NOT_KNOWN: Final = 90

Rpc: TypeAlias = Annotated[
    str, typer.Option("--rpc", help="Fork: the node to copy from. [the settings' first]")
]
Speed: TypeAlias = Annotated[
    float, typer.Option("--speed", min=0.1, help="Fork: chain seconds a wall second.")
]
Deposit: TypeAlias = Annotated[
    str, typer.Option("--deposit", help="Fork: collateral for a position without an account.")
]


@dataclass(frozen=True, slots=True)
class Fork:
    """What was said of the copy to run on."""

    rpc: str = ""
    speed: float = 1.0
    deposit: str = ""

    @property
    def said(self) -> bool:
        """Whether anything was said at all."""
        return self != Fork()


def check(settings: Settings, said: str, fork: Fork) -> None:
    """Check that real money is meant twice over, and that a fork is where one is asked for.

    `said` is the mode that the command line names, "" for none.

    Raises:
        SettingsError: the settings do not say so.
        OwnerError: the command does not.
    """
    if fork.said and settings.mode != FORK:
        raise OwnerError(
            "--rpc, --speed and --deposit are for a fork",
            number=_NOT_A_FORK,
            place=f"mode {settings.mode}",
            remedy="say --mode fork too",
        )
    if settings.mode != _LIVE:
        return
    if not settings.real_money:
        raise SettingsError(
            "mode live trades real money, and the settings do not say that you mean it",
            number=_NOT_KNOWN,
            place="real_money",
            remedy="set real_money: true, or try --mode fork first",
        )
    if said != _LIVE:
        raise OwnerError(
            "mode live trades real money, and is not begun by a file alone",
            number=_NOT_ASKED,
            place="--mode",
            remedy="say --mode live, or --mode fork to try it on a copy of the chain",
        )


def on_a_fork(settings: Settings, fork: Fork, run: Callable[[Settings], int]) -> int:
    """Run on a copy of the chain, with a journal of its own; return the exit code."""
    from loguru import logger  # noqa: PLC0415 -- not for --help

    from leverd.adapters.sql_journal.aside import put_aside  # noqa: PLC0415 -- loads SQLAlchemy
    from leverd.adapters.sql_journal.database import file_of  # noqa: PLC0415 -- as above
    from leverd.devnet.fork import ForkOptions, forked  # noqa: PLC0415 -- loads web3

    journal = file_of(settings.journal.path)
    deposit = typed.above_zero(fork.deposit, "--deposit") if fork.deposit else None
    options = ForkOptions(journal.parent, fork.rpc, fork.speed, deposit)
    with forked(settings, options, logger.info) as copied:
        put_aside(journal)
        return run(copied)
