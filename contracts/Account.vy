# pragma version ==0.4.3
# pragma evm-version cancun
# pragma optimize gas
"""
@title Account
@license Apache-2.0
@notice Holds one leveraged position on an Aave V3 market for its owner.

The owner may do everything. The operator, a daemon's hot key, may open, adjust, close and
step within bounds that the owner set; no call of the operator can send money anywhere but
into the market, through a pool the owner allowed, or to the owner. Each call of either
carries the account's next sequence number and a deadline, so it acts at most once, however
often and however late it is delivered.

A change of leverage is one transaction: the swap pool pays out first, and in its callback
we supply and borrow, or repay and withdraw, and pay it. Nothing is lent and no allowance
is left over.
"""

interface Token:
    def balanceOf(holder: address) -> uint256: view
    def approve(spender: address, amount: uint256) -> bool: nonpayable
    def transfer(to: address, amount: uint256) -> bool: nonpayable
    def decimals() -> uint8: view

interface Lending:
    def supply(asset: address, amount: uint256, holder: address, referral: uint16): nonpayable
    def withdraw(asset: address, amount: uint256, to: address) -> uint256: nonpayable
    def borrow(asset: address, amount: uint256, mode: uint256, referral: uint16, holder: address): nonpayable
    def repay(asset: address, amount: uint256, mode: uint256, holder: address) -> uint256: nonpayable
    def setUserEMode(category: uint8): nonpayable
    def getUserAccountData(user: address) -> (uint256, uint256, uint256, uint256, uint256, uint256): view
    def getReserveData(asset: address) -> ReserveData: view
    def POOL_REVISION() -> uint256: view

interface Provider:
    def getPool() -> address: view
    def getPriceOracle() -> address: view

interface Oracle:
    def getAssetPrice(asset: address) -> uint256: view

interface SwapPool:
    def swap(to: address, zero_for_one: bool, amount: int256, limit: uint160, data: Bytes[1]) -> (int256, int256): nonpayable

struct ReserveData:
    configuration: uint256
    liquidity_index: uint128
    liquidity_rate: uint128
    borrow_index: uint128
    borrow_rate: uint128
    stable_rate: uint128
    updated_at: uint40
    id: uint16
    receipt: address
    stable_debt: address
    variable_debt: address
    strategy: address
    treasury: uint128
    unbacked: uint128
    isolated: uint128

# What the owner allows the operator.
struct Bounds:
    collateral: address
    debt: address
    swap_pools: DynArray[address, 4]
    health_min: uint256      # wad: lowest health a call that raises risk may end at
    health_step_min: uint256 # wad: lowest health a single withdrawal may pass through
    loss_call_max: uint256   # bps of the value swapped, against the market's own oracle
    loss_day_max: uint256    # dollars a UTC day, against the same
    emode: uint8             # the one category it may enter

event Created:
    owner: indexed(address)
    operator: indexed(address)

event BoundsSet:
    collateral: indexed(address)
    debt: indexed(address)
    lending: address
    revision: uint256

event OperatorSet:
    operator: indexed(address)

event OwnershipOffered:
    to: indexed(address)

event OwnershipTaken:
    owner: indexed(address)

event Acted:
    sequence: indexed(uint256)
    kind: uint256     # one of the KIND_ numbers
    amount: uint256   # raw units the market moved, or what a swap sold
    bought: uint256   # raw units a swap bought, else 0

event Paid:
    token: indexed(address)
    amount: uint256

MASK_8: constant(uint256) = 2**8 - 1
MASK_16: constant(uint256) = 2**16 - 1
MASK_24: constant(uint256) = 2**24 - 1
MASK_32: constant(uint256) = 2**32 - 1
MASK_40: constant(uint256) = 2**40 - 1
MASK_ADDRESS: constant(uint256) = 2**160 - 1
BPS: constant(uint256) = 10_000
WAD: constant(uint256) = 10**18
CENT: constant(uint256) = 10**6       # of the oracle's dollars with 8 decimals
DAY: constant(uint256) = 86_400
VARIABLE: constant(uint256) = 2       # Aave's interest rate mode
SQRT_MIN: constant(uint160) = 4295128740
SQRT_MAX: constant(uint160) = 1461446703485210103287273052203988822378723970341

