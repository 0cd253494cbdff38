"""`leverd account deploy`: make the contract that will hold a position."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Final, NoReturn, TypeAlias

import typer

from leverd.cli import typed
from leverd.cli.account_bounds import HealthMin, HealthStepMin, LossCall, LossDay, wished
from leverd.cli.errand_run import WaitS, Yes, carry_out, show
from leverd.cli.given import Config, Mode, check_not_paper, one_position, settings_of
from leverd.cli.output import Json, pairs, say
from leverd.cli.purse import (
    ByOperator,
    OwnerEnv,
    OwnerKeystore,
    OwnerPasswordFile,
    Print,
    Purse,
    wallet_of,
)
from leverd.errors import OwnerError

if TYPE_CHECKING:
    from leverd.bootstrap.account_deploy import Deployment, Wishes
    from leverd.bootstrap.chain import Chain
    from leverd.bootstrap.errands import Errand
    from leverd.bootstrap.places import Places
    from leverd.bootstrap.running import Done
    from leverd.settings import Settings

_HAS_ACCOUNT: Final = 81
_NO_OWNER: Final = 86

Owner: TypeAlias = Annotated[
    str, typer.Option("--owner", help="Who will own it: a cold wallet's address.")
]
Operator: TypeAlias = Annotated[
    str, typer.Option("--operator", help="Who may act on it. [the settings' key]")
]
Factory: TypeAlias = Annotated[
    str, typer.Option("--factory", help="Our factory, where it stands already. [found or made]")
]
Salt: TypeAlias = Annotated[
    str, typer.Option("--salt", help="Tells accounts alike apart. [the position's name]")
]
Again: TypeAlias = Annotated[
    bool, typer.Option("--again", help="Also if the settings name an account already.")
]


def deploy(
    position: Annotated[str, typer.Argument(help="A position's name.")] = "",
    owner: Owner = "",
    operator: Operator = "",
    factory: Factory = "",
    health_min: HealthMin = "",
    health_step_min: HealthStepMin = "",
    loss_call_bps: LossCall = None,
    loss_day_usd: LossDay = None,
    salt: Salt = "",
    again: Again = False,  # noqa: FBT002 -- Typer's way to declare a flag
    owner_keystore: OwnerKeystore = None,
    owner_password_file: OwnerPasswordFile = None,
    owner_env: OwnerEnv = "",
    by_operator: ByOperator = False,  # noqa: FBT002 -- as above
    only_print: Print = False,  # noqa: FBT002 -- as above
    yes: Yes = False,  # noqa: FBT002 -- as above
    wait: WaitS = 600,
    config: Config = None,
    mode: Mode = "",
    as_json: Json = False,  # noqa: FBT002 -- as above
) -> None:
    """Make the account of a position; its address is known, and shown, before anything is sent."""
    settings = settings_of(config, mode)
    check_not_paper(settings)
    from leverd.bootstrap.account_deploy import Wishes  # noqa: PLC0415 -- loads web3
    from leverd.bootstrap.errands import operator_address  # noqa: PLC0415 -- as above
    from leverd.bootstrap.places import NOWHERE, resolve  # noqa: PLC0415 -- as above

    places = resolve(settings, undeployed=NOWHERE)
    name = one_position(settings, position)
    mandate = next(each for each in places.mandates if each.position_id == name)
    if mandate.account != NOWHERE and not again:
        raise OwnerError(
            f"{name} has an account already: {mandate.account}",
            number=_HAS_ACCOUNT,
            place=f"positions.{name}.account",
            remedy="say --again to make another one",
        )
    purse = Purse(
        owner_keystore, owner_password_file, owner_env, only_print, by_operator, operator_may=True
    )
    said = typed.address(owner, "--owner") if owner else ""
    wallet = wallet_of(purse, settings, said or places.owner)
    wishes = Wishes(
        owner=said or (wallet.address if purse.names_owner else places.owner) or _nobody(),
        operator=typed.address(operator, "--operator") if operator else operator_address(settings),
        salt=salt or name,
        factory=typed.address(factory, "--factory") if factory else "",
        bounds=wished(health_min, health_step_min, loss_call_bps, loss_day_usd),
    )
    work = _Work(settings, places, name, wishes, as_json)
    done = carry_out(
        settings, places, wallet, work.plan, work.review, yes=yes, quiet=as_json, wait_s=wait
    )
    work.end(done, as_json=as_json)


@dataclass(slots=True)
class _Work:
    """One deployment from wish to end."""

    settings: Settings
    places: Places
    position: str
    wishes: Wishes
    quiet: bool
    found: Deployment | None = None

    @property
    def made(self) -> Deployment:
        """What the wishes lead to, once the chain was asked."""
        assert self.found is not None, "planned first"
        return self.found

    async def plan(self, chain: Chain, _sender: str) -> Sequence[Errand]:
        """Return what is left to do for the account, having shown what it will be."""
        from leverd.bootstrap.account_deploy import deployment  # noqa: PLC0415 -- as above
        from leverd.bootstrap.account_facts import names_on  # noqa: PLC0415 -- as above

        mandate = next(each for each in self.places.mandates if each.position_id == self.position)
        limits = self.settings.limits.limits()
        self.found = await deployment(chain, self.places, mandate, limits, self.wishes)
        if not self.quiet:
            names = await names_on(chain)
            pairs(_described(self.found, names), title=f"the account of {self.position}")
        return self.found.errands

    async def review(self, chain: Chain, _done: Sequence[Done]) -> Sequence[str]:
        """Check that what stands there now is ours."""
        from leverd.bootstrap.account_deploy import check_made  # noqa: PLC0415 -- as above

        await check_made(chain, self.made.account)
        return ["  what stands there runs our code"]

    def end(self, done: Sequence[Done], *, as_json: bool) -> None:
        """Write what came of it, and what to do next."""
        made = self.made
        facts = {
            "position": self.position,
            "account": made.account,
            "factory": made.factory,
            "owner": made.owner,
            "operator": made.operator,
        }
        show(done, self.places.chain_id, as_json=as_json, **facts)
        if as_json:
            return
        if not done:
            say("it stands there already; nothing was sent")
        say("put it into the settings:")
        say(f'positions:\n  {self.position}:\n    account: "{made.account}"')


def _described(made: Deployment, names: Mapping[str, str]) -> dict[str, str]:
    from leverd.cli.account_show import bounds_lines  # noqa: PLC0415 -- as above

    both = "  (the operator too: its bounds protect nobody)" * (made.owner == made.operator)
    return {
        "account": made.account,
        "factory": made.factory,
        "owner": f"{made.owner}{both}",
        "operator": made.operator,
        **bounds_lines(made.bounds, names),
    }


def _nobody() -> NoReturn:
    raise OwnerError(
        "who will own it?",
        number=_NO_OWNER,
        remedy="say --owner ADDRESS, best a cold wallet's",
    )
