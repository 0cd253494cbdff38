"""Print as JSON what Allora's own client reads at argv[1] with the key argv[2]."""

from __future__ import annotations

import asyncio
import json
import sys

from allora_sdk.api_client.client import AlloraAPIClient, ChainID


async def main(url: str, key: str) -> None:
    client = AlloraAPIClient(ChainID.TESTNET, key, url)
    topics = await client.get_all_topics()
    answer = await client.get_inference_by_topic_id(1)
    found = {
        "topics": [
            [one.topic_id, one.topic_name, one.epoch_length, bool(one.is_active)] for one in topics
        ],
        "inference": answer.inference_data.model_dump(),
        "decimals": answer.token_decimals,
    }
    sys.stdout.write(json.dumps(found))


asyncio.run(main(*sys.argv[1:]))
