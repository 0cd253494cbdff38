"""Whatever comes is an inference in the documented form, or a named refusal."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.allora.service import fixed, said

from leverd.adapters.allora import parsing
from leverd.errors import NonsenseError

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=10,
)
FIELDS = tuple(said())


def body(data: Any) -> bytes:
    return json.dumps({"request_id": "1", "status": True, "data": data}).encode()


def read(raw: bytes) -> Any:
    return parsing.inference(parsing.answered(raw))


@given(st.binary(max_size=200))
def test_no_bytes_break_it(raw):
    with pytest.raises(NonsenseError):
        read(raw)


@given(st.sampled_from(FIELDS), JSON)
def test_any_field_may_be_anything(name, value):
    raw = body({"signature": "0x", "token_decimals": 18, "inference_data": said() | {name: value}})
    try:
        found = read(raw)
    except NonsenseError:
        return  # anything else than that, or a value, is a bug
    assert found.value == Decimal("3000.5")


@given(st.integers(-(10**70), 10**70), st.integers(0, 36))
def test_any_whole_number_is_read_exactly(value, places):
    digits = f"{abs(value):0{places + 1}d}"
    point = len(digits) - places
    text = "-" * (value < 0) + digits[:point] + "." * bool(places) + digits[point:]
    changed = {"network_inference": str(value), "network_inference_normalized": text}
    found = read(body({"token_decimals": places, "inference_data": said() | changed}))
    assert found.value * 1 == Decimal(text) * 1
    assert found.value.as_tuple().digits == Decimal(value).as_tuple().digits


@pytest.mark.parametrize(
    "changed",
    [
        {"network_inference": fixed("3001")},
        {"network_inference": "3e21"},
        {"network_inference": "NaN"},
        {"network_inference": 3000},
        {"network_inference_normalized": "Infinity"},
        {"network_inference_normalized": "٣"},
        {"topic_id": 1},
        {"topic_id": ""},
        {"timestamp": "1767225600"},
        {"timestamp": True},
        {"timestamp": -1},
        {"confidence_interval_values_normalized": ["1", "2"]},
        {"confidence_interval_values_normalized": "12345"},
        {"confidence_interval_values_normalized": ["5", "4", "3", "2", "1"]},
        {"confidence_interval_percentiles_normalized": ["2.28", "2.28", "50", "84.13", "97.72"]},
    ],
)
def test_what_cannot_be_meant_is_refused(changed):
    with pytest.raises(NonsenseError):
        read(body({"token_decimals": 18, "inference_data": said() | changed}))


@pytest.mark.parametrize("decimals", [-1, 37, "18", 1.5, True])
def test_decimals_that_cannot_be_meant_are_refused(decimals):
    with pytest.raises(NonsenseError):
        read(body({"token_decimals": decimals, "inference_data": said()}))


def test_decimals_that_are_not_said_are_eighteen():
    assert read(body({"inference_data": said()})).value == Decimal("3000.5")


def test_a_normalised_form_that_is_rounded_is_taken():
    changed = {"network_inference_normalized": "3000"}
    data = {"inference_data": said(value="3000.49") | changed}
    assert read(body(data)).value == Decimal("3000.49")


@pytest.mark.parametrize("raw", [b"[]", b"{}", b'{"data": []}', b'{"data": NaN}', b"[" * 100_000])
def test_an_answer_without_data_is_refused(raw):
    with pytest.raises(NonsenseError):
        read(raw)
