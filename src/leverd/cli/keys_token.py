"""`leverd keys token`: tokens for the API. Each is shown once, when it is made."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from leverd.cli.given import Config, Mode, settings_of
from leverd.cli.output import Json, emit_json, say, table
from leverd.errors import ApiError, OwnerError

if TYPE_CHECKING:
    from leverd.adapters.token_file import TokenFile

_NO_SUCH: Final = 22
_NO_SCOPE: Final = 25
_SCOPES: Final = ("read", "control")

app = typer.Typer(
    help="Tokens for the API: hashes are kept, the token is shown once.",
    no_args_is_help=True,
    rich_markup_mode=None,
)


@app.command()
def new(
    name: Annotated[str, typer.Argument(help="For people: whose it is, or what for.")],
    scope: Annotated[
        list[str] | None,
        typer.Option(help="read, or control: pause, reduce and unwind too. [default: read]"),
    ] = None,
    config: Config = None,
    mode: Mode = "",
    as_json: Json = False,  # noqa: FBT002 -- Typer's way to declare a flag
) -> None:
    """Make a token and show it, this once."""
    from leverd.adapters import token_file  # noqa: PLC0415 -- only here
    from leverd.adapters.system_clock import SystemClock  # noqa: PLC0415 -- as above
    from leverd.api import tokens  # noqa: PLC0415 -- as above

    scopes = scope or ["read"]
    if wrong := [each for each in scopes if each not in _SCOPES]:
        raise OwnerError(f"no token is for {wrong[0]}", number=_NO_SCOPE, remedy="read or control")
    token_id, rest = token_file.drawn()
    token = tokens.spelled(token_id, rest)
    made = token_file.record(token_id, name, scopes, tokens.hashed(token), SystemClock().now())
    file = _file(config, mode)
    file.change(lambda records: [*records, made])
    if as_json:
        emit_json({"id": token_id, "name": name, "scopes": scopes, "token": token})
    else:
        say(token)
        say(f"  good for {' and '.join(scopes)}; kept as a hash in {file.path}, not shown again")


@app.command("list")
def list_(config: Config = None, mode: Mode = "", as_json: Json = False) -> None:  # noqa: FBT002 -- Typer
    """Show which tokens are good, without the tokens."""
    records = _file(config, mode).records()
    shown = [{key: each.get(key) for key in ("id", "name", "scopes", "made_at")}
             for each in records]  # fmt: skip
    if as_json:
        emit_json(shown)
        return
    table(("id", "name", "good for", "made"), [_row(each) for each in shown])


@app.command()
def revoke(
    token_id: Annotated[str, typer.Argument(help="Its id, as `list` shows it.")],
    config: Config = None,
    mode: Mode = "",
    as_json: Json = False,  # noqa: FBT002 -- Typer's way to declare a flag
) -> None:
    """End a token; the API knows at once."""
    file = _file(config, mode)

    def without(records: Sequence[dict[str, Any]]) -> Sequence[dict[str, Any]]:
        left = [each for each in records if each.get("id") != token_id]
        if len(left) == len(records):
            raise ApiError(
                f"no token has the id {token_id}", number=_NO_SUCH, remedy="leverd keys token list"
            )
        return left

    file.change(without)
    if as_json:
        emit_json({"revoked": token_id})
    else:
        say(f"{token_id} is good for nothing any more")


def _file(config: Config, mode: str) -> TokenFile:
    from pathlib import Path  # noqa: PLC0415 -- only here

    from leverd.adapters.sql_journal.database import file_of  # noqa: PLC0415 -- loads SQLAlchemy
    from leverd.adapters.token_file import TokenFile  # noqa: PLC0415 -- only here

    settings = settings_of(config, mode)
    named = settings.api.tokens
    beside = file_of(settings.journal.path).with_name("api-tokens.json")
    return TokenFile(Path(named) if named else beside)


def _row(each: dict[str, Any]) -> tuple[str, str, str, str]:
    scopes = each["scopes"] or ()
    return str(each["id"]), str(each["name"]), " and ".join(scopes), str(each["made_at"])
