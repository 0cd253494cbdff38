"""100,000 seeded schedules, each with at least one fault, in slices that can be gone on with.

LEVERD_PROVE_SCHEDULES sets the number, LEVERD_PROVE_STATE the folder of the state files. A
slice that is cut off goes on where it was with the next `make prove`, unless the code changed.
"""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from loguru import logger
from tests.prove.tally import tell
from tests.simulation.slices import Slice

pytestmark = pytest.mark.prove

SCHEDULES = int(os.environ.get("LEVERD_PROVE_SCHEDULES", "100000"))
STATE = Path(os.environ.get("LEVERD_PROVE_STATE", "var/simulation"))
EACH = 5_000
_APART = 1_000_000
"""Slices begin at seeds this far apart."""


def sizes():
    left = [EACH] * (SCHEDULES // EACH)
    return [*left, SCHEDULES % EACH] if SCHEDULES % EACH else left


@pytest.mark.parametrize(("number", "count"), list(enumerate(sizes())))
def test_schedules_end_as_they_should(number, count):
    logger.disable("leverd")
    work = Slice(STATE / f"slice-{number}.json", number * _APART, count)
    try:
        state = work.run()
    finally:
        logger.enable("leverd")
    tell(
        "schedules",
        slice=number,
        schedules=state["schedules"],
        seeds=f"{state['first']}-{state['next'] - 1}",
        violated=json.dumps(state["violated"]),
        mix=json.dumps(state["faults"]),
        **{key: state[key] for key in ("sql", "turns", "plans", "lowest_health", "simulated_s")},
    )
    assert not state["violated"], "replay with python -m tests.simulation SEED"
    assert work.done, "30 minutes are over: run it again, it goes on here"
