"""Signing with a key in memory, within an allow-list and a daily budget."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Final, NoReturn

from eth_account.signers.local import LocalAccount
from eth_typing import HexStr
from eth_utils.address import to_canonical_address

from leverd.adapters.evm import codes
from leverd.adapters.evm.allow_list import AllowList, Rule, approved, refused
from leverd.interfaces.breaker import Circuit
from leverd.interfaces.signer import Access, SignedTransaction, UnsignedTransaction

_DAY_S: Final = 86_400


@dataclass(slots=True)
class GasBudget:
    """What may be promised for gas in one UTC day of chain time, wei.

    A promise is gas limit times highest fee; attempts for one nonce count once, the largest;
    a mined one counts what it really cost. What lowers risk is counted and never refused: a
    budget spent is a small loss, a position nobody may save a large one.
    """

    day_max: int
    guardian_only: int  # part of it that only transactions that lower risk may use
    _day: int = 0
    _promised: dict[int, int] = field(default_factory=dict)

    def rebound(self, day_max: int, guardian_only: int) -> None:
        """Hold promises to other bounds from now on; what is promised stays promised."""
        self.day_max, self.guardian_only = day_max, guardian_only

    def promise(self, nonce: int, wei: int, *, lowers_risk: bool) -> None:
        """Count `wei` for `nonce`.

        Raises:
            SigningRefusedError: the day's budget does not hold it.
        """
        others = sum(cost for one, cost in self._promised.items() if one != nonce)
        here = max(wei, self._promised.get(nonce, 0))
        budget = self.day_max - self.guardian_only
        if not lowers_risk and others + here > budget:
            raise refused(codes.BUDGET_SPENT, f"{others + here} wei of gas today, at most {budget}")
        self._promised[nonce] = here

    def cost(self, nonce: int, wei: int) -> None:
        """Put what `nonce` really cost in place of what was promised for it."""
        if nonce in self._promised:
            self._promised[nonce] = wei

    def circuit(self) -> str:
        """Return closed, half_open while only the guardian's part is left, open without any."""
        spent = sum(self._promised.values())
        if spent >= self.day_max:
            return Circuit.OPEN
        return Circuit.CLOSED if spent < self.day_max - self.guardian_only else Circuit.HALF_OPEN

    def at(self, chain_at: int) -> None:
        """Begin a new day when chain time says so; time never runs back."""
        day = chain_at // _DAY_S
        if day > self._day:
            self._day = day
            self._promised.clear()


class LocalSigner:
    """A `Signer` whose key is in this process's memory, and nowhere in its output."""

    __slots__ = ("_account", "_allow", "_budget", "_needs")

    def __init__(
        self, account: LocalAccount, allow: AllowList, budget: GasBudget | None = None
    ) -> None:
        self._account = account
        self._allow = allow
        self._budget = budget
        self._needs: dict[tuple[str, str], int] = {}

    def __repr__(self) -> str:
        return f"LocalSigner({self.address})"

    def __reduce__(self) -> NoReturn:
        raise TypeError("a signer is not serialised")

    @property
    def address(self) -> str:
        """The checksum address that pays for gas."""
        return str(self._account.address)

    def admit(
        self, rules: tuple[Rule, ...], *, tokens: frozenset[str], spenders: frozenset[str]
    ) -> None:
        """Extend the list by what only the chain can name: a market's pool, of its provider.

        For positions that the key's own address holds; account contracts need none of it.
        """
        more = tuple(rule for rule in rules if rule not in self._allow.rules)
        self._allow = replace(
            self._allow,
            rules=(*self._allow.rules, *more),
            tokens=self._allow.tokens | tokens,
            spenders=self._allow.spenders | spenders,
        )

    def need(self, token: str, spender: str, amount: int) -> None:
        """Note that the step at hand needs `spender` to take `amount` raw of `token`."""
        self._needs[token.lower(), spender.lower()] = amount

    def at(self, chain_at: int) -> None:
        """Note the chain's time, which begins a new day of the gas budget."""
        if self._budget is not None:
            self._budget.at(chain_at)

    def cost(self, nonce: int, wei: int) -> None:
        """Note what a mined transaction really cost."""
        if self._budget is not None:
            self._budget.cost(nonce, wei)

    def sign(self, transaction: UnsignedTransaction) -> SignedTransaction:
        """Return `transaction`, signed; see `Signer`."""
        rule = self._allow.find(transaction, self.address)
        self._check_approval(transaction)
        self._charge(transaction, rule)
        signed = self._account.sign_transaction(
            {
                "type": 2,
                "chainId": transaction.chain_id,
                "nonce": transaction.nonce,
                "to": to_canonical_address(transaction.to),
                "data": transaction.data,
                "value": transaction.value,
                "gas": transaction.gas,
                "maxFeePerGas": transaction.max_fee,
                "maxPriorityFeePerGas": transaction.priority_fee,
                "accessList": [_listed(one) for one in transaction.access_list],
            }
        )
        return SignedTransaction("0x" + bytes(signed.hash).hex(), bytes(signed.raw_transaction))

    def _check_approval(self, transaction: UnsignedTransaction) -> None:
        found = approved(transaction)
        if found is None:
            return
        token, spender, amount = found
        if amount > self._needs.get((token.lower(), spender.lower()), 0):
            raise refused(
                codes.UNNEEDED_APPROVAL, f"{amount} raw of {token}, more than the step needs"
            )

    def _charge(self, transaction: UnsignedTransaction, rule: Rule) -> None:
        if self._budget is not None:
            self._budget.promise(
                transaction.nonce,
                transaction.gas * transaction.max_fee + transaction.value,
                lowers_risk=rule.lowers_risk,
            )


def _listed(one: Access) -> dict[str, HexStr | Sequence[HexStr]]:
    slots = [HexStr(f"0x{slot:064x}") for slot in one.slots]
    return {"address": HexStr(one.address), "storageKeys": slots}
