# pragma version ~=0.4.3
"""
@title A stand-in for wrapped staked ether
@license Apache-2.0
@notice Devnet only. An ERC-20 whose rate in ether a keeper reports once a day, as a staking
        protocol's oracle does. The keeper also mints: there is no staking behind it.
"""
from ethereum.ercs import IERC20
from ethereum.ercs import IERC20Detailed

implements: IERC20
implements: IERC20Detailed

event RateReported:
    rate: uint256

name: public(constant(String[32])) = "Wrapped liquid staked Ether 2.0"
symbol: public(constant(String[8])) = "wstETH"
decimals: public(constant(uint8)) = 18

keeper: public(immutable(address))
balanceOf: public(HashMap[address, uint256])
allowance: public(HashMap[address, HashMap[address, uint256]])
totalSupply: public(uint256)
stEthPerToken: public(uint256)  # wei of staked ether behind 1e18 of this token

@deploy
def __init__(_keeper: address, _rate: uint256):
    keeper = _keeper
    self.stEthPerToken = _rate

@external
@view
def tokensPerStEth() -> uint256:
    return 10**36 // self.stEthPerToken

@external
@view
def getStETHByWstETH(_amount: uint256) -> uint256:
    return _amount * self.stEthPerToken // 10**18

@external
@view
def getWstETHByStETH(_amount: uint256) -> uint256:
    return _amount * 10**18 // self.stEthPerToken

@external
def report(_rate: uint256):
    """
    @notice Set the rate. A lower one than before is a slashing.
    """
    assert msg.sender == keeper, "not the keeper"
    assert _rate != 0, "no rate"
    self.stEthPerToken = _rate
    log RateReported(rate=_rate)

@external
def mint(_to: address, _amount: uint256):
    assert msg.sender == keeper, "not the keeper"
    self.totalSupply += _amount
    self.balanceOf[_to] += _amount
    log IERC20.Transfer(sender=empty(address), receiver=_to, value=_amount)

@external
def transfer(_to: address, _amount: uint256) -> bool:
    self._move(msg.sender, _to, _amount)
    return True

@external
def transferFrom(_from: address, _to: address, _amount: uint256) -> bool:
    allowed: uint256 = self.allowance[_from][msg.sender]
    if allowed != max_value(uint256):
        assert allowed >= _amount, "allowance too low"
        self.allowance[_from][msg.sender] = allowed - _amount
    self._move(_from, _to, _amount)
    return True

@external
def approve(_spender: address, _amount: uint256) -> bool:
    self.allowance[msg.sender][_spender] = _amount
    log IERC20.Approval(owner=msg.sender, spender=_spender, value=_amount)
    return True

@internal
def _move(_from: address, _to: address, _amount: uint256):
    assert _to != empty(address), "to nobody"
    assert self.balanceOf[_from] >= _amount, "balance too low"
    self.balanceOf[_from] -= _amount
    self.balanceOf[_to] += _amount
    log IERC20.Transfer(sender=_from, receiver=_to, value=_amount)
