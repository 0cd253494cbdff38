# pragma version ==0.4.3
# pragma evm-version cancun
# pragma optimize gas
"""
@title Account
@license Apache-2.0
@notice Holds one leveraged position on an Aave V3 market for its owner.

The owner may do everything. The operator, a daemon's hot key, may open, adjust, close and
step within bounds that the owner set; no call of the operator can send money anywhere but
into the market or through a pool the owner allowed. Each such call carries the account's
next sequence number and a deadline, so it acts at most once, however often and however late
it is delivered.

A change of leverage is one transaction: the swap pool pays out first, and in its callback
we supply and borrow, or repay and withdraw, and pay it. Nothing is lent and no allowance
is left over.
"""

interface Token:
    def balanceOf(holder: address) -> uint256: view
    def scaledBalanceOf(holder: address) -> uint256: view
    def POOL() -> address: view
    def approve(spender: address, amount: uint256) -> bool: nonpayable
    def transfer(to: address, amount: uint256) -> bool: nonpayable
    def decimals() -> uint8: view

interface Lending:
    def supply(asset: address, amount: uint256, holder: address, referral: uint16): nonpayable
    def withdraw(asset: address, amount: uint256, to: address) -> uint256: nonpayable
    def borrow(asset: address, amount: uint256, mode: uint256, referral: uint16, holder: address): nonpayable
    def repay(asset: address, amount: uint256, mode: uint256, holder: address) -> uint256: nonpayable
    def setUserEMode(category: uint8): nonpayable
    def setUserUseReserveAsCollateral(asset: address, used: bool): nonpayable
    def getUserAccountData(user: address) -> (uint256, uint256, uint256, uint256, uint256, uint256): view
    def getUserConfiguration(user: address) -> uint256: view
    def getUserEMode(user: address) -> uint256: view
    def getConfiguration(asset: address) -> uint256: view
    def getReserveNormalizedIncome(asset: address) -> uint256: view
    def getReserveNormalizedVariableDebt(asset: address) -> uint256: view
    def getReserveData(asset: address) -> ReserveData: view
    def POOL_REVISION() -> uint256: view

interface Provider:
    def getPool() -> address: view
    def getPriceOracle() -> address: view

interface Oracle:
    def getAssetPrice(asset: address) -> uint256: view

interface SwapPool:
    def swap(to: address, zero_for_one: bool, amount: int256, limit: uint160, data: Bytes[1]): nonpayable
    def token0() -> address: view
    def token1() -> address: view

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
    loss_day_max: uint256    # dollars, against the same; what was lost is forgiven over a day
    emode: uint8             # the one category it may enter

# What `Bounds` come to, and who the operator is. Written once, as the code of a contract of its
# own, because that reads nineteen words for little more than the price of one storage slot.
struct Rules:
    operator: address
    lending: address         # the market's pool and its revision, as the owner knew them
    revision: uint256
    collateral: address
    debt: address
    receipt: address         # the market's token for posted collateral
    debt_token: address      # and for variable debt
    collateral_unit: uint256 # raw units in a whole one
    debt_unit: uint256
    plain: uint256           # the market's flags of a user who uses these two assets alone
    swap_pools: address[4]
    health_min: uint256
    health_step_min: uint256
    loss_call_max: uint256
    loss_day_max: uint256
    emode: uint256

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

MASK_16: constant(uint256) = 2**16 - 1
MASK_24: constant(uint256) = 2**24 - 1
MASK_32: constant(uint256) = 2**32 - 1
MASK_160: constant(uint256) = 2**160 - 1
BPS: constant(uint256) = 10_000
WAD: constant(uint256) = 10**18
RAY: constant(uint256) = 10**27
CENT: constant(uint256) = 10**6       # of the oracle's dollars with 8 decimals
HOUR: constant(uint256) = 3600
VARIABLE: constant(uint256) = 2       # Aave's interest rate mode
# The market's flags of a user: asset i is borrowed at bit 2i and posted at bit 2i + 1.
POSTED: constant(uint256) = max_value(uint256) // 3 * 2  # every odd bit
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

