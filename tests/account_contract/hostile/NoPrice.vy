# pragma version ==0.4.3
# pragma evm-version cancun
"""
@title An oracle that knows no price of one asset
"""

unknown: address


@deploy
def __init__(unknown: address):
    self.unknown = unknown


@external
@view
def getAssetPrice(asset: address) -> uint256:
    return 0 if asset == self.unknown else 10**8
