"""The image is built by the Dockerfile that ships, and runs by the compose file that ships.

PostgreSQL, Prometheus and Grafana are not started: their images are not everywhere to be had.
"""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.prove.deployed import image_claims, needs, node
from tests.prove.deployed.composed import Composed
from tests.prove.deployed.engine import Engine
from tests.prove.tally import tell

pytestmark = [pytest.mark.prove, pytest.mark.sockets]

CLAIMS: tuple[Callable[[Composed], str], ...] = (
    image_claims.up,
    image_claims.confined,
    image_claims.healthy,
    image_claims.answered,
    image_claims.alone,
    image_claims.stopped,
    image_claims.killed,
)
IMAGE = "localhost/leverd:local"


@pytest.fixture
def engine() -> Iterator[Engine]:
    needs.ask_for(needs.CONTAINED)
    folder = Path(tempfile.mkdtemp(prefix="leverd-contained-"))
    engine = Engine(folder)
    try:
        yield engine
    finally:
        engine.clear()
        shutil.rmtree(folder)


def test_the_image_is_built_and_its_containers_do_what_the_page_says(engine, tmp_path):
    base, began = engine.base(), time.perf_counter()
    engine.build(IMAGE)
    took = time.perf_counter() - began
    size = int(engine("image", "inspect", "--format", "{{.Size}}", IMAGE)) // 10**6
    say("The Dockerfile builds.", f"{size} MB in {took:.0f} s, on {base}")
    with node.running(tmp_path / "devnet", calm_min=120) as devnet:
        composed = Composed(engine, devnet, "proof", "live")
        for claim in CLAIMS:
            say_of(claim, composed)
        engine("stop", "--time", "90", composed.name("leverd"), composed.name("api"))
        say_of(image_claims.paper, Composed(engine, devnet, "onpaper", "paper"))


def say_of(claim: Callable[[Composed], str], composed: Composed) -> None:
    assert claim.__doc__
    say(claim.__doc__.partition("\n")[0], claim(composed))


def say(claim: str, measured: str) -> None:
    tell("in containers", claim=claim, measured=measured)
