"""Every mistake is answered with its line and a way out, all at once, before anything starts."""

from __future__ import annotations

import dataclasses

import pytest
from tests.unit.settings.owner_file import SHIPPED, line_of, load, problems, write

from leverd.errors import SettingsError
from leverd.risk.limits import Limits
from leverd.settings import MalformedError, starter
from leverd.settings.limits import LimitsSection
from leverd.settings.problems import Place

KEY = "0x" + "4f3edf983ac636a65a842ce7c78d9aa706d3b113bce9c46f30d7d21715b23b1d"


def only(found):
    assert len(found) == 1, [str(each) for each in found]
    return found[0]


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ("path: var", "pathh: var"),
        ("read_deadline_s", "read_dedline_s"),
        ("emode", "e_mode"),
        ("leverage_max", "levarage_max"),
        ("look_s_min", "look_min_s"),
        ("change_min", "min_change"),
        ("rotation_mb", "rotatoin_mb"),
        ("retention_days", "retention_day"),
    ],
)
def test_a_misspelt_key_is_answered_with_its_line_and_the_right_name(tmp_path, right, wrong):
    right, _, value = right.partition(": ")
    wrong = wrong.partition(": ")[0]
    file = write(tmp_path, (f"{right}: {value}", f"{wrong}: {value}"))
    found = problems(file)
    first = next(each for each in found if each.number == 2)
    assert first.place == Place(str(file), line_of(file, f"{wrong}:"))
    assert first.path[-1] == wrong
    assert right in first.remedy


def test_all_problems_come_at_once_in_the_order_of_the_file(tmp_path):
    file = write(
        tmp_path,
        ("mode: devnet ", "mode: devnt "),
        ("kind: aave_v3", "kind: aave_v4"),
        ("target: 2.5", "targett: 2.5"),
        ("guardian: {}", "gardian: {}"),
        ("leverage_max: 3 ", "leverage_max: -3 "),
        ("look_s_max: 60", "look_s_max: '60'"),
        ("console: true", "console: yes"),
    )
    found = problems(file)
    assert [each.path[-1] for each in found] == [
        "mode",
        "aave",
        "targett",
        "gardian",
        "leverage_max",
        "look_s_max",
        "console",
    ]
    assert [each.place.line for each in found] == sorted(each.place.line for each in found)
    assert "'devnet'" in found[0].remedy
    assert "'guardian'" in found[3].remedy


@pytest.mark.parametrize(
    ("right", "wrong", "said"),
    [
        ("fee: 500}", "fee: '500'}", "whole number"),
        ("fee: 500}", "fee: 5.5}", "whole number"),
        ("fee: 500}", "fee: true}", "whole number"),
        ("fee: 500}", "fee: 0}", "greater than or equal to 1"),
        ("slippage_max: 0.005", "slippage_max: '0.005'", "without quotes"),
        ("slippage_max: 0.005", "slippage_max: 5", "less than or equal to 1"),
        ("slippage_max: 0.005", "slippage_max: .nan", "number"),
        ("slippage_max: 0.005", "slippage_max: true", "number"),
        ("slippage_max: 0.005 ", "slippage_max: ", "not set"),
        ("tokens: [WETH, USDC]", "tokens: [WETH]", "missing"),
        ("tokens: [WETH, USDC]", "tokens: WETH", "list"),
        ("collateral: WETH", "collateral: 5", "text"),
        ("json: false", "json: 0", "true or false"),
        ("account: devnet ", "account: '0x12' ", "40 hex digits"),
        ("guardian: {}", "guardian: 5", "mapping"),
    ],
)
def test_a_value_of_the_wrong_kind_is_named_with_its_line(tmp_path, right, wrong, said):
    file = write(tmp_path, (right, wrong))
    problem = only(problems(file))
    assert problem.place == Place(str(file), line_of(file, wrong))
    assert said in problem.message


def test_a_missing_key_points_at_its_section(tmp_path):
    file = write(tmp_path, ("  health_min: 1.15 ", "  # "))
    problem = only(problems(file))
    assert (problem.path, problem.message) == (("limits", "health_min"), "is missing")
    assert problem.place.line == line_of(file, "limits:")


def test_an_agents_own_contradictions_point_at_the_agent(tmp_path):
    file = write(tmp_path, ("boost_below: 2.2", "boost_below: 2.9"))
    problem = only(problems(file))
    assert problem.path == ("positions", "eth-loop", "agents", "leverage_loop")
    assert "boost_below" in problem.message


