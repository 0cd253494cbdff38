# pragma version ==0.4.3
# pragma evm-version cancun
"""
@title A token whose approvals go from zero to an amount and back, as USDT's
@notice All else is done by the token that stood here before.
"""

BEFORE: immutable(address)


@deploy
def __init__(before: address):
    BEFORE = before


@external
def approve(spender: address, amount: uint256) -> bool:
    asked: Bytes[68] = abi_encode(
        msg.sender, spender, method_id=method_id("allowance(address,address)")
    )
    held: Bytes[32] = raw_call(BEFORE, asked, max_outsize=32, is_delegate_call=True)
    assert amount == 0 or convert(held, uint256) == 0, "from zero only"
    raw_call(BEFORE, msg.data, is_delegate_call=True)
    return True


@external
@raw_return
def __default__() -> Bytes[1024]:
    return raw_call(BEFORE, msg.data, max_outsize=1024, is_delegate_call=True)
