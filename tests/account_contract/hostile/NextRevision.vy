# pragma version ==0.4.3
# pragma evm-version cancun
"""
@title The lending pool after governance upgraded it
@notice All as before, behind another revision number.
"""

BEFORE: immutable(address)


@deploy
def __init__(before: address):
    BEFORE = before


@external
@view
def POOL_REVISION() -> uint256:
    return 99


@external
@raw_return
def __default__() -> Bytes[1024]:
    return raw_call(BEFORE, msg.data, max_outsize=1024, is_delegate_call=True)
