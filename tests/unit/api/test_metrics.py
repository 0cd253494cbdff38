"""What Prometheus reads is what the last turn and the journal say."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from prometheus_client.parser import text_string_to_metric_families


async def read(house):
    answer = await house.ask("/metrics")
    assert answer.status_code == 200, answer.text
    return {
        (sample.name, *sorted(sample.labels.values())): sample.value
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
    }


async def test_every_number_is_the_last_turns(house):
    house.live().turned(block=4, price=3100)
    found = await read(house)
    assert found["leverd_health", "eth-loop"] == 1.383
    assert found["leverd_price_usd", "eth-loop"] == 3100
    assert found["leverd_equity", "USD", "eth-loop"] == 30_000
    assert found["leverd_turns_total",] == 4
    assert found["leverd_turn_stage_seconds", "look"] == 0.2
    assert found["leverd_rpc_calls_total", "node"] == 9
    assert found["leverd_rpc_errors_total", "node"] == 2
    assert found["leverd_operator_gas_eth",] == 5
    assert found["leverd_memory_bytes",] == 100e6
    assert found["leverd_breaker_open", "eth-loop", "oracle_gap"] == 1
    assert found["leverd_dependency_open", "rpc node"] == 1
    assert found["leverd_daemon_running",] == 0
    assert found["leverd_gas_spent_today_eth",] == 0.0042
    noon = datetime(2026, 1, 1, 12, tzinfo=UTC).timestamp()
    assert found["leverd_last_turn_timestamp_seconds",] == noon
    assert found["leverd_unhedged_delta_usd", "eth-loop"] == pytest.approx(25 * 3100, rel=1e-4)


async def test_without_a_turn_there_is_only_what_the_journal_knows(house):
    house.live()
    found = await read(house)
    assert ("leverd_turns_total",) not in found
    assert found["leverd_health", "eth-loop"] == 1.383


async def test_numbers_need_a_token(house):
    house.live()
    assert (await house.ask("/metrics", token="")).status_code == 401
