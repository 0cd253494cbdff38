"""`leverd plan`: what the agent would do now, and what that costs. Nothing is signed."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Annotated, Final, TypeAlias

import typer

from leverd.cli.amounts import WAD, decimal
from leverd.cli.given import PAPER, Config, Mode, check_known, settings_of
from leverd.cli.output import Json, emit_json, pairs, say, table
from leverd.cli.side_words import liquidated_at
from leverd.errors import OwnerError

if TYPE_CHECKING:
    from leverd.bootstrap.planning import Planned, Planning
    from leverd.domain.decision import Decision
    from leverd.domain.plan import PlanCost
    from leverd.engine.preview import Preview, Stand
    from leverd.engine.turn import Outcome

_GWEI: Final = 10**9
_USD: Final = 10**8
_ON_PAPER: Final = 96

Position: TypeAlias = Annotated[str, typer.Argument(help="A position's name; all if not given.")]
Target: TypeAlias = Annotated[
    str, typer.Option("--target", help="What this leverage would take, whatever agents want.")
]
Rehearse: TypeAlias = Annotated[
    bool, typer.Option("--rehearse", help="Carry it out on a local copy of the chain (anvil).")
]


def command(
    position: Position = "",
    target: Target = "",
    rehearsal: Rehearse = False,  # noqa: FBT002 -- Typer's way to declare a flag
    config: Config = None,
    mode: Mode = "",
    as_json: Json = False,  # noqa: FBT002 -- as above
) -> None:
    """What the agent would do now, and what that costs; nothing real is signed."""
    settings = settings_of(config, mode)
    check_known(settings, position)
    wanted = _leverage(target)
    if rehearsal and settings.mode == PAPER:
        raise OwnerError(
            "a rehearsal signs on a copy of the chain, and mode paper has nothing to sign with",
            number=_ON_PAPER,
            place="--rehearse",
            remedy="leverd plan tries it on paper as it is; say --mode fork for a copy",
        )
    if rehearsal:
        from leverd.cli.rehearse import rehearse  # noqa: PLC0415 -- loads web3

        if not rehearse(settings, position, wanted, as_json=as_json):
            raise typer.Exit(1)
        return
    from leverd.bootstrap.planning import planned  # noqa: PLC0415 -- loads web3
    from leverd.cli.plan_data import as_data  # noqa: PLC0415 -- as above

    found = planned(settings, position, wanted)
    if as_json:
        emit_json(as_data(found))
    else:
        _show(found)


def _leverage(text: str) -> Decimal | None:
    if not text:
        return None
    try:
        value = Decimal(text)
    except InvalidOperation:
        value = Decimal(0)
    if value.is_finite() and value >= 1:
        return value
    raise OwnerError(
        f"{text} is no leverage",
        number=21,
        place="--target",
        remedy="a number from 1 (no debt), e.g. 2.5",
    )


def _show(found: Planning) -> None:
    for each in found.turns:
        _show_one(each)
    if not found.journaled:
        say("there is no journal yet: nothing is known of what happened before")
    if found.open_slots:
        say(f"{found.open_slots} transaction(s) under way: what is shown waits for them")


def _show_one(planned: Planned) -> None:
    from leverd.cli import order_rows  # noqa: PLC0415 -- loads the domain
    from leverd.cli.step_words import plan_words  # noqa: PLC0415 -- as above

    outcome = planned.preview.outcome
    view, plan = outcome.view, outcome.plan
    lines = {"wants": _wish(outcome.wish), "because": outcome.wish.reason}
    if outcome.decision != outcome.wish:
        lines["within limits"] = f"{_wish(outcome.decision)}, because {outcome.decision.reason}"
    if plan is not None:
        count = len(plan.steps)
        lines["plan"] = f"{plan.purpose}, {count} transaction{'s' * (count > 1)}"
        lines["costs"] = _cost(plan.cost)
        lines["acts until"] = _time(plan.deadline)
        lines["on the chain"] = _tried(planned)
    lines["verdict"] = _verdict(outcome)
    name = view.state.position.mandate.position_id
    pairs(lines, title=f"{name} at block {view.stamp.block}, {_time(view.now)}")
    for reason in _reasons(outcome):
        say(f"    {reason}")
    for line in plan_words(plan) if plan is not None else ():
        say(f"  {line}")
    _show_stands(planned.preview)
    order_rows.show(name, planned.levels)


def _show_stands(preview: Preview) -> None:
    mandate = preview.outcome.view.state.position.mandate
    names = (
        "leverage",
        "health",
        "exposure, USD",
        "debt, USD",
        "equity, USD",
        liquidated_at(mandate),
    )
    stands: dict[str, Stand | None] = {"now": preview.before}
    if preview.outcome.plan is not None:
        stands |= {"expected after": preview.expected, "at worst after": preview.worst}
    cells = [_cells(stand) for stand in stands.values()]
    table(("", *stands), zip(names, *cells, strict=True))


def _cells(stand: Stand | None) -> tuple[str, ...]:
    if stand is None:
        return ("impossible",) * 6
    return (
        "no equity" if stand.leverage is None else f"{decimal(stand.leverage):.4f}",
        f"{Decimal(stand.health) / WAD:.4f}" if stand.debt else "no debt",
        _usd(stand.exposure),
        _usd(stand.debt),
        _usd(stand.equity),
        "none" if stand.liquidation_price is None else _usd(stand.liquidation_price),
    )


def _wish(decision: Decision) -> str:
    from leverd.domain.decision import Hold, SetLeverage  # noqa: PLC0415 -- as above

    urgent = " at once" * getattr(decision, "urgent", False)
    match decision:
        case Hold(agent=agent):
            return f"{agent}: hold"
        case SetLeverage(agent=agent, target=target):
            return f"{agent}: leverage {target:f}{urgent}"
        case _:
            return f"{decision.agent}: unwind{urgent}"


def _tried(planned: Planned) -> str:
    if planned.gas is None:
        return f"the first transaction would revert: {planned.reverts}"
    return f"the first transaction works, with at most {planned.gas:,} gas"


def _cost(cost: PlanCost) -> str:
    share = f", {Decimal(cost.total) / cost.moved:.3%} of what it moves" if cost.moved else ""
    return (
        f"about {_usd(cost.total)} USD{share}: swap fees {_usd(cost.swap_fees)},"
        f" price impact {_usd(cost.price_impact)}, gas {_usd(cost.gas)}"
    )


def _verdict(outcome: Outcome) -> str:
    from leverd.risk.gate import Approved, Denied  # noqa: PLC0415 -- as above

    match outcome.verdict:
        case Approved(gas_price_cap=cap):
            price = Decimal(outcome.view.gas.base_fee) / _GWEI
            return f"approved; bids at most {Decimal(cap) / _GWEI:.1f} gwei, base fee {price:.1f}"
        case Denied(reasons=reasons):
            return f"denied for {len(reasons)} reason{'s' * (len(reasons) > 1)}"
        case _:
            return "nothing to do"


def _reasons(outcome: Outcome) -> list[str]:
    from leverd.cli.reason_words import WORDS  # noqa: PLC0415 -- as above
    from leverd.risk.gate import Denied  # noqa: PLC0415 -- as above

    if not isinstance(outcome.verdict, Denied):
        return []
    return [f"{reason}: {WORDS[reason]}" for reason in outcome.verdict.reasons]


def _time(at: int) -> str:
    return f"{datetime.fromtimestamp(at, UTC):%Y-%m-%d %H:%M:%S} chain time"


def _usd(value: int) -> str:
    return f"{Decimal(value) / _USD:,.2f}"
