"""Files that once were answered by a traceback, a flood of memory, or without a line."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.unit.settings.owner_file import SHIPPED, line_of, load, problems, write

from leverd.settings import as_yaml

LADDER = "\n".join(
    ["b0: &b0 [lol, lol]"]
    + [f"b{n}: &b{n} [{', '.join([f'*b{n - 1}'] * 9)}]" for n in range(1, 30)]
)


def spoilt(folder, more):
    file = folder / "settings.yaml"
    file.write_text(SHIPPED.read_text("utf-8") + more, "utf-8", "surrogatepass")
    return file


@pytest.mark.parametrize(
    "more",
    [
        LADDER,
        f"a: {'{' * 3_000}",
        "? [a, b]\n: 1\n",
        "? {a: b}\n: 1\n",
        "? &a [*a]\n: 1\n",
        'a: "\\0"\n',
        'a: "\\ud800"\n',
        '"\\ud800": 1\n',
        "a: \x07\n",
        "a: &x {b: *x}\n",
    ],
    ids=lambda more: ascii(more[:20]),
)
def test_what_no_settings_hold_is_refused_once_with_its_line(tmp_path, more):
    (found,) = problems(spoilt(tmp_path, more))
    assert found.place.line > 0
    assert found.code == "LVD-CFG-006"


def test_a_key_made_of_aliases_is_refused_before_it_is_unfolded(tmp_path):
    (found,) = problems(spoilt(tmp_path, f"{LADDER}\n? *b29\n: 1\n".replace("b0: &b0", "? &b0")))
    assert found.code == "LVD-CFG-006"


def test_a_name_that_is_no_mode_is_not_written_in_place_of_each(tmp_path):
    huge = "m" * 50_000
    file = write(
        tmp_path, ("mode: devnet ", f"mode: {huge} "), ("logs/leverd.log", "x" + "{mode}" * 20_000)
    )
    (found,) = problems(file)
    assert found.path == ("mode",)
    assert found.place.line == line_of(file, "mode: m")


@pytest.mark.parametrize(
    "url", ["'http://[::1'", "http://host:99999/", "http://host:port", "https://", "http://host:0"]
)
def test_a_url_that_names_no_host_or_port_is_refused_with_its_line(tmp_path, url):
    file = write(tmp_path, ("devnet: var/devnet ", f"id: 1\n  rpc: [{url}]\n  profile: ethereum #"))
    found = [each for each in problems(file) if each.path == ("chain", "rpc", 0)]
    assert [each.place.line for each in found] == [line_of(file, "rpc:")]


def test_a_url_with_a_user_a_port_and_a_path_can_be_read_and_shown(tmp_path):
    tokens = (
        f"tokens:\n  WETH: {{address: '0x{'2' * 40}', decimals: 18}}\n"
        f"  USDC: {{address: '0x{'3' * 40}', decimals: 6}}"
    )
    maker = f"factory: '0x{'1' * 40}', quoter: '0x{'1' * 40}'"
    addresses = (
        ("{kind: aave_v3}", f"{{kind: aave_v3, provider: '0x{'1' * 40}'}}"),
        ("fee: 500}", f"fee: 500, {maker}}}\n{tokens}"),
        ("account: devnet", f"account: '0x{'4' * 40}'"),
        ("mode: devnet ", "mode: fork "),
    )
    urls = "['https://u:p@[::1]:8545/key', 'http://host']"
    chain = ("devnet: var/devnet ", f"id: 1\n  rpc: {urls}\n  profile: ethereum #")
    shown = as_yaml(load(write(tmp_path, chain, *addresses)))
    assert "u:p" not in shown


@pytest.mark.parametrize(
    "digits",
    ["9" * 5_000, "-" + "9" * 5_000, "0." + "1" * 5_000, "1e999", "1e-999", "9" * 25, "1e-101"],
)
def test_a_number_longer_than_any_is_text_and_refused_with_its_line(tmp_path, digits):
    file = write(tmp_path, ("leverage_max: 3 ", f"leverage_max: {digits} "))
    (found,) = problems(file)
    assert (found.path, found.place.line) == (
        ("limits", "leverage_max"),
        line_of(file, "leverage_max"),
    )
    assert len(str(found)) < 500


@pytest.mark.parametrize("digits", ["7e48", "1e24", "'7e48'"])
def test_an_agents_number_that_no_judgement_could_reckon_with_is_refused(tmp_path, digits):
    file = write(tmp_path, ("guardian: {}", f"guardian: {{deleverage_below: {digits}}}"))
    (found,) = problems(file)
    assert found.path[-1] == "deleverage_below"
    assert found.place.line == line_of(file, "guardian:")


def test_a_number_of_eighteen_digits_on_each_side_is_exact(tmp_path):
    number = f"{'9' * 18}.{'1' * 18}"
    settings = load(write(tmp_path, ("position_usd_max: 1000000 ", f"position_usd_max: {number} ")))
    assert str(settings.limits.position_usd_max) == number


def test_a_file_that_never_ends_is_read_no_further_than_its_limit():
    (found,) = problems(Path("/dev/zero"))
    assert "is over" in found.message


def test_a_file_in_another_encoding_is_said_with_its_line(tmp_path):
    file = tmp_path / "settings.yaml"
    file.write_bytes(b"mode: devnet\n# \xff\n")
    (found,) = problems(file)
    assert found.place.line == 2


def test_a_byte_order_mark_and_windows_lines_are_read(tmp_path):
    file = tmp_path / "settings.yaml"
    file.write_bytes(b"\xef\xbb\xbf" + SHIPPED.read_bytes().replace(b"\n", b"\r\n"))
    assert load(file) == load(SHIPPED)
