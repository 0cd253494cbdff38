"""A chain of our own that begins as a copy of another: real state, no real money.

Anvil fetches what is touched from the other chain's node and keeps every change to itself.
The copy has a chain id of its own, so nothing signed for it is worth anything elsewhere; and
where an account contract holds the position, its owner is made to appoint a throw-away key,
so that the real one stays where it is.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from eth_utils.address import to_checksum_address

from leverd.adapters.evm import account as contract
from leverd.adapters.evm import account_owner
from leverd.bootstrap.looking import address_of
from leverd.bootstrap.places import NOWHERE, Places, resolve
from leverd.devnet.fork_account import made
from leverd.devnet.node import CHAIN_ID, Node, NodeOptions
from leverd.devnet.throwaway_keys import write_keystore
from leverd.errors import (
    NonsenseError,
    OwnerError,
    RefusedError,
    RevertedError,
    UnreachableError,
)
from leverd.settings import AaveV3, Settings, UniswapV3
from leverd.settings.models import ChainSection, Key, Password

if TYPE_CHECKING:
    from leverd.interfaces.chain_client import Call

BLOCK_S: Final = 12
_ETHER: Final = 10**18
_GAS_MONEY: Final = 10 * _ETHER
_NO_DEPOSIT: Final = 66
_FAILED: Final = 46
_REFUSED_THE_COPY: Final = "returned an error response"
"""How anvil says that the node it copies from would not tell it something."""


@dataclass(frozen=True, slots=True)
class ForkOptions:
    """What to copy, where to note it, and how it moves."""

    folder: Path
    rpc: str = ""  # the node to copy from; "" is the first that the settings name
    speed: float = 1.0  # chain seconds a wall second
    deposit: Decimal | None = None  # collateral for a position that has no account yet


@contextmanager
def forked(
    settings: Settings, options: ForkOptions, tell: Callable[[str], None]
) -> Iterator[Settings]:
    """Yield `settings` as they are on a copy of their chain, which ends with the block.

    Raises:
        OwnerError: there is no anvil, or a position without an account gets no deposit.
        UnreachableError: the chain to copy from does not answer.
    """
    places = resolve(settings, undeployed=NOWHERE)
    source = options.rpc or places.rpc[0]
    node = Node.start(NodeOptions(fork=source))
    try:
        block = int(node.rpc.block()["number"], 16)
        tell(f"a copy of {_host(source)} from block {block} on")
        copy = _Copy(settings, places, options, node)
        with _explained(node, _host(source), block):
            yield copy.prepared(tell)
    finally:
        (options.folder / "endpoint.json").unlink(missing_ok=True)
        node.stop()


@dataclass(slots=True)
class _Copy:
    """The settings of a running copy in the making."""

    settings: Settings
    places: Places
    options: ForkOptions
    node: Node

    def prepared(self, tell: Callable[[str], None]) -> Settings:
        """Return the settings, with whatever they need standing on the copy."""
        folder = self.options.folder
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._start_the_clock()
        plain = any(self._is_plain(mandate.account) for mandate in self.places.mandates)
        key = self.settings.key if plain else _throw_away(folder)
        self._announce()
        found = self.settings.model_copy(
            update={
                "mode": "fork",
                "chain": ChainSection(
                    devnet=str(folder), read_deadline_s=self.settings.chain.read_deadline_s
                ),
                "venues": _venues(self.settings, self.places),
                "key": key,
            }
        )
        if not plain:
            self._fund(address_of(key))
        found = self._with_accounts(found, tell)
        if not plain:
            self._appoint(found)
        return found

    def _start_the_clock(self) -> None:
        rpc = self.node.rpc
        rpc.ask("anvil_setBlockTimestampInterval", BLOCK_S)
        rpc.ask("evm_setIntervalMining", max(round(BLOCK_S / self.options.speed), 1))

    def _is_plain(self, account: str) -> bool:
        return account != NOWHERE and self.node.rpc.ask("eth_getCode", account, "latest") == "0x"

    def _announce(self) -> None:
        """Write down where the copy answers, in the words of a devnet."""
        folder, places = self.options.folder, self.places
        record = {
            "chain_id": CHAIN_ID,
            "tokens": {
                asset.symbol: {
                    "address": at,
                    "decimals": asset.decimals,
                    "staking_rate": places.staking.get(asset, ""),
                }
                for asset, at in places.tokens.items()
            },
            **dict.fromkeys(("provider", "factory", "quoter", "account_factory")),
            "router": "",
            "roles": {"owner": places.owner},
            "accounts": {mandate.position_id: mandate.account for mandate in places.mandates},
        }
        _write(folder / "deployment.json", record)
        _write(
            folder / "endpoint.json",
            {"pid": os.getpid(), "url": self.node.url, "speed": self.options.speed},
        )

    def _with_accounts(self, settings: Settings, tell: Callable[[str], None]) -> Settings:
        """Return the settings with an account made, and paid in to, where there was none."""
        positions = dict(settings.positions)
        for mandate in self.places.mandates:
            if mandate.account != NOWHERE:
                account = mandate.account
            elif self.options.deposit is None:
                raise OwnerError(
                    f"{mandate.position_id} has no account yet, and nothing to put into one",
                    number=_NO_DEPOSIT,
                    place=f"positions.{mandate.position_id}.account",
                    remedy=f"say --deposit with an amount of {mandate.collateral.symbol}",
                )
            else:
                account = made(settings, mandate.position_id, self._fund, tell)
                raw = int(self.options.deposit * mandate.collateral.unit)
                token = self.places.tokens[mandate.collateral]
                self.node.rpc.ask("anvil_dealERC20", account, token, hex(raw))
            section = positions[mandate.position_id]
            positions[mandate.position_id] = section.model_copy(update={"account": account})
        return settings.model_copy(update={"positions": positions})

    def _appoint(self, settings: Settings) -> None:
        """Have each account's owner let the throw-away key act, and pay for its gas."""
        operator = address_of(settings.key)
        for position in settings.positions.values():
            owner = self._read_address(position.account, contract.OWNER.encode())
            if self._read_address(position.account, contract.OPERATOR.encode()) != operator:
                self._as(owner, account_owner.set_operator(position.account, operator))

    def _fund(self, address: str) -> None:
        self.node.rpc.ask("anvil_setBalance", address, hex(_GAS_MONEY))

    def _read_address(self, account: str, data: bytes) -> str:
        call = {"to": account, "data": "0x" + data.hex()}
        return str(to_checksum_address("0x" + self.node.rpc.ask("eth_call", call, "latest")[-40:]))

    def _as(self, sender: str, call: Call) -> None:
        """Have `sender` do what only it may: on a copy, anybody can be played."""
        rpc = self.node.rpc
        self._fund(sender)
        rpc.ask("anvil_impersonateAccount", sender)
        sent = rpc.ask(
            "eth_sendTransaction",
            {"from": sender, "to": call.to, "data": "0x" + call.data.hex(), "gas": hex(10**6)},
        )
        rpc.ask("anvil_mine", hex(1))
        rpc.ask("anvil_stopImpersonatingAccount", sender)
        if rpc.ask("eth_getTransactionReceipt", sent)["status"] != "0x1":
            raise RevertedError(f"{call.to} refused its owner {sender}", number=60)