@pytest.mark.parametrize(
    ("edit", "path", "said"),
    [
        (("lending: aave", "lending: weth-usdc-500"), "lending", "no lending venue"),
        (("pool: weth-usdc-500", "pool: weth-usdc-50"), "pool", "no pool"),
        (("debt: USDC", "debt: WETH"), "debt", "collateral itself"),
        (("debt: USDC", "debt: DAI"), "debt", "not in the pool"),
        (("share_class: USD ", "share_class: EUR "), "share_class", "no choice"),
        (("look_s_min: 12", "look_s_min: 61"), "look_s_min", "above look_s_max"),
        (("warn_mb: 1000", "warn_mb: 3000"), "warn_mb", "above stop_mb"),
        (("read_deadline_s: 5", "id: 1\n  read_deadline_s: 5"), "id", "devnet"),
        (("tokens: [WETH, USDC]", "tokens: [WETH, WETH]"), "tokens", "two different"),
        (
            ("keystore: var/devnet/operator.json", "credential: leverd-key"),
            "password",
            "for a keystore",
        ),
        (
            ("keystore: var/devnet/operator.json", "keystore: k\n  environment: LEVERD_KEY"),
            "key",
            "exactly one",
        ),
        (("password: {file: var/devnet/operator.password}", ""), "password", "needs one"),
        (("{file: var/devnet/operator.password}", "{file: a, credential: b}"), "password", "one"),
        (("health_min: 1.15 ", "health_min: 1.01 "), "health_min", "above health_step_min"),
        (("gas_price_gwei_worst: 300", "gas_price_gwei_worst: 9"), "gas_price_gwei_worst", "at le"),
    ],
)
def test_parts_that_cannot_all_be_meant_are_refused(tmp_path, edit, path, said):
    found = problems(write(tmp_path, edit))
    assert any(each.path[-1] == path and said in each.message for each in found), found
    assert all(each.place.line for each in found)


def test_two_positions_never_share_an_account(tmp_path):
    block = SHIPPED.read_text().split("  eth-loop:")[1].split("\nlimits:")[0]
    same = block.replace("account: devnet ", f"account: '0x{'11' * 20}' ")
    both = f"\n  second:{same}\n  third:{same}\nlimits:"
    problem = only(problems(write(tmp_path, ("\nlimits:", both))))
    assert problem.path == ("positions", "third", "account")
    # A devnet has an account for each position, by its name.
    own = write(tmp_path, ("\nlimits:", f"\n  second:{block}\nlimits:"))
    assert problems(own) == ()


def test_live_mode_needs_every_address_and_no_devnet(tmp_path):
    file = write(
        tmp_path, ("devnet: var/devnet ", "profile: ethereum "), ("mode: devnet", "mode: live")
    )
    paths = {".".join(map(str, each.path)) for each in problems(file)}
    assert paths == {
        "chain.id",
        "chain.rpc",
        "chain.final_depth",
        "venues.aave.provider",
        "venues.weth-usdc-500.factory",
        "venues.weth-usdc-500.quoter",
        "venues.weth-usdc-500.tokens",
        "positions.eth-loop.account",
        "positions.eth-loop.collateral",
        "positions.eth-loop.debt",
    }
    found = problems(write(tmp_path), mode="live")
    assert [each.path for each in found] == [("chain", "devnet")]


@pytest.mark.parametrize(
    ("profile", "refused"), [("arbitrum", True), ("base", False), ("optimism", False)]
)
def test_a_chain_where_no_look_could_be_proven_is_refused_by_its_profile(
    tmp_path, profile, refused
):
    named = f"id: 1\n  rpc: [http://127.0.0.1:1]\n  profile: {profile} #"
    file = write(tmp_path, ("devnet: var/devnet ", named), ("mode: devnet", "mode: live"))
    found = [each for each in problems(file) if each.path == ("chain", "profile")]
    assert [each.number for each in found] == [8] * refused
    assert all("base" in each.remedy for each in found)


def test_a_live_starter_leaves_every_limit_size_and_address_to_the_owner(tmp_path):
    file = tmp_path / "live.yaml"
    file.write_text(starter("live"))
    unset = {each.path for each in problems(file)}
    assert {("limits", name) for name in LimitsSection.model_fields} <= unset
    assert ("positions", "eth-loop", "agents", "leverage_loop", "target") in unset
    assert ("tokens", "WETH", "address") in unset
    assert "account: none" in starter("live")  # known once it is deployed; no start takes it


def test_no_limit_has_a_default_and_none_is_forgotten():
    assert all(field.is_required() for field in LimitsSection.model_fields.values())
    made = load(SHIPPED).limits.limits()
    for field in dataclasses.fields(Limits):
        assert getattr(made, field.name) is not None


