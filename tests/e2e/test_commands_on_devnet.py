"""plan, account, reconcile, doctor and unwind, as an owner types them, on real contracts."""

from __future__ import annotations

import asyncio
import json
from decimal import Decimal

import pytest
from tests.e2e.stage import POSITION, Stage, loop

from leverd.adapters.sql_journal import SqlJournal
from leverd.bootstrap.places import resolve
from leverd.bootstrap.planning import planned
from leverd.bootstrap.signing_alone import signer_lock
from leverd.cli.given import settings_of
from leverd.devnet.chain import Chain
from leverd.devnet.rpc import Rpc
from leverd.devnet.throwaway_keys import _KEYS
from leverd.domain.events import UnwindRequested
from leverd.domain.plan_events import PlanCompleted
from leverd.domain.slot_events import AttemptSigned
from leverd.interfaces.journal import Binding

pytestmark = pytest.mark.chain

NONE = {"positions": {POSITION: {"account": "none"}}}
ETHER = 10**18


def balance(stage: Stage, symbol: str, who: str) -> int:
    chain = Chain(Rpc(stage.devnet.node.url))
    try:
        token = stage.deployment.tokens[symbol].address
        return int(chain.read(token, "balanceOf(address)->(uint256)", who))
    finally:
        chain.rpc.close()


def sent_by(stage: Stage, who: str) -> int:
    rpc = Rpc(stage.devnet.node.url)
    try:
        return int(rpc.ask("eth_getTransactionCount", who, "latest"), 16)
    finally:
        rpc.close()


def opened(stage: Stage) -> None:
    """Have the daemon open the loop, and stop it."""
    asyncio.run(stage.play(until=lambda _: bool(stage.events(PlanCompleted))))


# --- account -------------------------------------------------------------------------------


def test_an_account_is_made_filled_emptied_and_revoked(owner, world):
    owner.sections = NONE
    assert "no account yet" in owner("account", "show").out
    printed = owner("account", "deploy", "--print", "--json").data
    assert [each["sent"] for each in printed["transactions"]] == [False]

    made = owner("account", "deploy", "--yes", "--json").data
    assert made["account"] == printed["account"], "the address is known before anything is sent"
    assert (made["owner"], made["operator"]) == (
        world.deployment.roles.owner,
        world.deployment.roles.operator,
    )
    assert "nothing was sent" in owner("account", "deploy", "--yes").out

    owner.sections = {"positions": {POSITION: {"account": made["account"]}}}
    (shown,) = owner("account", "show", "--json").data
    assert shown["code_is_ours"]
    assert shown["operated_by_our_key"]
    assert shown["contract"]["bounds"]["loss_call_bps"] == 705  # bonus 5 %, fee, oracle gap 2 %
    assert shown["holdings"] == []
    assert owner("account", "adopt", made["account"]).code == 0

    assert owner("account", "deposit", "3", "weth", "--yes").code == 0
    assert balance(world, "WETH", made["account"]) == 3 * ETHER
    before = balance(world, "WETH", world.deployment.roles.owner)
    taken = owner("account", "withdraw", "1.25", "WETH", "--yes")
    assert "the owner got 1.25 WETH" in taken.out
    assert "the owner got 1.75 WETH" in owner("account", "sweep", "--yes").out
    assert balance(world, "WETH", world.deployment.roles.owner) == before + 3 * ETHER
    assert owner("account", "sweep", "--yes").code == 1

    assert owner("doctor").code == 0
    assert owner("account", "revoke", "--yes").code == 0
    assert "nobody: revoked" in owner("account", "show").out
    assert owner("doctor").code == 1
    assert owner("account", "appoint", world.deployment.roles.operator, "--yes").code == 0
    assert owner("doctor").code == 0


def test_without_a_factory_both_contracts_are_made_once_and_found_again(owner, world):
    owner.sections = NONE
    record = world.folder / "deployment.json"
    record.write_text(json.dumps({**json.loads(record.read_text()), "account_factory": None}))
    first = owner("account", "deploy", "--yes", "--json").data
    again = owner("account", "deploy", "--yes", "--json", "--salt", "second").data
    assert len(first["transactions"]) == 3
    assert len(again["transactions"]) == 1
    assert first["factory"] == again["factory"]
    assert first["account"] != again["account"]
    named = owner("account", "deploy", "--json", "--yes", "--factory", first["factory"]).data
    assert (named["account"], named["transactions"]) == (first["account"], [])
    foreign = owner("account", "deploy", "--factory", world.deployment.pool)
    assert (foreign.code, "LVD-CHN-014" in foreign.err) == (3, True)


