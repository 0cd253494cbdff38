"""`leverd survive`: would the settings have lived through the great crashes?"""

from __future__ import annotations

from datetime import UTC, datetime
from math import isfinite
from typing import TYPE_CHECKING, Annotated, Final

import typer

from leverd.cli.backtest import HistoryFile, warn, with_history
from leverd.cli.data_fetched import need_numpy
from leverd.cli.given import Config, check_known, settings_of
from leverd.cli.output import Json, emit_json, progress, say, table

if TYPE_CHECKING:
    from leverd.backtest.survive.surviving import Survival
    from leverd.backtest.survive.verdict import Fate, Verdict

INFEASIBLE: Final = 6
"""Exit code where the form is fine and the market says no."""

_COLUMNS: Final = (
    "crash",
    "prices",
    "with the agents",
    "lowest health",
    "plans",
    "costs",
    "equity",
    "left alone",
    "held",
    "what would have lived",
)


def command(
    config: Config = None,
    position: Annotated[str, typer.Option("-p", "--position", help="Only this position.")] = "",
    history: HistoryFile = "",
    years: Annotated[
        int, typer.Option("--years", min=0, help="Years to draw from the past; 0 draws none.")
    ] = 100,
    block_h: Annotated[
        int, typer.Option("--block-hours", min=1, help="How long drawn blocks are on average.")
    ] = 72,
    risk_max: Annotated[
        float, typer.Option("--risk-max", min=0, max=1, help="Yearly risk that is borne.")
    ] = 0.01,
    as_json: Json = False,  # noqa: FBT002 -- Typer's way to declare a flag
) -> None:
    """Replay the great crashes and drawn years; exit 6 if a position would not have lived."""
    need_numpy()
    from leverd.backtest.replay.setting import past_of  # noqa: PLC0415 -- loads numpy
    from leverd.backtest.survive.surviving import survive  # noqa: PLC0415 -- as above

    settings = with_history(settings_of(config), history)
    check_known(settings, position)
    past = past_of(settings)
    warn(past)
    found = []
    for name in [position] if position else list(settings.positions):
        with progress(f"replaying {name}") as advance:
            found.append(
                survive(
                    settings,
                    name,
                    past,
                    years=years,
                    block_s=block_h * 3_600,
                    advance=advance,
                )
            )
    if as_json:
        emit_json({each.position: _facts(each, risk_max) for each in found})
    else:
        for each in found:
            _tell(each, risk_max)
    if not all(each.passes(risk_max) for each in found):
        raise typer.Exit(INFEASIBLE)


def _tell(found: Survival, risk_max: float) -> None:
    table(_COLUMNS, [_row(each) for each in found.verdicts], title=found.position)
    lived = sum(each.kept.survived for each in found.verdicts)
    say(f"lived through {lived} of {len(found.verdicts)} crashes")
    odds = found.liquidated
    if odds is not None:
        low, high = odds.interval()
        say(
            f"liquidated in {odds.hits} of {odds.draws} years drawn from {_past(found)}: "
            f"{low:.1%} to {high:.1%} a year, 95 % interval"
        )
        if found.made_up:
            say("a made-up year tells how the rules fare in it, not how likely such a year is")
    say(_verdict(found, risk_max))
    if any(each.is_outlined for each in found.verdicts):
        say("outlined prices are drawn round the crash's own corners, not recorded")
    say("")


def _verdict(found: Survival, risk_max: float) -> str:
    """Return whether they would have lived; if not, why, and what would have saved them."""
    if found.passes(risk_max):
        return "these settings would have lived"
    unopened = [each.crash for each in found.verdicts if not each.kept.plans]
    fallen = [each for each in found.verdicts if each.kept.liquidations]
    why = []
    if fallen:
        lower = [each.saved_at for each in fallen if each.saved_at is not None]
        saved = f"a target of {min(lower)} would have lived" if len(lower) == len(fallen) else ""
        crashes = "; ".join(each.crash for each in fallen)
        why.append(f"liquidated in {crashes}: {saved or 'no lower target lives through all of it'}")
    if unopened:
        why.append(f"never opened in {'; '.join(unopened)}: nothing was tried there")
    if found.liquidated is not None and found.liquidated.interval()[0] > risk_max:
        low = found.liquidated.interval()[0]
        why.append(f"drawn years show a risk of {low:.1%} or more, and {risk_max:.1%} is borne")
    return "\n  ".join(("these settings would not have lived", *why))


def _past(found: Survival) -> str:
    if found.made_up:
        return "the made-up year"
    since, until = (
        datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d")
        for at in (found.drawn_since, found.drawn_until)
    )
    return f"the past from {since} to {until}"


def _row(each: Verdict) -> tuple[str, ...]:
    kept, alone = each.kept, each.alone
    return (
        each.crash,
        each.source,
        _fate(kept),
        f"{kept.lowest_health:.4f}" if isfinite(kept.lowest_health) else "none owed",
        str(kept.plans),
        f"{kept.cost:,.2f}",
        f"{kept.begun:,.0f} to {kept.ended:,.0f}",
        f"liquidated, {alone.ended:,.0f}" if alone.liquidations else f"{alone.ended:,.0f}",
        f"{each.held:,.0f}",
        f"target {each.saved_at}" if each.saved_at else "none from 1.1" if each.hopeless else "",
    )


def _fate(kept: Fate) -> str:
    if not kept.plans:
        return "never opened"
    return "lived" if kept.survived else f"liquidated {kept.liquidations}x"


def _facts(found: Survival, risk_max: float) -> dict[str, object]:
    odds = found.liquidated
    return {
        "passes": found.passes(risk_max),
        "crashes": [
            {
                "crash": each.crash,
                "prices": each.source,
                "liquidations": each.kept.liquidations,
                "lowest_health": each.kept.lowest_health,
                "plans": each.kept.plans,
                "costs": each.kept.cost,
                "equity_begun": each.kept.begun,
                "equity_ended": each.kept.ended,
                "left_alone_liquidations": each.alone.liquidations,
                "left_alone_ended": each.alone.ended,
                "held": each.held,
                "target_that_lives": each.saved_at,
            }
            for each in found.verdicts
        ],
        "years_drawn": odds.draws if odds else 0,
        "years_drawn_from": "made up" if found.made_up else "recorded",
        "years_drawn_since": found.drawn_since,
        "years_liquidated": odds.hits if odds else 0,
        "yearly_risk": list(odds.interval()) if odds else None,
    }
