"""From a step of a plan to the one call that carries it out."""

from __future__ import annotations

from dataclasses import replace

from leverd.adapters.evm import account_calls, codes, erc20, plain
from leverd.adapters.evm.config import EvmVenueConfig
from leverd.adapters.evm.plain import PlainCall
from leverd.adapters.evm.survey import Survey, ask
from leverd.domain.money import Amount
from leverd.domain.plan import Action, Repay, Step, StepKind, Supply
from leverd.domain.position import Mandate
from leverd.errors import OwnerError
from leverd.interfaces.chain_client import Call, ChainClient


class Steps:
    """Encodes steps for account contracts and for plain addresses."""

    def __init__(self, config: EvmVenueConfig, survey: Survey, client: ChainClient) -> None:
        self._config = config
        self._survey = survey
        self._client = client

    async def call(self, mandate: Mandate, step: Step, sequence: int, deadline: int) -> Call:
        """Return the call that carries `step` out.

        Raises:
            OwnerError: the account cannot do it.
        """
        kind = self._survey.accounts[mandate.account.lower()]
        if kind.state is not None:
            return account_calls.encode(self._survey, mandate, step, sequence, deadline)
        return (await self.plain(mandate, step, deadline)).call

    async def plain(self, mandate: Mandate, step: Step, deadline: int) -> PlainCall:
        """Return the direct call of a single step, and the allowance it needs.

        Raises:
            OwnerError: it is not a single step.
        """
        if step.kind is not StepKind.SINGLE or len(step.actions) != 1:
            raise OwnerError(
                "a plain address cannot do several things in one transaction",
                number=codes.STEP_UNKNOWN,
                place=mandate.position_id,
                remedy="move the position into an account contract",
            )
        action = await self._with_idle(mandate, step.actions[0])
        return plain.encode(self._config, self._survey, mandate.account, action, deadline)

    async def _with_idle(self, mandate: Mandate, action: Action) -> Action:
        """Return `action` with what is idle now in place of what was idle when planned."""
        match action:
            case Supply(amount=amount, all_idle=True) | Repay(amount=amount, all_idle=True):
                held = await ask(
                    self._client,
                    erc20.balance(self._config.addresses[amount.asset], mandate.account),
                )
                return replace(action, amount=Amount(amount.asset, held))
            case _:
                return action
