"""`leverd plan --rehearse`: the next plan carried out on a copy of the chain."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from leverd.cli.amounts import WAD, decimal
from leverd.cli.output import busy, emit_json, pairs, say, table
from leverd.cli.side_words import liquidated_at

if TYPE_CHECKING:
    from leverd.bootstrap.rehearsing import Balance, Rehearsal
    from leverd.domain.position import Mandate
    from leverd.engine.preview import Stand
    from leverd.settings import Settings

_USD: Final = 10**8
_SPEED: Final = 12.0  # a block a second: a plan of many transactions takes one each


def rehearse(settings: Settings, position: str, target: Decimal | None, *, as_json: bool) -> bool:
    """Show what the next plan does on a copy; return whether every plan came to its end."""
    from leverd.bootstrap.rehearsing import rehearsed  # noqa: PLC0415 -- loads web3
    from leverd.devnet.fork import ForkOptions, forked  # noqa: PLC0415 -- as above

    with tempfile.TemporaryDirectory(prefix="leverd-rehearsal-") as folder:
        options = ForkOptions(Path(folder), speed=_SPEED)
        with busy("copying the chain"), forked(settings, options, _aside) as copied:
            found = rehearsed(settings, copied, position, target)
    if as_json:
        emit_json({"positions": [_data(each) for each in found]})
    else:
        for each in found:
            _show(each)
    return not any(each.aborted for each in found)


def _show(found: Rehearsal) -> None:
    from leverd.cli.step_words import plan_words  # noqa: PLC0415 -- loads the domain

    outcome = found.preview.outcome
    view, plan = outcome.view, outcome.plan
    lines = {"because": outcome.wish.reason}
    if found.after is None or plan is None:
        lines["rehearsed"] = "nothing: there is no plan that may be carried out; see leverd plan"
        pairs(lines, title=_title(found))
        return
    gas = sum(each.gas_used for each in found.transactions)
    count = len(found.transactions)
    many = "s" * (count > 1)
    lines["rehearsed"] = f"{plan.purpose}, {count} of {len(plan.steps)} transaction{many} mined"
    lines["gas"] = f"{gas:,}, {_usd(found.gas_usd)} USD on the copy"
    lines["ended early"] = found.aborted or "no"
    pairs(lines, title=_title(found))
    for line in plan_words(plan):
        say(f"  {line}")
    say("")
    table(("held", "token", "before", "after"), [_row(each) for each in found.balances])
    mandate = view.state.position.mandate
    table(("", "before", "after"), _stands(found.preview.before, found.after, mandate))


def _title(found: Rehearsal) -> str:
    view = found.preview.outcome.view
    position = view.state.position.mandate.position_id
    return f"{position} on a copy of the chain from block {view.stamp.block}"


def _row(balance: Balance) -> tuple[str, str, str, str]:
    unit = Decimal(balance.asset.unit)
    return (
        str(balance.kind),
        balance.asset.symbol,
        f"{balance.before / unit:,.6f}",
        f"{balance.after / unit:,.6f}",
    )


def _stands(before: Stand, after: Stand, mandate: Mandate) -> Sequence[tuple[str, str, str]]:
    def both(name: str, one: str, other: str) -> tuple[str, str, str]:
        return (name, one, other)

    return [
        both("leverage", _leverage(before), _leverage(after)),
        both("health", _health(before), _health(after)),
        both("equity, USD", _usd(before.equity), _usd(after.equity)),
        both(liquidated_at(mandate), _liquidated(before), _liquidated(after)),
    ]


def _leverage(stand: Stand) -> str:
    return "no equity" if stand.leverage is None else f"{decimal(stand.leverage):.4f}"


def _health(stand: Stand) -> str:
    return f"{Decimal(stand.health) / WAD:.4f}" if stand.debt else "no debt"


def _liquidated(stand: Stand) -> str:
    return "none" if stand.liquidation_price is None else _usd(stand.liquidation_price)


def _usd(value: int) -> str:
    return f"{Decimal(value) / _USD:,.2f}"


def _data(found: Rehearsal) -> dict[str, Any]:
    outcome = found.preview.outcome
    return {
        "position": outcome.view.state.position.mandate.position_id,
        "block": outcome.view.stamp.block,
        "because": outcome.wish.reason,
        "purpose": None if outcome.plan is None else str(outcome.plan.purpose),
        "carried_out": found.after is not None,
        "aborted": found.aborted,
        "transactions": [
            {
                "tx_hash": each.tx_hash,
                "block": each.block,
                "gas_used": each.gas_used,
                "succeeded": each.succeeded,
            }
            for each in found.transactions
        ],
        "gas_usd": found.gas_usd,
        "balances": [
            {
                "kind": str(each.kind),
                "token": each.asset.symbol,
                "before": each.before,
                "after": each.after,
            }
            for each in found.balances
        ],
        "health": {
            "before": found.preview.before.health,
            "after": None if found.after is None else found.after.health,
        },
    }


def _aside(text: str) -> None:
    sys.stderr.write(f"{text}\n")
