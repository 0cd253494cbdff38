"""Whoever calls whatever with whatever: without a role nothing of an account moves."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from random import Random
from typing import Any

import pytest
from tests.account_contract import hostile
from tests.account_contract import signatures as sign
from tests.account_contract.vault import ALL, ETHER, Vault, fund, reserve
from tests.prove.tally import tell

from leverd.devnet import abi
from leverd.errors import RevertedError

pytestmark = pytest.mark.chain

FUNCTIONS = tuple(
    value for name, value in vars(sign).items() if name.isupper() and name != "BOUNDS"
)
PERMIT = "permit(address,address,uint256,uint256,uint8,bytes32,bytes32)"
TRANSFER_FROM = "transferFrom(address,address,uint256)"
SWAP = "swap(address,bool,int256,uint160,bytes)"
FLASH = "flashLoanSimple(address,address,uint256,bytes,uint16)"
REPLIES = (
    "executeOperation(address,uint256,uint256,address,bytes)",
    "uniswapV3FlashCallback(uint256,uint256,bytes)",
    "pancakeV3SwapCallback(int256,int256,bytes)",
    "onFlashLoan(address,address,uint256,uint256,bytes)",
    "onERC721Received(address,address,uint256,bytes)",
    "isValidSignature(bytes32,bytes)",
    "execute((address,uint256,bytes)[])",
    "upgradeTo(address)",
)
LIMIT_DOWN, LIMIT_UP = 4295128740, 1461446703485210103287273052203988822378723970341

SEEDS = [
    pytest.param(range(1), 150, id="150"),
    pytest.param(range(1, 9), 1_000, id="8000", marks=pytest.mark.prove),
]


@dataclass(frozen=True)
class Picture:
    """Everything of an account that is anybody's to lose."""

    balances: tuple[int, ...]
    roles: tuple[Any, ...]
    bounds: Any
    sequence: int
    lost: int
    allowances: tuple[int, ...]


def picture(vault: Vault) -> Picture:
    shown = "bounds()->((address,address,address[],uint256,uint256,uint256,uint256,uint8))"
    roles = ("owner", "operator", "pending_owner")
    ether = int(vault.local.node.rpc.ask("eth_getBalance", vault.address, "latest"), 16)
    spenders = (vault.local.deployment.pool, vault.swap_pool, vault.stranger)
    owed = (vault.idle("WETH"), vault.idle("USDC"), vault.posted(), -vault.debt(), ether)
    return Picture(
        owed,
        tuple(vault.read(f"{role}()->(address)") for role in roles),
        vault.read(shown),
        vault.sequence,
        vault.lost,
        tuple(vault.allowance(token, who) for token in ("WETH", "USDC") for who in spenders),
    )


class Strangers:
    """A thief with an address, a token that calls back, and a pool that never was allowed."""

    def __init__(self, vault: Vault) -> None:
        local = vault.local
        tokens = sorted((local.token("WETH"), local.token("USDC")), key=lambda one: int(one, 16))
        self.vault = vault
        self.pool = hostile.deploy(local, "HostilePool", "(address,address)", *tokens)
        self.token = hostile.deploy(local, "HostileToken")
        for who in (self.pool, self.token):
            local.node.rpc.ask("anvil_impersonateAccount", who)
            local.node.rpc.ask("anvil_setBalance", who, hex(1_000 * ETHER))
        self.people = (vault.stranger, vault.local.deployment.roles.liquidator, self.pool,
                       self.token, vault.code.factory, vault.code.implementation)  # fmt: skip
        for who in self.people[-2:]:
            local.node.rpc.ask("anvil_impersonateAccount", who)
            local.node.rpc.ask("anvil_setBalance", who, hex(1_000 * ETHER))
        self.addresses = (*self.people, vault.owner, vault.operator, vault.address, vault.swap_pool,
                          *tokens, vault.local.deployment.pool, "0x" + "00" * 20)  # fmt: skip

    def attempt(self, draw: Random) -> tuple[str, str, bytes]:
        """Return who calls what, and how."""
        who = draw.choice(self.people)
        kind = draw.randrange(10)
        if kind < 6:
            return who, self.vault.address, self._own_call(draw)
        if kind == 6:
            return who, self.vault.address, draw.randbytes(draw.choice((0, 1, 4, 36, 300)))
        if kind == 7:
            return who, self.vault.address, self._call(draw.choice(REPLIES), draw)
        return who, *self._elsewhere(draw)

    def _own_call(self, draw: Random) -> bytes:
        data = self._call(draw.choice(FUNCTIONS), draw)
        if draw.random() < 0.1:
            return data[: draw.randrange(4, len(data) + 1)]
        return data + draw.randbytes(32) if draw.random() < 0.1 else data

    def _call(self, signature: str, draw: Random) -> bytes:
        types = _types(signature)
        return abi.encode_call(signature, *(self._value(each, draw) for each in types))

    def _value(self, kind: str, draw: Random) -> Any:
        if kind.endswith("[]"):
            return tuple(self._value(kind[:-2], draw) for _ in range(draw.randrange(3)))
        if kind.startswith("("):
            return tuple(self._value(each, draw) for each in _split(kind[1:-1]))
        match kind:
            case "address":
                return draw.choice(self.addresses)
            case "bool":
                return draw.random() < 0.5
            case "bytes":
                theft = abi.encode_call("transfer(address,uint256)", self.vault.stranger, ETHER)
                return draw.choice((b"", b"\0", draw.randbytes(100), theft))
            case "bytes32":
                return draw.randbytes(32)
            case "uint8" | "uint16" | "uint160":
                return draw.choice((0, 1, 255))
            case "int256":
                return draw.choice((0, 1, -1, ETHER, -ETHER, 2**255 - 1, -(2**255)))
            case _:
                return draw.choice((0, 1, self.vault.terms.health_min, ETHER, 10**10, 2**128, ALL,
                                    self.vault.sequence, self.vault.local.now() + 600))  # fmt: skip

    def _elsewhere(self, draw: Random) -> tuple[str, bytes]:
        """Return a call of somebody else's contract that names the account as its victim."""
        vault, local = self.vault, self.vault.local
        token = local.token(draw.choice(("WETH", "USDC")))
        amount = draw.choice((1, ETHER, ALL))
        pool = local.deployment.pool
        no_limit = draw.choice((LIMIT_DOWN, LIMIT_UP))
        signed = (27, draw.randbytes(32), draw.randbytes(32))
        calls: tuple[tuple[str, str, tuple[Any, ...]], ...] = (
            (token, TRANSFER_FROM, (vault.address, vault.stranger, amount)),
            (token, PERMIT, (vault.address, vault.stranger, amount, ALL, *signed)),
            (self._receipt(), TRANSFER_FROM, (vault.address, vault.stranger, amount)),
            (self._receipt(), PERMIT, (vault.address, vault.stranger, amount, ALL, *signed)),
            (vault.swap_pool, SWAP, (vault.address, draw.random() < 0.5, 10**6, no_limit, b"")),
            (pool, FLASH, (vault.address, token, 10**6, b"", 0)),
            (pool, "borrow(address,uint256,uint256,uint16,address)",
             (token, 10**6, 2, 0, vault.address)),
            (self.pool, "call(address,bytes)", (vault.address, self._own_call(draw)[:2048])),
            (self.pool, SWAP, (vault.address, True, ETHER, no_limit, b"")),
            (self.token, "call(address,bytes)", (vault.address, self._own_call(draw)[:2048])),
        )  # fmt: skip
        to, signature, arguments = draw.choice(calls)
        return to, abi.encode_call(signature, *arguments)

    def _receipt(self) -> str:
        return str(reserve(self.vault.local, self.vault.terms.collateral)[8])


