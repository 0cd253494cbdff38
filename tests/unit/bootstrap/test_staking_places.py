"""Where it is said how a staked token tells its rate: the settings, or a devnet's own record."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.unit.settings.owner_file import load, problems

from leverd.bootstrap import places
from leverd.bootstrap.places import resolve
from leverd.domain.money import Asset
from leverd.errors import SettingsError

PAPER = Path("config/paper.yaml")
STAKED = """\
tokens:
  wstETH:
    address: "0x7f39C581F595B53c5cb19bD0b3f8dA6c935E2Ca0"
    decimals: 18
    staking_rate: {}
"""


def overlaid(folder, getter):
    file = folder / "more.yaml"
    file.write_text(STAKED.format(getter))
    return file


def test_a_token_s_getter_in_the_settings_is_its_place_s(tmp_path):
    settings = load(PAPER, overlaid(tmp_path, "stEthPerToken()"))
    assert resolve(settings, undeployed="0x" + "11" * 20).staking == {
        Asset("wstETH", 18): "stEthPerToken()"
    }
    assert resolve(load(PAPER), undeployed="0x" + "11" * 20).staking == {}


def test_an_account_and_a_native_token_that_are_missing_have_codes_of_their_own():
    """A recorded market's mistakes are LVD-CFG-070 and 071."""
    settings = load(PAPER)
    positions = {
        name: each.model_copy(update={"account": "none"})
        for name, each in settings.positions.items()
    }
    live = settings.model_copy(update={"mode": "live", "positions": positions})
    with pytest.raises(SettingsError, match="no account yet") as caught:
        resolve(live)
    assert caught.value.code == "LVD-CFG-075"
    with pytest.raises(SettingsError, match="wrapped native") as caught:
        places._native({}, live)
    assert caught.value.code == "LVD-CFG-076"


@pytest.mark.parametrize("getter", ["stEthPerToken", "rate(uint256)", "'a b()'", "''", "1", "'()'"])
def test_what_is_no_function_without_arguments_is_refused_with_its_line(tmp_path, getter):
    (problem,) = problems(PAPER, overlaid(tmp_path, getter))
    assert problem.path == ("tokens", "wstETH", "staking_rate")


def test_a_devnet_says_it_of_its_own_tokens_and_an_older_one_does_not(tmp_path):
    token = {"address": "0x" + "22" * 20, "decimals": 18}
    record = {
        "chain_id": 31337,
        "tokens": {
            "WETH": token,
            "USDC": {**token, "decimals": 6},
            "wstETH": {**token, "staking_rate": "stEthPerToken()"},
        },
        **dict.fromkeys(("provider", "factory", "quoter", "account_factory"), "0x" + "33" * 20),
        "router": "",
        "roles": {"owner": "0x" + "44" * 20},
        "accounts": {"eth-loop": "0x" + "55" * 20},
    }
    endpoint = {"url": "http://127.0.0.1:1", "speed": 1}
    (tmp_path / "deployment.json").write_text(json.dumps(record))
    (tmp_path / "endpoint.json").write_text(json.dumps(endpoint))
    over = tmp_path / "over.yaml"
    over.write_text(f"chain: {{devnet: {tmp_path}}}\n")
    found = resolve(load(Path("config/settings.yaml"), over))
    assert found.staking == {Asset("wstETH", 18): "stEthPerToken()"}
