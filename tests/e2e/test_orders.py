"""Orders on real contracts: scaling out, a stop in a crash, a trailing stop, a deadline."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from tests.e2e.stage import DUST_USD, POSITION, Stage, staged

from leverd.devnet.devnet import Conduct
from leverd.devnet.driver import Habits
from leverd.devnet.feeds import OracleRule
from leverd.devnet.recipe import Recipe
from leverd.domain.events import OrderDone, OrderFired, PeakReached, Resumed
from leverd.domain.plan_events import PlanApproved, PlanCompleted, StepMismatched, StepVerified
from leverd.domain.snapshot import Snapshot
from leverd.execution.executor import Executor
from leverd.interfaces.requests import RequestKind

pytestmark = pytest.mark.chain

ROOT = Path(__file__).parents[2]
RECORDED = ROOT / "config" / "markets" / "weth-usdc.json"
STARTER = ROOT / "src/leverd/settings/templates/devnet.yaml"
START = 1_700_000_000
RAY = 10**27


@contextmanager
def market(folder: Path, *prices: tuple[int, int]) -> Iterator[Stage]:
    """Yield a stage whose price is `prices`: (seconds from the start, USD), no strangers."""
    lines = "".join(f"{START + after},{price}\n" for after, price in prices)
    (folder / "prices.csv").write_text(f"ts,close\n{lines}")
    habits = Habits(borrows=False, oracle=OracleRule(lag_s=0))
    conduct = Conduct(habits, delay_chance=0.0)
    with staged(folder, Recipe(path=str(folder / "prices.csv")), conduct) as made:
        made.clock.stride = 60
        yield made


def ordered(**orders: Any) -> dict[str, Any]:
    return {"positions": {POSITION: {"agents": {"orders": orders}}}}


def closed(stage: Stage) -> Callable[[Any], bool]:
    def look(_: Any) -> bool:
        ended = len(stage.events(PlanCompleted)) == len(stage.events(PlanApproved)) > 1
        return ended and stage.truth().debt == 0

    return look


def held(snapshot: Snapshot) -> Decimal:
    """Return the ether of a snapshot, posted or idle."""
    posted = snapshot.supplied.get("WETH", 0) * snapshot.supply_indexes["WETH"] // RAY
    return Decimal(posted + snapshot.idle.get("WETH", 0)) / 10**18


def check_closed(stage: Stage) -> None:
    truth = stage.truth()
    assert (truth.collateral, truth.debt) == (0, 0)
    assert truth.idle["USDC"] <= DUST_USD
    assert stage.events(StepMismatched) == []


async def test_it_scales_out_twice_and_closes_and_stays_closed(tmp_path):
    targets = [
        {"price": 3200, "share": 0.3},
        {"price": 3500, "share": 0.3},
        {"price": 3800},
    ]
    path = ((0, 3000), (900, 3000), (1500, 3300), (2400, 3300), (3000, 3600), (3900, 3600))
    with market(tmp_path, *path, (4500, 3900), (90_000, 3900)) as stage:
        await stage.play(until=closed(stage), **ordered(take_profit=targets))
        await stage.play(seconds=7200, **ordered(take_profit=targets))

        fired = stage.events(OrderFired)
        assert [event.order for event in fired] == [
            f"take_profit at price {price}" for price in (3200, 3500, 3800)
        ]
        assert [event.closes for event in fired] == [False, False, True]
        assert [event.order for event in stage.events(OrderDone)] == [
            event.order for event in fired[:2]
        ]
        plans = [plan.purpose for plan in stage.events(PlanApproved)]
        assert plans == ["open", "reduce", "reduce", "unwind"]
        sizes = [held(event.snapshot) for event in stage.events(PlanCompleted)]
        assert float(sizes[1] / sizes[0]) == pytest.approx(0.7, abs=0.002)
        assert float(sizes[2] / sizes[1]) == pytest.approx(0.7, abs=0.002)
        check_closed(stage)
        assert stage.truth().equity > 1.3 * 30_000 * 10**8


async def test_a_stop_closes_in_a_crash_and_nothing_reopens_below_it(tmp_path):
    path = ((0, 3000), (900, 3000), (1500, 2500), (90_000, 2500))
    with market(tmp_path, *path) as stage:
        is_closed, resumed = closed(stage), []

        def half_an_hour_after_a_resume(opened: Any) -> bool:
            if is_closed(opened) and not resumed:
                stage.ask(RequestKind.RESUME)  # the price is below the stop still
                resumed.append(stage.devnet.driver.now)
            return bool(resumed) and stage.devnet.driver.now > resumed[0] + 1800

        await stage.play(until=half_an_hour_after_a_resume, **ordered(stop_loss={"price": 2700}))

        (fired,) = stage.events(OrderFired)
        assert fired.order == "stop_loss at price 2700"
        assert [plan.purpose for plan in stage.events(PlanApproved)] == ["open", "unwind"]
        assert len(stage.events(Resumed)) == 1
        check_closed(stage)
        assert stage.account not in {who for _, who in stage.clock.liquidated}
        assert 0.6 * 30_000 * 10**8 < stage.truth().equity < 0.85 * 30_000 * 10**8


async def test_a_trailing_stop_follows_the_best_and_closes_below_it(tmp_path):
    path = ((0, 3000), (900, 3000), (2400, 3400), (4200, 3100), (90_000, 3100))
    with market(tmp_path, *path) as stage:
        await stage.play(until=closed(stage), **ordered(trailing_stop={"drop": 0.06}))

        (fired,) = stage.events(OrderFired)
        best = max(event.price for event in stage.events(PeakReached))
        assert 3380 * 10**8 < best <= 3400 * 10**8
        assert fired.reference == pytest.approx(best * 0.94, rel=0.004)
        check_closed(stage)
        assert stage.truth().equity > 1.05 * 30_000 * 10**8


async def test_a_deadline_closes_at_its_time(tmp_path):
    due = datetime.fromtimestamp(START + 3600, UTC).isoformat()
    with market(tmp_path, (0, 3000), (90_000, 3000)) as stage:
        await stage.play(until=closed(stage), **ordered(deadline=due))

        (fired,) = stage.events(OrderFired)
        assert fired.order.startswith("deadline at")
        first, last = stage.events(StepVerified)[0], stage.events(StepVerified)[-1]
        assert first.snapshot.at < START + 3600 <= last.snapshot.at < START + 3600 + 600
        check_closed(stage)


@pytest.mark.parametrize("when", ["before", "after"])
async def test_what_fired_is_finished_after_a_crash_beside_its_first_send(
    tmp_path, monkeypatch, when
):
    """By then the price is back above the stop: what fired is carried out all the same."""
    path = ((0, 3000), (900, 3000), (960, 2650), (1080, 2650), (1140, 3000), (90_000, 3000))
    orders = ordered(stop_loss={"price": 2700})
    start = Executor.start

    async def dying(self: Executor, approved: Any, nonce: int) -> bool:
        if approved.plan.purpose != "unwind":
            return bool(await start(self, approved, nonce))
        if when == "after":
            await start(self, approved, nonce)
        raise Killed

    with market(tmp_path, *path) as stage:
        monkeypatch.setattr(Executor, "start", dying)
        with pytest.raises(Killed):
            await stage.play(until=closed(stage), **orders)
        monkeypatch.undo()
        assert len(stage.events(OrderFired)) == 1
        assert stage.truth().debt > 0, "nothing of it is mined yet"
        stage.devnet.advance_to(START + 1500)

        await stage.play(until=_nothing_owed(stage), **orders)

        assert len(stage.events(OrderFired)) == 1
        assert sum(isinstance(event, StepVerified) for event in stage.events()) == 2
        check_closed(stage)


async def test_a_share_half_sold_when_it_crashed_is_sold_once(tmp_path, monkeypatch):
    path = ((0, 3000), (900, 3000), (960, 3250), (90_000, 3250))
    orders = ordered(take_profit=[{"price": 3200, "share": 0.3}])
    start = Executor.start

    async def dying(self: Executor, approved: Any, nonce: int) -> bool:
        began = bool(await start(self, approved, nonce))
        if approved.plan.purpose == "reduce":
            raise Killed
        return began

    with market(tmp_path, *path) as stage:
        monkeypatch.setattr(Executor, "start", dying)
        with pytest.raises(Killed):
            await stage.play(until=closed(stage), **orders)
        monkeypatch.undo()
        stage.devnet.advance_to(START + 1500)

        await stage.play(until=lambda _: bool(stage.events(OrderDone)), **orders)
        await stage.play(seconds=3600, **orders)

        assert len(stage.events(OrderFired)) == len(stage.events(OrderDone)) == 1
        opened, sold = stage.events(StepVerified)
        assert float(held(sold.snapshot) / held(opened.snapshot)) == pytest.approx(0.7, abs=0.002)


class Killed(BaseException):
    """The process ends here."""


def _nothing_owed(stage: Stage) -> Callable[[Any], bool]:
    return lambda opened: stage.truth().debt == 0 and not opened.daemon._world.executor.open_slots


def test_an_owner_sees_what_would_fire_and_what_is_refused(world, owner):
    owner.sections = ordered(
        take_profit=[{"price": 3500, "share": 0.3}, {"price": 4000}],
        stop_loss={"price": 2600},
        trailing_stop={"drop": 0.1, "of": "equity", "activation": 0.1},
        deadline="2027-01-31T12:00:00Z",
    )
    asyncio.run(world.play(until=lambda _: bool(world.events(PlanCompleted)), **owner.sections))

    (told,) = owner("status", "--json").data["positions"]
    by_name = {each["order"]: each for each in told["orders"]}
    stop = by_name["stop_loss at price 2600"]
    assert (stop["status"], stop["closes"], Decimal(stop["fires_at"])) == ("armed", True, 2600)
    assert Decimal(stop["distance"]) == pytest.approx(Decimal(400) / 3000, abs=Decimal("0.001"))
    assert by_name["trailing_stop 0.1 of equity"]["status"] == "inactive"
    assert by_name["deadline at 2027-01-31T12:00:00Z"]["fires_at"] is not None
    assert Decimal(by_name["take_profit at price 3500"]["share"]) == Decimal("0.3")
    for command in ("status", "positions", "plan"):
        shown = owner(command)
        assert shown.code == 0, shown.err
        assert "stop_loss at price 2600" in shown.out.replace("\n", " ")
    (planned,) = owner("plan", "--json").data["positions"]
    assert {each["order"] for each in planned["orders"]} == by_name.keys()


def test_orders_that_cannot_work_are_refused_with_what_could(world, owner):
    owner.sections = ordered(stop_loss={"price": 2300}, take_profit=[{"price": 2900}])
    refused = owner("config", "check")
    assert refused.code == 6, refused.err
    said = " ".join(refused.err.split())
    assert "set price: 2464.4" in said
    assert "set its price above 3000.00" in said

    owner.sections = ordered(stop_loss={"price": 3300}, take_profit=[{"price": 3300}])
    malformed = owner("config", "check")
    assert malformed.code == 2
    assert "same side" in " ".join(malformed.err.split())

    owner.sections = ordered(stop_loss={"price": 2600}, take_profit=[{"price": 3300}])
    assert owner("config", "check").code == 0
    assert owner("config", "check", "--market", str(RECORDED)).code in {0, 6}


def test_the_schema_and_the_starter_know_orders(owner):
    schema = json.dumps(owner("config", "schema", mining=False).data)
    assert all(word in schema for word in ("take_profit", "trailing_stop", "urgency_max"))
    assert "# orders:" in STARTER.read_text()
