"""Play many schedules in slices that can be cut off and gone on with."""

from __future__ import annotations

import gc
import hashlib
import json
import time
from collections import Counter
from pathlib import Path

from tests.simulation.schedule import play

SLICE_S = 30 * 60
"""Wall seconds that a slice may take before it puts its state down."""

_EVERY = 100
_VIOLATED_MAX = 20
_ROOT = Path(__file__).parents[2]


class Slice:
    """Schedules from seed `first` on, until `count` of them had a fault; its state is a file."""

    def __init__(self, file, first, count):
        self.file, self.first, self.count = file, first, count
        self.state = self._fresh()
        if file.exists():
            found = json.loads(file.read_text())
            if all(found[key] == self.state[key] for key in ("code", "first", "count")):
                self.state = found

    @property
    def done(self):
        return self.state["schedules"] >= self.count

    def run(self, seconds=SLICE_S):
        """Go on for at most `seconds`; return the state, which is in the file too."""
        ends = time.perf_counter() + seconds
        gc.freeze()
        gc.disable()  # a world's garbage is taken out between worlds
        try:
            self._play_until(ends)
        finally:
            gc.enable()
            gc.unfreeze()
        self._save()
        return self.state

    def _play_until(self, ends):
        while not self.done and time.perf_counter() < ends:
            self._one(self.state["next"])
            self.state["next"] += 1
            if self.state["next"] % _EVERY == 0:
                self._save()
                gc.collect()
            if len(self.state["violated"]) >= _VIOLATED_MAX:
                break

    def _one(self, seed):
        state, began = self.state, time.perf_counter()
        report = play(seed)
        state["seconds"] += time.perf_counter() - began
        if report.violations:
            state["violated"].append([seed, report.violations[0]])
        if not report.faults:
            state["faultless"] += 1
            return
        state["schedules"] += 1
        state["sql"] += report.sql
        state["turns"] += report.turns
        state["plans"] += report.plans
        state["simulated_s"] += report.seconds
        mix = Counter(state["faults"])
        mix.update({str(fault): count for fault, count in report.faults.items()})
        state["faults"] = dict(mix)
        if report.lowest is not None:
            state["lowest_health"] = min(state["lowest_health"], report.lowest)

    def _save(self):
        self.file.parent.mkdir(parents=True, exist_ok=True)
        half = self.file.with_suffix(".half")
        half.write_text(json.dumps(self.state))
        half.replace(self.file)

    def _fresh(self):
        return {
            "code": fingerprint(),
            "first": self.first,
            "count": self.count,
            "next": self.first,
            "schedules": 0,
            "faultless": 0,
            "sql": 0,
            "turns": 0,
            "plans": 0,
            "seconds": 0.0,
            "simulated_s": 0.0,
            "lowest_health": 10**6,
            "faults": {},
            "violated": [],
        }


def fingerprint() -> str:
    """Return a digest of the code that a tally speaks of: other code begins anew."""
    found = hashlib.sha256()
    for folder in ("src/leverd", "tests/simulation"):
        for path in sorted((_ROOT / folder).rglob("*.py")):
            found.update(path.read_bytes())
    return found.hexdigest()[:16]
