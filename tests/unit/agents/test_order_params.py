"""Orders that cannot be meant together are malformed: nobody has to ask a market."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from leverd.agents.order_params import Params
from leverd.domain.orders import Of, Orders


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"take_profit": [{"share": "0.5"}]}, "exactly one of price, equity_gain"),
        ({"take_profit": [{"price": 1, "equity_gain": 1}]}, "exactly one of price, equity_gain"),
        ({"take_profit": [{"price": 3, "share": 0}]}, "greater than 0"),
        ({"take_profit": [{"price": 3}, {"price": 4}]}, "only the last"),
        ({"take_profit": [{"price": p, "share": "0.1"} for p in (3, 5, 4)]}, "one way"),
        ({"take_profit": [{"price": p, "share": "0.1"} for p in (3, 3)]}, "one way"),
        ({"take_profit": [{"equity_gain": g, "share": "0.1"} for g in (2, 1)]}, "must rise"),
        ({"stop_loss": {}}, "exactly one of price, equity_loss, health"),
        ({"stop_loss": {"health": 1}}, "greater than 1"),
        ({"take_profit": [{"price": 3}], "stop_loss": {"price": 3}}, "same side"),
        (
            {
                "take_profit": [{"price": 3, "share": "0.1"}, {"price": 4}],
                "stop_loss": {"price": 5},
            },
            "same side",
        ),
        (
            {
                "take_profit": [{"price": 4, "share": "0.1"}, {"price": 3}],
                "stop_loss": {"price": 2},
            },
            "same side",
        ),
        ({"trailing_stop": {"drop": 1}}, "less than 1"),
        ({"trailing_stop": {"drop": "0.1", "of": "health", "activation": 1}}, "no gain"),
        ({"deadline": "2027-01-31T12:00:00"}, "timezone"),
        ({"stop": {"price": 1}}, "not permitted"),
    ],
)
def test_a_contradiction_is_refused_in_words(given, said):
    with pytest.raises(ValidationError, match=said):
        Params.model_validate(given)


def test_everything_at_once_is_what_was_written():
    found = Params.model_validate(
        {
            "take_profit": [{"price": 4, "share": "0.5"}, {"price": 5}],
            "stop_loss": {"price": 3},
            "trailing_stop": {"drop": "0.1", "of": "equity", "activation": "0.05"},
            "deadline": "2023-11-14T22:13:20Z",
        }
    ).orders()
    assert [target.at for target in found.targets] == [4, 5]
    assert found.targets[-1].share == 1
    assert (found.stop.of, found.trailing.of) == (Of.PRICE, Of.EQUITY)
    assert found.deadline == 1_700_000_000
    assert not found.compound


def test_an_empty_section_orders_nothing_but_keeps_profits_out():
    found = Params().orders()
    assert found == Orders(urgency_max=found.urgency_max)
    assert Params(stop_loss={"health": "1.2"}).orders().stop.of is Of.HEALTH
