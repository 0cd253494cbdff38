"""`leverd`: find the command asked for, import that one alone, run it."""

from __future__ import annotations

import sys
from difflib import get_close_matches
from importlib import import_module, metadata
from typing import Any, Final

import typer
from typer.core import TyperGroup

from leverd.cli import edge

COMMANDS: Final[dict[str, tuple[str, str]]] = {
    # name: (module:attribute, help)
    "run": ("run:command", "Run the agent until told to stop."),
    "status": ("status:status", "What is held, how safe it is, what was last decided."),
    "positions": ("status:positions", "Balances and P&L of each position."),
    "history": ("history:history", "What was decided and done, and why."),
    "report": ("report:report", "What became of a position, and where the money went."),
    "plan": ("plan:command", "What the agent would do now, and what that costs."),
    "pause": ("orders:pause", "Only lower risk, and do not ask the agents."),
    "reduce": ("orders:reduce", "Only lower risk."),
    "resume": ("orders:resume", "Lift pause, reduce, halt, unwind or a portfolio stop."),
    "halt": ("orders:halt", "Do nothing at all until resumed, but keep watching."),
    "unwind": ("orders:unwind", "Repay everything, and stay out until resumed."),
    "write-off": ("write_off:command", "Give up what spot holds, where it is there no more."),
    "account": ("account:app", "The account contract that holds a position."),
    "reconcile": ("reconcile:command", "Compare the journal with the chain."),
    "doctor": ("doctor:doctor", "Check everything the agent depends on."),
    "config": ("config:app", "Check, show or begin a settings file."),
    "keys": ("keys:app", "Make or import the operator's key, or tokens for the API."),
    "api": ("api:command", "Serve the page, the REST API and websocket, and metrics."),
    "backtest": ("backtest:command", "Replay the past with the live agents and gate."),
    "survive": ("survive:command", "Would the settings have lived through the great crashes?"),
    "data": ("data:app", "Recorded history: describe, check, show and download it."),
    "sweep": ("sweep:command", "Many configurations over recorded history."),
    "predict": ("predict:app", "Models that predict: train, score and show them."),
    "db": ("db:app", "Look after the journal."),
    "alerts": ("alerts:app", "Send a test to whoever is to hear of alerts."),
    "devnet": ("devnet:app", "A local chain with real markets, to try everything on."),
}
"""Every command, in the order of the help."""


class LazyGroup(TyperGroup):
    """Commands by name, each imported when it is called and not before."""

    def list_commands(self, ctx: Any) -> list[str]:  # noqa: ARG002 -- the base class's signature
        """Return the names in the order of the table."""
        return list(COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:  # noqa: ARG002 -- as above
        """Return the command called `cmd_name`, None if there is none."""
        if cmd_name not in COMMANDS:
            return None
        module, _, attribute = COMMANDS[cmd_name][0].partition(":")
        found = getattr(import_module(f"leverd.cli.{module}"), attribute)
        if not isinstance(found, typer.Typer):
            single = typer.Typer(add_completion=False, rich_markup_mode=None)
            single.command(cmd_name)(found)
            found = single
        command = typer.main.get_command(found)
        command.name = cmd_name
        return command

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Return the command the arguments begin with; name the nearest one if there is none."""
        name = args[0]
        if name not in COMMANDS and not name.startswith("-"):
            close = get_close_matches(name, COMMANDS, n=1)
            hint = f" Did you mean '{close[0]}'?" if close else ""
            ctx.fail(f"No such command '{name}'.{hint}")
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: Any, formatter: Any) -> None:  # noqa: ARG002 -- as above
        """Write the table of commands without importing any of them."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in COMMANDS.items()])


app = typer.Typer(
    cls=LazyGroup,
    name="leverd",
    help="A self-hosted agent that keeps leveraged DeFi positions for its owner.",
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)


def _version(value: bool) -> None:  # noqa: FBT001 -- a callback of Typer's
    if value:
        typer.echo(metadata.version("leverd"))
        raise typer.Exit


@app.callback()
def _leverd(
    version: bool = typer.Option(  # noqa: FBT001 -- Typer's way to declare a flag
        False,  # noqa: FBT003 -- Typer's way to name a default
        "--version",
        help="Show the version.",
        callback=_version,
        is_eager=True,
    ),
) -> None:
    """Hold the options that come before any command."""


def main() -> None:
    """Run `leverd` and exit with its code."""
    arguments = sys.argv[1:]
    sys.exit(edge.guard(lambda: app(args=arguments, prog_name="leverd"), arguments))
