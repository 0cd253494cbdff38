"""Judge our own models on recorded markets, and write what came of it into docs/predictions.md.

LEVERD_DATA names a folder with spot_1h.parquet, aave_rates_1h.parquet and funding.parquet.
Everything below the marker of that page, and its pictures, are written anew.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

import matplotlib as mpl
import numpy as np

from leverd.agents.guardian import Guardian
from leverd.agents.guardian import Params as GuardParams
from leverd.agents.leverage_loop import LeverageLoop, Params
from leverd.backtest.foretelling.added import SURE, Added, added
from leverd.backtest.foretelling.bars_of import Sources, bars_of
from leverd.backtest.history import load_history
from leverd.backtest.history.history import History
from leverd.backtest.history.keys import BarsKey
from leverd.backtest.replay.curves import curve_of
from leverd.backtest.replay.foretold import Foretold, foretold
from leverd.backtest.replay.replay import Replay, Rules
from leverd.backtest.replay.setting import mandate_of, models_of, rules_of
from leverd.backtest.replay.world import World
from leverd.bootstrap.agents import find_agents
from leverd.domain.bars import Bar, Past
from leverd.domain.prediction import Quantity
from leverd.engine.admission import Leave
from leverd.engine.foresight import Appointed, Foresight
from leverd.engine.turn import Seat
from leverd.predict.card_file import Purpose
from leverd.predict.model_predictor import ModelPredictor
from leverd.predict.retraining import AtOnce
from leverd.predict.samples import samples_of
from leverd.predict.walk_forward import Walk, Walked, walk_forward
from leverd.settings import load_settings

mpl.use("Agg")
from matplotlib import pyplot as plt

ROOT: Final = Path(__file__).parents[1]
PAGE: Final = ROOT / "docs" / "predictions.md"
FIGURES: Final = ROOT / "docs" / "figures"
MARKER: Final = "<!-- below: written by scripts/study_predictions.py -->"
HOUR, DAY = 3_600, 86_400
TARGETS: Final = ("2", "2.5", "3")
AAVE: Final = "aave-v2-ethereum"

DESCRIPTION: Final = """\
bar: 1h
sources:
  price: {{kind: bars, venue: binance, asset: {asset}, file: {data}/spot_1h.parquet,
    where: {{venue: binance, symbol: {asset}USDT}}, quote: USDT, fill: drop}}
"""
LENT: Final = """\
  {name}: {{kind: rate, venue: aave-v2-ethereum, asset: {asset}, side: {side}, value: {side}_apr,
    file: {data}/aave_rates_1h.parquet, where: {{market: aave_v2_ethereum, reserve: {asset}}}}}
"""
FUNDED: Final = """\
  funding: {{kind: funding, venue: binance, asset: {asset}, value: rate,
    interval_column: interval_h, file: {data}/funding.parquet,
    where: {{venue: binance, symbol: {asset}USDT}}}}
"""


def described(text: str) -> History:
    """Return the history that a description holds."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "history.yaml"
        file.write_text(text, encoding="utf-8")
        return load_history(file).history


def at_one_dollar(bars: list[Bar]) -> list[Bar]:
    """Return bars of a dollar token: its rates, at a price that stands."""
    return [Bar(bar.at, 10**8, 10**8, 10**8, replace(bar.last, price=10**8)) for bar in bars]


def walked(bars: list[Bar], quantity: Quantity, hours: int) -> Walked:
    """Return how a model did, walking forward over `bars`."""
    samples = samples_of(bars, quantity, hours * HOUR, HOUR)
    return walk_forward(samples, Walk(learn_s=730 * DAY, step_s=30 * DAY))


