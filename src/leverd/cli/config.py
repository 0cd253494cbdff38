"""`leverd config`: check, show or begin a settings file; no socket opens before it is right."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeAlias

import typer

from leverd.cli.given import DEFAULT, Config, Mode, settings_of
from leverd.cli.new_file import write_new
from leverd.cli.output import Json, emit_json, say
from leverd.errors import OwnerError

if TYPE_CHECKING:
    from leverd.settings import Settings

app = typer.Typer(
    help="Check, show or begin a settings file.", no_args_is_help=True, rich_markup_mode=None
)

FormOnly: TypeAlias = Annotated[
    bool, typer.Option("--form-only", help="Do not ask the market whether it can be kept.")
]

Market: TypeAlias = Annotated[
    Path | None, typer.Option("--market", help="Ask a recorded market file, not the chain.")
]


@app.command()
def check(
    config: Config = None,
    mode: Mode = "",
    market: Market = None,
    form_only: FormOnly = False,  # noqa: FBT002 -- Typer's way to declare a flag
    as_json: Json = False,  # noqa: FBT002 -- Typer's way to declare a flag
) -> None:
    """Check the form (exit 2), then whether the market lets it be kept (exit 6)."""
    settings = settings_of(config, mode)
    files = [str(each) for each in config or [DEFAULT]]
    differs = _differences(settings)
    if not as_json:
        say(f"{', '.join(files)}: the form is right ({settings.fingerprint()})")
        for line in differs:
            say(f"  not as it last ran: {line}")
    findings = () if form_only else _judged(settings, market)
    if as_json:
        emit_json(
            {
                "files": files,
                "fingerprint": settings.fingerprint(),
                "market": "not asked" if form_only else "can be kept",
                "findings": findings,
                "differences": differs,
            }
        )
        return
    for finding in findings:
        say(f"  {finding}")


def _differences(settings: Settings) -> tuple[str, ...]:
    from leverd.bootstrap.kept_settings import differences  # noqa: PLC0415 -- loads SQLAlchemy

    return differences(settings)


def _judged(settings: Settings, market: Path | None) -> tuple[str, ...]:
    from leverd.bootstrap import feasible  # noqa: PLC0415 -- loads web3

    return tuple(str(finding) for finding in feasible.check(settings, market))


@app.command()
def show(
    config: Config = None,
    mode: Mode = "",
    as_json: Json = False,  # noqa: FBT002 -- Typer's way to declare a flag
) -> None:
    """Show every setting in force; without URLs' keys and commands' arguments."""
    from leverd.settings import as_yaml, in_force  # noqa: PLC0415 -- loads pydantic

    settings = settings_of(config, mode)
    if as_json:
        emit_json(in_force(settings))
    else:
        sys.stdout.write(as_yaml(settings))


@app.command()
def schema(config: Config = None) -> None:
    """Print the JSON schema of a settings file, for editors; with your own agents by -c."""
    from leverd.bootstrap.agents import find_agents  # noqa: PLC0415 -- loads pydantic
    from leverd.settings import agents_path  # noqa: PLC0415 -- as above
    from leverd.settings import schema as schema_of  # noqa: PLC0415 -- as above

    own = [Path(each) for each in agents_path(config, os.environ)] if config else []
    emit_json(schema_of(find_agents(own)))


@app.command()
def new(
    to: Annotated[Path, typer.Argument(help="A new file.")] = DEFAULT,
    mode: Annotated[str, typer.Option("--mode", help="devnet, paper or live.")] = "devnet",
) -> None:
    """Write a commented settings file to begin with; for live it leaves every limit to you."""
    from leverd.settings import starter  # noqa: PLC0415 -- loads pydantic

    if mode not in {"devnet", "paper", "live"}:
        remedy = "devnet, paper or live; what is written for live also does for fork"
        raise OwnerError(f"no settings begin with mode {mode}", number=4, remedy=remedy)
    write_new(to, starter(mode))
    say(f"{to} is written; check it with: leverd config check -c {to}")
