# pragma version ~=0.4.3
"""
@title The dollar price of staked ether: ether's feed times the token's own rate
@license Apache-2.0
@notice Devnet only. It does not look at any market, so a discount there does not move it.
"""
interface Feed:
    def latestRoundData() -> (uint80, int256, uint256, uint256, uint80): view
    def decimals() -> uint8: view

interface Staked:
    def stEthPerToken() -> uint256: view

feed: public(immutable(address))
token: public(immutable(address))
description: public(constant(String[32])) = "wstETH / USD"
version: public(constant(uint256)) = 4

@deploy
def __init__(_feed: address, _token: address):
    feed = _feed
    token = _token

@external
@view
def decimals() -> uint8:
    return staticcall Feed(feed).decimals()

@external
@view
def latestAnswer() -> int256:
    return self._round()[1]

@external
@view
def latestTimestamp() -> uint256:
    return self._round()[3]

@external
@view
def latestRoundData() -> (uint80, int256, uint256, uint256, uint80):
    return self._round()

@internal
@view
def _round() -> (uint80, int256, uint256, uint256, uint80):
    round_id: uint80 = 0
    answer: int256 = 0
    started_at: uint256 = 0
    updated_at: uint256 = 0
    answered_in: uint80 = 0
    round_id, answer, started_at, updated_at, answered_in = staticcall Feed(feed).latestRoundData()
    rate: uint256 = staticcall Staked(token).stEthPerToken()
    return round_id, answer * convert(rate, int256) // 10**18, started_at, updated_at, answered_in
