"""Whether rows follow one another in time."""

from __future__ import annotations

import numpy as np

from leverd.backtest.history import codes
from leverd.backtest.history.problems import Findings
from leverd.backtest.history.rows import Rows
from leverd.backtest.history.words import moment


def check_order(rows: Rows, findings: Findings) -> None:
    """Note each row that is not later than every row before it."""
    ts = rows.ts
    if not len(ts):
        return
    highest = np.maximum.accumulate(ts)
    by_time = np.argsort(ts, kind="stable")
    first = by_time[np.searchsorted(ts, ts, side="left", sorter=by_time)]
    for index in (np.flatnonzero(ts[1:] <= highest[:-1]) + 1).tolist():
        at, line = moment(int(ts[index])), int(rows.lines[index])
        if first[index] != index:
            same = int(rows.lines[first[index]])
            findings.refuse(codes.DUPLICATE, f"{at} is in line {same} already", line=line)
        else:
            latest = moment(int(highest[index - 1]))
            findings.refuse(codes.ORDER, f"{at} comes after {latest}: sort by time", line=line)