@contextmanager
def _explained(node: Node, host: str, block: int) -> Iterator[None]:
    """Say why a copy fails within the block, if it or the node it copies is to blame."""
    try:
        yield
    except (UnreachableError, NonsenseError, RefusedError, RevertedError) as error:
        if node.alive() and _REFUSED_THE_COPY not in error.message:
            raise
        raise UnreachableError(
            f"the copy from block {block} failed: {node.last_words() or error.message}",
            number=_FAILED,
            place=host,
            remedy="try again; a copy asks for the states of its block until it ends: name a node"
            " that keeps them by --rpc, an archive node",
        ) from error


def _venues(settings: Settings, places: Places) -> Mapping[str, AaveV3 | UniswapV3]:
    """Return the venues with every address said: a copy of a devnet has no record of its own."""
    found: dict[str, AaveV3 | UniswapV3] = {}
    for name, venue in settings.venues.items():
        if isinstance(venue, AaveV3):
            found[name] = venue.model_copy(update={"provider": places.lending[name]})
        else:
            pool = places.pools[name]
            said = {"factory": pool.factory, "quoter": pool.quoter, "router": pool.router or None}
            found[name] = venue.model_copy(update=said)
    return found


def _throw_away(folder: Path) -> Key:
    """Return where a fresh key lies that is worth something on this copy alone."""
    write_keystore(folder, "operator", os.urandom(32))
    return Key(
        keystore=str(folder / "operator.json"),
        password=Password(file=str(folder / "operator.password")),
    )


def _write(path: Path, found: Mapping[str, Any]) -> None:
    part = path.with_suffix(".part")
    part.write_text(json.dumps(found) + "\n")
    part.replace(path)


def _host(url: str) -> str:
    """Return the host of a URL: its path may hold an API key."""
    return urlsplit(url).hostname or "the node"
