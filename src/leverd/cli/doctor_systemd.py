"""What `leverd doctor` says of the system's services, where systemd runs."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

from leverd.bootstrap.checks import Check, Status

if TYPE_CHECKING:
    from leverd.settings import Settings
    from leverd.settings.secret_source import HandedSource

UNIT: Final = "leverd.service"
_BOOTED: Final = Path("/run/systemd/system")
_HANDED: Final = Path("/run/credentials") / UNIT
_PATIENCE_S: Final = 10.0
_ASKED: Final = ("LoadState", "UnitFileState", "ActiveState", "Type", "WatchdogUSec")
_LOADED: Final = ("LoadCredential", "LoadCredentialEncrypted")
_ON_THE_BUS: Final = (
    "org.freedesktop.systemd1",
    f"/org/freedesktop/systemd1/unit/{UNIT.replace('.', '_2e')}",
    "org.freedesktop.systemd1.Service",
)
_OFF: Final = frozenset({"", "0", "infinity"})

Ask = Callable[[Sequence[str]], str]
"""Runs a program and returns what it prints, "" where it does not."""


def examined(settings: Settings, ask: Ask | None = None) -> Iterator[Check]:
    """Yield what is found of the unit; with `ask`, of the system that answers it."""
    if ask is None:
        if not _BOOTED.exists():
            text = "systemd does not run here: no unit, watchdog or credential was looked at"
            yield Check("systemd", Status.NOTE, text, place=str(_BOOTED))
            return
        ask = _run
    said = _properties(ask(["systemctl", "show", UNIT, "--property", ",".join(_ASKED)]))
    if said.get("LoadState") != "loaded":
        text = f"{UNIT} is not installed ({said.get('LoadState') or 'systemctl says nothing'})"
        remedy = "docs/install.md, if it is to run as a service"
        yield Check("systemd", Status.NOTE, text, remedy, UNIT)
    else:
        yield from _unit(said)
        yield from _credentials(settings, _loaded(ask))
    yield _clock(ask)


def _unit(said: Mapping[str, str]) -> Iterator[Check]:
    state = f"{UNIT} is {said.get('ActiveState', 'unknown')}, {said.get('UnitFileState')}"
    if said.get("UnitFileState") == "enabled":
        yield Check("systemd", Status.GOOD, state, place=UNIT)
    else:
        remedy = f"systemctl enable {UNIT}"
        text = f"{state}: it does not start with the machine"
        yield Check("systemd", Status.BAD, text, remedy, UNIT)
    watchdog = said.get("WatchdogUSec", "")
    if watchdog in _OFF or said.get("Type") != "notify":
        text = f"no watchdog: Type={said.get('Type')}, WatchdogSec={watchdog or 'unset'}"
        remedy = "take the unit of deploy/: a daemon that hangs guards nothing"
        yield Check("systemd-watchdog", Status.BAD, text, remedy, UNIT)
    else:
        text = f"the watchdog is in force: {watchdog} without a turn end it"
        yield Check("systemd-watchdog", Status.GOOD, text, place=UNIT)


def _credentials(settings: Settings, loaded: Mapping[str, str] | None) -> Iterator[Check]:
    if loaded is None:
        text = "which credentials the unit loads is not known: the system's bus does not answer"
        yield Check("systemd-credential", Status.NOTE, text, place=UNIT)
        return
    for name in sorted(_wanted(settings) - loaded.keys()):
        text = f"the settings want the credential {name}, and the unit loads none of that name"
        remedy = f"LoadCredential={name}:FILE in the unit"
        yield Check("systemd-credential", Status.BAD, text, remedy, UNIT)
    for name, file in sorted(loaded.items()):
        if not file.startswith("/"):
            continue  # from systemd's own stores
        try:
            mode = Path(file).stat().st_mode
        except PermissionError:
            text = f"the credential {name} is systemd's alone to see"
            yield Check("systemd-credential", Status.NOTE, text, place=file)
        except OSError:
            text = f"the credential {name} is not there: the service cannot start"
            yield Check("systemd-credential", Status.BAD, text, f"put it at {file}", file)
        else:
            yield _kept(name, file, mode)


def _kept(name: str, file: str, mode: int) -> Check:
    if mode & 0o077:
        text = f"others may read the credential {name} (mode {mode & 0o777:o})"
        return Check("systemd-credential", Status.BAD, text, f"chmod 600 {file}", file)
    text = f"the credential {name} is there, for its owner alone"
    return Check("systemd-credential", Status.GOOD, text, place=file)


def _wanted(settings: Settings) -> set[str]:
    """Return the credentials that the settings name."""
    key, alerts, predictions = settings.key, settings.alerts, settings.predictions
    sources: list[HandedSource | None] = [key, key.password, settings.journal.copy_password]
    sources += [alerts.to] if alerts else []
    sources += [predictions.allora.access] if predictions and predictions.allora else []
    sources += [settings.spot.access] if settings.spot else []
    names = {each.credential for each in sources if each is not None and each.credential}
    keystore = Path(key.keystore) if key.keystore else None
    return names | ({keystore.name} if keystore and keystore.parent == _HANDED else set())


def _loaded(ask: Ask) -> dict[str, str] | None:
    """Return the unit's credentials by name, and the file of each; None where nobody tells.

    `systemctl show` calls them unprintable, so the bus is asked.
    """
    text = ask(["busctl", "--json=short", "get-property", *_ON_THE_BUS, *_LOADED])
    try:
        lists = [json.loads(line)["data"] for line in text.splitlines()]
        pairs = [(str(name), str(file)) for each in lists for name, file in each]
    except (ValueError, TypeError, KeyError):
        return None
    return {name: file or name for name, file in pairs} if lists else None


def _clock(ask: Ask) -> Check:
    said = _properties(ask(["timedatectl", "show", "--property", "NTPSynchronized"]))
    match said.get("NTPSynchronized"):
        case "yes":
            return Check("clock-sync", Status.GOOD, "the clock is kept by the network")
        case "no":
            remedy = "timedatectl set-ntp true"
            text = "systemd keeps the clock by no network"
            return Check("clock-sync", Status.NOTE, text, remedy)
        case _:
            return Check("clock-sync", Status.NOTE, "whether the clock is kept is not known")


def _properties(text: str) -> dict[str, str]:
    """Return `NAME=VALUE` lines as a mapping; a name that comes again adds to its value."""
    found: dict[str, str] = {}
    for line in text.splitlines():
        name, is_one, value = line.partition("=")
        if is_one:
            found[name] = f"{found[name]} {value}" if name in found else value
    return found


def _run(command: Sequence[str]) -> str:
    try:
        done = subprocess.run(  # noqa: S603 -- systemctl and timedatectl, with words of ours
            command, capture_output=True, text=True, timeout=_PATIENCE_S, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout
