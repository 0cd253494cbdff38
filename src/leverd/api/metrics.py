"""What Prometheus reads. Gauges are of the last turn; nothing here is a record."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Final, TypeAlias

from fastapi import APIRouter, Request, Response, Security
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from leverd.api.access import READ_PROBLEMS, Stand, World, reader
from leverd.api.models.position import PositionModel
from leverd.api.models.spot import SpotModel
from leverd.api.seams import Standing
from leverd.interfaces.watcher import Sight

router = APIRouter()

_ETHER: Final = 1e18
_MB: Final = 1e6
_Number: TypeAlias = Callable[[PositionModel], str | float | None]
_NUMBERS: Final[tuple[tuple[str, str, _Number], ...]] = (
    ("health", "Liquidatable below 1; none without debt.", lambda p: p.health),
    ("leverage", "Exposure over equity.", lambda p: p.leverage),
    ("liquidation_distance_ratio", "Move to liquidation.", lambda p: p.outlook.distance),
    ("liquidation_drift_seconds", "Until interest alone does it.", lambda p: p.outlook.drift_s),
    ("liquidation_sigma_seconds", "One deviation of recent moves.", lambda p: p.outlook.sigma_s),
    ("price_usd", "Oracle, of what it bets on.", lambda p: p.price.amount if p.price else None),
)


@router.get(
    "/metrics",
    dependencies=[Security(reader)],
    responses={
        **READ_PROBLEMS,
        200: {"content": {"text/plain": {"schema": {"type": "string"}}}, "description": "Metrics"},
    },
    response_class=Response,
    tags=["metrics"],
)
def metrics(request: Request, desk: World, standing: Stand) -> Response:
    """Everything that has a number, in Prometheus's text format."""
    registry = CollectorRegistry()
    registry.register(_Snapshot(standing, request.app.state.listeners, desk.version))
    return Response(generate_latest(registry), headers={"Content-Type": CONTENT_TYPE_LATEST})


class _Snapshot(Collector):
    """The numbers of one moment."""

    def __init__(self, standing: Standing, listeners: int, version: str) -> None:
        self._standing, self._listeners, self._version = standing, listeners, version

    def collect(self) -> Iterator[Metric]:
        """Yield every family."""
        standing = self._standing
        info = GaugeMetricFamily("leverd_info", "What runs.", labels=["version", "mode"])
        info.add_metric([self._version, standing.mode], 1)
        yield info
        yield _one("daemon_running", "Whether a daemon runs.", standing.daemon_runs)
        yield _one("journal_entries", "Newest entry of the journal.", standing.seq)
        yield _one("open_slots", "Nonces that are not final.", len(standing.open_slots))
        yield _one("api_listeners", "Websockets that are served.", self._listeners)
        yield _one(
            "gas_spent_today_eth", "Paid in the UTC day of chain time.", standing.gas_today / _ETHER
        )
        if standing.last_turn_at is not None:
            at = standing.last_turn_at.timestamp()
            yield _one("last_turn_timestamp_seconds", "When the last turn was completed.", at)
        yield from _of_positions(standing)
        yield from _of_breakers(standing)
        if standing.spot is not None:
            yield from _of_spot(standing.spot)
        known = [(each.track, float(each.skill)) for each in standing.predictions if each.skill]
        yield _many("prediction_skill", "1 less its loss over the simplest's.", "track", known)
        if standing.sight is not None:
            yield from _of_turn(standing.sight)


def _of_turn(sight: Sight) -> Iterator[Metric]:
    yield CounterMetricFamily("leverd_turns", "Turns since the daemon began.", value=sight.turn)
    yield _one("turn_seconds", "What the last turn took.", sight.seconds)
    yield _one("turn_due_seconds", "From the last turn to the next look.", sight.next_s)
    yield _one("turn_fresh", "Whether it saw every position as it was.", sight.fresh)
    yield _one("memory_bytes", "Resident memory of the daemon.", sight.memory_mb * _MB)
    yield _many("turn_stage_seconds", "Of the last turn.", "stage", sight.stages.items())
    for name, help_, found in (
        ("leverd_rpc_calls", "Requests made to a node.", sight.rpc_calls),
        ("leverd_rpc_errors", "Of them, those without an answer.", sight.rpc_errors),
    ):
        family = CounterMetricFamily(name, help_, labels=["node"])
        for node, count in found.items():
            family.add_metric([node], count)
        yield family
    seen = next(iter(sight.positions.values()), None)
    if seen is not None:
        yield _one(
            "operator_gas_eth", "What the signing key holds.", seen.operator_balance / _ETHER
        )
        yield _one("base_fee_gwei", "Of the next block.", seen.base_fee / 1e9)
        yield _one("sources_agree", "Nodes that name the same head.", seen.sources_agree)


