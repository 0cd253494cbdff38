"""Reading reserves and efficiency modes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from leverd.adapters.evm import abi, erc20
from leverd.adapters.evm.aave import functions
from leverd.adapters.evm.aave.market import Market, ReserveTokens
from leverd.adapters.evm.reads import Read, number, optional, together
from leverd.domain.fixed_point import RAY
from leverd.domain.lending import EMode, RateCurve, RateStrategy, Reserve, ReserveParams
from leverd.domain.money import Asset
from leverd.interfaces.chain_client import Call, Reply

_DATA_WORDS: Final = 15
_BPS_IN_RAY: Final = RAY // 10**4


@dataclass(frozen=True, slots=True)
class ReserveData:
    """What getReserveData says; its layout is the same in all releases."""

    configuration: int
    liquidity_index: int
    liquidity_rate: int
    borrow_index: int
    borrow_rate: int
    updated_at: int
    reserve_id: int
    supply_token: str
    debt_token: str
    strategy: str
    accrued_to_treasury: int


@dataclass(frozen=True, slots=True)
class Category:
    """What a pool says of an efficiency mode; its bitmaps have one bit a reserve."""

    ltv: int  # basis points
    threshold: int  # basis points
    bonus: int  # basis points, 10,000 is none
    collaterals: int | None  # bitmap, from 3.2
    borrowables: int | None  # bitmap, from 3.2
    barred: int  # bitmap of collaterals that may not be borrowed against, from 3.6; else none
    label: str  # before 3.2


def reserve_data(pool: str, token: str) -> Read[ReserveData]:
    """Return the read of a reserve's own record."""

    def decode(replies: Sequence[Reply]) -> ReserveData:
        found = abi.words(replies[0].data, _DATA_WORDS)
        return ReserveData(
            configuration=found[0],
            liquidity_index=found[1],
            liquidity_rate=found[2],
            borrow_index=found[3],
            borrow_rate=found[4],
            updated_at=found[6],
            reserve_id=found[7],
            supply_token=abi.address_of(found[8]),
            debt_token=abi.address_of(found[10]),
            strategy=abi.address_of(found[11]),
            accrued_to_treasury=found[12],
        )

    return Read((Call(pool, functions.RESERVE_DATA.of_address(token)),), decode)


def tokens_of(asset: Asset, token: str, data: ReserveData, strategy: str | None) -> ReserveTokens:
    """Return where a reserve's parts are, given its record and the pool's shared strategy."""
    return ReserveTokens(
        asset,
        token,
        data.reserve_id,
        data.supply_token,
        data.debt_token,
        strategy or data.strategy,
    )


def price(oracle: str, token: str) -> Read[int]:
    """Return the read of an oracle's price, USD 1e8 a whole token; 0 where it has none.

    An oracle whose source is dead, and that has no other to turn to, reverts.
    """
    found = optional(number(oracle, functions.PRICE, token))
    return Read(found.calls, lambda replies: found.decode(replies) or 0)


def reserve(market: Market, asset: Asset) -> Read[tuple[Reserve, int]]:
    """Return the read of a reserve, and of its category in the old kind of efficiency mode."""
    tokens = market.reserves[asset]
    parts = together(
        [
            reserve_data(market.pool, tokens.token),
            number(tokens.supply_token, functions.SCALED_TOTAL),
            number(tokens.debt_token, functions.SCALED_TOTAL),
            _available(market, tokens),
            price(market.oracle, tokens.token),
            _curve(market, tokens),
            *([number(market.pool, functions.DEFICIT, tokens.token)] * market.features.deficit),
        ]
    )

    def decode(replies: Sequence[Reply]) -> tuple[Reserve, int]:
        data, supply, debt, available, worth, curve, *deficit = parts.decode(replies)
        found = Reserve(
            asset=asset,
            reserve_id=data.reserve_id,
            params=params_of(data.configuration),
            curve=curve,
            price=worth,
            liquidity_index=data.liquidity_index,
            borrow_index=data.borrow_index,
            liquidity_rate=data.liquidity_rate,
            borrow_rate=data.borrow_rate,
            updated_at=data.updated_at,
            scaled_supply=supply,
            scaled_debt=debt,
            available=available,
            accrued_to_treasury=data.accrued_to_treasury,
            deficit=deficit[0] if deficit else 0,
        )
        return found, _bits(data.configuration, 168, 8)

    return Read(parts.calls, decode)


