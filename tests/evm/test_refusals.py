"""What a node says to a send means: taken, refused with a reason, or unknown."""

from __future__ import annotations

import pytest

from leverd.adapters.evm.refusals import is_known, refusal
from leverd.errors import RefusedError, UnreachableError


@pytest.mark.parametrize(
    "message", ["already known", "ALREADY_EXISTS: already known", "known transaction: 0xab"]
)
def test_a_transaction_the_node_holds_already_is_a_success(message):
    assert is_known(message)


@pytest.mark.parametrize(
    ("code", "message", "reason"),
    [
        (-32000, "nonce too low: next nonce 5, tx nonce 4", "nonce_too_low"),
        (-32003, "nonce too low", "nonce_too_low"),
        (-32000, "OldNonce", "nonce_too_low"),
        (-32000, "replacement transaction underpriced", "replacement_underpriced"),
        (-32000, "ReplacementNotAllowed", "replacement_underpriced"),
        (-32000, "transaction underpriced: tip needed 1, tip permitted 0", "underpriced"),
        (-32000, "max fee per gas less than block base fee: address 0x", "underpriced"),
        (-32000, "FeeTooLow, EffectivePriorityFeePerGas too low", "underpriced"),
        (-32000, "insufficient funds for gas * price + value: balance 0", "insufficient_funds"),
        (-32003, "Insufficient funds for gas * price + value", "insufficient_funds"),
        (-32000, "exceeds block gas limit", "gas_limit"),
        (-32000, "intrinsic gas too low: gas 1, minimum needed 21000", "gas_limit"),
        (-32000, "GasLimitExceeded", "gas_limit"),
        (-32000, "txpool is full", "other"),
        (-32000, "invalid sender", "other"),
        (-32602, "invalid params", "other"),
    ],
)
def test_a_refusal_has_one_word(code, message, reason):
    error = refusal(code, message, "node")
    assert isinstance(error, RefusedError)
    assert (error.reason, error.code) == (reason, "LVD-SND-001")
    assert message in str(error)


@pytest.mark.parametrize(
    ("code", "message"),
    [(-32603, "internal error"), (-32005, "limit exceeded"), (0, "upstream timed out")],
)
def test_what_is_not_clearly_a_refusal_is_an_unknown_outcome(code, message):
    assert isinstance(refusal(code, message, "node"), UnreachableError)