def _of_positions(standing: Standing) -> Iterator[Metric]:
    each = standing.positions.values()
    for name, help_, value in _NUMBERS:
        found = ((position.position, value(position)) for position in each)
        known = [(who, float(number)) for who, number in found if number is not None]
        yield _many(name, help_, "position", known)
    yield _equities(each)
    yield _many("unhedged_delta_usd", "Value of what it bets on, less what it owes of it.",
                "position", [(p.position, _delta(p)) for p in each])  # fmt: skip
    states = GaugeMetricFamily("leverd_state", "Trading state.", labels=["position", "state"])
    for position in (*each, *([standing.spot] if standing.spot else ())):
        states.add_metric([position.position, position.state], 1)
    yield states


def _of_spot(spot: SpotModel) -> Iterator[Metric]:
    amounts = (
        ("spot_held", "Base that is held.", spot.held),
        ("spot_cost", "Of what is held, fees in it.", spot.cost),
        ("spot_worth", "Of what is held, at the bid.", spot.worth),
        ("spot_profit", "Realised and unrealised, gas apart.", spot.profit),
        ("spot_realised", "By all that was sold.", spot.realised),
        ("spot_fees", "Paid for all trades.", spot.fees),
        ("spot_bid", "Best price to sell at.", spot.bid),
    )
    for name, help_, amount in amounts:
        if amount is not None:
            yield _many(name, help_, "unit", [(amount.unit, float(amount.amount))])
    yield _one("spot_trades_today", "Orders of this UTC day.", spot.trades_today)
    if spot.trades_day_max is not None:
        yield _one("spot_trades_day_max", "Orders a UTC day may have.", spot.trades_day_max)
    yield _one("spot_fruitless", "Orders in a row that traded nothing.", spot.fruitless)
    yield _one("spot_stopped", "Nothing is bought until resume.", spot.stopped is not None)
    age = 0 if spot.order is None else spot.order.age_s
    yield _one("spot_order_age_seconds", "Of the order in flight; 0 without one.", age)
    if spot.seen_at is not None:
        at = spot.seen_at.timestamp()
        yield _one("spot_last_look_timestamp_seconds", "When it last looked and decided.", at)


def _equities(positions: Iterable[PositionModel]) -> Metric:
    equity = GaugeMetricFamily("leverd_equity", "In its share class.", labels=["position", "unit"])
    for position in positions:
        equity.add_metric([position.position, position.equity.unit], float(position.equity.amount))
    return equity


def _of_breakers(standing: Standing) -> Iterator[Metric]:
    faults = GaugeMetricFamily(
        "leverd_breaker_open", "Holds new risk back.", labels=["position", "breaker"]
    )
    for position, names in standing.breakers.items():
        for name in names:
            faults.add_metric([position, name], 1)
    yield faults
    down = [(name, circuit == "open") for name, circuit in standing.dependencies.items()]
    yield _many("dependency_open", "Fails, and is left alone.", "dependency", down)


def _delta(position: PositionModel) -> float:
    """Return the value of the volatile legs, debts negative."""
    volatile = position.collateral if position.side == "long" else position.debt
    return sum(float(leg.value.amount) for leg in position.legs if leg.balance.unit == volatile)


def _one(name: str, help_: str, value: float) -> Metric:
    return GaugeMetricFamily(f"leverd_{name}", help_, value=float(value))


def _many(name: str, help_: str, label: str, values: Iterable[tuple[str, float]]) -> Metric:
    family = GaugeMetricFamily(f"leverd_{name}", help_, labels=[label])
    for key, value in values:
        family.add_metric([key], float(value))
    return family
