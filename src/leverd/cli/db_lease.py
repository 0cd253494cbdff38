"""`leverd db lease`: who acts, where two daemons share a key."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Final, TypeAlias

import typer

from leverd.cli.given import Config, Mode, confirm, settings_of
from leverd.cli.output import Json, emit_json, pairs, say
from leverd.errors import OwnerError

if TYPE_CHECKING:
    from leverd.adapters.sql_journal import LeaseRow, Seen
    from leverd.settings import Settings

NO_STANDBY: Final = 132
_LIMIT_S: Final = 5.0

Release: TypeAlias = Annotated[
    bool, typer.Option("--release", help="Take it from its holder, for another to act.")
]
Yes: TypeAlias = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]


def lease(
    config: Config = None,
    mode: Mode = "",
    release: Release = False,  # noqa: FBT002 -- Typer's way to declare a flag
    yes: Yes = False,  # noqa: FBT002 -- as above
    as_json: Json = False,  # noqa: FBT002 -- as above
) -> None:
    """Show who holds the lease by which one of two daemons acts; --release takes it away."""
    row = row_of(settings_of(config, mode))
    try:
        seen = row.look()
        done = release and _release(row, seen, yes=yes)
        seen = row.look() if done else seen
    finally:
        row.close()
    if as_json:
        emit_json({**told(seen), **({"released": done} if release else {})})
        return
    pairs({name.replace("_", " "): "nobody" if each == "" else str(each)
           for name, each in told(seen).items()})  # fmt: skip
    if release:
        text = "taken away; another may have it once it would have run out"
        say(text if done else "nobody holds it: there is nothing to take away")


def row_of(settings: Settings) -> LeaseRow:
    """Return the way to the lease that the settings name.

    Raises:
        OwnerError: they name none.
    """
    from leverd.adapters.sql_journal import LeaseRow  # noqa: PLC0415 -- loads SQLAlchemy
    from leverd.bootstrap.beside import server_of  # noqa: PLC0415 -- as above

    server = server_of(settings) if settings.shares_its_key else None
    if server is None:
        raise OwnerError(
            "the settings say nothing of a second daemon",
            number=NO_STANDBY,
            place="standby.enabled",
            remedy="docs/standby.md says how to set one up",
        )
    return LeaseRow(server, limit_s=_LIMIT_S)


def told(seen: Seen) -> dict[str, Any]:
    """Return how the lease stands, for people and programs."""
    return {
        "holder": seen.holder if seen.is_held else "",
        "epoch": seen.epoch,
        "runs_out_in_s": round(seen.left_s, 1) if seen.is_held else None,
        "epoch_age_s": round(seen.age_s) if seen.epoch else None,
        "last_holder": seen.holder,
    }


def _release(row: LeaseRow, seen: Seen, *, yes: bool) -> bool:
    if not (seen.is_held and seen.holder):
        return False
    text = f"{seen.holder} will stop acting, and wait in line. Take the lease from it?"
    confirm(text, yes=yes)
    return row.take_away()
