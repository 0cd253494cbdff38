# pragma version ==0.4.3
# pragma evm-version cancun
"""
@title A swap pool that does what its maker says
@notice It may deliver too little, ask too much or twice, and call its victim from inside a swap.
"""

interface Token:
    def transfer(to: address, amount: uint256) -> bool: nonpayable

interface Swapper:
    def uniswapV3SwapCallback(amount0: int256, amount1: int256, data: Bytes[1]): nonpayable

token0: public(address)
token1: public(address)

deliver: uint256       # what it really sends of the token that is bought
ask: uint256           # what it asks for in each callback
callbacks: uint256     # how many it makes
victim: address
intrusion: Bytes[2048] # what it calls on the victim from inside a swap
intruded: public(bool) # whether that succeeded
answer: public(Bytes[128])


@deploy
def __init__(token0: address, token1: address):
    self.token0 = token0
    self.token1 = token1


@external
def scheme(deliver: uint256, ask: uint256, callbacks: uint256, victim: address, intrusion: Bytes[2048]):
    self.deliver = deliver
    self.ask = ask
    self.callbacks = callbacks
    self.victim = victim
    self.intrusion = intrusion


@external
def swap(to: address, zero_for_one: bool, amount: int256, limit: uint160, data: Bytes[1]) -> (int256, int256):
    bought: address = self.token1 if zero_for_one else self.token0
    if self.deliver > 0:
        extcall Token(bought).transfer(to, self.deliver)
    if len(self.intrusion) > 0:
        self.intruded, self.answer = raw_call(
            self.victim, self.intrusion, max_outsize=128, revert_on_failure=False
        )
    ask: int256 = convert(self.ask, int256)
    for i: uint256 in range(4):
        if i < self.callbacks:
            if zero_for_one:
                extcall Swapper(msg.sender).uniswapV3SwapCallback(ask, -1, b"")
            else:
                extcall Swapper(msg.sender).uniswapV3SwapCallback(-1, ask, b"")
    return 0, 0


@external
def call(target: address, data: Bytes[2048]):
    """
    @notice Act as whoever this contract is to the target: its operator, its owner.
    """
    raw_call(target, data)