WORDS: constant(uint256) = 19 * 32    # of Rules
# Creation code that returns the 0x261 bytes that follow it: a zero byte and the words.
CREATES: constant(Bytes[10]) = x"61026180600a3d393df3"

PROVIDER: immutable(address)

owner: public(address)
pending_owner: public(address)

# One word, written once a call: where the rules stand (160 bits), sequence (32), the hour of the
# last loss (24), the loss then, in cents (40).
seat: uint256

# The swap we are in: whose callback we wait for, what we do in it and with what, the most it may
# take, what we held before of what it brings; then what it took and brought.
paying: transient(address)
purpose: transient(uint256)
market: transient(address)
given: transient(address)
wanted: transient(address)
due: transient(uint256)
sell_max: transient(uint256)
held: transient(uint256)
sold: transient(uint256)
bought: transient(uint256)


@deploy
def __init__(provider: address):
    PROVIDER = provider
    self.owner = self  # the implementation belongs to nobody and can never be set up


# --- set-up -------------------------------------------------------------------------------

@external
@nonreentrant
def initialize(owner: address, operator: address, bounds: Bounds):
    """
    @notice Set up a clone; its factory does it in the transaction that creates it.
    """
    assert self.owner == empty(address), "initialized"
    assert owner != empty(address), "no owner"
    self.owner = owner
    self._set_bounds(operator, bounds)
    log Created(owner=owner, operator=operator)


@external
@nonreentrant
def set_bounds(bounds: Bounds):
    """
    @notice Replace what the operator may do, and pin the market's pool and revision of today.
    """
    self._only_owner()
    self._set_bounds(self._rules(self.seat).operator, bounds)


@external
@nonreentrant
def set_operator(operator: address):
    """
    @notice Name another operator; the zero address revokes the present one.
    """
    self._only_owner()
    rules: Rules = self._rules(self.seat)
    rules.operator = operator
    self._write(rules)
    log OperatorSet(operator=operator)


@external
@nonreentrant
def offer_ownership(to: address):
    """
    @notice Offer the account to `to`, who takes it by `take_ownership`; zero withdraws the offer.
    """
    self._only_owner()
    self.pending_owner = to
    log OwnershipOffered(to=to)


