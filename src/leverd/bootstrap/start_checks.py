"""What must be true before a daemon begins, on the chain or on paper, and for which positions."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field

from loguru import logger

from leverd.adapters.evm import codes, preflight
from leverd.adapters.evm.config import EvmVenueConfig
from leverd.adapters.evm.findings import Finding, Severity
from leverd.adapters.evm.venue import EvmVenue
from leverd.bootstrap.chain import Chain
from leverd.bootstrap.daemon import Opened
from leverd.domain.position import Mandate
from leverd.errors import LeverdError, NonsenseError


@dataclass(frozen=True, slots=True)
class Barred:
    """Positions that may not be kept as the settings say, each with the first reason."""

    apart: Mapping[str, LeverdError] = field(default_factory=dict)
    """Not even looked at; under "" what no position uses."""

    watched: Mapping[str, LeverdError] = field(default_factory=dict)
    """Looked at, and lowered as far as the chain lets us."""

    def require(self) -> None:
        """Return if there are none.

        Raises:
            LeverdError: the first reason.
        """
        for error in (*self.apart.values(), *self.watched.values()):
            raise error


async def findings(
    chain: Chain, mandates: Sequence[Mandate], config: EvmVenueConfig | None = None
) -> Sequence[Finding]:
    """Return everything that is wrong with the chain and, where something is signed, with whose.

    It is `config` that is looked into, or else what the venue was told.

    Raises:
        UnreachableError: no node answers.
    """
    if isinstance(chain.venue, EvmVenue):
        whole = config or chain.venue.config
        return await preflight.check(whole, chain.client, chain.venue.signer, mandates)
    return await preflight.check_market(config or chain.config, chain.client, mandates)


async def opened_without(
    opening: Callable[[Mapping[str, LeverdError]], Awaitable[Opened]],
    nowhere: Mapping[str, LeverdError],
    *,
    doubting: bool = False,
) -> tuple[Opened, Barred]:
    """Return what `opening` opens without the positions that nothing can be done about.

    Those `nowhere` have no account yet.

    Its journal is folded, and says where they are looked for.

    Raises:
        LeverdError: what is wrong concerns all of them, or what they share; while `doubting`, also
            an answer without sense that concerns one: it may be an accident, and is asked again.
    """
    apart = dict(nowhere)
    while True:
        opened = await opening(apart)
        try:
            opened.remember()
            mandates = opened.charter.mandates
            found = await findings(opened.chain, mandates)
            barred = barred_by(found, mandates, doubting=doubting)
        except BaseException:
            await opened.close()
            raise
        if barred.apart.keys() <= apart.keys():
            return opened, Barred(apart, barred.watched)
        await opened.close()
        apart |= barred.apart


def barred_by(
    found: Sequence[Finding], mandates: Sequence[Mandate], *, doubting: bool = False
) -> Barred:
    """Return whom the errors among `found` concern; the rest is only said.

    Raises:
        LeverdError: they concern all of `mandates`, or what they share, or are to be doubted.
    """
    errors = [each for each in found if each.severity is Severity.ERROR]
    apart: dict[str, LeverdError] = {}
    watched: dict[str, LeverdError] = {}
    for each in found:
        if each.severity is not Severity.ERROR:
            logger.warning("{}", each.error)
        elif each.positions is None or (doubting and _may_pass(each.error)):
            raise each.error
        elif each.watchable:
            watched |= dict.fromkeys(each.positions - watched.keys(), each.error)
        else:
            apart |= dict.fromkeys((each.positions or {""}) - apart.keys(), each.error)
    if all(each.position_id in apart for each in mandates):
        raise errors[0].error
    return Barred(apart, {name: why for name, why in watched.items() if name not in apart})


def _may_pass(error: LeverdError) -> bool:
    return isinstance(error, NonsenseError) and error.number == codes.MALFORMED
