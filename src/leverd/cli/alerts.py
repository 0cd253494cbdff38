"""`leverd alerts`: see that alerts reach somebody."""

from __future__ import annotations

import typer

from leverd.cli.given import Config, Mode, settings_of
from leverd.cli.output import Json, busy, emit_json, say
from leverd.errors import OwnerError, UnreachableError

app = typer.Typer(help="Alerts to people.", no_args_is_help=True, rich_markup_mode=None)


@app.callback()
def _family() -> None:
    """Alerts to people."""


@app.command("test")
def try_out(
    config: Config = None,
    mode: Mode = "",
    as_json: Json = False,  # noqa: FBT002 -- Typer's way to declare a flag
) -> None:
    """Send one message to each service that the settings name; exit 3 if one did not take it."""
    settings = settings_of(config, mode)
    if settings.alerts is None:
        raise OwnerError(
            "the settings name nobody to alert",
            number=114,
            place="alerts",
            remedy="alerts: {to: {file: PATH}}, with one Apprise URL a line in that file",
        )
    from leverd.adapters.apprise_notifier.outbox import Message  # noqa: PLC0415 -- heavy
    from leverd.bootstrap.alerting import services_of  # noqa: PLC0415 -- as above
    from leverd.domain.severity import Severity  # noqa: PLC0415 -- as above

    positions = ", ".join(settings.positions)
    body = f"A test: alerts about {positions} will come here. Nothing has happened."
    message = Message("leverd: a test", body, Severity.INFO)
    taken = {}
    for target in services_of(settings.alerts):
        with busy(f"telling {target.name}"):
            taken[target.name] = target.send(message)
    if as_json:
        emit_json(taken)
    else:
        for name, took in taken.items():
            say(f"{name}: {'took it' if took else 'did not take it'}")
    missed = [name for name, took in taken.items() if not took]
    if missed and as_json:  # the answer has been given, and there is one
        raise typer.Exit(UnreachableError.exit_code)
    if missed:
        raise UnreachableError(
            f"{len(missed)} of {len(taken)} services did not take the message",
            number=51,
            place=", ".join(missed),
            remedy="look at its URL, and whether this machine may reach it",
        )
