"""Looking without a key: an address whose nonce and balance are read, and nothing is signed."""

from __future__ import annotations

from typing import NoReturn

from leverd.adapters.evm import codes
from leverd.adapters.evm.allow_list import AllowList, Rule, refused
from leverd.adapters.evm.signer import LocalSigner
from leverd.interfaces.signer import UnsignedTransaction

NOBODY = "0x" + "0" * 40
"""Whose eyes to look through where it is not known whose key there will be."""


class Onlooker(LocalSigner):
    """The signer of a venue that is only looked at."""

    __slots__ = ("_seen_as",)

    def __init__(self, address: str) -> None:
        self._seen_as = address
        self._allow = AllowList(chain_id=0, rules=(), max_fee=0)
        self._budget = None
        self._needs = {}

    @property
    def address(self) -> str:
        """The address that would pay for gas."""
        return self._seen_as

    def admit(
        self, rules: tuple[Rule, ...], *, tokens: frozenset[str], spenders: frozenset[str]
    ) -> None:
        """Admit nothing: nothing is signed."""

    def sign(self, transaction: UnsignedTransaction) -> NoReturn:
        """Refuse.

        Raises:
            SigningRefusedError: always.
        """
        raise refused(codes.OTHER_TARGET, f"a call of {transaction.to}, by a process that looks")
