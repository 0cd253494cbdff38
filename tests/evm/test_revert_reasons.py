"""Whatever a contract says when it refuses becomes one readable name."""

from __future__ import annotations

import pytest
from eth_abi.abi import encode
from hypothesis import given
from hypothesis import strategies as st

from leverd.adapters.evm import revert_reasons
from leverd.adapters.evm.abi import selector


def text(reason: str) -> bytes:
    return selector("Error(string)") + encode(("string",), (reason,))


@pytest.mark.parametrize(
    ("data", "name"),
    [
        (text("35"), "HealthFactorLowerThanLiquidationThreshold"),
        (text("36"), "CollateralCannotCoverNewBorrow"),
        (text("45"), "HealthFactorNotBelowThreshold"),
        (text("51"), "SupplyCapExceeded"),
        (text("Too little received"), "TooLittleReceived"),
        (text("STF"), "TransferFromFailed"),
        (text("IIA"), "PoolNotPaid"),
        (text("wrong sequence"), "wrong sequence"),
        (text(""), "Unnamed"),
        (b"", "Unnamed"),
        (selector("Panic(uint256)") + encode(("uint256",), (0x11,)), "Panic: arithmetic overflow"),
        (selector("Panic(uint256)") + encode(("uint256",), (0x99,)), "Panic: 0x99"),
        (bytes.fromhex("6679996d"), "HealthFactorLowerThanLiquidationThreshold"),
        (bytes.fromhex("911ceb81"), "CollateralCannotCoverNewBorrow"),
        (bytes.fromhex("77a6a896"), "BorrowCapExceeded"),
        (bytes.fromhex("2c906631") + b"\0" * 64, "InvalidDebtInEmode"),
        (bytes.fromhex("b629b0e4"), "MustNotLeaveDust"),
        (bytes.fromhex("44511af1"), "SelfLiquidation"),
        (bytes.fromhex("f58f733a"), "SupplyCapExceeded"),
        (bytes.fromhex("6d305815"), "ReserveFrozen"),
        (bytes.fromhex("d37f5f1c"), "ReservePaused"),
        (bytes.fromhex("2c5211c6"), "InvalidAmount"),
        (bytes.fromhex("47bc4b2c"), "NotEnoughAvailableUserBalance"),
        (bytes.fromhex("5b263df7"), "LtvValidationFailed"),
        (bytes.fromhex("21e5c4ae"), "UserHasAssetWithZeroLtv"),
        (bytes.fromhex("57db5bba"), "NotBorrowableInEMode"),
        (bytes.fromhex("53587745"), "BorrowingNotEnabled"),
        (bytes.fromhex("f0788fb2"), "NoDebtOfSelectedType"),
        (bytes.fromhex("c1d88872"), "InconsistentEModeCategory"),
        (bytes.fromhex("930bb771"), "HealthFactorNotBelowThreshold"),
        (bytes.fromhex("deadbeef"), "Unknown(deadbeef)"),
        (selector("Error(string)") + b"\xff" * 32, "Malformed"),
    ],
)
def test_revert_data_is_named(data, name):
    assert revert_reasons.name(data).startswith(name)


@given(st.binary(max_size=200))
def test_no_revert_data_breaks_the_decoder(data):
    assert revert_reasons.name(data)


@given(st.binary(max_size=100))
def test_no_string_payload_breaks_the_decoder(data):
    assert revert_reasons.name(selector("Error(string)") + data)
    assert revert_reasons.name(selector("Panic(uint256)") + data)