def _types(signature: str) -> list[str]:
    return _split(signature[signature.index("(") + 1 : -1])


def _split(text: str) -> list[str]:
    """Return the types between the commas that are inside no bracket."""
    parts, depth = [""], 0
    for each in text:
        depth += (each == "(") - (each == ")")
        if each == "," and not depth:
            parts.append("")
        else:
            parts[-1] += each
    return [part for part in parts if part]


@pytest.mark.parametrize(("seeds", "attempts"), SEEDS)
def test_no_call_of_a_stranger_moves_a_wei_a_role_or_a_bound(levered, seeds, attempts):
    local = levered.local
    fund(local, levered.address, ETHER)
    fund(local, levered.address, 5_000 * 10**6, "USDC")
    local.node.rpc.ask("anvil_setBalance", levered.address, hex(3 * ETHER))
    strangers = Strangers(levered)
    fates = Counter[str]()
    for seed in seeds:
        draw = Random(seed)
        for number in range(attempts):
            who, to, data = strangers.attempt(draw)
            fates[_tried(levered, who, to, data, f"seed {seed}, attempt {number}")] += 1
    assert fates["refused"] > attempts // 2
    tell("strangers", seeds=f"{seeds[0]}-{seeds[-1]}", **fates)


def _tried(vault: Vault, who: str, to: str, data: bytes, name: str) -> str:
    """Return whether a call passes; one that does is mined, and must have moved nothing."""
    rpc = vault.local.node.rpc
    call = {"from": who, "to": to, "data": "0x" + data.hex(), "gas": hex(8_000_000)}
    try:
        rpc.ask("eth_call", call, "latest")
    except RevertedError:
        return "refused"
    before = picture(vault)
    fees = {"maxFeePerGas": hex(10**12), "maxPriorityFeePerGas": hex(10**9)}
    sent = rpc.ask("eth_sendTransaction", {**call, **fees})
    vault.local.chain.forget()  # of nonces
    rpc.ask("evm_mine")
    assert rpc.ask("eth_getTransactionReceipt", sent)
    after = picture(vault)
    assert _as_safe(before, after), (name, who, to, data.hex(), before, after)
    return "passed, and moved nothing"


def _as_safe(before: Picture, after: Picture) -> bool:
    """Return whether nothing changed but by interest, which raises both sides of a loan."""
    weth, usdc, posted, owed, ether = before.balances
    interest = -owed // 10**6 + 1
    now = after.balances
    held = now[0] == weth and now[1] == usdc and now[2] >= posted and now[4] == ether
    same = (after.roles, after.bounds, after.sequence, after.lost, after.allowances)
    was = (before.roles, before.bounds, before.sequence, before.lost, before.allowances)
    return held and owed - interest <= now[3] <= owed and same == was


def test_what_the_strangers_call_does_move_things_for_those_who_may(levered):
    before = picture(levered)
    levered.act(sign.LOWER, levered.swap_pool, ETHER, 0, 0, 0)
    assert not _as_safe(before, picture(levered))
    before = picture(levered)
    levered.own(sign.SET_OPERATOR, levered.stranger)
    assert not _as_safe(before, picture(levered))


def test_a_permit_of_the_owner_or_operator_is_none_of_the_accounts(levered):
    """Their keys sign for their own addresses; a token asks for the account's, which has none."""
    for who in (levered.owner, levered.operator):
        with pytest.raises(RevertedError):
            levered.local.chain.read(
                levered.address, "isValidSignature(bytes32,bytes)->(uint256)", b"\1" * 32,
                bytes.fromhex(who[2:]) + b"\0" * 45,
            )  # fmt: skip