def test_bounds_are_replaced_by_what_the_owner_says(owner):
    assert owner("account", "bounds", "--loss-day-usd", "1234", "--yes").code == 0
    (shown,) = owner("account", "show", "--json").data
    assert shown["contract"]["bounds"]["loss_day_usd"] == 1234
    assert shown["contract"]["bounds"]["health_min"] == "1.15"


def test_only_the_owner_takes_money_and_who_is_refused_sends_nothing(owner, world, monkeypatch):
    monkeypatch.setenv("THE_KEY", _KEYS["operator"])
    operator = world.deployment.roles.operator
    nonce = sent_by(world, operator)
    for command in (("withdraw", "1", "WETH"), ("sweep",), ("revoke",), ("bounds",)):
        refused = owner("account", *command, "--owner-env", "THE_KEY", "--yes")
        assert (refused.code, "LVD-OWN-071" in refused.err) == (1, True)
    assert sent_by(world, operator) == nonce
    assert balance(world, "WETH", world.account) == 10 * ETHER


def test_what_nobody_confirms_is_not_done(owner, world, monkeypatch):
    monkeypatch.setattr("sys.stdin.isatty", lambda: False, raising=False)
    before = sent_by(world, world.deployment.roles.owner)
    answer = owner("account", "sweep")
    assert answer.code == 1
    assert "send 10 WETH to the owner" in answer.out
    assert "--yes" in answer.err
    assert sent_by(world, world.deployment.roles.owner) == before


def test_a_deposit_in_no_block_may_still_come_and_is_not_sent_twice(owner, world):
    slow = owner("account", "deposit", "1", "WETH", "--yes", "--wait", "1", mining=False)
    assert (slow.code, "LVD-NET-005" in slow.err) == (3, True)
    again = owner("account", "deposit", "1", "WETH", "--yes", "--wait", "1", mining=False)
    assert (again.code, "LVD-OWN-074" in again.err) == (1, True)
    world.devnet.step()
    world.devnet.step()
    assert balance(world, "WETH", world.account) == 11 * ETHER


def test_beside_a_daemon_its_key_is_left_alone_and_the_owners_works(owner, world):
    settings = settings_of(world.files())
    lock = signer_lock(resolve(settings), world.deployment.roles.operator)
    try:
        refused = owner("account", "deposit", "1", "WETH", "--by-operator", "--yes")
        assert (refused.code, "LVD-JRN-004" in refused.err) == (5, True)
        assert owner("account", "deposit", "1", "WETH", "--yes").code == 0
    finally:
        lock.release()
    assert balance(world, "WETH", world.account) == 11 * ETHER


def test_a_key_with_something_unsettled_is_left_to_the_daemon(owner, world):
    roles, deployment = world.deployment.roles, world.deployment
    journal = SqlJournal(world.journal, world.clock)
    journal.bind(Binding("devnet", deployment.chain_id, deployment.genesis_hash))
    nonce = sent_by(world, roles.operator)
    journal.append_now(
        AttemptSigned(nonce, roles.operator, "p", POSITION, 0, "act", "0xaa", "00", 1, 1, 1, 1)
    )
    journal.close()
    refused = owner("account", "deposit", "1", "WETH", "--by-operator", "--yes")
    assert (refused.code, "LVD-OWN-077" in refused.err) == (1, True)
    assert sent_by(world, roles.operator) == nonce
    assert owner("account", "deposit", "1", "WETH", "--yes").code == 0, "the owner's is another"


def test_for_real_money_nothing_is_known_but_what_the_file_says(owner, world, monkeypatch):
    """The same chain, by its URL and addresses, as a live owner would name it."""
    monkeypatch.setenv("COLD", _KEYS["owner"])
    made = world.deployment
    owner.sections = live = {
        "mode": "live",
        "chain": {"devnet": None, "final_depth": None, "id": made.chain_id,
                  "rpc": [world.devnet.url], "profile": "ethereum"},
        "tokens": {name: {"address": token.address, "decimals": token.decimals}
                   for name, token in made.tokens.items()},
        "venues": {"aave": {"provider": made.provider},
                   "weth-usdc-500": {"factory": made.factory, "quoter": made.quoter}},
        "positions": {POSITION: {"account": "none"}},
    }  # fmt: skip
    assert owner("config", "check").code == 0
    assert "LVD-OWN-070" in owner("account", "deploy", "--owner", made.roles.owner).err
    nobody = owner("account", "deploy", "--by-operator", "--yes")
    assert "LVD-OWN-086" in nobody.err, "whose it will be is never guessed"
    deployed = owner("account", "deploy", "--owner-env", "COLD", "--yes", "--json").data
    assert len(deployed["transactions"]) == 3
    assert deployed["owner"] == made.roles.owner

    live["positions"] = {POSITION: {"account": deployed["account"]}}
    given = owner("account", "deposit", "2", "WETH", "--owner-env", "COLD", "--yes")
    assert given.code == 0
    (planned_for,) = owner("plan", "--json").data["positions"]
    assert planned_for["plan"]["purpose"] == "open"
    assert planned_for["verdict"]["reasons"] == ["stale_view"], "its blocks are of 2023"
    doctor = owner("doctor", "--json")
    found = {each["code"]: each["status"] for each in doctor.data}
    assert (doctor.code, found["clock"]) == (1, "bad")
    assert found["chain"] == "good"


