"""Carry a person's errands out: shown, confirmed, sent; or only printed."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Annotated, Any, TypeAlias

import typer

from leverd.cli.given import confirm
from leverd.cli.output import busy, emit_json, pairs, say

if TYPE_CHECKING:
    from leverd.bootstrap.errands import Wallet
    from leverd.bootstrap.places import Places
    from leverd.bootstrap.running import Done, Planner, Review
    from leverd.settings import Settings

Yes: TypeAlias = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]
WaitS: TypeAlias = Annotated[
    float, typer.Option("--wait", help="Seconds to wait for each block.", min=1)
]


def carry_out(
    settings: Settings,
    places: Places,
    wallet: Wallet,
    planner: Planner,
    review: Review | None = None,
    *,
    yes: bool,
    quiet: bool,
    wait_s: float,
) -> Sequence[Done]:
    """Return what was done; with `quiet` nothing is said on stdout meanwhile."""
    from leverd.bootstrap.running import Manner, run  # noqa: PLC0415 -- loads web3

    tell: Callable[[str], None] = _aside if quiet else say

    def ask(lines: Sequence[str]) -> None:
        if not yes:
            for line in lines:
                tell(line)
        confirm("Do it?", yes=yes)

    return run(settings, places, wallet, planner, Manner(tell, ask, busy, wait_s), review)


def show(done: Sequence[Done], chain_id: int, *, as_json: bool, **more: Any) -> None:
    """Write what was done, or what somebody else is to sign."""
    if as_json:
        emit_json({**more, "transactions": [as_data(each, chain_id) for each in done]})
        return
    for each in done:
        if each.receipt is None:
            pairs(
                {
                    "from": each.sender,
                    "to": each.call.to,
                    "value": "0",
                    "chain": str(chain_id),
                    "data": "0x" + each.call.data.hex(),
                },
                title=f"to sign elsewhere: {each.what}",
            )


def as_data(done: Done, chain_id: int) -> dict[str, Any]:
    """Return one transaction for programs."""
    receipt = done.receipt
    return {
        "what": done.what,
        "chain_id": chain_id,
        "from": done.sender,
        "to": done.call.to,
        "value": 0,
        "data": "0x" + done.call.data.hex(),
        "sent": receipt is not None,
        "tx_hash": receipt.tx_hash if receipt else None,
        "block": receipt.block if receipt else None,
        "gas_used": receipt.gas_used if receipt else None,
        "cost_wei": str(receipt.paid) if receipt else None,
    }


def _aside(text: str) -> None:
    sys.stderr.write(f"{text}\n")
