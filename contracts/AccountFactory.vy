# pragma version ==0.4.3
# pragma evm-version cancun
# pragma optimize gas
"""
@title AccountFactory
@license Apache-2.0
@notice Makes accounts: cheap clones of one implementation, each set up as it is made.
"""

# As in Account.vy.
struct Bounds:
    collateral: address
    debt: address
    swap_pools: DynArray[address, 4]
    health_min: uint256
    health_step_min: uint256
    loss_call_max: uint256
    loss_day_max: uint256
    emode: uint8

interface Clone:
    def initialize(owner: address, operator: address, bounds: Bounds): nonpayable

event AccountCreated:
    account: indexed(address)
    owner: indexed(address)
    operator: indexed(address)

IMPLEMENTATION: public(immutable(address))


@deploy
def __init__(implementation: address):
    IMPLEMENTATION = implementation


@external
def create(owner: address, operator: address, bounds: Bounds, salt: bytes32) -> address:
    """
    @notice Make an account for `owner`. Its address commits to all four arguments, so nobody
            can take it with other ones.
    """
    account: address = create_minimal_proxy_to(
        IMPLEMENTATION, salt=keccak256(abi_encode(owner, operator, bounds, salt))
    )
    extcall Clone(account).initialize(owner, operator, bounds)
    log AccountCreated(account=account, owner=owner, operator=operator)
    return account