@external
@nonreentrant
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
    rules: Rules = self._begin(sequence, deadline)
    self._check_market(rules)
    self._check_below(rules.lending, health_below)
    self._enable(rules)
    self.market = rules.lending
    self._swap(rules, swap_pool, False, convert(sell, int256), sell, KIND_RAISE)
    bought: uint256 = self.bought
    assert bought >= buy_min, "bought too little"
    prices: uint256[2] = self._prices(rules)
    self._check_loss(rules, sell * prices[1] // rules.debt_unit, bought * prices[0] // rules.collateral_unit)
    health: uint256 = self._worth(rules, prices)[2]
    assert health >= max(health_min, rules.health_min), "health too low"
    log Acted(sequence=sequence, kind=KIND_RAISE, amount=sell, bought=bought)


@external
@nonreentrant
def lower_leverage(
    swap_pool: address, sell: uint256, buy_min: uint256, health_min: uint256,
    health_below: uint256, sequence: uint256, deadline: uint256,
):
    """
    @notice Sell `sell` of the posted collateral and repay with all idle debt asset.
    @dev    Debt per collateral must fall: with a loss below 1 - liquidation threshold that
            also raises any health of 1 or more.
    @param sell collateral to withdraw and sell, raw
    @param buy_min least debt asset to accept for it, raw
    @param health_min lowest health to end at, wad; 0 asks nothing beyond falling leverage
    @param health_below act only while health is below this, wad; 0 asks nothing
    """
    rules: Rules = self._begin(sequence, deadline)
    self._check_market(rules)
    self._check_below(rules.lending, health_below)
    self.market = rules.lending
    self.due = self._debt(rules)
    self._swap(rules, swap_pool, True, convert(sell, int256), sell, KIND_LOWER)
    bought: uint256 = self.bought
    assert bought >= buy_min, "bought too little"
    prices: uint256[2] = self._prices(rules)
    gave: uint256 = sell * prices[0] // rules.collateral_unit
    got: uint256 = bought * prices[1] // rules.debt_unit
    self._check_loss(rules, gave, got)
    worth: uint256[3] = self._worth(rules, prices)
    if worth[1] > 0:
        # debt/collateral fell exactly if this slice held less debt than it repaid
        assert worth[1] * gave < worth[0] * got, "leverage did not fall"
        assert worth[2] >= health_min, "health too low"
    log Acted(sequence=sequence, kind=KIND_LOWER, amount=sell, bought=bought)


@external
@nonreentrant
def close(
    swap_pool: address, sell_max: uint256, health_below: uint256, sequence: uint256,
    deadline: uint256,
):
    """
    @notice Buy the whole debt as it is now, repay it, and take all collateral back.
    @dev    Works also when the market's pool or revision is another than the owner knew: it goes
            to the pool that the debt itself obeys.
    @param sell_max most collateral to sell for it, raw
    @param health_below act only while health is below this, wad; 0 asks nothing
    """
    rules: Rules = self._begin(sequence, deadline)
    lending: address = staticcall Token(rules.debt_token).POOL()
    self._check_below(lending, health_below)
    due: uint256 = self._debt(rules)
    sold: uint256 = 0
    if due == 0:
        extcall Lending(lending).withdraw(rules.collateral, max_value(uint256), self)
    else:
        self.market = lending
        self.due = due
        self._swap(rules, swap_pool, True, -convert(due, int256), sell_max, KIND_CLOSE)
        sold = self.sold
        assert self.bought >= due, "bought too little"
        prices: uint256[2] = self._prices(rules)
        self._check_loss(rules, sold * prices[0] // rules.collateral_unit, due * prices[1] // rules.debt_unit)
    log Acted(sequence=sequence, kind=KIND_CLOSE, amount=sold, bought=due)


@external
def uniswapV3SwapCallback(amount0: int256, amount1: int256, data: Bytes[1]):
    """
    @notice Pay the pool whose swap we are in.
    """
    assert msg.sender == self.paying and msg.sender != empty(address), "not our swap"
    self.paying = empty(address)  # one callback a swap
    owed: uint256 = convert(max(amount0, amount1), uint256)
    assert owed <= self.sell_max, "sold too much"
    given: address = self.given
    wanted: address = self.wanted
    holds: uint256 = staticcall Token(wanted).balanceOf(self)
    self.sold = owed
    self.bought = holds - self.held
    purpose: uint256 = self.purpose
    lending: address = self.market
    if purpose == KIND_RAISE:
        self._supply(lending, wanted, holds)
        extcall Lending(lending).borrow(given, owed, VARIABLE, 0, self)
        self._send(given, msg.sender, owed)
    elif purpose == KIND_LOWER:
        self._repay(lending, wanted, min(holds, self.due))
        extcall Lending(lending).withdraw(given, owed, msg.sender)
    elif purpose == KIND_CLOSE:
        assert self._repay(lending, wanted, self.due) == self.due, "debt left"
        extcall Lending(lending).withdraw(given, max_value(uint256), self)
        self._send(given, msg.sender, owed)
    else:
        self._send(given, msg.sender, owed)


# --- single steps --------------------------------------------------------------------------

@external
@nonreentrant
def supply(amount: uint256, sequence: uint256, deadline: uint256):
    """
    @notice Post idle collateral; the largest number posts all of it.
    """
    rules: Rules = self._begin(sequence, deadline)
    self._check_market(rules)
    self._enable(rules)
    posted: uint256 = min(amount, staticcall Token(rules.collateral).balanceOf(self))
    self._supply(rules.lending, rules.collateral, posted)
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
    rules: Rules = self._begin(sequence, deadline)
    self._check_market(rules)
    self._check_below(rules.lending, health_below)
    taken: uint256 = extcall Lending(rules.lending).withdraw(rules.collateral, amount, self)
    least: uint256 = max(health_min, rules.health_step_min)
    assert self._health(rules.lending) >= least, "health too low"
    log Acted(sequence=sequence, kind=KIND_WITHDRAW, amount=taken, bought=0)


@external
@nonreentrant
def borrow(amount: uint256, health_min: uint256, sequence: uint256, deadline: uint256):
    """
    @notice Borrow into the account.
    """
    rules: Rules = self._begin(sequence, deadline)
    self._check_market(rules)
    extcall Lending(rules.lending).borrow(rules.debt, amount, VARIABLE, 0, self)
    assert self._health(rules.lending) >= max(health_min, rules.health_min), "health too low"
    log Acted(sequence=sequence, kind=KIND_BORROW, amount=amount, bought=0)


@external
@nonreentrant
def repay(amount: uint256, sequence: uint256, deadline: uint256):
    """
    @notice Repay from what is idle, at most the debt; the largest number repays all it can.
    """
    rules: Rules = self._begin(sequence, deadline)
    self._check_market(rules)
    idle: uint256 = staticcall Token(rules.debt).balanceOf(self)
    paid: uint256 = self._repay(rules.lending, rules.debt, min(min(amount, idle), self._debt(rules)))
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
    rules: Rules = self._begin(sequence, deadline)
    self._swap(rules, swap_pool, sell_collateral, convert(sell, int256), sell, KIND_SWAP)
    assert self.sold == sell, "sold too little"
    assert self.bought >= buy_min, "bought too little"
    self._check_trade(rules, sell_collateral)
    log Acted(sequence=sequence, kind=KIND_SWAP, amount=sell, bought=self.bought)


@external
@nonreentrant
def swap_exact(
    swap_pool: address, sell_collateral: bool, buy: uint256, sell_max: uint256,
    sequence: uint256, deadline: uint256,
):
    """
    @notice Buy exactly `buy` of one asset for at most `sell_max` of the other, which is idle.
    """
    rules: Rules = self._begin(sequence, deadline)
    self._swap(rules, swap_pool, sell_collateral, -convert(buy, int256), sell_max, KIND_SWAP)
    assert self.bought >= buy, "bought too little"
    self._check_trade(rules, sell_collateral)
    log Acted(sequence=sequence, kind=KIND_SWAP, amount=self.sold, bought=self.bought)


@external
@nonreentrant
def set_emode(category: uint8, sequence: uint256, deadline: uint256):
    """
    @notice Enter the efficiency category the owner allowed, or leave it with 0.
    """
    rules: Rules = self._begin(sequence, deadline)
    self._check_market(rules)
    assert category == 0 or convert(category, uint256) == rules.emode, "category not allowed"
    before: uint256 = self._health(rules.lending)
    extcall Lending(rules.lending).setUserEMode(category)
    after: uint256 = self._health(rules.lending)
    assert after >= min(before, rules.health_min), "health too low"
    log Acted(sequence=sequence, kind=KIND_EMODE, amount=convert(category, uint256), bought=0)


# --- the owner's way out -------------------------------------------------------------------

@external
@nonreentrant
def pay_owner(token: address, amount: uint256) -> uint256:
    """
    @notice Send idle `token`, or ether for the zero address, to the owner; the largest number
            sends all. Owner only.
    """
    self._only_owner()
    sent: uint256 = 0
    if token == empty(address):
        sent = min(amount, self.balance)
        raw_call(msg.sender, b"", value=sent)
    else:
        sent = min(amount, staticcall Token(token).balanceOf(self))
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
    rules: Rules = self._rules(self.seat)
    lending: address = staticcall Token(rules.receipt).POOL()
    sent: uint256 = extcall Lending(lending).withdraw(rules.collateral, amount, msg.sender)
    log Paid(token=rules.collateral, amount=sent)
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
    return self._rules(self.seat).operator


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
    @notice What swaps gave away against the oracle and is not forgiven yet, in cents.
    """
    seat: uint256 = self.seat
    return self._lost(seat, self._rules(seat).loss_day_max * 100)


@external
@view
def lending() -> (address, uint256):
    """
    @notice The market's pool and revision the owner knew.
    """
    rules: Rules = self._rules(self.seat)
    return rules.lending, rules.revision


@external
@view
def debt_token() -> address:
    """
    @notice The market's token that counts the debt.
    """
    return self._rules(self.seat).debt_token


@external
@view
def swap_allowed(swap_pool: address) -> bool:
    """
    @notice Whether the operator may swap in a pool.
    """
    return swap_pool != empty(address) and swap_pool in self._rules(self.seat).swap_pools


@external
@view
def bounds() -> Bounds:
    """
    @notice What the owner allows the operator.
    """
    rules: Rules = self._rules(self.seat)
    swap_pools: DynArray[address, 4] = []
    for swap_pool: address in rules.swap_pools:
        if swap_pool != empty(address):
            swap_pools.append(swap_pool)
    return Bounds(
        collateral=rules.collateral,
        debt=rules.debt,
        swap_pools=swap_pools,
        health_min=rules.health_min,
        health_step_min=rules.health_step_min,
        loss_call_max=rules.loss_call_max,
        loss_day_max=rules.loss_day_max,
        emode=convert(rules.emode, uint8),
    )


# --- inside: who, when, where --------------------------------------------------------------

@internal
def _begin(sequence: uint256, deadline: uint256) -> Rules:
    seat: uint256 = self.seat
    rules: Rules = self._rules(seat)
    if msg.sender != rules.operator:
        assert msg.sender == self.owner, "not allowed"
    assert block.timestamp <= deadline, "too late"
    assert (seat >> 160) & MASK_32 == sequence, "wrong sequence"
    assert sequence < MASK_32, "sequence ran out"
    self.seat = seat + (1 << 160)
    return rules


@internal
@view
def _only_owner():
    assert msg.sender == self.owner, "not the owner"


@internal
@view
def _rules(seat: uint256) -> Rules:
    return abi_decode(slice(convert(seat & MASK_160, address).code, 1, WORDS), Rules)


@internal
@view
def _check_market(rules: Rules):
    assert staticcall Provider(PROVIDER).getPool() == rules.lending, "another pool"
    assert staticcall Lending(rules.lending).POOL_REVISION() == rules.revision, "another revision"


# --- inside: health ------------------------------------------------------------------------

@internal
@view
def _check_below(lending: address, health_below: uint256):
    if health_below > 0:
        assert self._health(lending) < health_below, "health is not below"


@internal
@view
def _health(lending: address) -> uint256:
    return self._account_data(lending)[2]


@internal
@view
def _account_data(lending: address) -> uint256[3]:
    collateral: uint256 = 0
    debt: uint256 = 0
    available: uint256 = 0
    threshold: uint256 = 0
    ltv: uint256 = 0
    health: uint256 = 0
    collateral, debt, available, threshold, ltv, health = staticcall Lending(lending).getUserAccountData(self)
    return [collateral, debt, health]


@internal
@view
def _worth(rules: Rules, prices: uint256[2]) -> uint256[3]:
    """
    Collateral and debt (oracle's dollars) and health (wad). For an account that uses our two
    assets alone, in no category, by our own sum, each number rounded as the market does or
    against ourselves; for any other by the market's own, which costs twice the gas.
    """
    lending: address = rules.lending
    if staticcall Lending(lending).getUserConfiguration(self) != rules.plain:
        return self._account_data(lending)
    if rules.emode != 0 and staticcall Lending(lending).getUserEMode(self) != 0:
        return self._account_data(lending)
    threshold: uint256 = (staticcall Lending(lending).getConfiguration(rules.collateral) >> 16) & MASK_16
    posted: uint256 = staticcall Token(rules.receipt).scaledBalanceOf(self)
    posted = posted * staticcall Lending(lending).getReserveNormalizedIncome(rules.collateral) // RAY
    owed: uint256 = staticcall Token(rules.debt_token).scaledBalanceOf(self)
    owed = (owed * staticcall Lending(lending).getReserveNormalizedVariableDebt(rules.debt) + RAY - 1) // RAY
    collateral: uint256 = posted * prices[0] // rules.collateral_unit
    debt: uint256 = (owed * prices[1] + rules.debt_unit - 1) // rules.debt_unit
    return [collateral, debt, collateral * threshold // BPS * WAD // debt]


# --- inside: swaps and losses --------------------------------------------------------------

@internal
def _swap(
    rules: Rules, swap_pool: address, sell_collateral: bool, amount: int256, sell_max: uint256,
    purpose: uint256,
):
    assert swap_pool != empty(address) and swap_pool in rules.swap_pools, "swap pool not allowed"
    assert amount != 0, "nothing to swap"
    given: address = rules.collateral if sell_collateral else rules.debt
    wanted: address = rules.debt if sell_collateral else rules.collateral
    self.paying = swap_pool
    self.purpose = purpose
    self.given = given
    self.wanted = wanted
    self.sell_max = sell_max
    self.held = staticcall Token(wanted).balanceOf(self)
    zero_for_one: bool = convert(given, uint256) < convert(wanted, uint256)
    limit: uint160 = SQRT_MIN if zero_for_one else SQRT_MAX
    extcall SwapPool(swap_pool).swap(self, zero_for_one, amount, limit, b"")
    assert self.paying == empty(address), "swap not paid"


@internal
@view
def _prices(rules: Rules) -> uint256[2]:
    oracle: address = staticcall Provider(PROVIDER).getPriceOracle()
    collateral: uint256 = staticcall Oracle(oracle).getAssetPrice(rules.collateral)
    debt: uint256 = staticcall Oracle(oracle).getAssetPrice(rules.debt)
    assert collateral > 0 and debt > 0, "no price"
    return [collateral, debt]


@internal
def _check_trade(rules: Rules, sold_collateral: bool):
    prices: uint256[2] = self._prices(rules)
    if sold_collateral:
        self._check_loss(rules, self.sold * prices[0] // rules.collateral_unit, self.bought * prices[1] // rules.debt_unit)
    else:
        self._check_loss(rules, self.sold * prices[1] // rules.debt_unit, self.bought * prices[0] // rules.collateral_unit)


@internal
def _check_loss(rules: Rules, gave: uint256, got: uint256):
    if got >= gave or msg.sender != rules.operator:
        return  # the owner's own minimum is enough
    lost: uint256 = gave - got
    assert lost * BPS <= gave * rules.loss_call_max, "loss too large"
    seat: uint256 = self.seat
    day_max: uint256 = rules.loss_day_max * 100
    total: uint256 = self._lost(seat, day_max) + lost // CENT + 1
    assert total <= day_max, "lost too much today"
    self.seat = (seat & (2**192 - 1)) | ((block.timestamp // HOUR) << 192) | (total << 216)


@internal
@view
def _lost(seat: uint256, day_max: uint256) -> uint256:
    hours: uint256 = block.timestamp // HOUR - ((seat >> 192) & MASK_24)
    forgiven: uint256 = day_max * hours // 24
    lost: uint256 = seat >> 216
    return lost - min(lost, forgiven)


# --- inside: the market --------------------------------------------------------------------

@internal
def _enable(rules: Rules):
    """
    The market counts what we post as collateral by itself, unless somebody sent us a receipt
    token first: without this, a stranger could keep an empty account from ever opening.
    """
    if staticcall Lending(rules.lending).getUserConfiguration(self) & rules.plain & POSTED == 0:
        if staticcall Token(rules.receipt).scaledBalanceOf(self) > 0:
            extcall Lending(rules.lending).setUserUseReserveAsCollateral(rules.collateral, True)


@internal
def _supply(lending: address, token: address, amount: uint256):
    self._approve(token, lending, amount)
    extcall Lending(lending).supply(token, amount, self, 0)


@internal
def _repay(lending: address, token: address, amount: uint256) -> uint256:
    self._approve(token, lending, amount)
    return extcall Lending(lending).repay(token, amount, VARIABLE, self)


@internal
@view
def _debt(rules: Rules) -> uint256:
    return staticcall Token(rules.debt_token).balanceOf(self)


@internal
def _approve(token: address, spender: address, amount: uint256):
    assert extcall Token(token).approve(spender, amount, default_return_value=True), "approve failed"


@internal
def _send(token: address, to: address, amount: uint256):
    assert extcall Token(token).transfer(to, amount, default_return_value=True), "transfer failed"


# --- inside: bounds ------------------------------------------------------------------------

@internal
def _set_bounds(operator: address, bounds: Bounds):
    assert bounds.collateral != bounds.debt, "one asset twice"
    assert bounds.health_min > WAD and bounds.health_min < 1000 * WAD, "health_min out of range"
    assert bounds.health_step_min > WAD and bounds.health_step_min <= bounds.health_min, "health_step_min out of range"
    assert bounds.loss_call_max <= BPS, "loss_call_max out of range"
    assert bounds.loss_day_max <= 10**9, "loss_day_max out of range"
    lending: address = staticcall Provider(PROVIDER).getPool()
    collateral: ReserveData = staticcall Lending(lending).getReserveData(bounds.collateral)
    debt: ReserveData = staticcall Lending(lending).getReserveData(bounds.debt)
    assert collateral.receipt != empty(address), "collateral not listed"
    assert debt.variable_debt != empty(address), "debt asset not listed"
    rules: Rules = Rules(
        operator=operator,
        lending=lending,
        revision=staticcall Lending(lending).POOL_REVISION(),
        collateral=bounds.collateral,
        debt=bounds.debt,
        receipt=collateral.receipt,
        debt_token=debt.variable_debt,
        collateral_unit=self._unit(bounds.collateral),
        debt_unit=self._unit(bounds.debt),
        plain=(2 << (2 * convert(collateral.id, uint256))) | (1 << (2 * convert(debt.id, uint256))),
        swap_pools=self._checked_pools(bounds),
        health_min=bounds.health_min,
        health_step_min=bounds.health_step_min,
        loss_call_max=bounds.loss_call_max,
        loss_day_max=bounds.loss_day_max,
        emode=convert(bounds.emode, uint256),
    )
    self._write(rules)
    log BoundsSet(collateral=bounds.collateral, debt=bounds.debt, lending=lending, revision=rules.revision)


@internal
@view
def _unit(token: address) -> uint256:
    decimals: uint8 = staticcall Token(token).decimals()
    assert decimals <= 36, "too many decimals"
    return 10 ** convert(decimals, uint256)


@internal
@view
def _checked_pools(bounds: Bounds) -> address[4]:
    first: address = bounds.collateral
    second: address = bounds.debt
    if convert(second, uint256) < convert(first, uint256):
        first = bounds.debt
        second = bounds.collateral
    pools: address[4] = empty(address[4])
    place: uint256 = 0
    for swap_pool: address in bounds.swap_pools:
        assert staticcall SwapPool(swap_pool).token0() == first, "swap pool of another pair"
        assert staticcall SwapPool(swap_pool).token1() == second, "swap pool of another pair"
        pools[place] = swap_pool
        place += 1
    return pools


@internal
def _write(rules: Rules):
    # The leading zero stops whoever calls it.
    stands: address = raw_create(concat(CREATES, x"00", abi_encode(rules)))
    self.seat = ((self.seat >> 160) << 160) | convert(stands, uint256)
