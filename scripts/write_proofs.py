"""Write docs/proofs.md from what runs of the proofs left: their results and their tallies."""

from __future__ import annotations

import json
import re
import sys
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Final
from xml.etree import ElementTree as ET  # reads what our own pytest just wrote

import proof_tables

HEAD: Final = """# Proofs: what was tried, how often, and what came of it

Written by `make prove`; the regular suite (`make test`) proves the same claims in fewer and
shorter runs. Every figure comes from the runs below, each told with its day and commit:
nothing here is written by hand. A proof that fails stays in the table.

    LEVERD_DATA=<folder with crash_fine.parquet and gas_eth_1d.parquet> make prove
"""

TESTS: Final = Path(__file__).parents[1] / "tests"

CLAIMS: Final = {
    "test_lending_3_6": "Lending arithmetic equals Aave 3.6, compiled from its sources, to the wei",
    "test_lending_3_0": "Lending arithmetic equals the Aave 3.0 artifacts, in longer walks",
    "test_account_3_6": "The account contract opens, adjusts and closes on Aave 3.6",
    "test_aave_3_6": "The venue reads, acts and verifies on Aave 3.6",
    "test_real_prices": "Great crashes: never liquidated with the agent, liquidated without",
    "test_prove_schedules": "Simulated worlds where everything goes wrong: nothing lost or doubled",
    "test_defects": "Each planted defect is found by a simulated world",
    "test_hostile_settings": "Spoilt settings files: refused with a line, infeasible, or runnable",
    "test_hostile_plans": "Nothing off the allow-list is signed, and all that is on it is",
    "test_strangers": "No stranger, token or fake pool moves anything of an account",
    "test_mutation": "Slips planted where money is decided are found by the fast suites",
    "test_planted_key": "A planted key and password are in nothing that is left or said",
    "test_deployed_service": "On a machine that boots systemd, the service does what its page says",
    "test_deployed_image": "The image is built, and its containers do what their page says",
    "test_sweep_on_ray": "A sweep on Ray gives the numbers of one in local processes",
    "test_allora_sdk": "Allora's own client reads the same as the adapter",
    "test_soak": "A million turns leave no memory, handle, task or file behind",
    "test_kill_anywhere": "Killed at every line, up to three in a row: nothing lost or doubled",
}


def cases(results: Path) -> list[tuple[str, str, str, float]]:
    """Return module, test, outcome and seconds of every test that ran."""
    found = []
    for case in ET.parse(results).iter("testcase"):  # noqa: S314 -- as above
        outcomes = {child.tag for child in case} & {"failure", "error", "skipped"}
        outcome = min(outcomes, default="passed")
        module = case.get("classname", "").rpartition(".")[2]
        found.append((module, case.get("name", ""), outcome, float(case.get("time", 0))))
    return sorted(found)


def summary(ran: Iterable[tuple[str, str, str, float]], when: Mapping[str, str]) -> list[str]:
    """Return the table of claims, one row for each module, with `when` it ran."""
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    seconds: Counter[str] = Counter()
    for module, _, outcome, took in ran:
        counts[module][outcome] += 1
        seconds[module] += round(took)
    rows = ["| claim | passed | failed | skipped | seconds | run at |", "|---|---|---|---|---|---|"]
    for module, count in sorted(counts.items()):
        failed = count["failure"] + count["error"]
        claim = CLAIMS.get(module, module)
        rows.append(
            f"| {claim} (`{module}`) | {count['passed']} | {failed} | {count['skipped']} "
            f"| {seconds[module]} | {when.get(module, '')} |"
        )
    return rows


RIDES: Final = """Binance's ETH/USDT in five-minute bars, each walked worst-first: open, low, high,
close, a quarter of the bar apart. On a local chain with the real Aave 3.0.x and Uniswap V3
contracts, oracle, pool, borrow demand, base fee and a liquidator follow it. Between two looks of
the agent there is a block at every low of the market, and of the oracle that lags behind it; while
a transaction waits there is one every twelve seconds. The base fee goes towards the day's mean
times 1 + 20 f, f being the fall of the last hour as a fraction, and never beyond 1,500 gwei.

* *usual chain*: the oracle lags 12 s; a block leaves a transaction out now and then, at most for
  three blocks. Settings as shipped, but the leverage named and a band of 0.3 round it; *highest*
  is the highest target that the feasibility check accepts at the first block, with the worst fall
  on record as its gap.
* *clogged chain*: the oracle lags 60 s, and each nonce waits 1 to 20 blocks, however high it bids.
  Settings say `inclusion_delay_s: 240` and have the gap from the record; the guardian acts below
  1.18, which is what the check asks for then.

Health is the lowest at the end of any block. Fees are swap fees and price impact against the
oracle, a gain where it lagged in our favour. *Left alone* is the same position, its agent stopped
once it was open; *held* is the same ether, never levered. Equity does not contain the gas, which
the operator's key pays.
"""


