"""Codecs, without a chain: words, batches, versions, feeds, fees and quirks of tokens."""

from __future__ import annotations

import contextlib

import pytest
from eth_abi.abi import encode
from hypothesis import given
from hypothesis import strategies as st

from leverd.adapters.evm import abi, account, batch, chainlink, erc20, fees, wire
from leverd.adapters.evm.aave import reserves
from leverd.adapters.evm.aave.market import Features, Market, ReserveTokens, rules_of
from leverd.adapters.evm.aave.reserves import decimals_of, params_of
from leverd.adapters.evm.chainlink import Round
from leverd.adapters.evm.profiles import PROFILES
from leverd.adapters.evm.uniswap import pools
from leverd.adapters.evm.uniswap.pools import PoolPlace
from leverd.domain.lending import AAVE_3_6
from leverd.domain.money import Asset
from leverd.errors import NonsenseError, StaleError
from leverd.interfaces.chain_client import Call, Head, Reply

WETH, USDC = Asset("WETH", 18), Asset("USDC", 6)
TOKEN, OTHER = "0x" + "11" * 20, "0x" + "22" * 20
addresses = st.binary(min_size=20, max_size=20).map(lambda raw: "0x" + raw.hex())


@given(st.lists(st.tuples(addresses, st.binary(max_size=200)), max_size=20))
def test_our_batch_calldata_is_what_the_general_encoder_makes(parts):
    calls = [Call(to, data) for to, data in parts]
    general = encode(("(address,bool,bytes)[]",), ([(to, True, data) for to, data in parts],))
    assert batch.encode(calls) == abi.selector("aggregate3((address,bool,bytes)[])") + general


@given(st.lists(st.tuples(st.booleans(), st.binary(max_size=200)), max_size=20))
def test_our_batch_decoder_reads_what_the_general_encoder_makes(replies):
    data = encode(("(bool,bytes)[]",), (replies,))
    assert batch.decode(data, len(replies)) == tuple(Reply(*one) for one in replies)


@given(st.binary(max_size=400), st.integers(0, 5))
def test_no_bytes_break_the_batch_decoder(data, count):
    try:
        found = batch.decode(data, count)
    except NonsenseError:
        return
    assert len(found) == count


@given(
    st.lists(st.tuples(st.booleans(), st.binary(max_size=70)), min_size=1, max_size=5),
    st.integers(0, 10**6),
    st.integers(1, 255),
)
def test_a_damaged_batch_gives_as_many_replies_or_an_error(replies, place, mask):
    data = bytearray(encode(("(bool,bytes)[]",), (replies,)))
    data[place % len(data)] ^= mask
    with contextlib.suppress(NonsenseError):
        assert len(batch.decode(bytes(data), len(replies))) == len(replies)


def test_functions_split_nested_types_and_name_bad_answers():
    function = abi.Function("f((address,uint256[]),bool)", ("string",))
    assert function.encode((TOKEN, [1]), True)[:4] == abi.selector("f((address,uint256[]),bool)")
    assert abi.Function("g()").encode() == abi.selector("g()")
    assert function.decode(encode(("string",), ("hello",))) == ("hello",)
    with pytest.raises(NonsenseError):
        function.decode(b"\1")
    with pytest.raises(NonsenseError):
        abi.words(b"\0" * 31, 1)
    with pytest.raises(NonsenseError):
        abi.address_of(2**160)
    with pytest.raises(NonsenseError):
        abi.flag(2)
    assert abi.flag(1)
    assert not abi.flag(0)


@given(st.integers(-(2**23), 2**23 - 1))
def test_signed_words_keep_their_sign(number):
    assert abi.signed(number % 2**256, 24) == number
    with pytest.raises(NonsenseError):
        abi.signed((number + 2**24) % 2**256, 24)


@pytest.mark.parametrize(
    ("revision", "features", "name"),
    [
        (1, Features(False, False, False, False, False, False), "aave-3.0"),
        (3, Features(True, False, False, False, False, False), "aave-3.1"),
        (5, Features(True, True, False, False, False, False), "aave-3.1"),
        (6, Features(True, True, True, False, False, False), "aave-3.3"),
        (7, Features(True, True, True, True, False, False), "aave-3.4"),
        (9, Features(True, True, True, True, False, False), "aave-3.5"),
        (10, Features(True, True, True, True, True, False), "aave-3.6"),
        (11, Features(True, True, True, True, True, True), "aave-3.7"),
    ],
)
def test_a_pool_is_recognised_by_what_it_answers_to(revision, features, name):
    assert rules_of(revision, features).name == name


