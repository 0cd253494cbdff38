"""The section spot: read exactly, refused with its line, and never widened by the environment."""

from __future__ import annotations

import re
from dataclasses import replace
from decimal import Decimal

import pytest
import yaml
from tests.unit.settings.owner_file import SHIPPED, line_of, load, problems, write

from leverd.domain.fixed_point import WAD
from leverd.settings import as_yaml, exact_yaml
from leverd.settings.problems import OVERRIDE, SECRET

MARKET = "0x" + "ab" * 32
(COMMENTED,) = re.findall(r"# spot: .*?(?=\nbacktest:)", SHIPPED.read_text("utf-8"), re.DOTALL)


def section(*edits):
    """Return the shipped block with its comments' marks taken away, and each of `edits` made."""
    lines = [line.removeprefix("# ") for line in COMMENTED.splitlines() if line]
    block = "\n".join(line.removeprefix("#") for line in lines)
    for old, new in (('"0x…"', f'"{MARKET}"'), *edits):
        assert block.count(old) == 1, (old, block.count(old))
        block = block.replace(old, new)
    return f"{block}\n"


def file_of(folder, *edits):
    return write(folder, (COMMENTED, section(*edits)))


def found(folder, *edits):
    file = file_of(folder, *edits)
    return file, [(".".join(map(str, each.path)), each.number) for each in problems(file)]


LOCAL = (
    ("chain: grpc.example:443", "chain: 127.0.0.1:1"),
    ("stream: stream.example:443", "stream: localhost:2"),
    ("indexer: indexer.example:443", "indexer: 127.0.0.1:3"),
    ("rpc: https://rpc.example ", "rpc: http://127.0.0.1:4 "),
)
SENT = ("orders: paper ", "orders: sent ")


def test_the_shipped_block_is_right_once_its_marks_are_gone(tmp_path):
    spot = load(file_of(tmp_path)).spot
    limits = spot.limits.limits()
    assert (spot.orders, spot.subject, spot.venue.subaccount) == ("paper", "INJ", 0)
    assert (limits.market_id, limits.horizon_s) == (MARKET, 86_400)
    assert limits.trade_max == Decimal(100)
    assert load(SHIPPED).spot is None


def test_what_is_in_force_is_shown_without_the_keys_of_a_url_and_reads_back(tmp_path):
    secret = ("rpc: https://rpc.example ", "rpc: https://rpc.example/my-token ")
    settings = load(file_of(tmp_path, secret))
    assert "my-token" not in as_yaml(settings)
    assert yaml.safe_load(as_yaml(settings))["spot"]["venue"]["rpc"] == "https://rpc.example/***"
    kept = tmp_path / "kept.yaml"
    kept.write_text(exact_yaml(settings))
    assert load(kept) == settings


@pytest.mark.parametrize(
    ("old", "new", "path"),
    [
        ("trade_min: 20 ", "trade_min: 200 ", "spot.limits.trade_min"),
        ("trade_max: 100\n", "trade_max: 301\n", "spot.limits.trade_max"),
        ("stop_loss: 0.05 ", "stop_loss: 0 ", "spot.limits.stop_loss"),
        ("stop_loss: 0.05 ", "stop_los: 0.05 ", "spot.limits.stop_los"),
        ("horizon_h: 24 ", "horizon_h: 0 ", "spot.limits.horizon_h"),
        ("slippage_max: 0.01 ", "slippage_max: 1 ", "spot.limits.slippage_max"),
        ("orders: paper ", "orders: real ", "spot.orders"),
        ("chain: grpc.example:443 ", "chain: grpc.example ", "spot.venue.chain"),
        ("chain: grpc.example:443 ", "chain: https://grpc.example:443 ", "spot.venue.chain"),
        ("chain: grpc.example:443 ", "chain: grpc.example:99999 ", "spot.venue.chain"),
        (f'"{MARKET}"', '"0xab"', "spot.limits.market_id"),
    ],
)
def test_every_mistake_is_named_with_its_line(tmp_path, old, new, path):
    file, wrong = found(tmp_path, (old, new))
    assert path in [name for name, _ in wrong]
    (problem,) = [each for each in problems(file) if ".".join(each.path) == path]
    assert problem.place.line == line_of(file, new.strip())