KIND_RAISE: constant(uint256) = 1
KIND_LOWER: constant(uint256) = 2
KIND_CLOSE: constant(uint256) = 3
KIND_SWAP: constant(uint256) = 4
KIND_SUPPLY: constant(uint256) = 5
KIND_WITHDRAW: constant(uint256) = 6
KIND_BORROW: constant(uint256) = 7
KIND_REPAY: constant(uint256) = 8
KIND_EMODE: constant(uint256) = 9

PROVIDER: immutable(address)

owner: public(address)
pending_owner: public(address)

# One word, written once a call: operator (160 bits), sequence (32), day (24), loss that day in
# cents (40).
seat: uint256

# One word: the lending pool the owner knew (160), its revision (16), loss_call_max (16),
# loss_day_max in dollars (40), emode (8).
known: uint256

# One word each: address (160), health in bps (32), decimals (8).
collateral_word: uint256
debt_word: uint256

debt_token: public(address)
swap_allowed: public(HashMap[address, bool])
swap_list: DynArray[address, 4]

# The pool whose callback we wait for, and what we do in it.
paying: transient(address)
purpose: transient(uint256)


@deploy
def __init__(provider: address):
    PROVIDER = provider
    self.owner = self  # the implementation belongs to nobody and can never be set up


# --- set-up -------------------------------------------------------------------------------

