"""Whose key an account command uses. It is asked for or named by its place, never an argument."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final, TypeAlias

import typer

from leverd.errors import OwnerError, SecretError

if TYPE_CHECKING:
    from leverd.bootstrap.errands import Wallet
    from leverd.interfaces.secrets import Secret
    from leverd.settings import Settings

OwnerKeystore: TypeAlias = Annotated[
    Path | None,
    typer.Option("--owner-keystore", help="The owner's keystore file; its password is asked for."),
]
OwnerPasswordFile: TypeAlias = Annotated[
    Path | None,
    typer.Option("--owner-password-file", help="A file only you can read, instead of asking."),
]
OwnerEnv: TypeAlias = Annotated[
    str, typer.Option("--owner-env", help="The environment variable that holds the owner's key.")
]
Print: TypeAlias = Annotated[
    bool,
    typer.Option("--print", help="Only print the unsigned transaction, for a wallet elsewhere."),
]
ByOperator: TypeAlias = Annotated[
    bool, typer.Option("--by-operator", help="Use the daemon's key, not the owner's.")
]

_NO_OWNER_KEY: Final = 70
_BOTH: Final = 82


@dataclass(frozen=True, slots=True)
class Purse:
    """What the person said about whose key it is."""

    keystore: Path | None = None
    password_file: Path | None = None
    environment: str = ""
    only_print: bool = False
    by_operator: bool = False
    operator_may: bool = False  # the command can do with the daemon's key as well

    @property
    def names_owner(self) -> bool:
        """Whether a key of the owner's is named."""
        return self.keystore is not None or bool(self.environment)


def wallet_of(purse: Purse, settings: Settings, owner: str) -> Wallet:
    """Return the wallet that `purse` means; `owner` is whose it would be if only printed.

    On a devnet the owner's throw-away key stands in where none is named.

    Raises:
        OwnerError: no key is named, or two are.
        SecretError: it cannot be opened.
    """
    from leverd.bootstrap import errands  # noqa: PLC0415 -- loads web3

    _check_one(purse)
    if purse.only_print:
        return errands.Wallet(errands.operator_address(settings) if purse.by_operator else owner)
    if purse.by_operator:
        return errands.operator_wallet(settings)
    if purse.environment:
        return errands.environment_wallet(purse.environment)
    if purse.keystore is not None:
        return errands.owner_wallet(purse.keystore, _password(purse.password_file, purse.keystore))
    if settings.chain.devnet is not None:
        folder = Path(settings.chain.devnet)
        return errands.owner_wallet(folder / "owner.json", _of_file(folder / "owner.password"))
    also = " --by-operator for the daemon's own," if purse.operator_may else ""
    raise OwnerError(
        "whose key? None is named",
        number=_NO_OWNER_KEY,
        remedy=f"say --owner-keystore FILE, --owner-env NAME,{also}"
        " or --print for a wallet elsewhere",
    )


def _check_one(purse: Purse) -> None:
    named = {
        "--owner-keystore": purse.keystore is not None,
        "--owner-env": bool(purse.environment),
        "--by-operator": purse.by_operator,
    }
    said = [name for name, given in named.items() if given]
    if len(said) > 1:
        raise OwnerError(f"{' and '.join(said)}: one of them", number=_BOTH)


def _password(file: Path | None, keystore: Path) -> Secret:
    if file is not None:
        return _of_file(file)
    import getpass  # noqa: PLC0415 -- only here

    from leverd.interfaces.secrets import Secret  # noqa: PLC0415 -- only here

    if not sys.stdin.isatty():
        raise SecretError(
            f"nobody is here to be asked for the password of {keystore}",
            number=7,
            remedy="run it in a terminal, or name a file only you can read"
            " with --owner-password-file",
        )
    return Secret(getpass.getpass(f"Password of {keystore}: "))


def _of_file(file: Path) -> Secret:
    from leverd.adapters.secrets import FileSecrets  # noqa: PLC0415 -- only here

    return FileSecrets().get(str(file))
