"""Trying a call without sending it.

A simulation (eth_simulateV1) runs the call once, where an estimate runs it a dozen times; it
reports gas after refunds, which are at most a fifth (EIP-3529).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from loguru import logger

from leverd.adapters.evm import (
    access_list,
    answers,
    codes,
    questions,
    replies,
    revert_reasons,
    wire,
)
from leverd.adapters.evm.abi import malformed
from leverd.adapters.evm.access_list import AccessList, proposed
from leverd.adapters.evm.allow_list import GAS_MAX
from leverd.adapters.evm.sources import Question, Sources
from leverd.adapters.evm.transport import Answer, Ask, RpcError, error_of
from leverd.domain.fixed_point import mul_div_up
from leverd.errors import NonsenseError, RevertedError, UnreachableError
from leverd.interfaces.chain_client import Call

_GAS_MARGIN: Final = (5, 4)
"""A quarter above the gross estimate: indexes, ticks and slots change until it is mined."""

_LISTED_S: Final = 1.0  # a list saves gas, and must not hold anything up
_LIST_GAS: Final = 1_000_000
"""What a list is asked for with. A node takes the most it knows unless it is told, and then
refuses whoever could not pay for that."""
_SPOILT_MAX: Final = 3
"""So many rehearsals in a row that only a list spoilt are the node's way; one is a slow moment."""
_ESTIMATES: Final = 32
"""Rehearsals that a node estimates once it refused to simulate, before it is asked to again."""

_DENIALS: Final = 2
"""Calls in a row that one node says would revert, before another is looked at and asked first.

The market has moved on between look and rehearsal, mostly: a new look says so. A node that goes
on saying no to what its own looks call for may be wrong, and would keep a rescue from ever going.
"""

_Found = tuple[int, int, Answer]
"""Gas enough before refunds, gas used, and what was answered about a list (None: not asked)."""


@dataclass(frozen=True, slots=True)
class Tried:
    """What a call takes if it is sent now."""

    gas: int  # enough before refunds, without a list
    access_list: AccessList = ()

    @property
    def limit(self) -> int:
        """The gas to ask for: with a margin, in which a list that is all wrong has room too.

        Raises:
            RevertedError: no transaction may ask for as much.
        """
        if self.gas > GAS_MAX:
            raise RevertedError(revert_reasons.OUT_OF_GAS, number=codes.OUT_OF_GAS)
        listed = self.gas + access_list.price(self.access_list)
        return min(max(mul_div_up(self.gas, *_GAS_MARGIN), listed), GAS_MAX)


