"""The two questions that the consumer API answers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from leverd.adapters.allora import codes, parsing
from leverd.adapters.allora.inference import Inference, Topic
from leverd.errors import NonsenseError, SecretError, UnreachableError
from leverd.interfaces.http_client import HttpAnswer, HttpClient
from leverd.interfaces.secrets import Secret

BASE_URL: Final = "https://api.allora.network/v2"
_PAGES_MAX: Final = 100
_OK: Final = 200
_KEY_REFUSED: Final = frozenset({401, 403})
_UNKNOWN: Final = frozenset({400, 404})


@dataclass(frozen=True, slots=True)
class Where:
    """Which of their networks is asked, and for what kind of signature."""

    base_url: str = BASE_URL
    chain: str = "allora-mainnet-1"  # whose topics are counted
    signature: str = "ethereum-11155111"  # the chain an answer is signed for; not used here


class AlloraApi:
    """Reads only: what the network says is never acted on before it is judged."""

    def __init__(self, http: HttpClient, where: Where, key: Secret | None) -> None:
        """Make one; without a key it asks nothing until it is given one."""
        self._http, self._where, self._key = http, where, key

    def renew(self, key: Secret) -> None:
        """Ask with `key` from the next question on."""
        self._key = key

    async def topics(self) -> tuple[Topic, ...]:
        """Return every topic of the chain.

        Raises:
            UnreachableError: no answer.
            NonsenseError: an answer in another form, or a list without end.
            SecretError: the key is refused.
        """
        found: list[Topic] = []
        token: str | None = None
        for _ in range(_PAGES_MAX):
            params = {} if token is None else {"continuation_token": token}
            page, following = parsing.topics(
                await self._data(f"allora/{self._where.chain}/topics", params)
            )
            found.extend(page)
            if following is None:
                return tuple(found)
            if following == token:
                break
            token = following
        raise parsing.malformed("a list of topics without end")

    async def topic(self, topic_id: int) -> Topic:
        """Return one topic, which the network works on.

        Raises:
            NonsenseError: there is none of that number, or it is not active.
        """
        for topic in await self.topics():
            if topic.topic_id == topic_id:
                if topic.active:
                    return topic
                raise NonsenseError(
                    f"topic {topic_id} ({topic.name}) is not active",
                    number=codes.INACTIVE,
                    place="allora",
                    remedy="name an active topic",
                )
        raise _no_such_topic(topic_id, self._where.chain)

    async def inference(self, topic_id: int) -> Inference:
        """Return the network's newest answer to one topic, which is not judged yet.

        Raises:
            UnreachableError: no answer.
            NonsenseError: there is no such topic, or the answer is of another form or topic.
            SecretError: the key is refused.
        """
        path = f"allora/consumer/{self._where.signature}"
        params = {"allora_topic_id": str(topic_id), "inference_value_type": "uint256"}
        found = parsing.inference(await self._data(path, params, topic_id=topic_id))
        if found.topic_id != topic_id:
            raise NonsenseError(
                f"an inference of topic {found.topic_id}, and {topic_id} was asked for",
                number=codes.OTHER_TOPIC,
                place="allora",
            )
        return found

    async def _data(
        self, path: str, params: Mapping[str, str], *, topic_id: int | None = None
    ) -> Mapping[str, Any]:
        if self._key is None:
            raise UnreachableError(
                "where its API key comes from did not answer",
                number=codes.KEYLESS,
                place="allora",
                remedy="reload leverd once it does",
            )
        answer = await self._http.read(
            f"{self._where.base_url.rstrip('/')}/{path}",
            params=params,
            headers={"x-api-key": self._key, "Accept": "application/json"},
        )
        self._judge(answer, topic_id)
        return parsing.answered(answer.body)

    def _judge(self, answer: HttpAnswer, topic_id: int | None) -> None:
        if answer.status in _KEY_REFUSED:
            raise SecretError(
                "the API key is refused",
                number=codes.KEY_REFUSED,
                place="allora",
                remedy="make a new key in Allora's developer portal",
            )
        if answer.status in _UNKNOWN and topic_id is not None:
            raise _no_such_topic(topic_id, self._where.chain)
        if answer.status != _OK:
            raise parsing.malformed(f"HTTP status {answer.status}")


def _no_such_topic(topic_id: int, chain: str) -> NonsenseError:
    return NonsenseError(
        f"there is no topic {topic_id} on {chain}",
        number=codes.NO_SUCH_TOPIC,
        place="allora",
        remedy="topics are counted by each of their chains: check number and chain",
    )
