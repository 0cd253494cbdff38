"""From a step of a plan to the one call that carries it out."""

from __future__ import annotations

from dataclasses import replace

from leverd.adapters.evm import account_calls, codes, erc20, plain
from leverd.adapters.evm.config import EvmVenueConfig
from leverd.adapters.evm.survey import Survey, ask
from leverd.domain.money import Amount
from leverd.domain.plan import Action, Approve, Repay, Step, StepKind, Supply
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
        action = await self._single(mandate, step)
        return plain.encode(self._config, self._survey, mandate.account, action, deadline)

    async def needed(self, mandate: Mandate, step: Step) -> tuple[str, str, int] | None:
        """Return token, spender and raw amount that `step` approves, None if it approves none."""
        if not isinstance(step.actions[0], Approve):
            return None
        action = await self._single(mandate, step)
        assert isinstance(action, Approve)
        spender = plain.spender_of(self._config, self._survey, action.venue)
        return self._config.addresses[action.amount.asset], spender, action.amount.raw

    async def _single(self, mandate: Mandate, step: Step) -> Action:
        """Return the one action of a step, with what is idle now in place of what was.

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
        action = step.actions[0]
        match action:
            case (
                Supply(amount=amount, all_idle=True)
                | Repay(amount=amount, all_idle=True)
                | Approve(amount=amount, all_idle=True)
            ):
                token = self._config.addresses[amount.asset]
                held = await ask(self._client, erc20.balance(token, mandate.account))
                return replace(action, amount=Amount(amount.asset, held))
            case _:
                return action