@external
def initialize(owner: address, operator: address, bounds: Bounds):
    """
    @notice Set up a clone; its factory does it in the transaction that creates it.
    """
    assert self.owner == empty(address), "initialized"
    assert owner != empty(address), "no owner"
    self.owner = owner
    self.seat = self._packed_seat(operator, 0, block.timestamp // DAY, 0)
    self._set_bounds(bounds)
    log Created(owner=owner, operator=operator)


@external
@nonreentrant
def set_bounds(bounds: Bounds):
    """
    @notice Replace what the operator may do, and pin the market's pool and revision of today.
    """
    self._only_owner()
    self._set_bounds(bounds)


@external
def set_operator(operator: address):
    """
    @notice Name another operator; the zero address revokes the present one.
    """
    self._only_owner()
    seat: uint256 = self.seat
    self.seat = ((seat >> 160) << 160) | convert(operator, uint256)
    log OperatorSet(operator=operator)


@external
def offer_ownership(to: address):
    """
    @notice Offer the account to `to`, who takes it by `take_ownership`; zero withdraws the offer.
    """
    self._only_owner()
    self.pending_owner = to
    log OwnershipOffered(to=to)


@external
def take_ownership():
    """
    @notice Take the account that was offered to the caller.
    """
    assert msg.sender == self.pending_owner and msg.sender != empty(address), "not offered"
    self.pending_owner = empty(address)
    self.owner = msg.sender
    log OwnershipTaken(owner=msg.sender)


# --- one transaction -----------------------------------------------------------------------

@external
@nonreentrant
def raise_leverage(
    swap_pool: address, sell: uint256, buy_min: uint256, health_min: uint256,
    health_below: uint256, sequence: uint256, deadline: uint256,
):
    """
    @notice Borrow `sell`, buy collateral with it, and post that and all idle collateral.
    @param sell debt asset to borrow and sell, raw
    @param buy_min least collateral to accept for it, raw
    @param health_min lowest health to end at, wad; the owner's bound holds beside it
    @param health_below act only while health is below this, wad; 0 asks nothing
    """
    self._begin(sequence, deadline)
    lending: address = self._trusted_lending()
    self._check_below(lending, health_below)
    bought: uint256 = 0
    sold: uint256 = 0
    sold, bought = self._swap(swap_pool, False, convert(sell, int256), KIND_RAISE)
    assert bought >= buy_min, "bought too little"
    self._check_loss(False, sold, bought)
    self._check_health(lending, max(health_min, self._health_bound(self.collateral_word)))
    log Acted(sequence=sequence, kind=KIND_RAISE, amount=sold, bought=bought)


@external
@nonreentrant
def lower_leverage(
    swap_pool: address, sell: uint256, buy_min: uint256, health_min: uint256,
    health_below: uint256, sequence: uint256, deadline: uint256,
):
    """
    @notice Sell `sell` of the posted collateral and repay with all idle debt asset.
    @param sell collateral to withdraw and sell, raw
    @param buy_min least debt asset to accept for it, raw
    @param health_min lowest health to end at, wad; 0 asks nothing beyond a falling debt
    @param health_below act only while health is below this, wad; 0 asks nothing
    """
    self._begin(sequence, deadline)
    lending: address = self._trusted_lending()
    self._check_below(lending, health_below)
    bought: uint256 = 0
    sold: uint256 = 0
    sold, bought = self._swap(swap_pool, True, convert(sell, int256), KIND_LOWER)
    assert bought >= buy_min, "bought too little"
    self._check_loss(True, sold, bought)
    if health_min > 0:
        self._check_health(lending, health_min)
    log Acted(sequence=sequence, kind=KIND_LOWER, amount=sold, bought=bought)


@external
@nonreentrant
def close(
    swap_pool: address, sell_max: uint256, health_below: uint256, sequence: uint256,
    deadline: uint256,
):
    """
    @notice Buy the whole debt as it is now, repay it, and take all collateral back.
    @dev    Works also when the market's pool or revision is another than the owner knew.
    @param sell_max most collateral to sell for it, raw
    @param health_below act only while health is below this, wad; 0 asks nothing
    """
    self._begin(sequence, deadline)
    lending: address = staticcall Provider(PROVIDER).getPool()
    self._check_below(lending, health_below)
    due: uint256 = staticcall Token(self.debt_token).balanceOf(self)
    bought: uint256 = 0
    sold: uint256 = 0
    if due > 0:
        sold, bought = self._swap(swap_pool, True, -convert(due, int256), KIND_CLOSE)
        assert sold <= sell_max, "sold too much"
        assert bought == due, "bought too little"
        self._check_loss(True, sold, bought)
        assert staticcall Token(self.debt_token).balanceOf(self) == 0, "debt left"
    collateral: address = self._address(self.collateral_word)
    extcall Lending(lending).withdraw(collateral, max_value(uint256), self)
    log Acted(sequence=sequence, kind=KIND_CLOSE, amount=sold, bought=bought)


@external
def uniswapV3SwapCallback(amount0: int256, amount1: int256, data: Bytes[1]):
    """
    @notice Pay the pool whose swap we are in.
    """
    assert msg.sender == self.paying and msg.sender != empty(address), "not our swap"
    self.paying = empty(address)  # one callback a swap
    purpose: uint256 = self.purpose
    owed: uint256 = convert(max(amount0, amount1), uint256)
    collateral: address = self._address(self.collateral_word)
    debt: address = self._address(self.debt_word)
    lending: address = staticcall Provider(PROVIDER).getPool()
    if purpose == KIND_RAISE:
        self._supply(lending, collateral, staticcall Token(collateral).balanceOf(self))
        extcall Lending(lending).borrow(debt, owed, VARIABLE, 0, self)
        self._send(debt, msg.sender, owed)
    elif purpose == KIND_LOWER or purpose == KIND_CLOSE:
        self._repay(lending, debt, staticcall Token(debt).balanceOf(self))
        extcall Lending(lending).withdraw(collateral, owed, msg.sender)
    else:
        self._send(debt if self._sold_is_debt(amount0 > 0) else collateral, msg.sender, owed)


# --- single steps --------------------------------------------------------------------------

@external
@nonreentrant
def supply(amount: uint256, sequence: uint256, deadline: uint256):
    """
    @notice Post idle collateral; the largest number posts all of it.
    """
    self._begin(sequence, deadline)
    lending: address = self._trusted_lending()
    collateral: address = self._address(self.collateral_word)
    posted: uint256 = min(amount, staticcall Token(collateral).balanceOf(self))
    self._supply(lending, collateral, posted)
    log Acted(sequence=sequence, kind=KIND_SUPPLY, amount=posted, bought=0)


@external
@nonreentrant
def withdraw_collateral(
    amount: uint256, health_min: uint256, health_below: uint256, sequence: uint256,
    deadline: uint256,
):
    """
    @notice Take posted collateral back into the account; the largest number takes all.
    """
    self._begin(sequence, deadline)
    lending: address = staticcall Provider(PROVIDER).getPool()
    self._check_below(lending, health_below)
    collateral: address = self._address(self.collateral_word)
    taken: uint256 = extcall Lending(lending).withdraw(collateral, amount, self)
    self._check_health(lending, max(health_min, self._health_bound(self.debt_word)))
    log Acted(sequence=sequence, kind=KIND_WITHDRAW, amount=taken, bought=0)


@external
@nonreentrant
def borrow(amount: uint256, health_min: uint256, sequence: uint256, deadline: uint256):
    """
    @notice Borrow into the account.
    """
    self._begin(sequence, deadline)
    lending: address = self._trusted_lending()
    extcall Lending(lending).borrow(self._address(self.debt_word), amount, VARIABLE, 0, self)
    self._check_health(lending, max(health_min, self._health_bound(self.collateral_word)))
    log Acted(sequence=sequence, kind=KIND_BORROW, amount=amount, bought=0)


@external
@nonreentrant
def repay(amount: uint256, sequence: uint256, deadline: uint256):
    """
    @notice Repay from what is idle, at most the debt; the largest number repays all it can.
    """
    self._begin(sequence, deadline)
    lending: address = staticcall Provider(PROVIDER).getPool()
    debt: address = self._address(self.debt_word)
    idle: uint256 = staticcall Token(debt).balanceOf(self)
    paid: uint256 = self._repay(lending, debt, min(amount, idle))
    log Acted(sequence=sequence, kind=KIND_REPAY, amount=paid, bought=0)


@external
@nonreentrant
def swap(
    swap_pool: address, sell_collateral: bool, sell: uint256, buy_min: uint256,
    sequence: uint256, deadline: uint256,
):
    """
    @notice Sell exactly `sell` of one idle asset for at least `buy_min` of the other.
    """
    self._begin(sequence, deadline)
    bought: uint256 = 0
    sold: uint256 = 0
    sold, bought = self._swap(swap_pool, sell_collateral, convert(sell, int256), KIND_SWAP)
    assert bought >= buy_min, "bought too little"
    self._check_loss(sell_collateral, sold, bought)
    log Acted(sequence=sequence, kind=KIND_SWAP, amount=sold, bought=bought)


@external
@nonreentrant
def swap_exact(
    swap_pool: address, sell_collateral: bool, buy: uint256, sell_max: uint256,
    sequence: uint256, deadline: uint256,
):
    """
    @notice Buy exactly `buy` of one asset for at most `sell_max` of the other, which is idle.
    """
    self._begin(sequence, deadline)
    bought: uint256 = 0
    sold: uint256 = 0
    sold, bought = self._swap(swap_pool, sell_collateral, -convert(buy, int256), KIND_SWAP)
    assert sold <= sell_max, "sold too much"
    assert bought == buy, "bought too little"
    self._check_loss(sell_collateral, sold, bought)
    log Acted(sequence=sequence, kind=KIND_SWAP, amount=sold, bought=bought)


@external
@nonreentrant
def set_emode(category: uint8, sequence: uint256, deadline: uint256):
    """
    @notice Enter the efficiency category the owner allowed, or leave it with 0.
    """
    self._begin(sequence, deadline)
    lending: address = self._trusted_lending()
    allowed: uint256 = (self.known >> 232) & MASK_8
    assert category == 0 or convert(category, uint256) == allowed, "category not allowed"
    extcall Lending(lending).setUserEMode(category)
    log Acted(sequence=sequence, kind=KIND_EMODE, amount=convert(category, uint256), bought=0)


# --- the owner's way out -------------------------------------------------------------------

@external
@nonreentrant
def pay_owner(token: address, amount: uint256) -> uint256:
    """
    @notice Send idle `token` to the owner; the largest number sends all. Owner only.
    """
    self._only_owner()
    sent: uint256 = min(amount, staticcall Token(token).balanceOf(self))
    self._send(token, msg.sender, sent)
    log Paid(token=token, amount=sent)
    return sent


@external
@nonreentrant
def withdraw_to_owner(amount: uint256) -> uint256:
    """
    @notice Send posted collateral straight to the owner, as far as health allows. Owner only.
    """
    self._only_owner()
    lending: address = staticcall Provider(PROVIDER).getPool()
    collateral: address = self._address(self.collateral_word)
    sent: uint256 = extcall Lending(lending).withdraw(collateral, amount, msg.sender)
    log Paid(token=collateral, amount=sent)
    return sent


@external
@payable
@nonreentrant
def execute(target: address, amount: uint256, data: Bytes[8192]) -> Bytes[8192]:
    """
    @notice Do anything the account can do. Owner only: the rescue for all that nobody foresaw.
    """
    self._only_owner()
    return raw_call(target, data, value=amount, max_outsize=8192)


# --- what can be read ----------------------------------------------------------------------

@external
@view
def operator() -> address:
    """
    @notice The daemon's key, the zero address when revoked.
    """
    return self._address(self.seat)


@external
@view
def sequence() -> uint256:
    """
    @notice The number the next call must carry.
    """
    return (self.seat >> 160) & MASK_32


@external
@view
def lost_today() -> uint256:
    """
    @notice What today's swaps gave away against the oracle, in cents.
    """
    seat: uint256 = self.seat
    if (seat >> 192) & MASK_24 != block.timestamp // DAY:
        return 0
    return seat >> 216


@external
@view
def lending() -> (address, uint256):
    """
    @notice The market's pool and revision the owner knew.
    """
    return self._address(self.known), (self.known >> 160) & MASK_16


@external
@view
def bounds() -> Bounds:
    """
    @notice What the owner allows the operator.
    """
    known: uint256 = self.known
    return Bounds(
        collateral=self._address(self.collateral_word),
        debt=self._address(self.debt_word),
        swap_pools=self.swap_list,
        health_min=self._health_bound(self.collateral_word),
        health_step_min=self._health_bound(self.debt_word),
        loss_call_max=(known >> 176) & MASK_16,
        loss_day_max=(known >> 192) & MASK_40,
        emode=convert((known >> 232) & MASK_8, uint8),
    )


# --- inside --------------------------------------------------------------------------------

@internal
def _begin(sequence: uint256, deadline: uint256):
    seat: uint256 = self.seat
    if msg.sender != self._address(seat):
        assert msg.sender == self.owner, "not allowed"
    assert block.timestamp <= deadline, "too late"
    assert (seat >> 160) & MASK_32 == sequence, "wrong sequence"
    assert sequence < MASK_32, "sequence ran out"
    self.seat = seat + (1 << 160)


@internal
@view
def _only_owner():
    assert msg.sender == self.owner, "not the owner"


@internal
@view
def _trusted_lending() -> address:
    known: uint256 = self.known
    lending: address = staticcall Provider(PROVIDER).getPool()
    assert lending == self._address(known), "another pool"
    assert staticcall Lending(lending).POOL_REVISION() == (known >> 160) & MASK_16, "another revision"
    return lending


@internal
@view
def _check_below(lending: address, health_below: uint256):
    if health_below > 0:
        assert self._health(lending) < health_below, "health is not below"


@internal
@view
def _check_health(lending: address, least: uint256):
    assert self._health(lending) >= least, "health too low"


@internal
@pure
def _health_bound(word: uint256) -> uint256:
    return ((word >> 160) & MASK_32) * 10**14


@internal
@view
def _health(lending: address) -> uint256:
    collateral: uint256 = 0
    debt: uint256 = 0
    available: uint256 = 0
    threshold: uint256 = 0
    ltv: uint256 = 0
    health: uint256 = 0
    collateral, debt, available, threshold, ltv, health = staticcall Lending(lending).getUserAccountData(self)
    return health


@internal
def _swap(swap_pool: address, sell_collateral: bool, amount: int256, purpose: uint256) -> (uint256, uint256):
    assert self.swap_allowed[swap_pool], "swap pool not allowed"
    assert amount != 0, "nothing to swap"
    zero_for_one: bool = sell_collateral == self._collateral_is_first()
    self.paying = swap_pool
    self.purpose = purpose
    amount0: int256 = 0
    amount1: int256 = 0
    limit: uint160 = SQRT_MIN if zero_for_one else SQRT_MAX
    amount0, amount1 = extcall SwapPool(swap_pool).swap(self, zero_for_one, amount, limit, b"")
    assert self.paying == empty(address), "swap not paid"
    self.purpose = 0
    if zero_for_one:
        return convert(amount0, uint256), convert(-amount1, uint256)
    return convert(amount1, uint256), convert(-amount0, uint256)


@internal
@view
def _collateral_is_first() -> bool:
    return (self.collateral_word & MASK_ADDRESS) < (self.debt_word & MASK_ADDRESS)


@internal
@view
def _sold_is_debt(first_sold: bool) -> bool:
    return first_sold != self._collateral_is_first()


@internal
def _supply(lending: address, token: address, amount: uint256):
    self._approve(token, lending, amount)
    extcall Lending(lending).supply(token, amount, self, 0)


@internal
def _repay(lending: address, token: address, amount: uint256) -> uint256:
    due: uint256 = staticcall Token(self.debt_token).balanceOf(self)
    paid: uint256 = min(amount, due)
    self._approve(token, lending, paid)
    return extcall Lending(lending).repay(token, paid, VARIABLE, self)


@internal
def _approve(token: address, spender: address, amount: uint256):
    assert extcall Token(token).approve(spender, amount, default_return_value=True), "approve failed"


@internal
def _send(token: address, to: address, amount: uint256):
    assert extcall Token(token).transfer(to, amount, default_return_value=True), "transfer failed"


@internal
def _check_loss(sold_collateral: bool, sold: uint256, bought: uint256):
    if msg.sender == self.owner:
        return  # the owner's own minimum is enough
    oracle: address = staticcall Provider(PROVIDER).getPriceOracle()
    collateral: uint256 = self.collateral_word
    debt: uint256 = self.debt_word
    into: uint256 = collateral if sold_collateral else debt
    out: uint256 = debt if sold_collateral else collateral
    gave: uint256 = self._value(oracle, into, sold)
    got: uint256 = self._value(oracle, out, bought)
    if got >= gave:
        return
    lost: uint256 = gave - got
    known: uint256 = self.known
    assert lost * BPS <= gave * ((known >> 176) & MASK_16), "loss too large"
    seat: uint256 = self.seat
    today: uint256 = block.timestamp // DAY
    before: uint256 = 0
    if (seat >> 192) & MASK_24 == today:
        before = seat >> 216
    total: uint256 = before + lost // CENT + 1
    assert total <= ((known >> 192) & MASK_40) * 100, "lost too much today"
    self.seat = (seat & ((1 << 192) - 1)) | (today << 192) | (total << 216)


@internal
@view
def _value(oracle: address, word: uint256, amount: uint256) -> uint256:
    price: uint256 = staticcall Oracle(oracle).getAssetPrice(self._address(word))
    return price * amount // 10 ** ((word >> 192) & MASK_8)


@internal
@pure
def _address(word: uint256) -> address:
    return convert(word & MASK_ADDRESS, address)


@internal
@pure
def _packed_seat(operator: address, sequence: uint256, day: uint256, loss: uint256) -> uint256:
    return convert(operator, uint256) | (sequence << 160) | (day << 192) | (loss << 216)


@internal
@view
def _asset_word(token: address, health: uint256) -> uint256:
    bps: uint256 = health // 10**14
    decimals: uint256 = convert(staticcall Token(token).decimals(), uint256)
    assert decimals <= 36, "too many decimals"
    return convert(token, uint256) | (bps << 160) | (decimals << 192)


@internal
def _set_bounds(bounds: Bounds):
    assert bounds.collateral != bounds.debt, "one asset twice"
    assert bounds.health_min > WAD and bounds.health_min < 1000 * WAD, "health_min out of range"
    assert bounds.health_step_min > WAD and bounds.health_step_min <= bounds.health_min, "health_step_min out of range"
    assert bounds.loss_call_max <= BPS, "loss_call_max out of range"
    assert bounds.loss_day_max <= 10**9, "loss_day_max out of range"
    lending: address = staticcall Provider(PROVIDER).getPool()
    revision: uint256 = staticcall Lending(lending).POOL_REVISION()
    assert revision <= MASK_16, "revision out of range"
    reserve: ReserveData = staticcall Lending(lending).getReserveData(bounds.debt)
    assert reserve.variable_debt != empty(address), "debt asset not listed"
    for old: address in self.swap_list:
        self.swap_allowed[old] = False
    for swap_pool: address in bounds.swap_pools:
        self.swap_allowed[swap_pool] = True
    self.swap_list = bounds.swap_pools
    self.debt_token = reserve.variable_debt
    self.collateral_word = self._asset_word(bounds.collateral, bounds.health_min)
    self.debt_word = self._asset_word(bounds.debt, bounds.health_step_min)
    self.known = convert(lending, uint256) | (revision << 160) | (bounds.loss_call_max << 176) | (bounds.loss_day_max << 192) | (convert(bounds.emode, uint256) << 232)
    log BoundsSet(collateral=bounds.collateral, debt=bounds.debt, lending=lending, revision=revision)
