"""`leverd status` and `leverd positions`: read the journal, whether a daemon runs or not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

from leverd.cli.given import Config, Mode, settings_of
from leverd.cli.output import Json, emit_json, pairs, say, table

if TYPE_CHECKING:
    from pathlib import Path

    from leverd.cli.picture import PositionPicture, Story
    from leverd.domain.orders import Level
    from leverd.settings import Settings

SAMPLE: Final = "sample"
"""The mode of a journal made by `leverd db sample`."""


def status(config: Config = None, mode: Mode = "", as_json: Json = False) -> None:  # noqa: FBT002 -- Typer
    """What is held, how safe it is, what was last decided."""
    from leverd.adapters.system_clock import SystemClock  # noqa: PLC0415 -- as below
    from leverd.cli import prediction_rows, spot_now, spot_rows  # noqa: PLC0415 -- loads the agents

    settings, path, story, pictures = _look(config, mode)
    head, outlook = _head(path, story), story.book.outlook
    now = int(SystemClock().now().timestamp())
    sight = spot_now.seen(settings, path)
    spot = spot_rows.data(settings, story.book, _trader_s_ago(path), sight, now)
    if settings.shares_its_key:
        head["lease"] = _lease(path)
    if as_json:
        told = [
            {
                **_data(each, _levels(settings, story, each)),
                "predictions_changed": prediction_rows.changed(settings, outlook, each),
            }
            for each in pictures
        ]
        predictions = prediction_rows.data(outlook)
        emit_json({**head, "positions": told, "predictions": predictions, "spot": spot})
        return
    pairs({name.replace("_", " "): _word(value) for name, value in head.items() if name != "slots"})
    if head["mode"] == SAMPLE:
        say("sample data: a past that never was, without a chain and without money")
    table(
        (
            "position",
            "state",
            "bets",
            "leverage",
            "health",
            "price",
            "liquidated at",
            "equity",
            "P&L",
        ),
        [_row(each) for each in pictures],
    )
    for each in pictures:
        say(f"{each.position_id}: {each.decision or 'nothing decided yet'}")
        say(f"  {each.reason}")
        prediction_rows.show_changed(prediction_rows.changed(settings, outlook, each))
        _show_orders(settings, story, each)
    prediction_rows.show(outlook)
    spot_rows.show(spot)
    unknown = settings.positions.keys() - {each.position_id for each in pictures}
    for name in sorted(unknown):
        say(f"{name}: the journal knows nothing of it yet")
    for slot in story.slots.values():
        say(f"slot {slot.slot}: {slot.state}, {slot.attempts} attempt(s), {slot.tx_hash}")


def positions(config: Config = None, mode: Mode = "", as_json: Json = False) -> None:  # noqa: FBT002 -- Typer
    """Balances and P&L of each position."""
    settings, _, story, pictures = _look(config, mode)
    if as_json:
        emit_json([_data(each, _levels(settings, story, each)) for each in pictures])
        return
    for each in pictures:
        table(
            ("leg", "token", "amount", "USD"),
            [
                (leg.kind, leg.symbol, f"{leg.amount:f}", f"{leg.value_usd:.2f}")
                for leg in each.holdings
            ],
            title=f"{each.position_id} at block {each.block}",
        )
        lines = {line: f"{_sign(amount)} {each.share_class}" for line, amount in each.pnl.items()}
        total = {"total": f"{_sign(each.pnl_total)} {each.share_class}"}
        pairs({**lines, **total}, title="P&L since open")
        _show_orders(settings, story, each)
    if not pictures:
        say("the journal knows of no position yet")


def _look(config: Config, mode: Mode) -> tuple[Settings, Path, Story, list[PositionPicture]]:
    from leverd.adapters.sql_journal import SqlLedger  # noqa: PLC0415 -- loads SQLAlchemy
    from leverd.adapters.sql_journal.database import file_of  # noqa: PLC0415 -- as above
    from leverd.cli import picture  # noqa: PLC0415 -- loads the engine

    settings = settings_of(config, mode)
    path = file_of(settings.journal.path)
    ledger = SqlLedger(path)
    try:
        story = picture.read(ledger)
    finally:
        ledger.close()
    pictures = [
        picture.position(story, name, picture.Meaning(each.collateral, each.debt, each.share_class))
        for name, each in settings.positions.items()
    ]
    return settings, path, story, [each for each in pictures if each is not None]


def _levels(settings: Settings, story: Story, each: PositionPicture) -> Sequence[Level]:
    from leverd.bootstrap.order_levels import levels_journaled  # noqa: PLC0415 -- loads agents
    from leverd.cli.picture import newest  # noqa: PLC0415 -- loads the engine

    page = story.book.page(each.position_id)
    snapshot = newest(page)
    if snapshot is None:
        return ()
    return levels_journaled(settings, each.position_id, page.record, snapshot)


def _show_orders(settings: Settings, story: Story, each: PositionPicture) -> None:
    from leverd.cli import order_rows  # noqa: PLC0415 -- loads the domain

    order_rows.show(each.position_id, _levels(settings, story, each))


def _head(path: Path, story: Story) -> dict[str, Any]:
    from leverd.adapters.sql_journal import Heartbeat, holder, lock_path  # noqa: PLC0415 -- as above
    from leverd.adapters.system_clock import SystemClock  # noqa: PLC0415 -- as above

    now = SystemClock().now()
    pid = holder(lock_path(path))
    return {
        "journal": str(path),
        "mode": story.started.mode if story.started else None,
        "daemon_pid": pid,
        "settings": story.settings or None,
        "last_turn_s_ago": _ago(now, Heartbeat(path).last()),
        "last_entry_s_ago": _ago(now, story.last_entry_at),
        "left_unguarded": list(story.stopped.unguarded) if story.stopped and pid is None else [],
        "failing": [f"{name} {circuit}" for name, circuit in story.book.dependencies.items()],
        "breakers": {
            name: list(page.record.breakers)
            for name, page in story.book.pages.items()
            if page.record.breakers
        },
        "slots": [
            {"slot": each.slot, "state": each.state, "attempts": each.attempts}
            for each in story.slots.values()
        ],
    }


def _trader_s_ago(path: Path) -> int | None:
    """Return how long ago the trader of spot last ended a turn."""
    from leverd.adapters.sql_journal import Heartbeat  # noqa: PLC0415 -- as above
    from leverd.adapters.system_clock import SystemClock  # noqa: PLC0415 -- as above
    from leverd.domain.spot import SPOT  # noqa: PLC0415 -- loads the domain

    beat = Heartbeat(path.with_name(f"{path.name}.{SPOT}"))
    return _ago(SystemClock().now(), beat.last())


def _lease(path: Path) -> dict[str, Any] | None:
    """Return how the daemon of this machine stands to the lease, None if it never said."""
    from leverd.adapters.sql_journal import LeaseFile  # noqa: PLC0415 -- as above
    from leverd.adapters.system_clock import SystemClock  # noqa: PLC0415 -- as above

    last = LeaseFile(path).last()
    if last is None:
        return None
    said, at = last
    age = _ago(SystemClock().now(), at)
    return {"state": said.state, "epoch": said.epoch, "holder": said.holder, "said_s_ago": age}


def _ago(now: datetime, then: datetime | None) -> int | None:
    return None if then is None else round((now - then).total_seconds())


def _word(value: Any) -> str:
    match value:
        case None:
            return "none"
        case list():
            return "; ".join(value) or "nothing"
        case {"state": state, "epoch": epoch, "holder": holder, "said_s_ago": age}:
            return f"{state}, epoch {epoch}, held by {holder or 'nobody'}, said {age} s ago"
        case dict():
            return (
                "; ".join(f"{name}: {', '.join(those)}" for name, those in value.items())
                or "none open"
            )
        case _:
            return str(value)


def _row(each: PositionPicture) -> tuple[str, ...]:
    return (
        each.position_id,
        each.state,
        each.side if each.bet is None else f"{each.side} {each.bet:.2f}x",
        _number(each.leverage, "no equity"),
        _number(each.health, "no debt"),
        _number(each.price, "unknown", 2),
        _number(each.liquidation_price, "none", 2),
        f"{_number(each.equity, 'unknown')} {each.share_class}",
        f"{_sign(each.pnl_total)} {each.share_class}",
    )


def _number(value: Decimal | None, otherwise: str, places: int = 4) -> str:
    return otherwise if value is None else f"{value:.{places}f}"


def _sign(value: Decimal) -> str:
    return f"{value:+.6f}"


def _data(each: PositionPicture, levels: Sequence[Level]) -> Mapping[str, Any]:
    from leverd.cli import order_rows  # noqa: PLC0415 -- loads the domain

    return {
        "position": each.position_id,
        "state": each.state,
        "block": each.block,
        "chain_at": each.chain_at,
        "side": each.side,
        "bet": each.bet,
        "leverage": each.leverage,
        "health": each.health,
        "price_usd": each.price,
        "liquidation_price_usd": each.liquidation_price,
        "equity": each.equity,
        "share_class": each.share_class,
        "pnl": {**each.pnl, "total": each.pnl_total},
        "decision": each.decision,
        "reason": each.reason,
        "decided_block": each.decided_block,
        "orders": order_rows.data(levels),
        "holdings": [
            {"kind": leg.kind, "token": leg.symbol, "amount": leg.amount, "usd": leg.value_usd}
            for leg in each.holdings
        ],
    }
