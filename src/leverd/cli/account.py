"""`leverd account`: the contract that holds a position, its money, and who may act on it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Final, TypeAlias

import typer

from leverd.cli import account_bounds, account_deploy, typed
from leverd.cli.account_work import Manner, Work, warn, work_on
from leverd.cli.errand_run import WaitS, Yes
from leverd.cli.given import Config, Mode, check_known, check_not_paper, one_position, settings_of
from leverd.cli.output import Json, emit_json, say, table
from leverd.cli.purse import ByOperator, OwnerEnv, OwnerKeystore, OwnerPasswordFile, Print, Purse

if TYPE_CHECKING:
    from leverd.bootstrap.account_facts import AccountFacts
    from leverd.bootstrap.chain import Chain
    from leverd.bootstrap.errands import Errand

_NOBODY: Final = "0x" + "0" * 40

app = typer.Typer(
    help="The account contract that holds a position.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
app.command()(account_deploy.deploy)
app.command()(account_bounds.bounds)

Position: TypeAlias = Annotated[str, typer.Argument(help="A position's name.")]
AmountText: TypeAlias = Annotated[str, typer.Argument(help="Whole tokens, e.g. 1.5.")]
AmountOrAll: TypeAlias = Annotated[str, typer.Argument(help="Whole tokens, e.g. 1.5, or: all.")]
TokenName: TypeAlias = Annotated[str, typer.Argument(help="As in the settings, e.g. WETH.")]


@app.command()
def show(
    position: Position = "",
    config: Config = None,
    mode: Mode = "",
    as_json: Json = False,  # noqa: FBT002 -- Typer's way to declare a flag
) -> None:
    """Owner, operator, bounds and balances; needs no key."""
    settings = settings_of(config, mode)
    check_not_paper(settings)
    check_known(settings, position)
    from leverd.bootstrap.account_facts import shown  # noqa: PLC0415 -- loads web3
    from leverd.cli import account_show  # noqa: PLC0415 -- as above

    found = shown(settings, position)
    if as_json:
        emit_json([account_show.as_data(each) for each in found])
        return
    for each in found:
        account_show.show(each)


@app.command()
def adopt(
    address: Annotated[str, typer.Argument(help="An account, or the key's own address.")],
    position: Position = "",
    config: Config = None,
    mode: Mode = "",
    as_json: Json = False,  # noqa: FBT002 -- Typer's way to declare a flag
) -> None:
    """Check an account that holds a position already, and say what the settings need to keep it."""
    settings = settings_of(config, mode)
    check_not_paper(settings)
    name = one_position(settings, position)
    at = typed.address(address, "ADDRESS")
    from leverd.bootstrap.adopting import adoption  # noqa: PLC0415 -- loads web3
    from leverd.cli import account_show  # noqa: PLC0415 -- as above

    found = adoption(settings, name, at)
    if as_json:
        checks = [
            {"code": each.code, "status": each.status, "message": each.message,
             "remedy": each.remedy} for each in found.checks
        ]  # fmt: skip
        emit_json({"fits": found.fits, "checks": checks, **account_show.as_data(found.facts)})
    else:
        account_show.show(found.facts)
        if found.checks:
            rows = [(each.status.value, each.code, each.message, each.remedy)
                    for each in found.checks]  # fmt: skip
            table(("", "code", "found", "remedy"), rows)
        if found.fits:
            say("it can be kept; put it into the settings, and the next start adopts it:")
            say(f'positions:\n  {name}:\n    account: "{at}"')
        else:
            say("it cannot be kept like this; nothing was changed")
    if not found.fits:
        raise typer.Exit(1)


@app.command()
def deposit(
    amount: AmountText,
    token: TokenName,
    position: Position = "",
    owner_keystore: OwnerKeystore = None,
    owner_password_file: OwnerPasswordFile = None,
    owner_env: OwnerEnv = "",
    by_operator: ByOperator = False,  # noqa: FBT002 -- Typer's way to declare a flag
    only_print: Print = False,  # noqa: FBT002 -- as above
    yes: Yes = False,  # noqa: FBT002 -- as above
    wait: WaitS = 600,
    config: Config = None,
    mode: Mode = "",
    as_json: Json = False,  # noqa: FBT002 -- as above
) -> None:
    """Send money from the owner's wallet, or the daemon's, into the account."""
    purse = Purse(
        owner_keystore, owner_password_file, owner_env, only_print, by_operator, operator_may=True
    )
    work = work_on(config, mode, position)
    asset = typed.token(token, work.places.tokens)
    wanted = typed.some(amount, asset)

    async def plan(chain: Chain, sender: str) -> Sequence[Errand]:
        from leverd.bootstrap import account_facts, account_money  # noqa: PLC0415 -- loads web3

        found = await account_facts.facts(chain, work.mandate)
        return [await account_money.deposit(chain, found, wanted, sender)]

    work.do(purse, plan, Manner(yes, as_json, wait))


@app.command()
def withdraw(
    amount: AmountOrAll,
    token: TokenName,
    position: Position = "",
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
    """Send money to the owner: what is idle first, then posted collateral as health allows."""
    purse = Purse(owner_keystore, owner_password_file, owner_env, only_print)
    work, manner = work_on(config, mode, position), Manner(yes, as_json, wait)
    asset = typed.token(token, work.places.tokens)
    wanted = typed.amount(amount, asset)

    async def plan(chain: Chain, found: AccountFacts) -> Sequence[Errand]:
        from leverd.bootstrap import account_money  # noqa: PLC0415 -- loads web3

        errands = account_money.withdraw(chain, found, asset, wanted)
        if account_money.takes_posted(errands) and work.daemon_runs():
            warn("the daemon will see collateral leave that it did not move, and only lower risk"
                 " until `leverd resume`", manner)  # fmt: skip
        return errands

    work.do_as_owner(purse, plan, manner)


@app.command()
def sweep(
    position: Position = "",
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
    """Send everything that is idle in the account to the owner."""
    purse = Purse(owner_keystore, owner_password_file, owner_env, only_print)
    work = work_on(config, mode, position)

    async def plan(chain: Chain, found: AccountFacts) -> Sequence[Errand]:
        from leverd.bootstrap import account_money  # noqa: PLC0415 -- loads web3

        return await account_money.sweep(chain, found)

    work.do_as_owner(purse, plan, Manner(yes, as_json, wait))


@app.command()
def revoke(
    position: Position = "",
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
    """Take the daemon's leave to act on the account: no guardian acts either after that."""
    purse = Purse(owner_keystore, owner_password_file, owner_env, only_print)
    _appoint(work_on(config, mode, position), purse, _NOBODY, Manner(yes, as_json, wait))


@app.command()
def appoint(
    operator: Annotated[str, typer.Argument(help="The address of the daemon's new key.")],
    position: Position = "",
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
    """Let another key act on the account, in place of the present one."""
    purse = Purse(owner_keystore, owner_password_file, owner_env, only_print)
    at = typed.address(operator, "OPERATOR")
    _appoint(work_on(config, mode, position), purse, at, Manner(yes, as_json, wait))


def _appoint(work: Work, purse: Purse, operator: str, manner: Manner) -> None:
    async def plan(_chain: Chain, found: AccountFacts) -> Sequence[Errand]:
        from leverd.bootstrap import account_money  # noqa: PLC0415 -- loads web3

        return [account_money.appoint(found, operator)]

    work.do_as_owner(purse, plan, manner)
