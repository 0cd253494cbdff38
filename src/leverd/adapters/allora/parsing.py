"""From the API's JSON to exact values; what is not in the documented form is refused."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from decimal import Decimal
from itertools import pairwise
from typing import Any, Final

from leverd.adapters.allora import codes
from leverd.adapters.allora.inference import Disagreement, Inference, Topic
from leverd.errors import NonsenseError
from leverd.interfaces.veil import redacted

_WHOLE: Final = re.compile(r"-?[0-9]{1,78}", re.ASCII)  # an int256 has 77 digits and a sign
_PLAIN: Final = re.compile(r"-?[0-9]{1,78}(?:\.[0-9]{1,78})?", re.ASCII)
_NAME_MAX: Final = 200
_DECIMALS: Final = 18
_DECIMALS_MAX: Final = 36
_SAID_MAX: Final = 120  # characters of a foreign message that are repeated


def answered(body: bytes) -> Mapping[str, Any]:
    """Return the `data` of an answer.

    Raises:
        NonsenseError: it is not in the documented form, or says that it has none.
    """
    try:
        found = json.loads(body, parse_float=Decimal, parse_constant=_no_number)
    except (ValueError, RecursionError) as error:  # JSON and UTF-8 errors are ValueErrors
        raise malformed("what came is no JSON") from error
    if not isinstance(found, dict):
        raise malformed("the answer is no object")
    if found.get("status") is False:
        message = redacted(str(found.get("apiResponseMessage")))[:_SAID_MAX]
        raise malformed(f"the service says no: {message!r}")
    data = found.get("data")
    if not isinstance(data, dict):
        raise malformed("the answer holds no data")
    return data


def topics(data: Mapping[str, Any]) -> tuple[tuple[Topic, ...], str | None]:
    """Return one page of topics, and the token of the next page, None behind the last."""
    listed, token = data.get("topics"), data.get("continuation_token")
    if not isinstance(listed, list) or not isinstance(token, str | None):
        raise malformed("a page without topics")
    return tuple(_topic(one) for one in listed), token or None


def inference(data: Mapping[str, Any]) -> Inference:
    """Return one inference, with every number exactly as it was written."""
    said, decimals = data.get("inference_data"), data.get("token_decimals")
    if not isinstance(said, dict):
        raise malformed("no inference in the answer")
    places = _DECIMALS if decimals is None else _count(decimals, "decimals that are no count")
    if places > _DECIMALS_MAX:
        raise malformed(f"{places} decimals")
    value = _fixed(said.get("network_inference"), places)
    if _differ(value, _plain(said.get("network_inference_normalized"))):
        raise malformed("the inference and its normalised form differ")
    topic_id = said.get("topic_id")
    if not isinstance(topic_id, str) or not _WHOLE.fullmatch(topic_id):
        raise malformed("an inference of no topic")
    at = _count(said.get("timestamp"), "an inference without a time")
    return Inference(int(topic_id), value, at, _disagreement(said))


def malformed(what: str) -> NonsenseError:
    """Return the error for an answer that is not in the documented form."""
    return NonsenseError(
        what,
        number=codes.MALFORMED,
        place="allora",
        remedy="check base_url and chain; the API may have changed",
    )


def _topic(said: object) -> Topic:
    if not isinstance(said, dict):
        raise malformed("a topic that is no object")
    topic_id, name, epoch = said.get("topic_id"), said.get("topic_name"), said.get("epoch_length")
    if not isinstance(name, str):
        raise malformed("a topic without a name")
    return Topic(
        _count(topic_id, "a topic without a number"),
        redacted(name)[:_NAME_MAX],
        _count(epoch, "a topic without a length"),
        said.get("is_active") is not False,
    )


def _disagreement(said: Mapping[str, Any]) -> Disagreement | None:
    """Return the percentiles, None where the API gives null or nothing."""
    percents = said.get("confidence_interval_percentiles_normalized")
    values = said.get("confidence_interval_values_normalized")
    if not percents or not values:
        return None
    if not isinstance(percents, list) or not isinstance(values, list):
        raise malformed("percentiles that are no lists")
    if len(percents) != len(values):
        raise malformed("as many percentiles as values are needed")
    found = Disagreement(
        tuple((_plain(one), _plain(other)) for one, other in zip(percents, values, strict=True))
    )
    if not _rises([one for one, _ in found.percentiles], strictly=True) or not _rises(
        [value for _, value in found.percentiles], strictly=False
    ):
        raise malformed("percentiles that do not rise")
    return found


def _rises(numbers: Sequence[Decimal], *, strictly: bool) -> bool:
    return all(one < other or (one == other and not strictly) for one, other in pairwise(numbers))


def _fixed(text: object, decimals: int) -> Decimal:
    """Return a whole number of the smallest unit as units, without rounding."""
    if not isinstance(text, str) or not _WHOLE.fullmatch(text):
        raise malformed("an inference that is no whole number")
    sign, digits, _ = Decimal(text).as_tuple()
    return Decimal((sign, digits, -decimals))


def _plain(text: object) -> Decimal:
    """Return a decimal number as written, no exponent, no rounding."""
    if not isinstance(text, str) or not _PLAIN.fullmatch(text):
        raise malformed("a value that is no plain decimal")
    return Decimal(text)


def _count(value: object, otherwise: str) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise malformed(otherwise)
    return value


def _differ(exact: Decimal, written: Decimal) -> bool:
    """Return whether `written` is anything else than `exact`, rounded to its own places."""
    _, _, exponent = written.as_tuple()
    return abs(exact - written) > Decimal((0, (1,), int(exponent)))


def _no_number(word: str) -> object:
    raise ValueError(f"{word} is no JSON")
