"""What feasibility needs to know of a market, from a view or from a recorded file."""

from __future__ import annotations

import json
from dataclasses import dataclass, fields
from decimal import Decimal, InvalidOperation
from fractions import Fraction
from typing import Any

from leverd.domain import headroom, loans, quotes, side, valuation
from leverd.domain.fixed_point import BPS, WAD
from leverd.domain.gas_use import lower_gas
from leverd.domain.money import USD, Amount, value_down
from leverd.domain.reserves import reserve_of
from leverd.domain.side import Side
from leverd.domain.view import View
from leverd.errors import SettingsError
from leverd.risk.past_moves import VOLATILITY


@dataclass(frozen=True, slots=True)
class MarketFacts:
    """One collateral against one debt. Ratios are plain fractions."""

    pair: str  # for people, e.g. WETH/USDC
    threshold: Decimal  # liquidation threshold
    ltv: Decimal
    bonus: Decimal  # liquidation bonus, 0.05 is 5 %
    price: Decimal  # what the position bets on, USD
    swap_fee: Decimal  # fraction of the input
    depth_usd: Decimal  # USD that a swap's average price would be 100 % off by, at this slope
    gas_usd: Decimal  # one rebalance, at present fees
    volatility: Decimal  # of the pair, a year
    equity_usd: Decimal = Decimal(0)  # what is there to lever, 0 if unknown
    side: Side = Side.LONG  # which price move hurts
    atomic: bool = True  # the account does several things in one transaction


def facts_of(view: View, volatility: Decimal = VOLATILITY) -> MarketFacts:
    """Return the facts that `view` shows; volatility is the record's unless given."""
    state, mandate = view.state, view.state.position.mandate
    reserve = reserve_of(state.market, mandate.collateral)
    category = state.market.emodes.get(mandate.emode)
    terms = loans.terms_in(reserve, category, state.market.rules)
    wei = lower_gas(atomic=view.atomic) * (view.gas.base_fee + view.gas.priority_fee)
    return MarketFacts(
        pair=f"{mandate.collateral.symbol}/{mandate.debt.symbol}",
        threshold=_decimal(headroom.threshold_of(state)),
        ltv=Decimal(terms.ltv) / BPS,
        bonus=Decimal(terms.bonus - BPS) / BPS,
        price=Decimal(reserve_of(state.market, side.volatile(mandate)).price) / USD.unit,
        swap_fee=Decimal(state.pool.fee) / 10**6,
        depth_usd=_depth_usd(view),
        gas_usd=Decimal(wei) * view.gas.native_price / WAD / USD.unit,
        volatility=volatility,
        equity_usd=max(Decimal(valuation.equity(state)) / USD.unit, Decimal(0)),
        side=side.side_of(mandate),
        atomic=view.atomic,
    )


def facts_from_json(text: str) -> MarketFacts:
    """Return the facts in a recorded market file: one JSON object, a key for each field.

    Numbers are read from their text, exactly. `equity_usd` and `side` may be missing.

    Raises:
        SettingsError: a key is missing, unknown or not what it must be.
    """
    try:
        found = json.loads(text, parse_float=Decimal, parse_int=Decimal)
    except ValueError as error:
        raise SettingsError(f"a recorded market is one JSON object: {error}", number=70) from error
    if not isinstance(found, dict):
        raise SettingsError("a recorded market is one JSON object", number=70)
    known = {field.name for field in fields(MarketFacts)} - {"atomic"}  # no market's matter
    missing, unknown = known - found.keys() - {"equity_usd", "side"}, found.keys() - known
    wrong = [f"{key} is missing" for key in sorted(missing)]
    wrong += [f"{key} is unknown" for key in sorted(unknown)]
    words = {"pair", "side"}
    numbers = {key: _number(value) for key, value in found.items() if key in known - words}
    way = found.get("side", Side.LONG)
    if way not in tuple(Side):
        wrong.append(f"side must be {' or '.join(Side)}")
    wrong += [
        f"{key} must be a number of at least 0" for key, got in numbers.items() if got is None
    ]
    shares = {key: numbers.get(key) for key in ("threshold", "ltv")}
    wrong += [
        f"{key} must be above 0 and below 1"
        for key, share in shares.items()
        if share is not None and not 0 < share < 1
    ]
    if wrong:
        raise SettingsError("; ".join(wrong), number=71)
    return MarketFacts(pair=str(found["pair"]), side=Side(way), atomic=True, **_all_known(numbers))


def _all_known(numbers: dict[str, Decimal | None]) -> dict[str, Decimal]:
    return {key: value for key, value in numbers.items() if value is not None}


def _number(value: Any) -> Decimal | None:
    try:
        number = Decimal(value)
    except (InvalidOperation, TypeError, ValueError):
        return None
    return number if number.is_finite() and number >= 0 else None


def _depth_usd(view: View) -> Decimal:
    """Return USD sold per unit of price impact, from a quote for a whole volatile token's worth.

    One unit of a dollar token would move a pool by less than its price can show.
    """
    state, mandate = view.state, view.state.position.mandate
    asset, moves = mandate.collateral, side.volatile(mandate)
    one = Amount(asset, int(moves.unit * valuation.rate(state, moves, asset)))
    quote = quotes.quote_exact_in(state.pool, asset, one.raw)
    moved = Decimal(value_down(one, reserve_of(state.market, asset).price)) / USD.unit
    impact = quotes.price_impact(state.pool, quote, asset)
    return moved / max(impact, Decimal("1e-12"))


def _decimal(ratio: Fraction) -> Decimal:
    return Decimal(ratio.numerator) / Decimal(ratio.denominator)
