"""An account on the local market, driven by whoever the test says."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tests.account_contract.signatures import CLOSE, CREATE, LOWER, RAISE
from tests.account_contract.terms import Terms
from tests.chain import LocalMarket
from tests.evm.accounts import artifact

from leverd.devnet import abi
from leverd.errors import RevertedError

ETHER = 10**18
DOLLAR = 10**6  # raw USDC
ALL = 2**256 - 1
EQUITY = 10 * ETHER
DAY = 86_400
NOBODY = "0x" + "00" * 20


@dataclass(frozen=True)
class Code:
    """Where the code stands that clones run, and who makes them."""

    implementation: str
    factory: str


@dataclass(frozen=True)
class Vault:
    """One clone, its owner and its operator."""

    local: LocalMarket
    code: Code
    address: str
    owner: str
    operator: str
    terms: Terms

    # Acting: `act` puts sequence and deadline after the arguments, `call` sends as it is.

    def act(self, signature: str, *args: Any, by: str | None = None) -> Any:
        return self.call(signature, *args, *self.stamp(), by=by)

    def call(self, signature: str, *args: Any, by: str | None = None, value: int = 0) -> Any:
        return mined(self.local, by or self.operator, self.address, signature, *args, value=value)

    def govern(self, to: str, signature: str, *args: Any) -> Any:
        return mined(self.local, self.local.deployment.roles.deployer, to, signature, *args)

    def own(self, signature: str, *args: Any, value: int = 0) -> Any:
        return self.call(signature, *args, by=self.owner, value=value)

    def raise_by(self, sell: int, *, by: str | None = None, **limits: Any) -> Any:
        return self.act(RAISE, *self.adjusting(sell, **limits), by=by)

    def lower_by(self, sell: int, *, by: str | None = None, **limits: Any) -> Any:
        return self.act(LOWER, *self.adjusting(sell, **limits), by=by)

    def close(self, *, sell_max: int = ALL, health_below: int = 0, by: str | None = None) -> Any:
        return self.act(CLOSE, self.swap_pool, sell_max, health_below, by=by)

    def adjusting(
        self, sell: int, *, buy_min: int = 0, health_min: int = 0, health_below: int = 0,
        swap_pool: str | None = None,
    ) -> tuple[Any, ...]:  # fmt: skip
        return (swap_pool or self.swap_pool, sell, buy_min, health_min, health_below)

    def stamp(self) -> tuple[int, int]:
        return self.sequence, self.local.now() + 600

    # Refusals: what the contract says at the head, "" where it would act.

    def refusal(self, signature: str, *args: Any, by: str | None = None) -> str:
        return self.why_not(signature, *args, *self.stamp(), by=by)

    def why_not(self, signature: str, *args: Any, by: str | None = None) -> str:
        return refused(self.local, by or self.operator, self.address, signature, *args)

    # Looking.

    def read(self, signature: str, *args: Any) -> Any:
        return self.local.chain.read(self.address, signature, *args)

    @property
    def swap_pool(self) -> str:
        return self.terms.swap_pools[0]

    @property
    def stranger(self) -> str:
        return self.local.deployment.roles.spare[2]

    @property
    def sequence(self) -> int:
        return int(self.read("sequence()->(uint256)"))

    @property
    def lost(self) -> int:
        return int(self.read("lost_today()->(uint256)"))

    @property
    def health(self) -> int:
        return self.local.health(self.address)

    def idle(self, symbol: str) -> int:
        return self.local.balance(symbol, self.address)

    def posted(self) -> int:
        return self._reserve_token(self.terms.collateral, 8)

    def debt(self) -> int:
        return self._reserve_token(self.terms.debt, 10)

    def _reserve_token(self, asset: str, place: int) -> int:
        token = reserve(self.local, asset)[place]
        return int(self.local.chain.read(token, "balanceOf(address)->(uint256)", self.address))

    def allowance(self, symbol: str, spender: str) -> int:
        signature = "allowance(address,address)->(uint256)"
        return int(
            self.local.chain.read(self.local.token(symbol), signature, self.address, spender)
        )


def reserve(local: LocalMarket, asset: str) -> tuple[Any, ...]:
    """Return the pool's record of a reserve: receipt token at 8, variable debt at 10."""
    words = ",".join(("uint256",) * 8 + ("address",) * 4 + ("uint256",) * 3)
    return tuple(
        local.chain.read(local.deployment.pool, f"getReserveData(address)->({words})", asset)
    )


def deploy_code(local: LocalMarket) -> Code:
    """Return an implementation and a factory for the local market."""
    chain, maker = local.chain, local.deployment.roles.spare[0]
    account = chain.deploy(maker, artifact("Account")[0], "(address)", local.deployment.provider)
    factory = chain.deploy(maker, artifact("AccountFactory")[0], "(address)", account)
    chain.mine()
    return Code(account, factory)


def open_account(local: LocalMarket, code: Code, terms: Terms, salt: bytes = b"\1" * 32) -> Vault:
    """Return an account of the market's owner and operator, made by the factory."""
    roles = local.deployment.roles
    for who in (roles.owner, roles.operator, roles.deployer, roles.liquidator, roles.spare[2]):
        local.node.rpc.ask("anvil_setBalance", who, hex(100_000 * ETHER))  # for gas
    words = (roles.owner, roles.operator, terms.words, salt)
    address = local.chain.read_address(code.factory, f"{CREATE}->(address)", *words)
    mined(local, roles.spare[0], code.factory, CREATE, *words)
    return Vault(local, code, address, roles.owner, roles.operator, terms)


def fund(local: LocalMarket, to: str, raw: int, symbol: str = "WETH") -> None:
    """Send `raw` of a token to an address from a resident who has plenty."""
    giver = local.deployment.roles.maker
    mined(local, giver, local.token(symbol), "transfer(address,uint256)", to, raw)


def mined(
    local: LocalMarket, sender: str, to: str, signature: str, *args: Any, value: int = 0
) -> Any:
    """Mine one transaction and return its receipt, or raise with the contract's reason."""
    local.chain.send(sender, to, signature, *args, value=value)
    (sent,) = local.chain.hand_over()
    local.chain.mine()
    return local.node.rpc.ask("eth_getTransactionReceipt", sent)


def refused(local: LocalMarket, sender: str, to: str, signature: str, *args: Any) -> str:
    """Return the reason a call would revert with at the head, "" if it would pass."""
    data = "0x" + abi.encode_call(signature, *args).hex()
    try:
        local.node.rpc.ask("eth_call", {"from": sender, "to": to, "data": data}, "latest")
    except RevertedError as error:
        return str(error)
    return ""
