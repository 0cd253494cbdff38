"""Write docs/reality.md from what the checks against recorded data told."""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Final

HEAD: Final = """# Reality: recorded accounts, liquidations and indexes through our own maths

Written by `make reality`: every figure comes from the tests in `tests/reality`, none is written
by hand.

    LEVERD_DATA=<folder of recorded market data> make reality

A record keeps a chain's integers as decimals of 15 to 17 digits. *Equal* means that ours is one
of the integers that would have been recorded so, without any tolerance but that; where a row
says otherwise (two decimals, a millionth, within the rates of a day), that is all there is to
compare. Beside the exact checks stand others that show they would see a difference: a health one
digit off, a bonus half a percent off, a price two units off, a second more or less.

The accounts and most liquidations are of Aave V2, whose divisions for value, health and what may
be borrowed are those of 3.0; what differs is told below.
"""

TAIL: Final = """## What follows from it

* Health, thresholds and values are the chain's. Where a sum of assets differs, the record lists
  fewer assets than the account had, or was read some blocks later.
* A liquidation seizes what `seizure_of` says. V2 rounds in another place, which shows where a
  token has few decimals; from 3.0 on the order is the one we have.
* V2 let half of a debt be covered at any health. From 3.0 on all of it may be at 0.95 and below
  ([lending maths](lending-maths.md)): the same fall would cost more there than it did then.
* Between two touches an index grows by the recorded rate for a whole number of seconds, to the
  last digit. Over hours it does not follow from rates that were looked at once an hour: replay
  recorded indexes, where there are any, instead of rates ([backtest](backtest.md)).
* Suppliers also earn what flash loans pay, which no rate contains: a supply index made from rates
  is too low by it, which errs on the careful side.
"""


def table(lines: Iterable[Mapping[str, str]]) -> list[str]:
    """Return one row for each check, in the order of their places."""
    rows = ["| recorded | rows | equal | differing | ours |", "|---|---|---|---|---|"]
    return rows + [
        f"| {line['what']} (`{line['file']}`) | {line['rows']} | {line['equal']} "
        f"| {differing(json.loads(line['differing']))} | {line['ours']} |"
        for line in sorted(lines, key=lambda each: int(each["check"]))
    ]


def differing(why: Mapping[str, int]) -> str:
    """Return how many rows differ for each reason."""
    if not why:
        return "0"
    return "; ".join(f"{count}: {reason}" for reason, count in why.items())


def hashes(folder: Path, names: Iterable[str]) -> list[str]:
    """Return the files that were read, each with the first digits of its SHA-256."""
    files = sorted({file for name in names for file in folder.glob(name)})
    return [
        f"* `{file.name}` {hashlib.sha256(file.read_bytes()).hexdigest()[:16]}" for file in files
    ]


def main(arguments: Sequence[str]) -> int:
    """Write the page named by the third argument from a tally, and from the folder of data."""
    tally, folder, page = map(Path, arguments)
    lines = [json.loads(line) for line in tally.read_text("utf-8").splitlines()]
    parts = [HEAD, *table(lines), "", TAIL, "## The data", ""]
    parts += hashes(folder, (line["file"] for line in lines))
    page.write_text("\n".join(parts) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