@pytest.mark.parametrize(
    "edit",
    [
        ("account: devnet ", f"account: '{KEY}' "),
        ("account: devnet ", f"account: {KEY} "),
        ("account: devnet ", f"account: {KEY[2:]} "),
        ("operator.json", f"operator.json\n  private_key: {KEY}"),
        ("operator.json", "operator.json\n  private-key: whatever"),
        ("operator.json", "operator.json\n  mnemonic: whatever"),
        ("operator.json", f"operator.json\n  {KEY}: 1"),
        ("agents_path: []", f"agents_path: [a, [b, {KEY}]]"),
        ("agents_path: []", f"agents_path: ['{'legal winner thank ' * 4}']"),
    ],
)
def test_a_key_in_the_file_is_refused_with_the_reason_and_never_repeated(tmp_path, edit):
    file = write(tmp_path, edit)
    with pytest.raises(MalformedError) as raised:
        load(file)
    text = str(raised.value)
    assert raised.value.problems[0].code == "LVD-CFG-005"
    assert "leverd keys new" in text
    assert f"{file}:" in text
    for secret in (KEY[2:], "winner", "whatever"):
        assert secret not in text


def test_a_key_in_an_override_is_refused_too(tmp_path):
    with pytest.raises(MalformedError) as raised:
        load(write(tmp_path), env={"LEVERD__KEY__PRIVATE_KEY": KEY})
    assert KEY not in str(raised.value)
    assert "environment LEVERD__KEY__PRIVATE_KEY" in str(raised.value)


def test_what_strays_into_the_key_section_is_never_repeated(tmp_path):
    for stray in ("hunter2", "[hunter2]", "{file: [hunter2]}"):
        edit = ("{file: var/devnet/operator.password}", stray)
        with pytest.raises(MalformedError) as raised:
            load(write(tmp_path, edit))
        assert "hunter2" not in str(raised.value)


@pytest.mark.parametrize(
    "name", ["LEVERD__LIMITS__LEVERAGE_MAX", "LEVERD__limits", "LEVERD__LIMITS"]
)
def test_limits_cannot_be_overridden_by_the_environment(tmp_path, name):
    problem = only(problems(write(tmp_path), env={name: "9"}))
    assert problem.code == "LVD-CFG-007"
    assert problem.place == Place(f"environment {name}")
    assert "file" in problem.remedy


def test_a_misspelt_override_is_refused_by_its_variable(tmp_path):
    problem = only(problems(write(tmp_path), env={"LEVERD__ENGINE__LOOK_MAX": "9"}))
    assert problem.place == Place("environment LEVERD__ENGINE__LOOK_MAX")
    assert "look_s_max" in problem.remedy


def test_an_override_that_is_no_yaml_is_refused(tmp_path):
    problem = only(problems(write(tmp_path), env={"LEVERD__LOGS__LEVEL": "[x"}))
    assert problem.code == "LVD-CFG-007"


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("mode: [devnet\n", 2),
        ("mode: devnet\n\tx: 1\n", 2),
        ("- a\n- b\n", 1),
        ("just text\n", 1),
        ("a: &x [*x]\n", 1),
        ("a: " + "[" * 100 + "]" * 100, 1),
        ("{a: *nowhere}", 1),
    ],
)
def test_what_is_no_yaml_mapping_is_said_with_its_line(tmp_path, text, line):
    file = tmp_path / "settings.yaml"
    file.write_text(text)
    problem = problems(file)[0]
    assert problem.code == "LVD-CFG-006"
    assert problem.place == Place(str(file), line)


def test_a_key_said_twice_is_refused_with_both_lines(tmp_path):
    file = write(tmp_path, ("look_s_min: 12", "look_s_max: 13\n  look_s_min: 12"))
    problem = only(problems(file))
    assert problem.code == "LVD-CFG-010"
    assert str(line_of(file, "look_s_max: 60")) in problem.message


def test_a_file_that_is_not_there_is_said_with_what_to_do(tmp_path):
    problem = problems(tmp_path / "none.yaml")[0]
    assert problem.code == "LVD-CFG-009"
    assert "leverd config new" in problem.remedy
    (tmp_path / "binary.yaml").write_bytes(b"\xff\xfe\x00")
    assert problems(tmp_path / "binary.yaml")[0].code == "LVD-CFG-009"


def test_an_empty_file_misses_every_section(tmp_path):
    (tmp_path / "empty.yaml").write_text("")
    missing = {each.path[0] for each in problems(tmp_path / "empty.yaml")}
    assert {"mode", "journal", "chain", "key", "positions", "limits", "engine"} <= missing


def test_the_error_is_a_settings_error_with_exit_code_2(tmp_path):
    with pytest.raises(SettingsError) as raised:
        load(tmp_path / "none.yaml")
    assert raised.value.exit_code == 2
