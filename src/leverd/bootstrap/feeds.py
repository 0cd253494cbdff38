"""Services outside that are listened to: one HTTP client for all of them, if any is named."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from random import Random
from typing import TYPE_CHECKING, Final

from loguru import logger

from leverd.bootstrap.secret_places import secret_of
from leverd.domain.prediction import Quantity
from leverd.errors import UnreachableError
from leverd.interfaces.clock import Clock
from leverd.interfaces.http_client import HttpClient
from leverd.interfaces.predictor import Predictor
from leverd.interfaces.secrets import Secret
from leverd.settings.predictions import PredictionsSection, PredictorSection
from leverd.settings.secret_source import SecretSource

if TYPE_CHECKING:
    from leverd.adapters.allora.api import AlloraApi, Where
    from leverd.adapters.allora.judging import Terms

_LATE: Final = 10  # a topic may be late by a tenth of its interval
_JUMP_MAX: Final = Decimal(3)
"""Factor between two answers, or an answer and the oracle's price: more is a fault."""


@dataclass(frozen=True, slots=True)
class _Asked:
    """One topic, and who asks for it."""

    api: AlloraApi
    where: Where
    topic: int


@dataclass(slots=True)
class OutsideFeeds:
    """Makes predictors that ask; nothing is opened before one of them is named and asks."""

    clock: Clock
    env: Mapping[str, str]
    besides: list[Callable[[], Mapping[str, str]]] = field(default_factory=list)
    _http: HttpClient | None = field(default=None, init=False)
    _asked: list[_Asked] = field(default_factory=list, init=False)
    _held: Secret | None = field(default=None, init=False)

    def predictor(
        self, name: str, each: PredictorSection, section: PredictionsSection
    ) -> Predictor:
        """Return a predictor of kind allora.

        Where its key's place does not answer it asks nothing before a reload has the key.

        Raises:
            SecretError: its API key is missing.
        """
        from leverd.adapters.allora.api import AlloraApi, Where  # noqa: PLC0415 -- where named
        from leverd.adapters.allora.feed import AlloraFeed  # noqa: PLC0415 -- as above
        from leverd.adapters.allora.predictor import (  # noqa: PLC0415 -- as above
            AlloraPredictor,
            Says,
            Subject,
        )

        assert section.allora is not None, "the form check wants it"
        assert each.topic is not None, "as above"
        assert each.says is not None, "as above"
        assert each.interval_s is not None, "as above"
        told = section.allora
        where = Where(told.base_url, told.chain, told.signature)
        if not self._asked:  # all of them ask with the one key
            self._held = self._key(told.access)
        api = AlloraApi(self.client(), where, self._held)
        self._asked.append(_Asked(api, where, each.topic))
        feed = AlloraFeed(api, self.clock, {each.topic: _terms(each)})
        subject = Subject(
            name=name,
            symbol=each.subject,
            topic_id=each.topic,
            says=Says(each.says),
            quantity=Quantity(each.quantity),
            horizon_s=each.horizon_s,
            interval_s=each.interval_s,
        )
        return AlloraPredictor(subject, feed, self.clock)

    def _key(self, access: SecretSource) -> Secret | None:
        try:
            return secret_of(access, self.env)
        except UnreachableError as error:  # no reason not to guard
            logger.error("Allora is not asked until a reload: {}", error)
            return None

    @property
    def is_asked(self) -> bool:
        """Whether any predictor asks with a key."""
        return bool(self._asked)

    def knows(self, key: Secret) -> bool:
        """Return whether this is the key that is asked with."""
        return self._held is not None and self._held.is_same(key)

    async def check(self, key: Secret) -> None:
        """Check that the service answers who asks with `key`.

        Raises:
            SecretError: it refuses.
            UnreachableError: it does not answer.
            NonsenseError: its answer cannot be read.
        """
        from leverd.adapters.allora.api import AlloraApi  # noqa: PLC0415 -- where named

        asked = self._asked[0]
        await AlloraApi(self.client(), asked.where, key).inference(asked.topic)

    def renew(self, key: Secret) -> None:
        """Ask with `key` from now on."""
        self._held = key
        for each in self._asked:
            each.api.renew(key)

    def circuits(self) -> Mapping[str, str]:
        """Return what the breaker of each service lets through now."""
        found = {} if self._http is None else dict(self._http.circuits())
        for each in self.besides:
            found |= each()
        return found

    async def close(self) -> None:
        """Release the connections."""
        if self._http is not None:
            await self._http.close()

    def client(self) -> HttpClient:
        """Return the one HTTP client, made when it is first needed."""
        if self._http is None:
            from leverd.adapters.aiohttp_client.client import (  # noqa: PLC0415 -- where named
                AiohttpClient,
            )

            self._http = AiohttpClient(self.clock, Random())  # noqa: S311 -- spreads waits alone
        return self._http


def _terms(each: PredictorSection) -> Terms:
    from leverd.adapters.allora.judging import Terms  # noqa: PLC0415 -- only where one is named

    assert each.interval_s is not None, "the form check wants it"
    assert each.spread_max is not None, "as above"
    return Terms(
        interval_s=each.interval_s,
        grace_s=each.interval_s // _LATE,
        spread_max=each.spread_max,
        jump_max=_JUMP_MAX if each.says == "price" else None,
    )