def test_the_configuration_bitmap_is_read_as_governance_wrote_it():
    bitmap = (
        8050
        | 8300 << 16
        | 10500 << 32
        | 18 << 48
        | 1 << 56
        | 1 << 58
        | 1500 << 64
        | 1_400_000 << 80
        | 1_800_000 << 116
        | 1000 << 152
    )
    params = params_of(bitmap)
    assert decimals_of(bitmap) == 18
    assert (params.ltv, params.liquidation_threshold, params.liquidation_bonus) == (
        8050,
        8300,
        10500,
    )
    assert (params.reserve_factor, params.borrow_cap, params.supply_cap) == (
        1500,
        1_400_000,
        1_800_000,
    )
    assert params.liquidation_protocol_fee == 1000
    assert (params.active, params.frozen, params.paused, params.borrowing_enabled) == (
        True,
        False,
        False,
        True,
    )
    assert params_of(bitmap | 1 << 57 | 1 << 60).frozen
    assert params_of(bitmap | 1 << 60).paused


def feed(*numbers: int, decimals: int = 8) -> Round:
    data = b"".join(abi.uint_word(number % 2**256) for number in numbers)
    read = chainlink.latest_round(TOKEN)
    return read.decode([Reply(True, data), Reply(True, abi.uint_word(decimals))])


def test_a_feed_gives_its_price_until_its_heartbeat_is_over():
    found = feed(5, 3_000 * 10**8, 90, 100, 0)
    assert chainlink.price(found, at=3_700, heartbeat_s=3_600) == 3_000 * 10**8
    with pytest.raises(StaleError):
        chainlink.price(found, at=3_761, heartbeat_s=3_600)
    eighteen = feed(5, 115 * 10**16, 90, 100, 0, decimals=18)
    assert chainlink.price(eighteen, at=100, heartbeat_s=60) == 115 * 10**6
    for answer in (0, -1):
        with pytest.raises(NonsenseError):
            chainlink.price(feed(5, answer, 90, 100, 0), at=100, heartbeat_s=60)
    with pytest.raises(NonsenseError):
        feed(5, 1, 90, 100, 0, decimals=77)


def test_a_sequencer_counts_as_up_only_after_its_grace():
    assert not chainlink.sequencer_up(feed(5, 1, 0, 0, 0), at=10**6)
    assert not chainlink.sequencer_up(feed(5, 0, 10**6, 0, 0), at=10**6 + 3_600)
    assert chainlink.sequencer_up(feed(5, 0, 10**6, 0, 0), at=10**6 + 3_601)


def test_tokens_that_return_nothing_have_accepted_and_false_has_not():
    assert erc20.accepted(Reply(True, b""))
    assert erc20.accepted(Reply(True, abi.uint_word(1)))
    assert not erc20.accepted(Reply(True, abi.uint_word(0)))
    assert not erc20.accepted(Reply(False, b""))


def test_symbols_are_read_as_strings_and_as_bytes32():
    read = erc20.symbol(TOKEN)
    assert read.decode([Reply(True, encode(("string",), ("USDC",)))]) == "USDC"
    assert read.decode([Reply(True, b"MKR".ljust(32, b"\0"))]) == "MKR"
    with pytest.raises(NonsenseError):
        read.decode([Reply(True, b"\xff" * 64)])


@given(st.integers(1, 10**12), st.integers(0, 12))
def test_a_bid_survives_as_many_full_blocks_as_it_says(base_fee, blocks):
    grown = base_fee
    for _ in range(blocks):
        full = Head(1, "", "", 0, grown, 30_000_000, 30_000_000)
        grown = fees.next_base_fee(full)
    assert fees.after_full_blocks(base_fee, blocks) >= grown - blocks


def test_the_next_base_fee_follows_how_full_the_block_was():
    def after(gas_used: int) -> int:
        return fees.next_base_fee(Head(1, "", "", 0, 1_000, gas_used, 30_000_000))

    assert [after(0), after(15_000_000), after(30_000_000)] == [875, 1_000, 1_125]


@given(
    urgency=st.floats(-1, 2),
    base_fee=st.integers(0, 10**12),
    tips=st.lists(st.tuples(*[st.integers(0, 10**10)] * 3).map(sorted), max_size=20),
    price_max=st.integers(1, 10**12),
)
def test_a_bid_is_never_above_the_cap_and_its_tip_never_above_the_bid(
    urgency, base_fee, tips, price_max
):
    found = fees.bid(base_fee, tips, urgency, profile=PROFILES["ethereum"], price_max=price_max)
    assert 0 <= found.priority_fee <= found.max_fee <= price_max


@given(
    st.integers(-887_272, 887_272),
    st.sampled_from([(100, 1), (500, 10), (3000, 60), (10_000, 200)]),
)
def test_the_words_to_read_reach_both_ways_from_any_price(tick, tier):
    place = PoolPlace("p", TOKEN, WETH, USDC, *tier)
    known = pools.around(place, tick)
    assert len(known.words) <= 24
    assert tick // tier[1] // 256 in known.words
    low = known.words.start * 256 * tier[1]
    high = (known.words.stop * 256) * tier[1]
    assert low <= max(tick - place.reach, -887_272)
    assert high >= min(tick + place.reach, 887_272)


def test_a_clone_tells_whose_code_it_runs():
    code = bytes.fromhex("363d3d373d3d3d363d73" + "11" * 20 + "5af43d82803e903d91602b57fd5bf3")
    assert account.behind(code) == "0x" + "11" * 20
    assert account.behind(b"\x60\x00") is None
    plain = account.kind_of(TOKEN, b"", b"", frozenset())
    assert plain.trusted
    assert plain.state is None


