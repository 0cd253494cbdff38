"""Chainlink price and uptime feeds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from leverd.adapters.evm import abi
from leverd.adapters.evm.reads import Read, optional
from leverd.errors import NonsenseError, StaleError
from leverd.interfaces.chain_client import Call, Reply

LATEST_ROUND: Final = abi.Function("latestRoundData()")
DECIMALS: Final = abi.Function("decimals()")

_ROUND_WORDS: Final = 5
_DECIMALS_MAX: Final = 36


@dataclass(frozen=True, slots=True)
class Round:
    """A feed's newest answer."""

    answer: int  # in units of 10 ** -decimals
    decimals: int
    started_at: int  # unix seconds
    updated_at: int  # unix seconds


def latest_round(feed: str) -> Read[Round]:
    """Return the read of a feed's newest answer.

    `answeredInRound` is deprecated and not looked at.
    """

    def decode(replies: Sequence[Reply]) -> Round:
        _, answer, started, updated, _ = abi.words(replies[0].data, _ROUND_WORDS)
        decimals = abi.word(replies[1].data)
        if decimals > _DECIMALS_MAX:
            raise abi.malformed(f"{decimals} decimals", feed)
        return Round(abi.signed(answer), decimals, started, updated)

    return Read((Call(feed, LATEST_ROUND.selector), Call(feed, DECIMALS.selector)), decode)


def uptime(feed: str) -> Read[Round | None]:
    """Return the read of a sequencer's feed, None where it tells nothing.

    It holds back new risk and nothing else, so no answer of it may spoil a look.
    """
    told = optional(latest_round(feed))

    def decode(replies: Sequence[Reply]) -> Round | None:
        try:
            return told.decode(replies)
        except NonsenseError:
            return None

    return Read(told.calls, decode)


def price(found: Round, *, at: int, heartbeat_s: int, margin_s: int = 60) -> int:
    """Return the price in 1e-8, floored, if the round is good at chain time `at`.

    Raises:
        NonsenseError: the answer is not positive.
        StaleError: it is older than the feed's heartbeat allows.
    """
    if found.answer <= 0 or found.updated_at == 0:
        raise NonsenseError(f"a feed answers {found.answer}", number=3)
    if at - found.updated_at > heartbeat_s + margin_s:
        raise StaleError(f"a feed is {at - found.updated_at} s old", number=1)
    return found.answer * 10**8 // int(10**found.decimals)


def sequencer_up(found: Round, *, at: int, grace_s: int = 3600) -> bool:
    """Return whether a sequencer is up, and has been for `grace_s`, at chain time `at`."""
    return found.answer == 0 and at - found.started_at > grace_s