def test_what_cannot_be_kept_is_said_before_it_is_adopted(owner, world):
    stranger = owner("account", "adopt", world.deployment.roles.owner)
    assert (stranger.code, "LVD-OWN-062" in stranger.out) == (1, True)
    foreign = owner("account", "adopt", world.deployment.pool)
    assert (foreign.code, "NOT of ours" in foreign.out) == (1, True)
    own = owner("account", "adopt", world.deployment.roles.operator)
    assert (own.code, "no bounds protect it" in own.out) == (0, True)


def test_a_debt_or_category_that_the_settings_do_not_name_stands_in_the_way(owner, world):
    operator, tokens, pool = (
        world.deployment.roles.operator,
        world.deployment.tokens,
        world.deployment.pool,
    )
    chain = world.devnet.chain
    chain.rpc.ask("anvil_setBalance", operator, hex(10**6 * ETHER))  # the devnet bids high
    approve, supply = "approve(address,uint256)", "supply(address,uint256,address,uint16)"
    borrow = "borrow(address,uint256,uint256,uint16,address)"
    weth, wsteth = tokens["WETH"].address, tokens["wstETH"].address
    for call in (
        (weth, approve, pool, 5 * ETHER),
        (pool, supply, weth, 5 * ETHER, operator, 0),
        (pool, "setUserEMode(uint8)", 1),
        (pool, borrow, wsteth, ETHER, 2, 0, operator),
    ):
        chain.send(operator, *call)
        world.devnet.step()
    found = owner("account", "adopt", operator)
    assert found.code == 1
    assert "wstETH too, which counts but is not managed" in found.out
    assert "set emode: 1" in found.out


def test_who_cannot_pay_for_gas_is_told_before_anything_is_signed(owner, world):
    roles = world.deployment.roles
    rpc = Rpc(world.devnet.node.url)
    rpc.ask("anvil_setBalance", roles.owner, hex(10**12))
    rpc.close()
    before = sent_by(world, roles.owner)
    poor = owner("account", "sweep", "--yes")
    assert (poor.code, "LVD-OWN-064" in poor.err) == (1, True)
    assert sent_by(world, roles.owner) == before


# --- plan, reconcile, doctor ---------------------------------------------------------------


def test_a_plan_is_made_before_the_first_start_and_signs_nothing(owner, world):
    before = sent_by(world, world.deployment.roles.operator)
    answer = owner("plan", "--json", mining=False)
    assert answer.code == 0
    (found,) = answer.data["positions"]
    assert found["verdict"]["approved"]
    assert found["plan"]["purpose"] == "open"
    assert abs(Decimal(found["expected"]["leverage"]) - Decimal("2.5")) < Decimal("0.001")
    assert 400_000 < found["gas"] < 1_500_000
    assert sent_by(world, world.deployment.roles.operator) == before
    assert not world.journal.exists()


def test_what_was_planned_is_what_is_then_done(world):
    planning = planned(settings_of(world.files()))
    opened(world)
    expected = planning.turns[0].preview.expected
    truth = world.truth()
    assert abs(truth.leverage / Decimal(float(expected.leverage)) - 1) < Decimal("0.0005")
    assert abs(truth.health - expected.health) < expected.health // 1000


