"""The owner's own agent of docs/agents.md, exactly as it stands there, is found and works."""

from __future__ import annotations

import re
from decimal import Decimal
from pathlib import Path

import pytest
import yaml
from pydantic import ValidationError
from tests.worlds import at_leverage, state, view

from leverd.bootstrap.agents import find_agents
from leverd.domain.decision import Hold, Unwind, combine

PAGE = Path("docs/agents.md").read_text(encoding="utf-8")


def block(language):
    found = re.search(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)
    assert found is not None
    return found.group(1)


@pytest.fixture
def kinds(tmp_path):
    """Return all agents, with the page's own in a folder named by its settings."""
    own = tmp_path / "my_agents"
    own.mkdir()
    (own / "stop_loss.py").write_text(block("python"), encoding="utf-8")
    return find_agents([own])


def test_it_is_found_beside_the_built_in_ones(kinds):
    assert kinds.keys() >= {"leverage_loop", "guardian", "stop_loss"}


def test_the_settings_of_the_page_make_every_agent_of_its_position(kinds):
    sections = yaml.safe_load(block("yaml"))["positions"]["eth-loop"]["agents"]

    agents = [kinds[name].make(kinds[name].params(**given)) for name, given in sections.items()]

    assert [agent.name for agent in agents] == ["leverage_loop", "guardian", "stop_loss"]
    assert combine(agent.decide(view()) for agent in agents).agent == "leverage_loop"


def test_it_holds_above_its_stop_and_unwinds_below_it(kinds):
    kind = kinds["stop_loss"]
    agent = kind.make(kind.params(price=Decimal(2000)))

    assert isinstance(agent.decide(view(at_leverage("2"))), Hold)
    assert isinstance(agent.decide(view(at_leverage("2", price=1999))), Unwind)
    assert isinstance(agent.decide(view(state(idle=10))), Hold)


def test_it_does_not_wait_for_a_stop_that_comes_after_liquidation(kinds):
    kind = kinds["stop_loss"]
    decision = kind.make(kind.params(price=Decimal(1000))).decide(view(at_leverage("4")))

    assert isinstance(decision, Unwind)
    assert decision.urgent


def test_a_misspelt_parameter_of_it_is_refused(kinds):
    with pytest.raises(ValidationError):
        kinds["stop_loss"].params(prize=Decimal(2000))
