"""Places of secrets in the settings: one each, and a command's arguments are nobody's to see."""

from __future__ import annotations

import json

import pytest
from tests.unit.settings.owner_file import load, problems, write

from leverd.settings import as_yaml, changes, exact_yaml

FILE = "{file: var/devnet/operator.password}"
WORD = "Nachtigall-42-im-Garten"
COMMAND = f"{{command: [vault, kv, get, {WORD}]}}"
AWS = "{aws: {id: leverd/password, field: password, region: eu-central-1}}"
ONE = "{eth: {kind: simple, subject: WETH, quantity: volatility, horizon_h: 24}}"
PREDICTIONS = f"{{predictors: {ONE}, allora: {{access: {AWS}}}}}"


def refusals(tmp_path, password):
    return problems(write(tmp_path, (FILE, password)))


@pytest.mark.parametrize("password", [COMMAND, AWS])
def test_a_password_may_come_from_aws_or_a_command(tmp_path, password):
    settings = load(write(tmp_path, (FILE, password)))
    assert [name for name, said in settings.key.password.places().items() if said] == [
        "command" if "command" in password else "aws"
    ]


@pytest.mark.parametrize("place", ["aws: {id: leverd/key}", "command: [/opt/key, --give]"])
def test_so_may_the_key_itself(tmp_path, place):
    edit = ("keystore: var/devnet/operator.json\n", place + "\n")
    settings = load(write(tmp_path, edit, (f"  password: {FILE}\n", "")))
    assert settings.key.amiss() == ""


def test_every_secret_has_the_same_places(tmp_path):
    alerts = "# alerts:                          # to phones"
    copy = "copy_to:                         # Postgre"
    file = write(
        tmp_path,
        (alerts, f"alerts: {{to: {COMMAND}}}\n{alerts}"),
        (copy, f"copy_to: postgresql://me@here/it\n  copy_password: {AWS}\n  # {copy}"),
        ("backtest:    ", f"predictions: {PREDICTIONS}\nbacktest:"),
    )
    settings = load(file)
    assert settings.alerts.to.command == ("vault", "kv", "get", WORD)
    assert settings.journal.copy_password.aws.field == "password"
    assert settings.predictions.allora.access.aws.id == "leverd/password"


def test_a_commands_arguments_are_in_nothing_that_is_shown(tmp_path):
    settings = load(write(tmp_path, (FILE, COMMAND)))
    assert "- vault" in as_yaml(settings)
    assert WORD not in as_yaml(settings)
    assert WORD in exact_yaml(settings)  # a file of mode 0600, from which the guards start
    other = load(write(tmp_path, (FILE, COMMAND.replace("kv", "read")), name="other.yaml"))
    (change,) = changes(settings, other)
    assert WORD not in str(change)
    assert "vault, ***" in str(change)


@pytest.mark.parametrize(
    ("password", "said"),
    [
        ("{}", "needs exactly one of"),
        ("{aws: {id: a}, command: [b]}", "aws and command is given"),
        ("{command: []}", "at least 1 item"),
        ("{command: vault kv get}", "a list is needed"),
        ("{command: [bin/vault]}", "an absolute path"),
        ("{command: [vault, 5]}", "text is needed"),
        ("{aws: {id: a, endpoint: somewhere}}", "a URL"),
        ("{aws: {region: a}}", "is missing"),
        ("{file: a, command_sees: [VAULT_ADDR]}", "there is no command"),
        ("{file: a, command_s_max: 5}", "there is no command"),
        ("{command: [a], command_s_max: 61}", "less than or equal to 60"),
        ("{command: [a], command_s_max: 0}", "greater than 0"),
    ],
)
def test_what_cannot_be_meant_is_refused(tmp_path, password, said):
    found = refusals(tmp_path, password)
    assert any(said in each.message for each in found), [each.message for each in found]


@pytest.mark.parametrize(
    "argument", [f"-token={WORD}", f"--api-key={WORD}", f"password={WORD}", f"--my_secret={WORD}"]
)
def test_an_argument_that_looks_like_a_secret_is_refused_and_not_repeated(tmp_path, argument):
    found = refusals(tmp_path, f"{{command: [vault, {json.dumps(argument)}]}}")
    assert any("others can read arguments" in each.message for each in found)
    assert WORD not in str([(each.message, each.remedy) for each in found])
    load(write(tmp_path, (FILE, "{command: [vault, kv, get, -field=password, a/b]}")))


def test_a_wrong_argument_is_not_repeated_wherever_it_stands(tmp_path):
    alerts = "# alerts:                          # to phones"
    section = f"alerts: {{to: {{command: [{WORD}/x]}}}}"
    found = problems(write(tmp_path, (alerts, f"{section}\n{alerts}")))
    assert found
    assert WORD not in str([(each.message, each.remedy) for each in found])


def test_a_password_of_a_copy_that_is_nowhere_is_a_contradiction(tmp_path):
    copy = "copy_to:                         # Postgre"
    found = problems(write(tmp_path, (copy, f"copy_password: {AWS}\n  # {copy}")))
    assert any("there is none" in each.message for each in found)