def forecasts(data: Path) -> dict[str, Walked]:
    """Return every walk of the study, by what was forecast."""
    found = {}
    for asset in ("ETH", "BTC", "ADA"):
        bars = bars_of(
            described(DESCRIPTION.format(asset=asset, data=data)),
            Sources(BarsKey("binance", asset)),
        )
        found[f"{asset} volatility, 24 h"] = walked(bars, Quantity.VOLATILITY, 24)
        found[f"{asset} direction, 24 h"] = walked(bars, Quantity.DIRECTION, 24)
        said(f"{asset} is done")
        if asset == "ETH":
            found["ETH volatility, 6 h"] = walked(bars, Quantity.VOLATILITY, 6)
    lent = "".join(
        LENT.format(name=f"{asset}-{side}", asset=asset, side=side, data=data)
        for asset in ("USDC", "WETH")
        for side in ("supply", "borrow")
    )
    text = DESCRIPTION.format(asset="ETH", data=data).replace(
        "bar: 1h\n", "bar: 1h\nsince: 2020-12-03T00:00:00Z\n"
    )
    history = described(text + lent)
    for asset in ("USDC", "WETH"):
        bars = bars_of(history, Sources(BarsKey("binance", "ETH"), BarsKey(AAVE, asset)))
        seen = at_one_dollar(bars) if asset == "USDC" else bars
        found[f"{asset} borrow rate, 24 h"] = walked(seen, Quantity.BORROW_RATE, 24)
    text = DESCRIPTION.format(asset="ETH", data=data).replace(
        "bar: 1h\n", "bar: 1h\nsince: 2019-11-28T00:00:00Z\n"
    )
    history = described(text + FUNDED.format(asset="ETH", data=data))
    ether = BarsKey("binance", "ETH")
    bars = bars_of(history, Sources(ether, funding=ether))
    found["ETH funding, 24 h"] = walked(bars, Quantity.FUNDING, 24)
    return found


def agents(data: Path) -> tuple[dict[str, Added], dict[str, Any]]:
    """Return what volatility forecasts added to loops of several targets, and their curves."""
    lent = "".join(
        LENT.format(name=f"{asset}-{side}", asset=asset, side=side, data=data)
        for asset in ("USDC", "WETH")
        for side in ("supply", "borrow")
    )
    text = DESCRIPTION.format(asset="ETH", data=data).replace(
        "bar: 1h\n", "bar: 1h\nsince: 2020-12-03T00:00:00Z\n"
    )
    history = described(text + lent)
    settings = load_settings([ROOT / "config" / "settings.yaml"], {}, find_agents())
    assets = {
        symbol: listing.model_copy(
            update={
                "rates_at": AAVE,
                "bars": None
                if listing.bars is None
                else listing.bars.model_copy(update={"venue": "binance", "asset": "ETH"}),
            }
        )
        for symbol, listing in settings.backtest.assets.items()
    }
    gas = settings.backtest.gas.model_copy(update={"fees_at": None})
    section = settings.backtest.model_copy(
        update={"assets": assets, "gas": gas, "gas_purse": Decimal(100)}
    )
    settings = settings.model_copy(update={"backtest": section})
    mandate = mandate_of(settings, "eth-loop")
    world = World(history, models_of(settings, mandate), mandate)
    words = told(world, before(data, history.since))
    results, curves = {}, {}
    for target in TARGETS:
        rules = rules_of(settings, "eth-loop")
        one, other = (kept(rules, Decimal(target), stormy=stormy) for stormy in (True, False))
        heard = Replay(world, one, foretold=words.again()).run()
        plain = Replay(world, other).run()
        curves[target] = (curve_of(heard), curve_of(plain))
        results[target] = added(words.heard, heard, curves[target][0], plain, curves[target][1])
        said(f"target {target}: {results[target].verdict}")
    return results, curves


def before(data: Path, until: int) -> list[Bar]:
    """Return the bars of ether that were over when the loops set out."""
    history = described(DESCRIPTION.format(asset="ETH", data=data))
    bars = bars_of(history, Sources(BarsKey("binance", "ETH")))
    return [bar for bar in bars if bar.at <= until]


def told(world: World, known: list[Bar]) -> Foretold:
    """Return what a model says along `world`, fitted to what was known and to what it sees."""
    purpose = Purpose("WETH", Quantity.VOLATILITY, DAY, HOUR)
    walk = Walk(learn_s=730 * DAY, step_s=90 * DAY)
    model = ModelPredictor("eth-vol", purpose, bench=AtOnce(), walk=walk)
    model.predict(Past("WETH", HOUR, known))
    foresight = Foresight([Appointed(model, Leave(advises=True))], HOUR)
    foresight.recall("WETH", known)
    words = foretold(world, foresight)
    said(f"{words.heard} predictions may be listened to")
    return words


