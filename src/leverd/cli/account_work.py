"""What every account command does: find the account, open the purse, carry the errands out."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeAlias

from leverd.cli.errand_run import carry_out
from leverd.cli.errand_run import show as show_done
from leverd.cli.given import check_not_paper, one_position, settings_of
from leverd.cli.output import say
from leverd.cli.purse import Purse, wallet_of
from leverd.errors import OwnerError

if TYPE_CHECKING:
    from leverd.bootstrap.account_facts import AccountFacts
    from leverd.bootstrap.chain import Chain
    from leverd.bootstrap.errands import Errand
    from leverd.bootstrap.places import Places
    from leverd.bootstrap.running import Done, Planner
    from leverd.domain.position import Mandate
    from leverd.settings import Settings

_NO_ACCOUNT: Final = 76

OwnersPlan: TypeAlias = "Callable[[Chain, AccountFacts], Awaitable[Sequence[Errand]]]"


@dataclass(frozen=True, slots=True)
class Manner:
    """How the person wants it done."""

    yes: bool
    as_json: bool
    wait_s: float


@dataclass(frozen=True, slots=True)
class Work:
    """One position's account, and what the settings say about it."""

    settings: Settings
    places: Places
    mandate: Mandate

    def do(self, purse: Purse, planner: Planner, manner: Manner) -> None:
        """Carry out what `planner` says, with the key that `purse` means."""
        wallet = wallet_of(purse, self.settings, self._owner() if purse.only_print else "")
        done = carry_out(
            self.settings,
            self.places,
            wallet,
            planner,
            _review(self.mandate),
            yes=manner.yes,
            quiet=manner.as_json,
            wait_s=manner.wait_s,
        )
        more = {"position": self.mandate.position_id, "account": self.mandate.account}
        show_done(done, self.places.chain_id, as_json=manner.as_json, **more)

    def do_as_owner(self, purse: Purse, plan: OwnersPlan, manner: Manner) -> None:
        """Carry out `plan`, which only the account's owner may."""
        from leverd.bootstrap.running import owned  # noqa: PLC0415 -- loads web3

        self.do(purse, owned(self.mandate, plan), manner)

    def daemon_runs(self) -> bool:
        """Return whether a daemon has the journal."""
        from leverd.adapters.sql_journal import holder, lock_path  # noqa: PLC0415 -- SQLAlchemy
        from leverd.adapters.sql_journal.database import file_of  # noqa: PLC0415 -- as above

        return holder(lock_path(file_of(self.settings.journal.path))) is not None

    def _owner(self) -> str:
        from leverd.bootstrap.account_facts import shown  # noqa: PLC0415 -- loads web3

        (found,) = shown(self.settings, self.mandate.position_id)
        return found.contract.state.owner if found.contract else self.places.owner


def work_on(config: list[Path] | None, mode: str, position: str) -> Work:
    """Return the work on `position`'s account ("" for the only one).

    Raises:
        OwnerError: it has no account yet, or never will: on paper.
    """
    settings = settings_of(config, mode)
    check_not_paper(settings)
    from leverd.bootstrap.places import NOWHERE, resolve  # noqa: PLC0415 -- loads web3

    name = one_position(settings, position)
    places = resolve(settings, undeployed=NOWHERE)
    mandate = next(each for each in places.mandates if each.position_id == name)
    if mandate.account == NOWHERE:
        raise OwnerError(
            f"{name} has no account yet",
            number=_NO_ACCOUNT,
            place=f"positions.{name}.account",
            remedy=f"leverd account deploy {name}",
        )
    return Work(settings, places, mandate)


def warn(text: str, manner: Manner) -> None:
    """Say what else a person should know, where nobody parses what is said."""
    if not manner.as_json:
        say(f"note: {text}")


def _review(mandate: Mandate) -> Callable[[Chain, Sequence[Done]], Awaitable[Sequence[str]]]:
    """Return what tells the money that was paid out, by the receipts' own word."""

    async def review(chain: Chain, done: Sequence[Done]) -> Sequence[str]:
        from leverd.bootstrap.account_money import paid_out, plain  # noqa: PLC0415 -- loads web3

        logs = [log for each in done if each.receipt for log in each.receipt.logs]
        return [f"  the owner got {plain(each)}" for each in paid_out(chain, mandate, logs)]

    return review
