"""What an account's owner allows its operator: the options, and `leverd account bounds`."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Annotated, Final, TypeAlias

import typer

from leverd.cli.account_work import Manner, work_on
from leverd.cli.errand_run import WaitS, Yes
from leverd.cli.given import Config, Mode
from leverd.cli.output import Json, pairs
from leverd.cli.purse import OwnerEnv, OwnerKeystore, OwnerPasswordFile, Print, Purse
from leverd.errors import OwnerError

if TYPE_CHECKING:
    from leverd.bootstrap.account_bounds import BoundsWishes
    from leverd.bootstrap.account_facts import AccountFacts
    from leverd.bootstrap.chain import Chain
    from leverd.bootstrap.errands import Errand

_RATIO: Final = 87

HealthMin: TypeAlias = Annotated[
    str, typer.Option("--health-min", help="Lowest health a raise may end at. [limits.health_min]")
]
HealthStepMin: TypeAlias = Annotated[
    str,
    typer.Option(
        "--health-step-min",
        help="Lowest health a withdrawal may pass through. [limits.health_step_min]",
    ),
]
LossCall: TypeAlias = Annotated[
    int | None,
    typer.Option(
        "--loss-call-bps",
        help="What a swap may lose against the oracle. [liquidation bonus, fee and oracle gap]",
        min=0,
        max=10_000,
    ),
]
LossDay: TypeAlias = Annotated[
    int | None,
    typer.Option(
        "--loss-day-usd",
        help="What all swaps of a day may lose. [limits.position_usd_max sold once at that]",
        min=0,
        max=10**9,
    ),
]


def bounds(
    position: Annotated[str, typer.Argument(help="A position's name.")] = "",
    health_min: HealthMin = "",
    health_step_min: HealthStepMin = "",
    loss_call_bps: LossCall = None,
    loss_day_usd: LossDay = None,
    owner_keystore: OwnerKeystore = None,
    owner_password_file: OwnerPasswordFile = None,
    owner_env: OwnerEnv = "",
    only_print: Print = False,  # noqa: FBT002 -- Typer's way to declare a flag
    yes: Yes = False,  # noqa: FBT002 -- as above
    wait: WaitS = 600,
    config: Config = None,
    mode: Mode = "",
    as_json: Json = False,  # noqa: FBT002 -- as above
) -> None:
    """Replace what the daemon may do by what settings and options say, and pin today's market."""
    purse = Purse(owner_keystore, owner_password_file, owner_env, only_print)
    wishes = wished(health_min, health_step_min, loss_call_bps, loss_day_usd)
    work, manner = work_on(config, mode, position), Manner(yes, as_json, wait)

    async def plan(chain: Chain, found: AccountFacts) -> Sequence[Errand]:
        from leverd.bootstrap import account_bounds, account_money  # noqa: PLC0415 -- loads web3
        from leverd.cli.account_show import bounds_lines  # noqa: PLC0415 -- as above

        limits = work.settings.limits.limits()
        new = await account_bounds.bounds_of(chain, work.mandate, limits, wishes)
        if not as_json:
            pairs(bounds_lines(new, found.names), title=f"{found.mandate.account} will allow")
        return [account_money.rebound(found, new)]

    work.do_as_owner(purse, plan, manner)


def wished(
    health_min: str, health_step_min: str, loss_call_bps: int | None, loss_day_usd: int | None
) -> BoundsWishes:
    """Return what was said of bounds.

    Raises:
        OwnerError: a health is none above 1.
    """
    from leverd.bootstrap.account_bounds import BoundsWishes  # noqa: PLC0415 -- loads web3

    return BoundsWishes(
        _ratio(health_min, "--health-min"),
        _ratio(health_step_min, "--health-step-min"),
        loss_call_bps,
        loss_day_usd,
    )


def _ratio(text: str, place: str) -> Decimal | None:
    if not text:
        return None
    try:
        value = Decimal(text)
    except InvalidOperation:
        value = Decimal(0)
    if value.is_finite() and value > 1:
        return value
    raise OwnerError(f"{text} is no health above 1", number=_RATIO, place=place)