def kept(rules: Rules, target: Decimal, *, stormy: bool) -> Rules:
    """Return the shipped rules at another target, the loop with its storm section or without."""
    params = Params.model_validate(
        {
            "target": target,
            "boost_below": target - Decimal("0.3"),
            "repay_above": target + Decimal("0.3"),
            "change_min": Decimal("0.1"),
            "wait_s_min": HOUR,
            "storm": {} if stormy else None,
        }
    )
    guard = GuardParams(target=target, band_high=target + Decimal("0.3"))
    limits = replace(
        rules.limits,
        leverage_max=Decimal(5),
        health_min=Decimal("1.05"),
        portfolio_stop=Decimal("0.99"),
        drawdown_day_max=Decimal("0.99"),
    )
    seats = [Seat(Guardian(guard), guards=True), Seat(LeverageLoop(params), guards=False)]
    return replace(rules, seats=seats, limits=limits)


def said(text: str) -> None:
    """Say how far it is."""
    sys.stderr.write(f"{time.strftime('%H:%M:%S')} {text}\n")


# --- what is written --------------------------------------------------------------------


def forecast_table(found: dict[str, Walked]) -> list[str]:
    """Return the walks as a table."""
    rows = [
        "| forecast | scored | skill over the best baseline | errors | earned | inside 80 % |",
        "|---|---|---|---|---|---|",
    ]
    for name, each in found.items():
        scores = each.scores
        earned = "yes" if scores.skill > 0 and scores.card.surely else "no"
        rows.append(
            f"| {name} | {scores.scored} | {scores.skill:+.3f} over {scores.best} | "
            f"{scores.t:+.1f} | {earned} | {scores.coverage:.1%} |"
        )
    return rows