RIDE_COLUMNS: Final = (
    "crash", "settings", "liquidated", "lowest health", "plans", "fees, USD", "gas, USD",
    "equity, USD", "left alone", "held, USD",
)  # fmt: skip


def rides(tally: Sequence[Mapping[str, str]]) -> list[str]:
    """Return the table of rides through the great crashes."""
    lines = [line for line in tally if "health_lowest" in line]
    alone = {(line["crash"], line["target"]): line for line in lines if line["alone"] == "True"}
    spans = {(line["span"], line["crash"]) for line in lines}
    rows = [
        "The windows, UTC: " + "; ".join(f"{crash}: {span}" for span, crash in sorted(spans)) + ".",
        "",
        f"| {' | '.join(RIDE_COLUMNS)} |",
        "|---" * len(RIDE_COLUMNS) + "|",
    ]
    for line in sorted(lines, key=_ride_order):
        if line["alone"] == "False":
            left = _left(alone.get((line["crash"], line["target"])))
            rows.append(
                f"| {line['crash']} | {_setting(line)} | {_times(line['liquidated'])} "
                f"| {line['health_lowest']} | {line['plans']} | {line['fees']} | {line['gas']} "
                f"| {line['equity_first']} to {line['equity_last']} | {left} | {line['held']} |"
            )
    return rows


def _ride_order(line: Mapping[str, str]) -> tuple[str, bool, Decimal]:
    return line["span"], line["world"] != "usual chain", Decimal(line["target"])


def _setting(line: Mapping[str, str]) -> str:
    highest = line["case"].startswith("highest")
    return f"{line['target']}x{' (highest)' if highest else ''}, {line['world']}"


def _left(line: Mapping[str, str] | None) -> str:
    if line is None:
        return "not tried"
    fate = f"liquidated {_times(line['liquidated'])}" if line["liquidated"] != "0" else "survives"
    return f"{fate}, health {line['health_lowest']}, {line['equity_last']} USD"


def _times(count: str) -> str:
    return {"0": "never", "1": "once"}.get(count, f"{count} times")


def kills(tally: Sequence[Mapping[str, str]]) -> list[str]:
    """Return what was killed, at how many of the places there are, and from which seeds."""
    lines = sorted((line for line in tally if "kills" in line), key=lambda each: each["seed"])
    count = sum(int(line["kills"]) for line in lines)
    rows = [f"{count} signals, four in five of the first ones SIGKILL, the others SIGTERM.", ""]
    rows += ["| flow | steps | places | signals | seed |", "|---|---|---|---|---|"]
    columns = ("flow", "steps", "places", "kills", "seed")
    return rows + [f"| {' | '.join(line[each] for each in columns)} |" for line in lines]


def schedules(tally: Sequence[Mapping[str, str]]) -> list[str]:
    """Return how many simulated schedules ran, and the mix of their faults."""
    lines = [line for line in tally if line["proof"] == "schedules"]
    if not lines:
        return ["None were played."]
    total = {
        key: sum(int(float(line[key])) for line in lines)
        for key in ("schedules", "sql", "turns", "plans", "simulated_s")
    }
    mix: Counter[str] = Counter()
    for line in lines:
        mix.update(json.loads(line["mix"]))
    violated = [seed for line in lines for seed, _ in json.loads(line["violated"])]
    lowest = min(float(line["lowest_health"]) for line in lines)
    seeds = ", ".join(sorted((line["seeds"] for line in lines), key=_first))
    return [
        f"{total['schedules']} schedules with at least one fault each, {total['sql']} of them on",
        f"SQLite: {total['turns']} turns, {total['plans']} plans, {total['simulated_s'] // 3600}",
        f"hours of simulated time. Violated: {violated or 'none'}. Lowest health: {lowest:.4f}.",
        "",
        "| fault | times |",
        "|---|---|",
        *(f"| {fault} | {times} |" for fault, times in mix.most_common()),
        "",
        f"Seeds: {seeds}. One replays with `python -m tests.simulation SEED`.",
    ]


