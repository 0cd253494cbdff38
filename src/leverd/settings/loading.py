"""Files and environment in, settings out; or every problem at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from pathlib import Path as File
from typing import Any

from pydantic import BaseModel

from leverd.interfaces.agent import AgentKind
from leverd.settings.checking import check
from leverd.settings.contradictions import contradictions
from leverd.settings.forbidden import secrets_in
from leverd.settings.models import MODES, Settings
from leverd.settings.overrides import override
from leverd.settings.problems import (
    INVALID,
    NO_FILE,
    SECRET,
    SYNTAX,
    UNKNOWN,
    MalformedError,
    Path,
    Place,
    Problem,
    nearest,
)
from leverd.settings.source import Tree, is_reckonable, read_files
from leverd.settings.types import PAPER


def load_settings(
    files: Sequence[File],
    env: Mapping[str, str],
    agent_kinds: Mapping[str, AgentKind[Any]],
    *,
    mode: str = "",
) -> Settings:
    """Return the settings in `files` (later wins), overridden by `env` and `mode`.

    Each agent's section becomes an instance of its own parameters model.

    Raises:
        MalformedError: anything at all is wrong; it holds every problem found.
    """
    tree = read_files(files)
    override(tree, env)
    if mode:
        tree.set(("mode",), mode, Place("option --mode"))
    problems = [*tree.problems, *secrets_in(tree)]
    if any(problem.number in {NO_FILE, SYNTAX, SECRET} for problem in problems):
        raise MalformedError(problems)
    named = str(tree.values.get("mode", ""))
    # What is no mode is refused below; in place of each {mode} it might fill the memory first.
    tree.values = _substituted(tree.values, named if named in MODES else "")
    if named == PAPER:
        tree.values.setdefault("key", {})  # it has none
    checked = check(Settings, tree)
    agents, agent_problems = _agents(tree, agent_kinds)
    problems += agent_problems
    problems += checked if isinstance(checked, list) else contradictions(checked, tree)
    if problems or isinstance(checked, list):
        raise MalformedError(sorted(problems, key=lambda each: each.place))
    return _with_agents(checked, agents)


def agents_path(files: Sequence[File], env: Mapping[str, str]) -> tuple[str, ...]:
    """Return where the owner's own agents are, before anything else is judged.

    Their kinds must be known to `load_settings`; what is malformed here is reported there.
    """
    tree = read_files(files)
    override(tree, env)
    named = tree.values.get("agents_path")
    if not isinstance(named, list):
        return ()
    return tuple(each for each in named if isinstance(each, str))


def journal_path(files: Sequence[File], env: Mapping[str, str], *, mode: str = "") -> str:
    """Return what the files say of the journal, "" if nothing can be read, whatever else is wrong.

    For those who must find it when nothing else of the files can be used.
    """
    tree = read_files(files)
    override(tree, env)
    journal = tree.values.get("journal")
    named = journal.get("path") if isinstance(journal, dict) else None
    mode = mode or str(tree.values.get("mode", ""))
    return named.replace("{mode}", mode) if isinstance(named, str) else ""


def _agents(
    tree: Tree, kinds: Mapping[str, AgentKind[Any]]
) -> tuple[dict[Path, BaseModel], list[Problem]]:
    """Return each agent's parameters by path, and what is wrong with them."""
    params: dict[Path, BaseModel] = {}
    problems: list[Problem] = []
    for path in _agent_paths(tree.values):
        name = str(path[-1])
        if name not in kinds:
            place, message = tree.place(path), "no agent is called that"
            problems.append(Problem(UNKNOWN, path, message, place, nearest(name, kinds)))
            continue
        checked = check(kinds[name].params, tree, path)
        if isinstance(checked, list):
            problems += checked
        else:
            params[path] = checked
            problems += _unreckonable(checked.model_dump(), tree, path)
    return params, problems


def _unreckonable(node: Any, tree: Tree, path: Path) -> list[Problem]:
    """Return a problem for each number of an agent that nobody could reckon with.

    Its model may take numbers from text, which nothing else of the file allows.
    """
    match node:
        case dict():
            below = [(value, (*path, str(key))) for key, value in node.items()]
        case list() | tuple():
            below = [(value, (*path, index)) for index, value in enumerate(node)]
        case int() | Decimal() if not is_reckonable(Decimal(node)):
            message = "a number has at most 24 digits before the point and 100 after"
            return [Problem(INVALID, path, message, tree.place(path))]
        case _:
            return []
    return [each for value, deeper in below for each in _unreckonable(value, tree, deeper)]


def _agent_paths(values: Mapping[str, Any]) -> list[Path]:
    positions = values.get("positions")
    found: list[Path] = []
    for name, position in (positions if isinstance(positions, dict) else {}).items():
        agents = position.get("agents") if isinstance(position, dict) else None
        if isinstance(agents, dict):
            found += [("positions", name, "agents", agent) for agent in agents]
    return found


def _with_agents(settings: Settings, params: Mapping[Path, BaseModel]) -> Settings:
    positions = {
        name: position.model_copy(
            update={
                "agents": {
                    agent: params["positions", name, "agents", agent] for agent in position.agents
                }
            }
        )
        for name, position in settings.positions.items()
    }
    return settings.model_copy(update={"positions": positions})


def _substituted(node: Any, mode: str) -> Any:
    match node:
        case dict():
            return {key: _substituted(value, mode) for key, value in node.items()}
        case list():
            return [_substituted(value, mode) for value in node]
        case str():
            return node.replace("{mode}", mode)
        case _:
            return node
