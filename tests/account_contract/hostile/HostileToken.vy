# pragma version ==0.4.3
# pragma evm-version cancun
"""
@title A token, and a receiver of ether, that calls somebody when it is moved
"""

balanceOf: public(HashMap[address, uint256])
victim: address
intrusion: Bytes[2048]
intruded: public(bool)
tried: public(bool)


@external
def scheme(holder: address, amount: uint256, victim: address, intrusion: Bytes[2048]):
    self.balanceOf[holder] = amount
    self.victim = victim
    self.intrusion = intrusion


@internal
def _intrude():
    self.tried = True
    self.intruded = raw_call(self.victim, self.intrusion, max_outsize=0, revert_on_failure=False)


@external
def transfer(to: address, amount: uint256) -> bool:
    self.balanceOf[msg.sender] -= amount
    self.balanceOf[to] += amount
    self._intrude()
    return True


@external
@payable
def __default__():
    if msg.value > 0:
        self._intrude()


@external
def call(target: address, data: Bytes[2048]):
    raw_call(target, data)
