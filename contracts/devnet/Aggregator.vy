# pragma version ~=0.4.3
"""
@title A price feed in the shape of Chainlink's AggregatorV3
@license Apache-2.0
@notice Devnet only. One keeper posts answers; anyone reads them.
"""

event AnswerUpdated:
    current: indexed(int256)
    roundId: indexed(uint256)
    updatedAt: uint256

struct Round:
    answer: int256
    updated_at: uint256

keeper: public(immutable(address))
decimals: public(immutable(uint8))
description: public(immutable(String[32]))
version: public(constant(uint256)) = 4

_latest: uint80
_rounds: HashMap[uint80, Round]

@deploy
def __init__(_keeper: address, _decimals: uint8, _description: String[32], _answer: int256):
    keeper = _keeper
    decimals = _decimals
    description = _description
    self._post(_answer)

@external
def post(_answer: int256):
    """
    @notice Begin a new round with this answer, stamped with the block's time.
    """
    assert msg.sender == keeper, "not the keeper"
    self._post(_answer)

@external
@view
def latestAnswer() -> int256:
    return self._rounds[self._latest].answer

@external
@view
def latestTimestamp() -> uint256:
    return self._rounds[self._latest].updated_at

@external
@view
def latestRound() -> uint256:
    return convert(self._latest, uint256)

@external
@view
def latestRoundData() -> (uint80, int256, uint256, uint256, uint80):
    return self._round(self._latest)

@external
@view
def getRoundData(_round_id: uint80) -> (uint80, int256, uint256, uint256, uint80):
    return self._round(_round_id)

@internal
@view
def _round(_round_id: uint80) -> (uint80, int256, uint256, uint256, uint80):
    round: Round = self._rounds[_round_id]
    assert round.updated_at != 0, "No data present"
    return _round_id, round.answer, round.updated_at, round.updated_at, _round_id

@internal
def _post(_answer: int256):
    self._latest += 1
    self._rounds[self._latest] = Round(answer=_answer, updated_at=block.timestamp)
    log AnswerUpdated(current=_answer, roundId=convert(self._latest, uint256), updatedAt=block.timestamp)
