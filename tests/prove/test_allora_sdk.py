"""Allora's own client reads from the loopback service just what this adapter reads from it.

Both could be wrong about the real service in the same way; neither can be alone.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import Any

import pytest
from tests.allora.service import KEY, Service, said, served

from leverd.adapters.aiohttp_client.client import AiohttpClient
from leverd.adapters.allora.api import AlloraApi, Where
from leverd.adapters.system_clock import SystemClock
from leverd.interfaces.secrets import Secret

pytestmark = [pytest.mark.prove, pytest.mark.sockets]

ROOT = Path(__file__).parents[2]
PYTHON = ROOT / ".setup/allora-sdk/bin/python"
ASK = Path(__file__).parent / "allora_sdk/ask.py"


@pytest.fixture
async def service() -> AsyncIterator[Service]:
    async with served(Service()) as found:
        yield found


@pytest.fixture
async def api(service) -> AsyncIterator[AlloraApi]:
    http = AiohttpClient(SystemClock(), Random(0))
    yield AlloraApi(http, Where(service.url, "allora-testnet-1"), Secret(KEY))
    await http.close()


async def theirs(service: Service) -> Any:
    assert PYTHON.exists(), "run tests/prove/allora_sdk/prepare, as `make prove` does"
    child = await asyncio.create_subprocess_exec(
        PYTHON, ASK, service.url, KEY, stdout=asyncio.subprocess.PIPE
    )
    out, _ = await child.communicate()
    assert child.returncode == 0
    return json.loads(out)


@pytest.mark.parametrize(
    ("value", "around"),
    [
        ("64609.501828101036794984", ("60000", "64000", "64600", "65000", "70000")),
        ("-0.000000000000000001", ("-0.02", "-0.015", "-0.01", "-0.005", "0.01")),
        ("3000.5", None),
    ],
)
async def test_both_read_the_same(service, api, value, around):
    service.inferences[1] = said(value=value, around=around)
    found, read = await theirs(service), await api.inference(1)
    told = found["inference"]
    assert [
        [one.topic_id, one.name, one.epoch_blocks, one.active] for one in await api.topics()
    ] == found["topics"]
    assert read.value == Decimal(told["network_inference"]).scaleb(-found["decimals"])
    assert (str(read.topic_id), read.at) == (told["topic_id"], told["timestamp"])
    if around is None:
        assert read.disagreement is None
        assert told["confidence_interval_values_normalized"] is None
    else:
        assert read.disagreement.percentiles == tuple(
            (Decimal(one), Decimal(other))
            for one, other in zip(
                told["confidence_interval_percentiles_normalized"],
                told["confidence_interval_values_normalized"],
                strict=True,
            )
        )