def test_no_limit_has_a_default(tmp_path):
    _, wrong = found(tmp_path, ("    trade_max: 100\n", ""))
    assert [name for name, _ in wrong] == ["spot.limits.trade_max"]


def test_paper_wants_to_know_what_it_begins_with(tmp_path):
    _, wrong = found(tmp_path, ("paper: {quote: 1000} ", "# paper "))
    assert wrong == [("spot.paper", 3)]


def test_what_is_sent_wants_a_key_and_off_this_machine_real_money(tmp_path):
    key = "access: {credential: leverd-injective} "
    _, wrong = found(tmp_path, SENT, (key, "# access "), *LOCAL)
    assert wrong == [("spot.access", 3)]
    _, wrong = found(tmp_path, SENT)
    assert [name for name, _ in wrong] == ["spot.orders"]
    assert load(file_of(tmp_path, SENT, *LOCAL)).spot.orders == "sent"
    assert found(tmp_path, SENT, *LOCAL[:3])[1] == [("spot.orders", 8)]
    without = ("rpc: https://rpc.example ", "# rpc ")
    assert load(file_of(tmp_path, SENT, *LOCAL[:3], without)).spot.venue.rpc is None


def test_mode_paper_sends_nothing(tmp_path):
    overlay = tmp_path / "paper.yaml"
    overlay.write_text("mode: paper\npaper: {deposit: 10, gas: 1}\n")
    wrong = problems(file_of(tmp_path, SENT, *LOCAL), overlay)
    assert [each.path for each in wrong] == [("spot", "orders")]
    assert problems(file_of(tmp_path), overlay) == ()


def test_mode_live_may_send(tmp_path):
    overlay = tmp_path / "live.yaml"
    overlay.write_text("mode: live\n")
    wrong = problems(file_of(tmp_path, SENT), overlay)
    assert [each.path for each in wrong if each.path[0] == "spot"] == []


def test_a_position_may_not_be_called_as_the_trader_is(tmp_path):
    file = write(tmp_path, (COMMENTED, section()), ("  eth-loop:", "  spot:"))
    assert ("positions", "spot") in [each.path for each in problems(file)]


@pytest.mark.parametrize("name", ["LIMITS__TRADE_MAX", "ORDERS", "VENUE__CHAIN"])
def test_the_environment_says_nothing_of_it(tmp_path, name):
    (problem,) = problems(file_of(tmp_path), env={f"LEVERD__SPOT__{name}": "1000000"})
    assert problem.number == OVERRIDE


@pytest.mark.parametrize("value", ["ab" * 32, f"{MARKET} ", "cd" * 32])
def test_a_key_without_the_mark_of_a_market_is_refused_there_too(tmp_path, value):
    _, wrong = found(tmp_path, (f'"{MARKET}"', f'"{value}"'))
    assert all(number != 0 for _, number in wrong)
    assert wrong
    if not value.startswith("0x"):
        assert [number for _, number in wrong] == [SECRET]


def test_a_private_key_anywhere_else_is_refused(tmp_path):
    _, wrong = found(tmp_path, ("subject: INJ ", f'subject: "{MARKET}" '))
    assert [number for _, number in wrong] == [SECRET]


MISPRICING = ("agent: signal_trader ", "agent: mispricing ")


def test_the_agent_is_the_trader_on_predictions_unless_another_is_named(tmp_path):
    spot = load(file_of(tmp_path)).spot
    assert spot.agent == "signal_trader"
    assert spot.bounds() == spot.limits.limits()
    assert spot.bounds().fair is None


