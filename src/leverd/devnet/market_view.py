"""What the residents look at: all of it from the head block, in one call."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from leverd.devnet import abi
from leverd.devnet.chain import Chain
from leverd.devnet.deployment import Deployment

_AGGREGATE: Final = "aggregate3((address,bool,bytes)[])->((bool,bytes)[])"
_SLOT0: Final = "slot0()->(uint160,int24,uint16,uint16,uint16,uint8,bool)"
_ROUND: Final = "latestRoundData()->(uint80,int256,uint256,uint256,uint80)"
_RATE: Final = "stEthPerToken()->(uint256)"


@dataclass(frozen=True, slots=True)
class MarketView:
    """Standing prices: pools as square roots Q64.96, oracle answers 1e8, the staking rate wad."""

    roots: Mapping[str, int]  # by pool name
    answers: Mapping[str, tuple[int, int]]  # answer and its time, by symbol
    staking_rate: int


def read_many(
    chain: Chain, deployment: Deployment, asks: Sequence[tuple[str, str, tuple[Any, ...]]]
) -> list[Any]:
    """Return each ask's answer (contract, signature, arguments), all from one block."""
    calls = [
        (to, False, abi.encode_call(signature.partition("->")[0], *args))
        for to, signature, args in asks
    ]
    answers = chain.read(deployment.multicall, _AGGREGATE, calls)
    decoded = [
        abi.decode_answer(signature, data)
        for (_, signature, _), (_, data) in zip(asks, answers, strict=True)
    ]
    return [values[0] if len(values) == 1 else values for values in decoded]


def look(chain: Chain, deployment: Deployment) -> MarketView:
    """Return the market as the head block leaves it."""
    names = list(deployment.pools)
    spoken = ("WETH", "USDC")  # staked ether's feed follows ether's
    asks = [(deployment.pools[name].address, _SLOT0, ()) for name in names]
    asks += [(deployment.feeds[symbol], _ROUND, ()) for symbol in spoken]
    asks += [(deployment.tokens["wstETH"].address, _RATE, ())]
    *rest, rate = read_many(chain, deployment, asks)
    slots, rounds = rest[: len(names)], rest[len(names) :]
    return MarketView(
        roots={name: slot[0] for name, slot in zip(names, slots, strict=True)},
        answers={name: (each[1], each[3]) for name, each in zip(spoken, rounds, strict=True)},
        staking_rate=rate,
    )
