"""What ships for containers: read by its linter and by our own commands.

`tests/prove/deployed` builds the image and runs it.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import tomllib
from pathlib import Path

import pytest
import typer.main
import yaml

from leverd.cli.main import COMMANDS, LazyGroup

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"


class Loader(yaml.SafeLoader):
    """Reads compose files, with the tag by which one replaces a list of another."""


def listed(loader, node):
    return loader.construct_sequence(node)


Loader.add_constructor("!override", listed)


def compose(name="compose.yaml"):
    return yaml.load((DEPLOY / name).read_text(), Loader)


def hadolint(file):
    found = shutil.which("hadolint")
    assert found, "hadolint comes with the development tools: make setup"
    return subprocess.run([found, file], capture_output=True, text=True, check=False)


def test_the_linter_finds_nothing_in_the_dockerfile():
    found = hadolint(DEPLOY / "Dockerfile")
    assert (found.returncode, found.stdout) == (0, "")


def test_the_linter_finds_something_in_a_worse_one(tmp_path):
    worse = tmp_path / "Dockerfile"
    worse.write_text("FROM python\nRUN pip install leverd\n")
    assert hadolint(worse).returncode


def test_what_the_image_is_built_from_exists_and_is_let_in():
    text = (DEPLOY / "Dockerfile").read_text()
    copied = re.findall(r"^COPY (?!--from)(.+) \S+$", text, re.MULTILINE)
    names = {name for line in copied for name in line.split()}
    assert names >= {"pyproject.toml", "uv.lock", "src", "contracts"}
    let_in = set(re.findall(r"^!(.+)$", (ROOT / ".dockerignore").read_text(), re.MULTILINE))
    assert names == let_in
    assert all((ROOT / name).exists() for name in names)


def test_the_extras_of_the_image_are_the_project_s():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    named = set(re.findall(r"--extra (\S+)", (DEPLOY / "Dockerfile").read_text()))
    assert {"evm", "api", "postgres"} <= named <= project["optional-dependencies"].keys()


def test_dependencies_are_a_layer_of_their_own():
    text = (DEPLOY / "Dockerfile").read_text()
    assert text.index("uv sync") < text.index("COPY src src")


@pytest.mark.parametrize("name", ["compose.yaml", "compose.dev.yaml"])
def test_commands_and_options_are_those_of_leverd(name):
    group = LazyGroup(name="leverd")
    asked = [each.get("command") for each in compose(name)["services"].values()]
    ours = [words for words in asked if words]
    assert ours
    for words in ours:
        assert words[0] in COMMANDS
        context = typer.Context(group)
        command = group.get_command(context, words[0])
        known = {option for each in command.params for option in each.opts}
        assert {word for word in words if word.startswith("-")} <= known


def test_ports_are_this_machine_s_own_and_images_are_pinned():
    for name, service in compose()["services"].items():
        assert all(port.startswith("127.0.0.1:") for port in service.get("ports", [])), name
        assert re.search(r":[\w.-]*\d|:local$", service["image"]), name


def test_no_password_stands_in_it_and_each_secret_is_declared():
    text = (DEPLOY / "compose.yaml").read_text()
    found = compose()
    assert not re.search(r"PASSWORD: ", text)
    used = {each for service in found["services"].values() for each in service.get("secrets", [])}
    assert used == found["secrets"].keys()
    assert {each["file"].split("/")[0] for each in found["secrets"].values()} == {"secrets"}


def test_the_daemon_waits_for_no_other_service():
    assert "depends_on" not in compose()["services"]["leverd"]


def test_what_it_mounts_is_there():
    mounted = {
        volume.split(":")[0]
        for service in compose()["services"].values()
        for volume in service.get("volumes", [])
    }
    volumes = compose()["volumes"].keys()
    files = {each for each in mounted if each.startswith("./")} - {"./settings.yaml"}
    assert mounted - files - {"./settings.yaml"} == volumes
    assert files
    assert all((DEPLOY / each).exists() for each in files)


@pytest.mark.parametrize(
    "file", sorted(DEPLOY.rglob("*.y*ml"), key=str), ids=lambda file: file.name
)
def test_every_file_is_yaml(file):
    assert yaml.load(file.read_text(), Loader)
