"""The systemd unit that ships is right by systemd's own tools, and hardened."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from leverd.bootstrap.daemon import STOP_GRACE_S
from leverd.settings.models import MemorySection

DEPLOY = Path(__file__).parents[2] / "deploy"
EXPOSURE_MAX = 15  # tenths; "OK" by systemd's own words, an ordinary service has 96
BACKOFF_SINCE = 254  # the systemd that knows RestartSteps


@pytest.fixture(scope="module")
def analyze():
    found = shutil.which("systemd-analyze")
    assert found, "systemd-analyze is missing: apt-get install systemd, as .ci/run does"
    return found


PROGRAMS = {"leverd.service": "run_agent", "leverd-api.service": "leverd"}


def installed(folder, unit="leverd.service"):
    """Return the unit as it stands on a machine where leverd is installed here."""
    for name, program in PROGRAMS.items():
        text = (DEPLOY / name).read_text()
        assert text.count(f"/opt/leverd/bin/{program}") == 1
        here = Path(sys.executable).with_name(program)
        (folder / name).write_text(text.replace(f"/opt/leverd/bin/{program}", str(here)))
    return folder / unit


@pytest.mark.parametrize("unit", PROGRAMS)
def test_systemd_finds_nothing_wrong_with_it(analyze, tmp_path, unit):
    found = subprocess.run(
        [analyze, "verify", "--recursive-errors=yes", installed(tmp_path, unit)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (found.returncode, found.stderr) == (0, "")


def test_systemd_finds_something_wrong_with_a_wrong_one(analyze, tmp_path):
    file = installed(tmp_path)
    file.write_text(file.read_text().replace("Restart=always", "Restart=allways"))
    found = subprocess.run(
        [analyze, "verify", "--recursive-errors=yes", file], capture_output=True, check=False
    )
    assert found.returncode


@pytest.mark.parametrize("unit", PROGRAMS)
def test_what_it_exposes_stays_small(analyze, tmp_path, unit):
    command = [analyze, "security", "--offline=yes", f"--threshold={EXPOSURE_MAX}"]
    found = subprocess.run([*command, installed(tmp_path, unit)], capture_output=True, check=False)
    assert found.returncode == 0, found.stdout.decode()[-200:]
    bare = tmp_path / "bare.service"
    bare.write_text("[Service]\nExecStart=/bin/true\n")
    assert subprocess.run([*command, bare], capture_output=True, check=False).returncode


def test_the_slower_restarts_are_right_where_systemd_knows_them(analyze, tmp_path):
    said = subprocess.run([analyze, "--version"], capture_output=True, text=True, check=True)
    version = int(re.findall(r"\d+", said.stdout)[0])
    file = installed(tmp_path)
    (tmp_path / "leverd.service.d").mkdir()
    shutil.copy(DEPLOY / "leverd.service.d" / "backoff.conf", tmp_path / "leverd.service.d")
    found = subprocess.run(
        [analyze, "verify", "--recursive-errors=yes", file],
        capture_output=True,
        text=True,
        check=False,
    )
    lines = found.stderr.splitlines()
    if version < BACKOFF_SINCE:
        assert lines
        assert all("Unknown key" in line and "Restart" in line for line in lines)
    else:
        assert (found.returncode, lines) == (0, [])


def keys(unit="leverd.service"):
    """Return what the unit says, the last word of each key."""
    text = (DEPLOY / unit).read_text()
    return dict(line.split("=", 1) for line in text.splitlines() if re.match(r"\w+=", line))


def test_it_never_gives_up_and_no_exit_code_ends_it():
    found = keys()
    assert found["Restart"] == "always"
    assert found["StartLimitIntervalSec"] == "0"
    assert "RestartPreventExitStatus" not in found
    assert "--or-guard" in found["ExecStart"]


def test_a_stop_has_longer_than_settling_takes():
    assert int(keys()["TimeoutStopSec"]) > 2 * STOP_GRACE_S
    assert keys()["KillSignal"] == "SIGTERM"


def test_our_own_memory_ceiling_is_met_before_the_kernel_s():
    ours = MemorySection().stop_mb
    assert ours < int(keys()["MemoryHigh"].removesuffix("M"))
    assert ours < int(keys()["MemoryMax"].removesuffix("M"))


def test_no_key_is_in_it_and_no_core_is_left():
    found = keys()
    assert found["LimitCORE"] == "0"
    assert found["LoadCredential"].startswith("password:")
    assert not {"EnvironmentFile", "SetCredential"} & found.keys()


def test_the_api_yields_to_the_daemon_opens_no_key_and_cannot_take_it_along():
    api, daemon = keys("leverd-api.service"), keys()
    assert not {"LoadCredential", "SetCredential", "EnvironmentFile"} & api.keys()
    assert int(api["Nice"]) > 0
    assert int(api["OOMScoreAdjust"]) > 0 > int(daemon["OOMScoreAdjust"])
    assert not {"Requires", "BindsTo", "PartOf"} & (api.keys() | daemon.keys())
