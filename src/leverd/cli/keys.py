"""`leverd keys`: the operator's key, which is asked for, never an argument; tokens for the API."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeAlias

import typer

from leverd.cli import keys_token
from leverd.cli.output import Json, emit_json, say
from leverd.errors import SecretError

if TYPE_CHECKING:
    from leverd.interfaces.secrets import Secret

app = typer.Typer(
    help="Make or import the operator's key, or tokens for the API.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
app.add_typer(keys_token.app, name="token")

To: TypeAlias = Annotated[Path, typer.Argument(help="A new keystore file.")]
PasswordFile: TypeAlias = Annotated[
    Path | None,
    typer.Option("--password-file", help="A file only you can read, instead of asking."),
]


@app.command()
def new(to: To, password_file: PasswordFile = None, as_json: Json = False) -> None:  # noqa: FBT002 -- Typer
    """Make a new key and keep it encrypted; shows its address, never the key."""
    from leverd.adapters.evm import keystore  # noqa: PLC0415 -- loads eth-account
    from leverd.bootstrap.undumpable import undumpable  # noqa: PLC0415 -- only here

    undumpable()
    address = keystore.create(to, _new_password(password_file))
    _show(to, address, as_json=as_json)


@app.command("import")
def import_(
    to: To,
    password_file: PasswordFile = None,
    from_file: Annotated[
        Path | None, typer.Option("--from-file", help="A file only you can read with the key.")
    ] = None,
    as_json: Json = False,  # noqa: FBT002 -- Typer's way to declare a flag
) -> None:
    """Keep a key you have, encrypted; it is asked for without showing it."""
    from leverd.adapters.evm import keystore  # noqa: PLC0415 -- loads eth-account
    from leverd.bootstrap.undumpable import undumpable  # noqa: PLC0415 -- only here

    undumpable()
    key = _from_file(from_file) if from_file else _asked("Private key")
    address = keystore.store(to, key, _new_password(password_file))
    _show(to, address, as_json=as_json)
    if from_file and not as_json:
        say(f"now remove {from_file}: it still holds the key in the clear")


@app.command()
def address(
    keystore_file: Annotated[Path, typer.Argument(help="A keystore file.")],
    as_json: Json = False,  # noqa: FBT002 -- Typer's way to declare a flag
) -> None:
    """Show the address a keystore is of; needs no password."""
    from leverd.adapters.evm import keystore  # noqa: PLC0415 -- loads eth-account

    _show(keystore_file, keystore.address_in(keystore_file), as_json=as_json)


def _new_password(file: Path | None) -> Secret:
    if file is not None:
        return _from_file(file)
    first, again = _asked("New password"), _asked("Again")
    if first.reveal() != again.reveal():
        raise SecretError("the two passwords differ; nothing was written", number=6)
    return first


def _asked(question: str) -> Secret:
    """Return what is typed without showing it; ask nobody where nobody can answer."""
    import getpass  # noqa: PLC0415 -- only here

    from leverd.interfaces.secrets import Secret  # noqa: PLC0415 -- only here

    if not sys.stdin.isatty():
        raise SecretError(
            f"nobody is here to be asked for: {question.lower()}",
            number=7,
            remedy="run it in a terminal, or name a file only you can read"
            " with --password-file or --from-file",
        )
    value = getpass.getpass(f"{question}: ")
    if not value:
        raise SecretError(f"nothing was typed for: {question.lower()}", number=3)
    return Secret(value)


def _from_file(file: Path) -> Secret:
    from leverd.adapters.secrets import FileSecrets  # noqa: PLC0415 -- only here

    return FileSecrets().get(os.fspath(file))


def _show(path: Path, address_: str, *, as_json: bool) -> None:
    if as_json:
        emit_json({"address": address_, "keystore": str(path)})
    else:
        say(f"{address_}  in {path}")
