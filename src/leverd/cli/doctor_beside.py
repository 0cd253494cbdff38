"""What `leverd doctor` says of what stands beside the daemon: alerts, copy, models, clock."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from leverd.bootstrap.checks import Check, Status
from leverd.errors import PredictionError

if TYPE_CHECKING:
    from leverd.settings import Settings
    from leverd.settings.predictions import PredictionsSection, PredictorSection
    from leverd.settings.secret_source import HandedSource

_LAG_MAX: Final = 1_000
"""Entries that a copy may lag without a word: a batch or two under way."""

_SKEW: Final = timedelta(seconds=5)


def alerts(settings: Settings) -> Iterator[Check]:
    """Yield whether somebody would hear of alerts; nobody is told anything."""
    if settings.alerts is None:
        remedy = "alerts: {to: {file: PATH}}, or another place"
        yield Check("alerts", Status.NOTE, "nobody hears of alerts but the log", remedy, "alerts")
        return
    if _is_handed(settings.alerts.to):
        yield Check("alerts", Status.NOTE, "the URLs are systemd's to hand over", place="alerts.to")
        return
    from leverd.bootstrap.alerting import services_of  # noqa: PLC0415 -- heavy

    names = ", ".join(each.name for each in services_of(settings.alerts))
    yield Check("alerts", Status.GOOD, f"alerts go to {names}", place="alerts.to")


def heartbeat(settings: Settings) -> Iterator[Check]:
    """Yield whether a dead man's switch is named; it is not asked, for that would be a beat."""
    url, place = settings.engine.heartbeat_url, "engine.heartbeat_url"
    if url is None:
        remedy = "name one: it is the only alarm that outlives the machine"
        yield Check("heartbeat", Status.NOTE, "there is no dead man's switch", remedy, place)
        return
    parts = urlsplit(url)
    if parts.scheme == "https" or parts.hostname in {"127.0.0.1", "::1", "localhost"}:
        text = f"a dead man's switch at {parts.hostname}"
        yield Check("heartbeat", Status.GOOD, text, place=place)
    else:
        text = f"what the switch at {parts.hostname} is asked can be read and faked on the way"
        yield Check("heartbeat", Status.BAD, text, "name its https URL", place)


def copy(settings: Settings) -> Iterator[Check]:
    """Yield whether the journal's copy can be reached, and how far it lags."""
    source = settings.journal.copy_password
    if settings.journal.copy_to is None:
        return
    if source is not None and _is_handed(source):
        text = "its password is systemd's to hand over, so the server was not asked"
        yield Check("copy", Status.NOTE, text, place="journal.copy_password")
        return
    from leverd.adapters.sql_journal import upkeep  # noqa: PLC0415 -- heavy
    from leverd.adapters.sql_journal.database import file_of  # noqa: PLC0415 -- as above
    from leverd.bootstrap.beside import server_of  # noqa: PLC0415 -- as above

    server, path = server_of(settings), file_of(settings.journal.path)
    assert server is not None, "the settings name one"
    there = upkeep.newest(server)
    here = upkeep.newest(path) if path.exists() else 0
    text = f"ends at entry {there}, the journal at {here}"
    remedy = "leverd db copy, if no daemon runs; else see the log for what keeps it"
    if there > here:
        ahead = "move the file away and leverd db restore copy, or name an empty database"
        yield Check("copy", Status.BAD, f"it is ahead: {text}", ahead, server.name)
    elif here - there > _LAG_MAX:
        text = f"it lags by {here - there}: {text}"
        yield Check("copy", Status.BAD, text, remedy, server.name)
    else:
        text = f"it lags by {here - there}: {text}" if here > there else text
        yield Check("copy", Status.GOOD, text, place=server.name)


def models(settings: Settings) -> Iterator[Check]:
    """Yield whether every predictor can be had; none is asked for a prediction."""
    section = settings.predictions
    for name, each in section.predictors.items() if section else ():
        place = f"predictions.predictors.{name}"
        try:
            text = _predictor(each, section) if section else ""
        except ModuleNotFoundError as error:
            remedy = "pip install 'leverd[predict]'"
            yield Check("LVD-PRD-040", Status.BAD, f"{error.name} is not installed", remedy, place)
        except PredictionError as error:
            yield Check(error.code, Status.BAD, error.message, error.remedy or "train it", place)
        else:
            yield Check("predictor", Status.GOOD, f"{name}: {text}", place=place)


def _predictor(each: PredictorSection, section: PredictionsSection) -> str:
    """Return what there is of one.

    Raises:
        PredictionError: its model cannot be used.
        SecretError: its API key is not there.
        UnreachableError: the place of its key does not answer.
    """
    if each.kind == "allora":
        assert section.allora is not None, "the form check wants it"
        if _is_handed(section.allora.access):
            return "its key is systemd's to hand over"
        from leverd.bootstrap.secret_places import secret_of  # noqa: PLC0415 -- only here

        secret_of(section.allora.access, os.environ)
        return "its key is there"
    if each.kind == "simple" or each.file is None:
        return "it needs no file"
    from leverd.domain.prediction import Quantity  # noqa: PLC0415 -- only here
    from leverd.predict.card_file import Purpose  # noqa: PLC0415 -- loads NumPy
    from leverd.predict.store import load  # noqa: PLC0415 -- loads scikit-learn

    load(
        Path(each.file),
        Purpose(each.subject, Quantity(each.quantity), each.horizon_s, section.bar_s),
    )
    return f"its model in {each.file} can be loaded"


def clock(settings: Settings) -> Iterator[Check]:
    """Yield whether this machine's clock is behind what it said itself."""
    from leverd.adapters.sql_journal import Heartbeat  # noqa: PLC0415 -- heavy
    from leverd.adapters.sql_journal.database import file_of  # noqa: PLC0415 -- as above
    from leverd.adapters.system_clock import SystemClock  # noqa: PLC0415 -- as above

    last, now = Heartbeat(file_of(settings.journal.path)).last(), SystemClock().now()
    if last is None:
        return
    place = "system clock"
    if now < last - _SKEW:
        text = f"the clock is {last - now} behind the daemon's last turn"
        yield Check("clock-back", Status.BAD, text, "set it (NTP)", place)
    else:
        text = f"the clock is {now - last} past the daemon's last turn"
        yield Check("clock-back", Status.GOOD, text, place=place)


def _is_handed(source: HandedSource) -> bool:
    """Return whether only a service that systemd starts can read it."""
    return source.credential is not None and "CREDENTIALS_DIRECTORY" not in os.environ
