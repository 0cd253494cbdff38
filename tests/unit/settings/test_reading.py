"""What is written is what is meant: exact numbers, plain text, merged files."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.settings.owner_file import KINDS, SHIPPED, load, problems, write

from leverd.settings import as_yaml, exact_yaml, in_force, redacted, schema, starter
from leverd.settings.source import plain


def test_the_shipped_file_is_right_and_is_what_config_new_writes():
    settings = load(SHIPPED)
    assert settings.mode == "devnet"
    assert starter("devnet") == SHIPPED.read_text(encoding="utf-8")


def test_agents_sections_become_their_own_parameters():
    loop = load(SHIPPED).positions["eth-loop"].agents["leverage_loop"]
    assert loop.target == Decimal("2.5")
    assert type(loop) is KINDS["leverage_loop"].params


def test_limits_reach_the_gate_in_wei_and_exact_fractions(tmp_path):
    file = write(
        tmp_path,
        ("slippage_max: 0.005", "slippage_max: 0.00500000000000000000000000000000001"),
        ("gas_price_gwei_max: 100", "gas_price_gwei_max: 0.000000001"),
        ("gas_day_eth_max: 1", "gas_day_eth_max: 0.123456789012345678"),
    )
    limits = load(file).limits.limits()
    assert str(limits.slippage_max) == "0.00500000000000000000000000000000001"
    assert limits.gas_price_wei_max == 1
    assert limits.gas_day_wei_max == 123456789012345678


@given(st.decimals(-(10**23), 10**23, places=12))
def test_every_decimal_is_read_as_its_digits(number):
    text = f"{number:f}"
    assert plain(text) == Decimal(text)
    assert not isinstance(plain(text), float)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        (
            "0x00000000000000000000000000000000000000aa",
            "0x00000000000000000000000000000000000000aa",
        ),
        ("yes", "yes"),
        ("on", "on"),
        ("0o17", "0o17"),
        ("12:30", "12:30"),
        ("2026-01-01", "2026-01-01"),
        (".inf", ".inf"),
        ("true", True),
        ("null", None),
        ("'5'", "5"),
        ("1_000_000", 1_000_000),
        ("1e3", Decimal(1000)),
        ("-0.10", Decimal("-0.10")),
        ("007", 7),
    ],
)
def test_only_plain_numbers_and_true_false_null_are_not_text(text, value):
    found = plain(text)
    assert found == value
    assert type(found) is type(value)


def test_a_later_file_wins_key_by_key(tmp_path):
    first = write(tmp_path)
    second = tmp_path / "second.yaml"
    second.write_text("engine: {look_s_max: 30}\nagents_path: [mine.py]\n")
    settings = load(first, second)
    assert settings.engine.look_s_max == 30
    assert settings.engine.look_s_min == 12
    assert settings.agents_path == ("mine.py",)


def test_the_mode_names_the_journal(tmp_path):
    assert load(write(tmp_path)).journal.path == "var/devnet/journal.db"


def test_the_environment_overrides_a_key_whatever_case_and_dashes(tmp_path):
    env = {
        "LEVERD__ENGINE__LOOK_S_MAX": "33",
        "LEVERD__POSITIONS__ETH_LOOP__AGENTS__LEVERAGE_LOOP__TARGET": "2.4",
        "LEVERD__VENUES__WETH_USDC_500__FEE": "3000",
        "LEVERD_KEY": "not a setting",
        "PATH": "/bin",
    }
    settings = load(write(tmp_path), env=env)
    assert settings.engine.look_s_max == 33
    assert settings.positions["eth-loop"].agents["leverage_loop"].target == Decimal("2.4")
    assert settings.venues["weth-usdc-500"].fee == 3000


def test_settings_cannot_be_changed_once_read():
    settings = load(SHIPPED)
    with pytest.raises(ValueError, match="frozen"):
        settings.mode = "live"
    with pytest.raises(ValueError, match="frozen"):
        settings.limits.leverage_max = Decimal(9)


def test_the_fingerprint_follows_every_value(tmp_path):
    same = load(write(tmp_path)).fingerprint()
    assert same == load(SHIPPED).fingerprint()
    other = write(tmp_path, ("change_min: 0.1 ", "change_min: 0.2 "))
    assert load(other).fingerprint() != same


def test_what_is_shown_reads_back_to_the_same_settings(tmp_path):
    file = tmp_path / "shown.yaml"
    file.write_text(as_yaml(load(SHIPPED)))
    assert load(file) == load(SHIPPED)


def test_no_log_file_is_shown_and_kept_as_none_and_not_as_the_usual_one(tmp_path):
    settings = load(write(tmp_path, ("file: logs/leverd.log", "file: null")))
    assert in_force(settings)["logs"]["file"] is None
    for text in (as_yaml(settings), exact_yaml(settings)):
        again = tmp_path / "again.yaml"
        again.write_text(text)
        assert load(again).logs.file is None


def test_rpc_urls_are_shown_without_their_keys():
    assert redacted("https://mainnet.example.com/v3/abc123") == "https://mainnet.example.com/***"
    assert (
        redacted("https://user:pass@node.example.com:8545") == "https://node.example.com:8545/***"
    )
    assert redacted("http://127.0.0.1:8545") == "http://127.0.0.1:8545"


def test_shown_settings_hold_no_float():
    def walk(node):
        assert not isinstance(node, float)
        for each in node.values() if isinstance(node, dict) else node if type(node) is list else ():
            walk(each)

    walk(in_force(load(SHIPPED)))


def test_the_schema_knows_every_section_and_each_agents_parameters():
    found = schema(KINDS)
    agents = found["$defs"]["PositionSection"]["properties"]["agents"]
    assert set(agents["properties"]) == set(KINDS)
    assert agents["additionalProperties"] is False
    assert found["additionalProperties"] is False
    assert "leverage_max" in found["$defs"]["LimitsSection"]["required"]


LIVE = """
mode: live
chain:
  devnet: null
  id: 1
  rpc: [https://one.example.com/key, http://127.0.0.1:8545]
  profile: ethereum
  final_depth: null
tokens:
  WETH: {address: 0xC02aaA39b223FE8D0A0e5C4F27eAD9083C756Cc2, decimals: 18}
  USDC: {address: "0xA0b86991c6218b36c1d19D4a2e9Eb0cE3606eB48", decimals: 6}
venues:
  aave: {provider: 0x2f39d218133AFaB8F2B819B1066c7E434Ad94E9e}
  weth-usdc-500:
    factory: 0x1F98431c8aD98523631AE4a59f267346ea31F984
    quoter: 0x61fFE014bA17989E743c5F6cB21bF9697530B21e
positions:
  eth-loop: {account: 0x00000000000000000000000000000000000000aa, share_class: WETH}
"""


def test_live_settings_that_say_everything_are_taken(tmp_path):
    (tmp_path / "live.yaml").write_text(LIVE)
    settings = load(write(tmp_path), tmp_path / "live.yaml")
    assert settings.mode == "live"
    assert settings.journal.path == "var/live/journal.db"
    assert settings.chain.rpc == ("https://one.example.com/key", "http://127.0.0.1:8545")
    assert settings.positions["eth-loop"].account == f"0x{'0' * 38}aa"
    assert "/key" not in as_yaml(settings)


@pytest.mark.parametrize("url", ["ftp://x", "node:8545", "file:///etc/passwd"])
def test_an_rpc_url_is_http(tmp_path, url):
    (tmp_path / "live.yaml").write_text(LIVE.replace("http://127.0.0.1:8545", url))
    problem = problems(write(tmp_path), tmp_path / "live.yaml")[0]
    assert problem.path == ("chain", "rpc", 1)
    assert "http" in problem.message
