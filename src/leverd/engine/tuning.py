"""New settings between two turns: taken as one charter, or refused with the old one kept."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Final, Protocol, TypeAlias, assert_never

from loguru import logger

from leverd.domain.events import AlertRaised, Event, SettingsChanged
from leverd.domain.view import View
from leverd.engine.charter import Charter
from leverd.execution.executor import Executor
from leverd.risk.gate import Approved, Denied, review
from leverd.risk.limits import Limits

WITHDRAWN: Final = "the owner said otherwise: the new limits deny it"
"""Why a plan that was approved under older, looser limits ends."""


@dataclass(frozen=True, slots=True)
class Tuned:
    """Settings that may come into force now, and what to journal before they do."""

    charter: Charter
    event: SettingsChanged


@dataclass(frozen=True, slots=True)
class Refused:
    """Settings that may not, and why. What ran before goes on."""

    alert: AlertRaised


Offer: TypeAlias = Tuned | Refused


class Tuner(Protocol):
    """Where new settings come from."""

    def offer(self, charter: Charter, views: Mapping[str, View]) -> Offer | None:
        """Return what there is to change in `charter`, None for nothing. Each is said once.

        `views` are the newest ones; while there are none nothing is judged.
        """
        ...

    def settled(self, offer: Offer) -> None:
        """Learn that `offer` is in force, or that its refusal is journaled."""
        ...


async def taken(
    tuner: Tuner,
    charter: Charter,
    views: Mapping[str, View],
    executor: Executor,
    record: Callable[[Event], Awaitable[None]],
) -> Charter:
    """Return the charter that is in force from now on: all of what is offered, or none of it.

    What is journaled before it is in force is the change, and with it, in one commit, the end
    of plans under way that it denies.
    """
    offer = tuner.offer(charter, views)
    match offer:
        case None:
            return charter
        case Refused(alert):
            await record(alert)
        case Tuned(new, event):
            await executor.overrule(partial(denies, new.limits), WITHDRAWN, event)
            logger.info("settings {}", "; ".join(event.changes))
            charter = new
        case _:
            assert_never(offer)
    tuner.settled(offer)
    return charter


def denies(limits: Limits, approved: Approved) -> bool:
    """Return whether `limits` would have denied a plan that raises risk, on the view it had.

    A plan that only lowers risk goes on, whatever the new limits are.
    """
    if approved.lowers:
        return False
    return isinstance(review(approved.plan, approved.view, limits, age_s=0), Denied)