def params_of(configuration: int) -> ReserveParams:
    """Return what governance set, from the bitmap (ReserveConfiguration.sol)."""
    return ReserveParams(
        ltv=_bits(configuration, 0, 16),
        liquidation_threshold=_bits(configuration, 16, 16),
        liquidation_bonus=_bits(configuration, 32, 16),
        liquidation_protocol_fee=_bits(configuration, 152, 16),
        reserve_factor=_bits(configuration, 64, 16),
        supply_cap=_bits(configuration, 116, 36),
        borrow_cap=_bits(configuration, 80, 36),
        active=bool(_bits(configuration, 56, 1)),
        frozen=bool(_bits(configuration, 57, 1)),
        paused=bool(_bits(configuration, 60, 1)),
        borrowing_enabled=bool(_bits(configuration, 58, 1)),
    )


def unmodelled(configuration: int) -> tuple[bool, bool]:
    """Return whether a reserve has a debt ceiling (isolation mode), and is borrowed alone (siloed).

    Neither is reckoned with here: such an asset is named before anything is done with it.
    """
    return bool(_bits(configuration, 212, 40)), bool(_bits(configuration, 62, 1))


def decimals_of(configuration: int) -> int:
    """Return the asset's decimals, from the bitmap."""
    return _bits(configuration, 48, 8)


def emode(market: Market, category: int) -> Read[Category]:
    """Return the read of a category."""
    if not market.features.liquid_emodes:
        call = Call(market.pool, functions.EMODE_DATA.encode(category))

        def old(replies: Sequence[Reply]) -> Category:
            ltv, threshold, bonus, _, label = functions.EMODE_DATA.decode(replies[0].data)[0]
            return Category(ltv, threshold, bonus, None, None, 0, label)

        return Read((call,), old)
    calls = tuple(
        Call(market.pool, function.encode(category))
        for function in (
            functions.EMODE_COLLATERAL,
            functions.EMODE_COLLATERALS,
            functions.EMODE_BORROWABLES,
            *([functions.LTVZERO_BITMAP] * market.features.ltvzero_emodes),
        )
    )

    def new(replies: Sequence[Reply]) -> Category:
        ltv, threshold, bonus = abi.words(replies[0].data, 3)
        collaterals, borrowables, *barred = (abi.word(reply.data) for reply in replies[1:])
        return Category(ltv, threshold, bonus, collaterals, borrowables, sum(barred), "")

    return Read(calls, new)


def emode_of(
    market: Market,
    category: int,
    found: Category,
    categories: Mapping[Asset, int],
) -> EMode:
    """Return a category, given each reserve's own category for the old kind."""
    members = frozenset(asset for asset, one in categories.items() if one == category)
    return EMode(
        category,
        found.ltv,
        found.threshold,
        found.bonus,
        members if found.collaterals is None else market.assets(found.collaterals),
        members if found.borrowables is None else market.assets(found.borrowables),
        found.label,
        market.assets(found.barred),
    )


def _available(market: Market, tokens: ReserveTokens) -> Read[int]:
    if market.features.virtual_balance:
        return number(market.pool, functions.VIRTUAL_BALANCE, tokens.token)
    return erc20.balance(tokens.token, tokens.supply_token)


def _curve(market: Market, tokens: ReserveTokens) -> Read[RateCurve]:
    if market.rules.strategy is RateStrategy.V1:
        parts = together(
            [
                number(tokens.strategy, function)
                for function in (
                    functions.V1_OPTIMAL,
                    functions.V1_BASE,
                    functions.V1_SLOPE1,
                    functions.V1_SLOPE2,
                )
            ]
        )
        return Read(parts.calls, lambda replies: RateCurve(*parts.decode(replies)))
    call = Call(tokens.strategy, functions.V2_DATA.of_address(tokens.token))
    return Read(
        (call,),
        lambda replies: RateCurve(*(bps * _BPS_IN_RAY for bps in abi.words(replies[0].data, 4))),
    )


def _bits(bitmap: int, at: int, count: int) -> int:
    return bitmap >> at & (1 << count) - 1