def agent_table(results: dict[str, Added]) -> list[str]:
    """Return the loops as a table, each with predictions and without."""
    rows = [
        "| target | | growth | deepest fall | lowest health | acts | gas, ETH | liquidations |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for target, each in results.items():
        for name, side in (("with", each.with_them), ("without", each.without)):
            rows.append(
                f"| {target}x | {name} | {side.growth:+.1%} | {side.drawdown:.1%} | "
                f"{side.lowest_health:.3f} | {side.acts} | {side.gas_wei / 1e18:.2f} | "
                f"{side.liquidations} |"
            )
        rows.append(
            f"| | difference | {each.difference:+.1%} a year, {each.t:+.2f} standard errors "
            f"of {each.weeks} weeks | | | | | |"
        )
    return rows


def draw_calibration(found: dict[str, Walked]) -> None:
    """Draw what share of outcomes fell into intervals of each said confidence."""
    figure, axes = plt.subplots(figsize=(5, 4), dpi=80)
    axes.plot([0.4, 1], [0.4, 1], color="grey", linewidth=1, label="as said")
    for name, each in found.items():
        levels = [float(level.rstrip("%")) / 100 for level in each.scores.calibration]
        axes.plot(levels, list(each.scores.calibration.values()), marker=".", label=name)
    axes.set(xlabel="said", ylabel="inside", title="Calibration, out of sample")
    axes.legend(fontsize=6)
    save(figure, "calibration")


def draw_volatility(walk: Walked) -> None:
    """Draw a stormy year of forecasts beside what came true."""
    of = walk.forecasts
    since, until = 1_648_771_200, 1_661_990_400  # April to August 2022
    rows = np.flatnonzero((of.at >= since) & (of.at < until))[::6]
    figure, axes = plt.subplots(figsize=(8, 3.2), dpi=80)
    days = of.at[rows].astype("datetime64[s]")
    axes.fill_between(days, of.low[rows], of.high[rows], alpha=0.25, label="80 % interval")
    axes.plot(days, of.value[rows], linewidth=1, label="forecast")
    axes.plot(days, of.truth[rows], linewidth=0.7, color="black", label="came true")
    axes.set(ylabel="a year", title="ETH volatility of the next 24 h, April to August 2022")
    axes.legend(fontsize=7)
    figure.autofmt_xdate()
    save(figure, "volatility")


def draw_agents(curves: dict[str, Any]) -> None:
    """Draw the loops with predictions and without."""
    figure, axes = plt.subplots(figsize=(8, 3.2), dpi=80)
    for target, (one, other) in curves.items():
        days = one.ts[::24].astype("datetime64[s]")
        line = axes.plot(days, one.unit[::24], linewidth=1, label=f"{target}x with")[0]
        axes.plot(
            days,
            other.unit[::24],
            linewidth=1,
            linestyle=":",
            color=line.get_color(),
            label=f"{target}x without",
        )
    axes.set(yscale="log", ylabel="unit price", title="The loop with predictions and without")
    axes.legend(fontsize=6, ncols=3)
    save(figure, "loops")


def save(figure: Any, name: str) -> None:
    """Write a figure, the same bytes for the same numbers."""
    FIGURES.mkdir(exist_ok=True)
    figure.tight_layout()
    figure.savefig(FIGURES / f"predictions-{name}.png", metadata={"Software": None})
    plt.close(figure)


def findings(found: dict[str, Walked], results: dict[str, Added]) -> list[str]:
    """Return what the numbers say, in sentences that follow from them alone."""
    good = [n for n, w in found.items() if w.scores.skill > 0 and w.scores.card.surely]
    bad = [n for n in found if n not in good]
    surer = [t for t, each in results.items() if abs(each.t) >= SURE]
    safer = [t for t, e in results.items() if e.with_them.lowest_health > e.without.lowest_health]
    shallower = [t for t, e in results.items() if e.with_them.drawdown < e.without.drawdown]
    lines = [
        f"- Earned a hearing: {', '.join(good) or 'nothing'}.",
        f"- Earned none, and may do nothing: {', '.join(bad) or 'nothing'}.",
        f"- Returns differ by more than luck at targets {', '.join(surer) or 'none'}.",
        f"- The lowest health was higher with predictions at targets {', '.join(safer) or 'none'}.",
        f"- The deepest fall was smaller with them at targets {', '.join(shallower) or 'none'}.",
    ]
    if not surer:
        lines.append(
            "- At equal return, as far as these years can tell: what is bought is less risk, "
            "if anything, and not more return."
        )
    return lines


def main() -> int:
    """Return 0 once the page is written, 2 without data."""
    data = os.environ.get("LEVERD_DATA", "")
    if not data:
        sys.stderr.write("LEVERD_DATA names no folder of recorded data\n")
        return 2
    found = forecasts(Path(data))
    results, curves = agents(Path(data))
    draw_calibration(found)
    draw_volatility(found["ETH volatility, 24 h"])
    draw_agents(curves)
    head = PAGE.read_text(encoding="utf-8").partition(MARKER)[0]
    body = [
        MARKER,
        "",
        "## What a study found",
        "",
        "Written by `make study` from recorded hours and funding of Binance and rates of Aave V2,",
        "2017-08 to 2025-06, windows missing in 2021 and 2022. Each model is fitted to the two",
        "years before, every 30 days, and judged on the 30 days after.",
        "",
        *findings(found, results),
        "",
        "### Forecasts",
        "",
        *forecast_table(found),
        "",
        "![Calibration](figures/predictions-calibration.png)",
        "",
        "![Volatility](figures/predictions-volatility.png)",
        "",
        "### The loop",
        "",
        "Loop and guardian on ether, 2020-12 to 2025-06, four prices an hour, the worst first,",
        "at 20 gwei; the model was fitted to the hours before and learns within the replay, every",
        "90 days, from what it saw by then.",
        "`storm` has its defaults, which were written down before this was run. The rule by which",
        "a record here takes the place of a card was not: a first run let thirty forecasts do so,",
        "and the model was heard for less than four months of these years.",
        "",
        *agent_table(results),
        "",
        "![Loops](figures/predictions-loops.png)",
        "",
    ]
    PAGE.write_text(head + "\n".join(body), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
