"""What a busy API costs the daemon: 200 listeners and 500 requests a second beside its turns.

The local chain and the daemon have one core, the API (niced, as a process of its own) and those
who ask have the other. Windows with and without the load take turns, so that each pair had the
same machine; what is told is the median of the pairs' ratios of the turn's 99th percentile.
Requests are made at their times whether or not earlier ones were answered, so a slow API is not
spared; what it answered and how late is told beside.
"""

from __future__ import annotations

import asyncio
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp

from benchmarks.daemon import BIN, devnet, settings

PAIRS = 5
WINDOW_S = 30.0
SETTLE_S = 3.0
LISTENERS = 200
REQUESTS_S = 500
PORT = 8429
GOAL_RATIO = 1.2
ASKED = (
    "/status",
    "/positions",
    "/health",
    "/decisions?limit=40",
    "/trades?limit=20",
    "/breakers",
    "/predictions",
    "/limits",
)
"""What the page asks for."""

PIN_DAEMON, PIN_API = ("taskset", "-c", "0"), ("nice", "-n", "10", "taskset", "-c", "1")


@dataclass(slots=True)
class Answers:
    """What the API said in one window."""

    late_ms: list[float] = field(default_factory=list)
    refused: int = 0
    heard: int = 0  # messages, by all listeners


@contextmanager
def running(*command: str) -> Iterator[None]:
    """Run `command` beside, and stop it as an owner would."""
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        yield
    finally:
        process.terminate()
        process.wait(timeout=60)


async def turns(sight: Path, window_s: float) -> list[float]:
    """Return the seconds that each turn of a window took, from what the daemon tells watchers."""
    found: dict[int, float] = {}
    end = time.perf_counter() + window_s
    while time.perf_counter() < end:
        seen = json.loads(sight.read_bytes())  # noqa: ASYNC240 -- a small file; nothing else waits
        found[seen["turn"]] = float(seen["seconds"])
        await asyncio.sleep(0.02)
    return list(found.values())[1:]


async def ask(session: aiohttp.ClientSession, number: int, answers: Answers) -> None:
    """Make one request, and note how late its answer came."""
    began = time.perf_counter()
    try:
        async with session.get(f"/api/v1{ASKED[number % len(ASKED)]}") as answer:
            await answer.read()
            answers.refused += answer.status != 200
    except (aiohttp.ClientError, TimeoutError):
        answers.refused += 1
    answers.late_ms.append((time.perf_counter() - began) * 1000)


async def requests(session: aiohttp.ClientSession, window_s: float, answers: Answers) -> None:
    """Make requests at their times, whatever becomes of them."""
    began, made = time.perf_counter(), set()
    for number in range(round(window_s * REQUESTS_S)):
        await asyncio.sleep(max(began + number / REQUESTS_S - time.perf_counter(), 0))
        made.add(asyncio.create_task(ask(session, number, answers)))
        made = {each for each in made if not each.done()}
    if made:
        await asyncio.wait(made)


async def listen(session: aiohttp.ClientSession, token: str, answers: Answers) -> None:
    """Hear everything that is told, until cancelled."""
    async with session.ws_connect("/api/v1/live") as line:
        await line.send_json({"token": token})
        async for _ in line:
            answers.heard += 1


@contextmanager
def crowd(window_s: float, token: str) -> Iterator[None]:
    """Have the load made by a process of its own, on the API's core."""
    code = (
        f"import asyncio; from benchmarks import api_load; asyncio.run(api_load.load({window_s}))"
    )
    command = [*PIN_API[3:], sys.executable, "-c", code]
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, text=True, env={**os.environ, "LOAD_TOKEN": token}
    )
    try:
        yield
        said, _ = process.communicate(timeout=window_s * 4)
        print(said.strip(), flush=True)
    finally:
        process.kill()


async def load(window_s: float) -> None:
    """Listen and ask for a window, then say what was answered."""
    token, answers = os.environ["LOAD_TOKEN"], Answers()
    headers = {"Authorization": f"Bearer {token}"}
    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(
        f"http://127.0.0.1:{PORT}", headers=headers, connector=connector
    ) as session:
        listeners = [asyncio.create_task(listen(session, token, answers)) for _ in range(LISTENERS)]
        await asyncio.sleep(SETTLE_S)
        began = time.perf_counter()
        await requests(session, window_s, answers)
        taken = time.perf_counter() - began
        for each in listeners:
            each.cancel()
        await asyncio.gather(*listeners, return_exceptions=True)
    late = statistics.quantiles(answers.late_ms, n=100)
    print(
        f"  answered {len(answers.late_ms) / taken:.0f}/s, refused {answers.refused}, "
        f"p50 {late[49]:.1f} ms, p99 {late[98]:.1f} ms, heard {answers.heard / taken:.0f}/s"
    )


async def pair(sight: Path, token: str) -> tuple[float, float, int]:
    """Return the turn's p99 in ms without and with the load, and the fewest turns of both."""
    alone = await turns(sight, WINDOW_S)
    with crowd(WINDOW_S, token):
        await asyncio.sleep(SETTLE_S + 2)
        beside = await turns(sight, WINDOW_S - 4)
    return p99_ms(alone), p99_ms(beside), min(len(alone), len(beside))


def p99_ms(seconds: list[float]) -> float:
    """Return the 99th percentile in milliseconds."""
    return statistics.quantiles(seconds, n=100)[98] * 1000


def main() -> None:
    """Measure and print a table."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        path = settings(folder)
        own = folder / "own.yaml"
        own.write_text(
            f"api: {{port: {PORT}, requests_s_max: {REQUESTS_S * 2}}}\n"
            "engine: {look_s_max: 12, look_s_min: 6}\n"  # turns enough for a percentile
        )
        chosen = ("-c", str(path), "-c", str(own))
        token = subprocess.run(
            [str(BIN / "leverd"), "keys", "token", "new", "load", "--json", *chosen],
            check=True, capture_output=True, text=True,
        )  # fmt: skip
        os.sched_setaffinity(0, {0})
        devnet("up", folder, "--detach")
        os.sched_setaffinity(0, {0, 1})
        api = (*PIN_API, str(BIN / "leverd"), "api", *chosen)
        try:
            with running(*PIN_DAEMON, str(BIN / "run_agent"), *chosen), running(*api):
                time.sleep(SETTLE_S * 7)  # noqa: TID251 -- until it has opened its position
                sight = folder / "journal.db.sight"
                spoken = json.loads(token.stdout)["token"]
                pairs = [asyncio.run(pair(sight, spoken)) for _ in range(PAIRS)]
        finally:
            devnet("down", folder)
    print("| pair | turns | p99 alone | p99 with the load | ratio |\n|---|---|---|---|---|")
    for number, (alone, beside, count) in enumerate(pairs, 1):
        print(f"| {number} | {count} | {alone:.1f} ms | {beside:.1f} ms | {beside / alone:.2f} |")
    ratio = statistics.median(beside / alone for alone, beside, _ in pairs)
    print(f"\nmedian ratio {ratio:.2f} (goal {GOAL_RATIO})")


if __name__ == "__main__":
    main() if len(sys.argv) == 1 else asyncio.run(load(float(sys.argv[1])))