def test_an_open_position_is_seen_whole_and_moving_collateral_is_noticed(owner, world):
    opened(world)
    assert "nothing to do" in owner("plan").out
    (down,) = owner("plan", "--target", "1.5", "--json").data["positions"]
    assert down["plan"]["purpose"] == "reduce"
    assert Decimal(down["worst"]["health"]) > Decimal(down["now"]["health"])
    good = owner("reconcile")
    assert (good.code, "the same by us and by the pool" in good.out) == (0, True)

    too_much = owner("account", "withdraw", "20", "WETH", "--yes")
    assert (too_much.code, "LVD-RVT-001" in too_much.err) == (1, True)
    everything = owner("account", "withdraw", "all", "WETH", "--yes")
    assert (everything.code, "LVD-OWN-078" in everything.err) == (1, True)
    some = owner("account", "withdraw", "0.5", "WETH", "--yes")
    assert (some.code, "becomes 1.3" in some.out) == (0, True)

    bad = owner("reconcile")
    assert (bad.code, "UNEXPLAINED" in bad.out) == (1, True)
    (data,) = owner("reconcile", "--json").data
    supplied = next(leg for leg in data["legs"] if leg["kind"] == "supplied")
    assert int(supplied["chain"]) < int(supplied["journal"])
    assert data["good"] is False


def test_the_doctor_says_when_gas_would_not_do_and_whose_journal_it_is(owner, world):
    opened(world)
    fine = owner("doctor", "--json")
    found = {each["code"]: each for each in fine.data}
    assert fine.code == 0
    assert found["gas"]["status"] == "good"
    assert found["binding"]["status"] == "good"
    rpc = Rpc(world.devnet.node.url)
    rpc.ask("anvil_setBalance", world.deployment.roles.operator, hex(ETHER // 10))
    rpc.close()
    poor = owner("doctor", "--json")
    found = {each["code"]: each for each in poor.data}
    assert (poor.code, found["gas"]["status"]) == (1, "bad")
    assert world.deployment.roles.operator in found["gas"]["remedy"]


def test_a_journal_of_another_chain_is_believed_by_no_command(owner, world):
    journal = SqlJournal(world.journal, world.clock)
    journal.bind(Binding("devnet", world.deployment.chain_id, "0x" + "ab" * 32))
    journal.close()
    for command in (("plan",), ("reconcile",), ("account", "deposit", "1", "WETH", "--yes")):
        answer = owner(*command)
        assert (answer.code, "LVD-JRN-003" in answer.err) == (5, True), command
    doctor = owner("doctor", "--json")
    found = {each["code"]: each["status"] for each in doctor.data}
    assert (doctor.code, found["LVD-JRN-003"]) == (1, "bad")
    assert balance(world, "WETH", world.account) == 10 * ETHER


# --- unwind without a daemon ---------------------------------------------------------------


def test_unwind_without_a_daemon_goes_to_true_zero(owner, world):
    opened(world)
    world.speed = 12 / 0.05  # blocks come at this pace while commands run
    world.announce(world.devnet.url)
    owner("halt", "--yes")
    halted = owner("unwind", "--yes")
    assert (halted.code, "LVD-HLT-001" in halted.err) == (4, True)
    assert world.truth().debt > 0
    owner("resume")
    hasty = owner("unwind", "--yes", "--for", "1")
    assert (hasty.code, "LVD-OWN-090" in hasty.err) == (1, True)
    assert world.events(UnwindRequested), "the order stands"
    done = owner("unwind", POSITION, "--yes", "--for", "36000")
    assert done.code == 0
    assert "closed, nothing is owed" in done.out
    truth = world.truth()
    assert (truth.debt, truth.collateral) == (0, 0)
    assert owner("reconcile").code == 0


def test_one_position_is_unwound_and_the_other_is_left_alone(owner, world):
    made = owner("account", "deploy", "--again", "--yes", "--json", "--salt", "second").data
    shared = {"lending": "aave", "pool": "weth-usdc-500", "collateral": "WETH", "debt": "USDC"}
    agents = {"leverage_loop": {"target": 2, "boost_below": 1.5, "repay_above": 2.5,
                                "change_min": 0.1, "wait_s_min": 3600}}  # fmt: skip
    second = {"account": made["account"], "share_class": "USD", "agents": agents, **shared}
    owner.sections = {"positions": {"second": second}}
    assert owner("account", "deposit", "10", "WETH", "second", "--yes").code == 0
    both = world.play(
        until=lambda _: len(world.events(PlanCompleted)) == 2, positions={"second": second}
    )
    asyncio.run(both)
    world.speed = 12 / 0.05
    world.announce(world.devnet.url)
    assert owner("account", "sweep").code == 1, "two positions: which?"
    assert owner("unwind", "second", "--yes", "--for", "36000").code == 0
    first, other = owner("account", "show", "--json").data
    assert Decimal(first["leverage"]) > 2
    assert {each["kind"] for each in other["holdings"]} == {"idle"}


def test_a_loop_that_no_market_would_keep_is_still_planned_for(owner):
    owner.sections = {"positions": loop("2.9", "0.05")}
    answer = owner("plan", "--json", mining=False)
    assert answer.code == 0
    assert answer.data["positions"][0]["plan"] is not None
