"""Who is told of every turn: other processes by a file, a dead man's switch by its address."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from leverd.adapters.heartbeat_url import HeartbeatUrl
from leverd.adapters.sight_file import SightFile, sight_path
from leverd.bootstrap.chain import Chain
from leverd.engine.collect import snapshot_of
from leverd.interfaces.watcher import Several, Watcher
from leverd.settings import Settings


def watcher_of(
    settings: Settings, journal: Path, chain: Chain, circuits: Callable[[], Mapping[str, str]]
) -> Watcher:
    """Return who watches, as the settings say."""
    sight = SightFile(sight_path(journal), snapshot_of, circuits, chain.client.calls)
    url = settings.engine.heartbeat_url
    return sight if url is None else Several((sight, HeartbeatUrl(url)))