@pytest.mark.parametrize("value", [None, 5, "5", "0x", "0xg", "0x" + "f" * 65, True, ["0x1"]])
def test_what_is_no_number_is_nonsense(value):
    with pytest.raises(NonsenseError):
        wire.quantity(value)


@pytest.mark.parametrize("value", [None, 5, "", "0x1", "0xzz"])
def test_what_are_no_bytes_is_nonsense(value):
    with pytest.raises(NonsenseError):
        wire.data(value)


@pytest.mark.parametrize("value", [None, "0x", "0x" + "11" * 31, "0x" + "zz" * 32])
def test_what_is_no_hash_is_nonsense(value):
    with pytest.raises(NonsenseError):
        wire.digest(value)


RECEIPT = {
    "transactionHash": "0x" + "11" * 32,
    "blockNumber": "0x1",
    "blockHash": "0x" + "22" * 32,
    "status": "0x1",
    "gasUsed": "0x1",
    "effectiveGasPrice": "0x1",
    "logs": [{"address": TOKEN, "topics": ["0x" + "33" * 32], "data": "0x"}],
}


def test_a_receipt_is_read_whole_or_not_at_all():
    assert wire.receipt(RECEIPT).logs[0].address == TOKEN
    for broken in (
        {"status": "0x2"},
        {"status": None},
        {"logs": None},
        {"logs": [5]},
        {"logs": [{**RECEIPT["logs"][0], "address": "0x11"}]},
        {"logs": [{**RECEIPT["logs"][0], "topics": None}]},
        {"blockHash": "0x"},
    ):
        with pytest.raises(NonsenseError):
            wire.receipt({**RECEIPT, **broken})


def test_collaterals_that_may_not_be_borrowed_against_are_read_where_a_pool_tells_them():
    weth, usdc = (Asset(name, 18) for name in ("WETH", "USDC"))
    tokens = {
        asset: ReserveTokens(asset, TOKEN, place, TOKEN, TOKEN, TOKEN)
        for place, asset in enumerate((weth, usdc))
    }
    words = [abi.uint_word(one) for one in (9_300, 9_500, 10_100)]
    bitmaps = [Reply(True, abi.uint_word(one)) for one in (0b11, 0b10, 0b01)]
    replies = (Reply(True, b"".join(words)), *bitmaps)
    for told, barred in ((True, {weth}), (False, set())):
        features = Features(True, True, True, True, told, False)
        market = Market("aave", TOKEN, TOKEN, TOKEN, 10, features, AAVE_3_6, tokens)
        read = reserves.emode(market, 1)
        assert len(read.calls) == 3 + told
        found = reserves.emode_of(market, 1, read.decode(replies[: len(read.calls)]), {})
        assert (found.ltv, found.collaterals, found.borrowables) == (9_300, {weth, usdc}, {usdc})
        assert found.zero_ltv == barred


def test_what_a_rollup_charges_for_its_data_on_ethereum_is_part_of_what_was_paid():
    assert wire.receipt(RECEIPT).paid == 1
    assert wire.receipt({**RECEIPT, "l1Fee": None}).paid == 1
    told = wire.receipt({**RECEIPT, "l1Fee": "0x64"})
    assert (told.l1_fee, told.paid) == (100, 101)
    with pytest.raises(NonsenseError):
        wire.receipt({**RECEIPT, "l1Fee": "much"})


@pytest.mark.parametrize(
    ("reply", "rate"),
    [
        (Reply(True, abi.uint_word(1_145_000_000_000_000_000)), 1_145_000_000_000_000_000),
        (Reply(True, abi.uint_word(0)), None),
        (Reply(True, abi.uint_word(10**36 + 1)), None),
        (Reply(True, b""), None),  # no contract is there
        (Reply(True, abi.uint_word(1) * 2), None),
        (Reply(False, abi.uint_word(1)), None),
    ],
)
def test_a_staked_token_s_rate_is_told_or_left_out_and_never_spoils_a_look(reply, rate):
    read = erc20.staking_rate("0x" + "11" * 20, "stEthPerToken()")
    (call,) = read.calls
    assert (call.data.hex(), call.may_fail) == ("035faf82", True)
    assert read.decode([reply]) == rate


BLOCK = {
    "number": "0x1",
    "hash": "0x" + "a" * 64,
    "parentHash": "0x" + "b" * 64,
    "timestamp": hex(253_402_300_799),
    "gasUsed": "0x0",
    "gasLimit": "0x1",
}


@pytest.mark.parametrize("field", ["timestamp", "number"])
@pytest.mark.parametrize("value", ["0x" + "f" * 64, "-0x1", None, 5, "0x", "0x8000000000000000"])
def test_a_block_of_no_date_and_no_number_is_none(field, value):
    assert wire.head(BLOCK).at == 253_402_300_799
    with pytest.raises(NonsenseError):
        wire.head({**BLOCK, field: value})
