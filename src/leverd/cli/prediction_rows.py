"""What was predicted, how sure, how good that has been, and what it changed: for the status."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from leverd.agents.leverage_loop import NAME, Params
from leverd.agents.storm import lowered, worst
from leverd.cli.foretold import said
from leverd.cli.output import say, table
from leverd.domain.prediction import as_decimal
from leverd.engine.outlook import Outlook, Track, standing

if TYPE_CHECKING:
    from leverd.cli.picture import PositionPicture
    from leverd.settings import Settings


def data(outlook: Outlook) -> list[dict[str, Any]]:
    """Return what there is to tell of each predictor, oldest word first."""
    return [_row(name, track) for name, track in outlook.items()]


def changed(settings: Settings, outlook: Outlook, each: PositionPicture) -> dict[str, Any] | None:
    """Return what predictions make of a position's rungs, None if they change nothing."""
    params = settings.positions[each.position_id].agents.get(NAME)
    if not isinstance(params, Params) or params.storm is None:
        return None
    volatile = settings.positions[each.position_id]
    subject = volatile.debt if each.side.value == "short" else volatile.collateral
    heard = [one for one in standing(outlook, _now(outlook, each)) if one.subject == subject]
    storm = worst(params.storm, each.side, heard)
    if storm is None:
        return None
    rungs = lowered(params.rungs, storm.quarters, params.storm)
    return {
        "reason": storm.reason,
        "target": rungs.target,
        "boost_below": rungs.boost_below,
        "repay_above": rungs.repay_above,
        "until": storm.until,
    }


def show(outlook: Outlook) -> None:
    """Write what predictors said, if there are any."""
    rows = data(outlook)
    if not rows:
        return
    table(
        ("predictor", "says", "skill", "scored", "inside", "heard"),
        [
            (
                each["predictor"],
                each["says"] or "nothing yet",
                "unknown" if each["skill"] is None else f"{each['skill']:+.3f}",
                str(each["scored"]),
                "unknown" if each["coverage"] is None else f"{each['coverage']:.0%}",
                each["ignored"] or "yes",
            )
            for each in rows
        ],
        title="predictions",
    )


def show_changed(found: dict[str, Any] | None) -> None:
    """Write what predictions changed for one position."""
    if found is None:
        return
    band = f"{found['boost_below']:.4f}-{found['repay_above']:.4f}"
    say(f"  {found['reason']}: target {found['target']:.4f}, band {band}")


def _row(name: str, track: Track) -> dict[str, Any]:
    made, own = track.newest, track.skill
    word = None if made is None else made.prediction
    return {
        "predictor": name if word is None else word.source,
        "track": name,
        "says": "" if word is None else said(word),
        "made_at": None if word is None else word.made_at,
        "valid_until": None if word is None else word.valid_until,
        "confidence": None if word is None else as_decimal(word.confidence),
        "skill": None if made is None or not made.scored else as_decimal(made.skill),
        "scored": 0 if made is None else made.scored,
        "scored_here": own.scored,
        "coverage": as_decimal(own.coverage) if own.scored else None,
        "ignored": ""
        if track.ignored is None
        else f"no: {track.ignored.code} {track.ignored.reason}",
    }


def _now(outlook: Outlook, each: PositionPicture) -> int:
    """Return the newest chain time that the journal tells of."""
    made = [t.newest.prediction.made_at for t in outlook.values() if t.newest is not None]
    return max([each.chain_at, *made])