def test_other_venues_are_believed_as_the_file_says(tmp_path):
    spot = load(file_of(tmp_path, MISPRICING)).spot
    assert spot.bounds() == replace(spot.limits.limits(), fair=spot.mispricing.terms())
    terms = spot.bounds().fair
    assert (terms.margin, terms.disagreement_max) == (WAD, 3 * WAD)
    assert (terms.book_error, terms.drift_h) == (WAD // 50, WAD // 100)
    assert (terms.age_s_max, terms.references_min) == (60, 1)
    (reference,) = spot.mispricing.references.values()
    assert (len(reference.tokens), reference.fees) == (3, (3_000, 500))


FEES = "fees: [3000, 500] "
USDC = '          - "0xA0b86991c6218b36c1d19D4a2e9Eb0cE3606eB48"\n'
WETH = '"0xC02aaA39b223FE8D0A0e5C4F27eAD9083C756Cc2"'


@pytest.mark.parametrize(
    ("old", "new", "path"),
    [
        ("margin: 1 ", "margin: 0 ", "margin"),
        ("margin: 1 ", "margins: 1 ", "margins"),
        ("disagreement_max: 3 ", "disagreement_max: 0.5 ", "disagreement_max"),
        ("book_error: 0.02 ", "book_error: 0 ", "book_error"),
        ("drift_h: 0.01 ", "drift_h: 1 ", "drift_h"),
        ("age_s_max: 60 ", "age_s_max: 0 ", "age_s_max"),
        ("references_min: 1 ", "references_min: 0 ", "references_min"),
        ("references_min: 1 ", "references_min: 2 ", "references_min"),
        ("look_s: 5 ", "look_s: 0 ", "look_s"),
        ("chain_id: 1\n", "chain_id: 0\n", "references.uniswap.chain_id"),
        ("rpc: [https://node.example]", "rpc: []", "references.uniswap.rpc"),
        ("rpc: [https://node.example]", "rpc: [node]", "references.uniswap.rpc.0"),
        (FEES, "fees: [3000] ", "references.uniswap.fees"),
        (FEES, "fees: [3000, 500, 1] ", "references.uniswap.fees"),
        (FEES, "fees: [3000, 0] ", "references.uniswap.fees.1"),
        (USDC, "", "references.uniswap.fees"),
        (WETH, WETH.replace("C", "Z"), "references.uniswap.tokens.1"),
        ("0xe28b3B32B6c345A34Ff64674606124Dd5Aceca30", WETH.lower().strip('"'),
         "references.uniswap.tokens"),
        ("quote_error: 0.002 ", "quote_error: -0.1 ", "references.uniswap.quote_error"),
    ],
)  # fmt: skip
def test_every_mistake_about_other_venues_is_named(tmp_path, old, new, path):
    _, wrong = found(tmp_path, MISPRICING, (old, new))
    assert f"spot.mispricing.{path}" in [name for name, _ in wrong]


@pytest.mark.parametrize(
    "line",
    ["margin: 1 ", "disagreement_max: 3 ", "book_error: 0.02 ", "drift_h: 0.01 ",
     "age_s_max: 60 ", "references_min: 1 ", "quote_error: 0.002 "],
)  # fmt: skip
def test_nothing_that_bounds_a_purchase_on_them_has_a_default(tmp_path, line):
    _, wrong = found(tmp_path, MISPRICING, (line, f"# {line}"))
    (name,) = [each for each, _ in wrong]
    assert name.endswith(line.partition(":")[0])


def test_the_agent_wants_its_section(tmp_path):
    block = section()
    start, end = block.index("  mispricing:"), block.index("  limits:")
    file = write(tmp_path, (COMMENTED, block[:start] + block[end:]))
    assert problems(file) == ()
    without = block[:start].replace(*MISPRICING) + block[end:]
    (problem,) = problems(write(tmp_path, (COMMENTED, without)))
    assert (problem.path, problem.number) == (("spot", "mispricing"), 3)


def test_the_nodes_of_other_venues_are_shown_without_their_keys(tmp_path):
    secret = ("rpc: [https://node.example]", "rpc: [https://node.example/my-token]")
    settings = load(file_of(tmp_path, MISPRICING, secret))
    assert "my-token" not in as_yaml(settings)
    shown = yaml.safe_load(as_yaml(settings))["spot"]["mispricing"]["references"]["uniswap"]
    assert shown["rpc"] == ["https://node.example/***"]
    kept = tmp_path / "kept.yaml"
    kept.write_text(exact_yaml(settings))
    assert load(kept) == settings
