"""What the client makes of a node's answers.

Raises of all functions here: `NonsenseError` for what cannot be true, `UnreachableError` for a
node that could not say.
"""

from __future__ import annotations

from leverd.adapters.evm import answers, codes, fees, revert_reasons, wire
from leverd.adapters.evm.abi import malformed
from leverd.adapters.evm.transport import Answer, RpcError
from leverd.errors import NonsenseError, RevertedError
from leverd.interfaces.chain_client import Call, Head, Receipt, Reply


def number(answer: Answer) -> int:
    """Return a number."""
    return wire.quantity(answers.value(answer))


def head(answer: Answer) -> Head:
    """Return a header."""
    return wire.head(answers.value(answer))


def maybe_head(answer: Answer) -> Head | None:
    """Return a header, None if the node knows no such block."""
    found = answers.value(answer)
    return None if found is None else wire.head(found)


def maybe_receipt(answer: Answer, tx_hash: str) -> Receipt | None:
    """Return the receipt of `tx_hash`, None if it is not mined."""
    found = answers.value(answer)
    if found is None:
        return None
    receipt = wire.receipt(found)
    if receipt.tx_hash != tx_hash.lower():
        raise _other_receipt(tx_hash)
    return receipt


def _other_receipt(tx_hash: str) -> NonsenseError:
    return NonsenseError(
        f"a receipt that is not of {tx_hash}",
        number=codes.OTHER_ANSWER,
        remedy="check what answers at this URL",
    )


def maybe_transaction(answer: Answer) -> tuple[Call, str, int] | None:
    """Return a transaction's call, sender and gas limit, None if the node does not know it."""
    found = answers.value(answer)
    if not isinstance(found, dict):
        return None
    call = Call(str(found.get("to") or ""), wire.data(found.get("input")))
    return call, str(found.get("from")), wire.quantity(found.get("gas"))


def reply(answer: Answer) -> Reply:
    """Return what a call answered, or reverted with."""
    if not isinstance(answer, RpcError):
        return Reply(succeeded=True, data=wire.data(answer))
    data = answers.revert_data(answer)
    if data is None:
        raise answers.failure(answer)
    return Reply(succeeded=False, data=data)


def gas(answer: Answer) -> int:
    """Return an estimate.

    Raises:
        RevertedError: the call would revert, or does not fit a block.
    """
    if not isinstance(answer, RpcError):
        return wire.quantity(answer)
    data = answers.revert_data(answer)
    if data is not None:
        raise RevertedError(revert_reasons.name(data), number=codes.REVERTED)
    if answers.ran_out(answer):
        raise RevertedError(revert_reasons.OUT_OF_GAS, number=codes.OUT_OF_GAS)
    raise answers.failure(answer)


def recent_fees(answer: Answer, head: Head) -> tuple[int, int]:
    """Return the next base fee and the usual tip; reckoned where the node keeps no history."""
    if isinstance(answer, RpcError):
        return fees.next_base_fee(head), 0
    base_fee, tips = fee_history(answer)
    medians = sorted(row[1] for row in tips if len(row) > 1)
    return base_fee, medians[len(medians) // 2] if medians else 0


def fee_history(answer: Answer) -> tuple[int, list[list[int]]]:
    """Return the next block's base fee, and tips of each past block at rising percentiles."""
    found = answers.value(answer)
    if not isinstance(found, dict):
        raise malformed("no fee history")
    base_fees, rows = _items(found.get("baseFeePerGas")), _items(found.get("reward") or [])
    if not base_fees:
        raise malformed("a fee history without base fees")
    return wire.quantity(base_fees[-1]), [
        [wire.quantity(tip) for tip in _items(row)] for row in rows
    ]


def _items(value: object) -> list[object]:
    if not isinstance(value, list):
        raise malformed("a fee history whose parts are no lists")
    return value
