"""What a node says of a transaction, and one that keeps no index of them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import grpc
import pytest
from grpc import aio
from pyinjective.proto.cosmos.base.abci.v1beta1 import abci_pb2
from pyinjective.proto.cosmos.tx.v1beta1 import service_pb2 as tx
from pyinjective.proto.cosmos.tx.v1beta1 import service_pb2_grpc as tx_grpc

from leverd.adapters.injective.line import Line
from leverd.adapters.injective.reads import ChainReads
from leverd.adapters.injective.settling import Included
from leverd.adapters.system_clock import SystemClock
from leverd.errors import NonsenseError

pytestmark = pytest.mark.sockets

UNINDEXED = grpc.StatusCode.UNKNOWN, "transaction indexing is disabled"
NOT_FOUND = grpc.StatusCode.NOT_FOUND, "tx not found: AB"
OTHER = grpc.StatusCode.INVALID_ARGUMENT, "no"


@dataclass
class Node(tx_grpc.ServiceServicer):  # type: ignore[misc]  # is untyped
    says_no: tuple[grpc.StatusCode, str] | None = None

    async def GetTx(self, _request: Any, context: Any) -> Any:  # noqa: N802 -- theirs
        if self.says_no is not None:
            await context.abort(*self.says_no)
        told = abci_pb2.TxResponse(height=7, code=5, codespace="sdk", raw_log="no funds")
        return tx.GetTxResponse(tx_response=told)


@pytest.fixture
def node() -> Node:
    return Node()


@pytest.fixture
async def reads(node) -> AsyncIterator[ChainReads]:
    server = aio.server()
    tx_grpc.add_ServiceServicer_to_server(node, server)
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    line = Line(f"127.0.0.1:{port}", SystemClock(), tls=False)
    yield ChainReads(line)
    await line.close()
    await server.stop(None)


async def test_what_a_block_holds_is_told(reads):
    assert await reads.included("AB") == Included(7, 5, "sdk", "no funds")


@pytest.mark.parametrize("says_no", [NOT_FOUND, UNINDEXED])
async def test_what_is_not_found_or_not_indexed_is_in_no_block_that_is_known(node, reads, says_no):
    node.says_no = says_no
    assert await reads.included("AB") is None


async def test_any_other_no_is_no_answer_to_what_became_of_it(node, reads):
    node.says_no = OTHER
    with pytest.raises(NonsenseError):
        await reads.included("AB")


async def test_a_node_that_says_not_found_of_what_nobody_sent_has_an_index(node, reads):
    node.says_no = NOT_FOUND
    await reads.check_index()


@pytest.mark.parametrize("says_no", [UNINDEXED, OTHER, None])
async def test_a_node_that_says_anything_else_of_it_is_named_with_a_remedy(node, reads, says_no):
    node.says_no = says_no
    with pytest.raises(NonsenseError) as caught:
        await reads.check_index()
    assert caught.value.code == "LVD-CHN-095"
    assert caught.value.place.startswith("127.0.0.1:")
    assert "tx_index" in caught.value.remedy