def planted(tally: Sequence[Mapping[str, str]]) -> list[str]:
    """Return which planted defects were found, by which seed, and what it saw."""
    lines = [line for line in tally if line["proof"] == "planted"]
    rows = [f"{len(lines)} defects were planted one by one and found:", ""]
    rows += ["| defect | first seed | what it saw |", "|---|---|---|"]
    return rows + [
        f"| {line['defect']} | {line['seed']} | {line['seen'].replace('|', '/')} |"
        for line in sorted(lines, key=lambda each: each["defect"])
    ]


MUTANT_COLUMNS: Final = (
    "room", "every", "mutants", "killed", "timed_out", "survived", "score", "interval", "seed",
)  # fmt: skip


def mutation(tally: Sequence[Mapping[str, str]]) -> list[str]:
    """Return how many planted slips each room's fast suites found."""
    lines = [line for line in tally if line["proof"] == "mutation"]
    if not lines:
        return [
            "None were planted in this run; scores of earlier ones are in [mutation](mutation.md)."
        ]
    return [
        "Score: killed or timed out, in percent of the mutants tried; its interval is that of all",
        "mutants of the room, at 95 %. What survives is explained in [mutation](mutation.md).",
        "",
        "| room | mutants | tried | killed | timed out | survived | score | interval | seed |",
        "|---" * len(MUTANT_COLUMNS) + "|",
        *(f"| {' | '.join(line[each] for each in MUTANT_COLUMNS)} |" for line in lines),
    ]


def _first(seeds: str) -> int:
    return int(seeds.partition("-")[0])


def _ranges(numbers: Sequence[int]) -> str:
    if not numbers:
        return "none"
    whole = numbers == list(range(numbers[0], numbers[-1] + 1))
    return f"{numbers[0]}-{numbers[-1]}" if whole else ", ".join(map(str, numbers))


def other_seeds(ran: Iterable[tuple[str, str, str, float]]) -> list[str]:
    """Return the seeds of the walks, by module."""
    seeds: dict[str, list[int]] = defaultdict(list)
    for module, name, _, _ in ran:
        found = re.search(r"walk.*\[(\d+)\]", name)
        if found:
            seeds[module].append(int(found[1]))
    return [
        f"* `{module}`: walks of seeds {_ranges(sorted(each))}" for module, each in seeds.items()
    ]


def main() -> int:
    """Write the page named by the second argument from the folder named by the first."""
    folder, page = (Path(each) for each in sys.argv[1:3])
    ran = [case for file in sorted(folder.glob("*.xml")) for case in cases(file)]
    when = {file.stem: file.read_text("utf-8").strip() for file in folder.glob("*.when")}
    tally = [json.loads(line) for file in folder.glob("*.jsonl") for line in _lines(file)]
    modules = [file.stem for file in folder.glob("*.xml")]
    parts = [HEAD, *summary(ran, when), "", "## Not run", ""]
    parts += [*proof_tables.not_run(TESTS, modules, CLAIMS), "", "## Great crashes", ""]
    parts += [
        RIDES,
        *rides(tally),
        "",
        "## Kills",
        "",
        *kills(tally),
        "",
        "## Deterministic simulation",
        "",
        *schedules(tally),
        "",
        *planted(tally),
        "",
        "## Mutation",
        "",
        *mutation(tally),
        "",
        "## Hostile input",
        "",
        *proof_tables.hostile(tally),
        "",
        "## Other counts",
        "",
        *proof_tables.others(tally),
        "",
        "## Soak",
        "",
        *proof_tables.soaks(tally),
        "",
        "## Installed",
        "",
        *proof_tables.deployed(tally),
        "",
        "## Seeds",
        "",
        *other_seeds(ran),
    ]
    page.write_text("\n".join(parts).rstrip() + "\n", encoding="utf-8")
    return 0


def _lines(file: Path) -> list[str]:
    return file.read_text(encoding="utf-8").splitlines() if file.exists() else []


if __name__ == "__main__":
    sys.exit(main())
