"""What a key may sign. Everything that is not listed is refused."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from leverd.adapters.evm import abi, access_list, codes, erc20
from leverd.errors import SigningRefusedError
from leverd.interfaces.signer import UnsignedTransaction

GAS_MAX: Final = 16_777_216
"""The most gas a transaction may ask for (EIP-7825)."""

_SELECTOR: Final = 4


@dataclass(frozen=True, slots=True)
class Rule:
    """One function of one contract."""

    target: str
    selector: bytes
    value_max: int = 0  # wei
    own_words: tuple[int, ...] = ()  # arguments (by word) that must be the signer itself
    lowers_risk: bool = False  # may use the guardian's part of the gas budget
    only: bytes | None = None  # the one calldata it covers, None: any of that function


@dataclass(frozen=True, slots=True)
class AllowList:
    """Chain, contracts, functions, values and fees that a key may sign for."""

    chain_id: int
    rules: tuple[Rule, ...]
    max_fee: int  # wei per gas
    tokens: frozenset[str] = frozenset()  # where approvals may be given, exact ones only
    spenders: frozenset[str] = frozenset()  # and to whom

    def find(self, transaction: UnsignedTransaction, signer: str) -> Rule:
        """Return the rule that covers `transaction`.

        Raises:
            SigningRefusedError: none does; the message says what is wrong.
        """
        self._check_limits(transaction)
        if is_cancel(transaction, signer):
            return Rule(signer, b"", lowers_risk=True)
        if transaction.data[:_SELECTOR] == erc20.APPROVE.selector:
            return self._approval(transaction)
        rule = self._named(transaction)
        if transaction.value > rule.value_max:
            raise refused(codes.TOO_MUCH_VALUE, f"{transaction.value} wei go with the call")
        if rule.only not in {None, transaction.data}:
            raise refused(codes.OTHER_CALL, f"other calldata for {transaction.to} than was shown")
        for position in rule.own_words:
            if _argument(transaction.data, position) != abi.address_word(signer):
                raise refused(
                    codes.FOREIGN_RECIPIENT, f"argument {position} is not the signer itself"
                )
        return rule

    def _check_limits(self, transaction: UnsignedTransaction) -> None:
        if transaction.chain_id != self.chain_id:
            raise refused(
                codes.OTHER_CHAIN, f"chain {transaction.chain_id}, allowed is {self.chain_id}"
            )
        if not 0 <= transaction.priority_fee <= transaction.max_fee <= self.max_fee:
            raise refused(
                codes.TOO_HIGH_FEE, f"{transaction.max_fee} wei per gas, at most {self.max_fee}"
            )
        if not 0 < transaction.gas <= GAS_MAX:
            raise refused(codes.TOO_MUCH_GAS, f"{transaction.gas} gas, at most {GAS_MAX}")
        if transaction.value < 0:
            raise refused(codes.TOO_MUCH_VALUE, "less than nothing goes with the call")
        if not access_list.is_bounded(transaction.access_list):
            raise refused(
                codes.TOO_LONG_LIST, f"an access list of {len(transaction.access_list)} contracts"
            )

    def _named(self, transaction: UnsignedTransaction) -> Rule:
        there = [rule for rule in self.rules if _same(rule.target, transaction.to)]
        if not there:
            raise refused(codes.OTHER_TARGET, f"{transaction.to} is not on the list")
        called = transaction.data[:_SELECTOR]
        for rule in there:
            if rule.selector == called:
                return rule
        raise refused(
            codes.OTHER_SELECTOR, f"function {called.hex() or 'none'} of {transaction.to}"
        )

    def _approval(self, transaction: UnsignedTransaction) -> Rule:
        """Return the rule for an approval of a listed token to a listed spender."""
        spender = _argument(transaction.data, 0)
        known = any(abi.address_word(one) == spender for one in self.spenders)
        if not known or not any(_same(one, transaction.to) for one in self.tokens):
            raise refused(codes.UNNEEDED_APPROVAL, f"an approval of {transaction.to}")
        if transaction.value:
            raise refused(codes.TOO_MUCH_VALUE, f"{transaction.value} wei go with an approval")
        return Rule(transaction.to, erc20.APPROVE.selector, lowers_risk=True)


def is_cancel(transaction: UnsignedTransaction, signer: str) -> bool:
    """Return whether a transaction only spends its nonce."""
    return _same(transaction.to, signer) and not transaction.data and not transaction.value


def approved(transaction: UnsignedTransaction) -> tuple[str, str, int] | None:
    """Return token, spender and amount of an approval, None for anything else."""
    if transaction.data[:_SELECTOR] != erc20.APPROVE.selector:
        return None
    spender = abi.address_of(abi.word(_argument(transaction.data, 0)))
    return transaction.to, spender, abi.word(_argument(transaction.data, 1))


def rules_for(
    target: str, functions: Iterable[abi.Function], *, lowers_risk: bool = False
) -> tuple[Rule, ...]:
    """Return a rule for each of `functions` of `target`, without value."""
    return tuple(Rule(target, function.selector, lowers_risk=lowers_risk) for function in functions)


def refused(number: int, what: str) -> SigningRefusedError:
    """Return the signer's refusal."""
    return SigningRefusedError(
        f"the allow-list does not cover this: {what}",
        number=number,
        remedy="nothing was signed; if this was meant, check the settings it comes from",
    )


def _argument(data: bytes, position: int) -> bytes:
    begin = _SELECTOR + position * abi.WORD
    found = data[begin : begin + abi.WORD]
    if len(found) != abi.WORD:
        raise refused(codes.OTHER_SELECTOR, "a call cut short")
    return found


def _same(one: str, other: str) -> bool:
    return one.lower() == other.lower()