class Rehearsals:
    """Tries calls on the newest block; remembers for a while which nodes did not simulate."""

    def __init__(self, sources: Sources) -> None:
        self._sources = sources
        self._estimates: dict[str, int] = {}  # node -> rehearsals until it is to simulate again
        self._spoilt = 0  # rehearsals in a row that failed with a list alone
        self._denials: dict[str, int] = {}  # node -> calls in a row that it says would revert

    async def tried(self, call: Call, sender: str, *, listing: bool) -> Tried:
        """Return what `call` takes, with the access list the node proposes if `listing`.

        The list is asked for in the same request, and nothing depends on its answer. A node
        that fails only when asked for one is asked without, and after some times for none again.

        Raises:
            RevertedError: it would revert; the reason is that of a call without a gas limit.
        """
        if not listing or self._spoilt >= _SPOILT_MAX:
            return await self._ask(call, sender, (), None)
        parameters = questions.transaction(call, sender) | {"gas": hex(_LIST_GAS)}
        ask = Ask("eth_createAccessList", (parameters, questions.LATEST))
        try:
            found = await self._ask(call, sender, (ask,), _LISTED_S)
        except (UnreachableError, NonsenseError) as error:
            found = await self._ask(call, sender, (), None)
            self._spoilt += 1
            if self._spoilt == _SPOILT_MAX:
                logger.warning("no access lists from now on: with one, {}", error)
        else:
            self._spoilt = 0
        return found

    async def _ask(
        self, call: Call, sender: str, listing: tuple[Ask, ...], deadline_s: float | None
    ) -> Tried:
        found: _Found | None = None
        asked = ""

        def question(node: str) -> Question[_Found | None]:
            nonlocal asked
            asked = node
            return self._question(node, call, sender, listing)

        while found is None:  # whoever refuses to simulate is asked for an estimate from then on
            try:
                found = await self._sources.read_from_each(question, deadline_s=deadline_s)
            except RevertedError:
                self._denied_by(asked)
                raise
        self._denials.pop(asked, None)
        gas, used, proposal = found
        return Tried(gas, proposed(proposal, call, sender, used))

    def _denied_by(self, node: str) -> None:
        """Count that `node` says no, and have others asked before one that goes on saying so."""
        self._denials[node] = self._denials.get(node, 0) + 1
        if self._denials[node] >= _DENIALS:
            del self._denials[node]
            self._sources.doubt(node)

    def _question(
        self, node: str, call: Call, sender: str, listing: tuple[Ask, ...]
    ) -> Question[_Found | None]:
        """Return what to ask this one node: what another does not serve says nothing of it."""

        def estimated(got: Sequence[Answer]) -> _Found:
            found = _estimated(got)  # one that fails does not count: it may be asked many times
            self._estimates[node] = max(self._estimates[node] - 1, 0)
            return found

        def simulated(got: Sequence[Answer]) -> _Found | None:
            found = _simulated(got)
            if found is None:
                self._estimates[node] = _ESTIMATES
            return found

        if self._estimates.get(node, 0):
            parameters = (questions.transaction(call, sender), questions.LATEST)
            asks = (Ask("eth_call", parameters), Ask("eth_estimateGas", parameters))
            return (*asks, *listing), estimated
        simulation = Ask("eth_simulateV1", (of(call, sender), questions.LATEST))
        return (simulation, *listing), simulated


def of(call: Call, sender: str) -> dict[str, Any]:
    """Return the simulation of one block that holds `call` alone."""
    transaction = {"from": sender, "to": call.to, "input": "0x" + call.data.hex()}
    return {"blockStateCalls": [{"calls": [transaction]}]}


def gas_used(answer: Answer) -> int | None:
    """Return the gas the call used after refunds, None if the node refused to simulate.

    Nodes refuse by many codes, and a call and an estimate tell as much: none is a failure.

    Raises:
        RevertedError: it would revert.
    """
    if isinstance(answer, RpcError):
        return None
    try:
        result = answer[0]["calls"][0]  # type: ignore[index]  # checked by trying
        succeeded = wire.quantity(result["status"]) == 1
        used = wire.quantity(result["gasUsed"])
    except (TypeError, KeyError, IndexError):
        raise malformed("a simulation without a result") from None
    if succeeded:
        return used
    raise RevertedError(revert_reasons.name(_revert_data(result)), number=codes.REVERTED)


def _simulated(got: Sequence[Answer]) -> _Found | None:
    """Return what a simulation found, None if the node refused it.

    Raises:
        NonsenseError: it refused all that was asked, and that may be for the list's sake.
    """
    used = gas_used(got[0])
    proposal = got[1] if len(got) > 1 else None
    if used is not None:
        return mul_div_up(used, 5, 4), used, proposal
    if isinstance(proposal, RpcError):
        raise malformed("neither a simulation nor an access list")
    return None


def _estimated(got: Sequence[Answer]) -> _Found:
    trial, estimate, *more = got
    tried = replies.reply(trial)
    if not tried.succeeded:
        raise RevertedError(revert_reasons.name(tried.data), number=codes.REVERTED)
    gas = replies.gas(estimate)
    return gas, gas, more[0] if more else None


def _revert_data(result: dict[str, Any]) -> bytes:
    """Return what the call reverted with; nodes put it in one of two places."""
    returned = result.get("returnData")
    if isinstance(returned, str) and len(returned) > len("0x"):
        return wire.data(returned)
    error = result.get("error")
    if not isinstance(error, dict):
        return b""
    return answers.revert_data(error_of(error)) or b""
