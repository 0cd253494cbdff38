"""Settings for people and tools: in force, without what others should not see; and as a schema."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from importlib import resources
from typing import Any
from urllib.parse import urlsplit

import yaml
from pydantic import BaseModel

from leverd.interfaces.agent import AgentKind
from leverd.settings.models import Settings


def in_force(settings: Settings) -> dict[str, Any]:
    """Return all settings with their defaults; URLs without keys, commands without arguments."""
    shown: dict[str, Any] = _without_arguments(_plain(_said(settings)))
    shown["chain"]["rpc"] = [redacted(url) for url in settings.chain.rpc]
    if settings.engine.heartbeat_url is not None:
        shown["engine"]["heartbeat_url"] = redacted(settings.engine.heartbeat_url)
    if settings.chain.relay is not None:
        shown["chain"]["relay"] = redacted(settings.chain.relay)
    if settings.spot is not None and settings.spot.venue.rpc is not None:
        shown["spot"]["venue"]["rpc"] = redacted(settings.spot.venue.rpc)
    if settings.spot is not None and settings.spot.mispricing is not None:
        for name, each in settings.spot.mispricing.references.items():
            below = shown["spot"]["mispricing"]["references"][name]
            below["rpc"] = [redacted(url) for url in each.rpc]
    return shown


def as_yaml(settings: Settings) -> str:
    """Return `in_force` as YAML that can be read back, but for redacted URLs."""
    return yaml.dump(in_force(settings), Dumper=_Dumper, sort_keys=False, allow_unicode=True)


def exact_yaml(settings: Settings) -> str:
    """Return all settings as YAML that reads back as the same; for files only we read."""
    return yaml.dump(_plain(_said(settings)), Dumper=_Dumper, sort_keys=False, allow_unicode=True)


def redacted(url: str) -> str:
    """Return `url` without user, path and query, where RPC providers put their keys."""
    parts = urlsplit(url)
    port = f":{parts.port}" if parts.port else ""
    hidden = parts.path.strip("/") or parts.query or parts.username
    return f"{parts.scheme}://{parts.hostname}{port}{'/***' if hidden else ''}"


def schema(agent_kinds: Mapping[str, AgentKind[Any]]) -> dict[str, Any]:
    """Return the JSON schema of a settings file with these agents."""
    whole = Settings.model_json_schema(by_alias=True)
    agents: dict[str, Any] = {}
    for name, kind in sorted(agent_kinds.items()):
        section = kind.params.model_json_schema(by_alias=True)
        whole["$defs"].update(section.pop("$defs", {}))
        agents[name] = section
    position = whole["$defs"]["PositionSection"]["properties"]
    position["agents"] = {
        "type": "object",
        "properties": agents,
        "additionalProperties": False,
    }
    return whole


def starter(mode: str) -> str:
    """Return a commented settings file to begin with, for `devnet`, `paper` or `live`."""
    folder = resources.files("leverd.settings") / "templates"
    return (folder / f"{mode}.yaml").read_text(encoding="utf-8")


def program(command: Sequence[str]) -> list[str]:
    """Return a command without its arguments, where people put what does not belong there."""
    return [command[0], *(["***"] if command[1:] else [])]


def _without_arguments(node: Any) -> Any:
    if not isinstance(node, dict):
        return node
    return {
        name: program(below)
        if name == "command" and isinstance(below, list) and below
        else _without_arguments(below)
        for name, below in node.items()
    }


def _said(value: Any) -> Any:
    """Return models as mappings, without what is none by default: none said is said."""
    if isinstance(value, Mapping):
        return {name: _said(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [_said(each) for each in value]
    if not isinstance(value, BaseModel):
        return value
    fields = type(value).model_fields
    return {
        field.alias or name: _said(getattr(value, name))
        for name, field in fields.items()
        if getattr(value, name) is not None or field.default is not None
    }


def _plain(value: Any) -> Any:
    match value:
        case Mapping():
            return {str(key): _plain(each) for key, each in value.items()}
        case list() | tuple():
            return [_plain(each) for each in value]
        case Decimal():
            return _Exact(f"{value:f}")
        case _:
            return value


class _Exact(str):
    """A decimal number as its digits: YAML writes it bare, JSON as text."""

    __slots__ = ()


class _Dumper(yaml.SafeDumper):
    """Writes decimals exactly, as plain numbers."""


def _write_exact(dumper: yaml.SafeDumper, value: _Exact) -> yaml.ScalarNode:
    tag = "tag:yaml.org,2002:float" if "." in value else "tag:yaml.org,2002:int"
    return dumper.represent_scalar(tag, str(value))


_Dumper.add_representer(_Exact, _write_exact)
