"""Where the fetched node, the fetched contracts and our own contract sources lie."""

from __future__ import annotations

import os
from functools import cache
from pathlib import Path
from typing import Final

from leverd.errors import OwnerError

_ANVIL: Final = Path("node_modules/@foundry-rs/anvil-linux-amd64/bin/anvil")
_MARK: Final = Path("contracts/devnet")


@cache
def root() -> Path:
    """Return the project's root: `LEVERD_HOME`, else the nearest folder with contracts/devnet.

    Raises:
        OwnerError: neither the working folder nor the source tree lies inside a checkout.
    """
    named = os.environ.get("LEVERD_HOME")
    starts = [Path(named)] if named else [Path.cwd(), Path(__file__).resolve()]
    for start in starts:
        for folder in (start, *start.parents):
            if (folder / _MARK).is_dir():
                return folder
    raise OwnerError(
        "the project's root with contracts/devnet was not found",
        number=40,
        remedy="run from a checkout, or name it in LEVERD_HOME",
    )


def anvil() -> Path:
    """Return the anvil binary: `LEVERD_ANVIL`, else the one npm fetched.

    Raises:
        OwnerError: it is not there.
    """
    named = os.environ.get("LEVERD_ANVIL")
    binary = Path(named) if named else root() / _ANVIL
    if not os.access(binary, os.X_OK):
        raise OwnerError(
            f"no anvil at {binary}",
            number=41,
            remedy="run `npm ci --ignore-scripts`, or name a binary in LEVERD_ANVIL",
        )
    return binary


def node_modules() -> Path:
    """Return the folder that `npm ci` filled."""
    return root() / "node_modules"


def contract_sources() -> Path:
    """Return the folder of the devnet's own Vyper sources."""
    return root() / _MARK


def contract_builds() -> Path:
    """Return the folder that compiled contracts are kept in (git-ignored)."""
    return root() / "contracts" / "build"
