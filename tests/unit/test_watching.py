"""What ships to watch leverd by is right by its own tools, and asks for numbers that exist."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml
from tests.unit.api.trader import Trader

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
PROMETHEUS = DEPLOY / "prometheus"
RULES = yaml.safe_load((PROMETHEUS / "rules" / "alerts.yml").read_text())["groups"][0]["rules"]
DASHBOARD = DEPLOY / "grafana" / "provisioning" / "dashboards" / "leverd.json"
METRIC = re.compile(r"leverd_[a-z_]+")
SOMETIMES = {"leverd_liquidation_drift_seconds", "leverd_liquidation_sigma_seconds"}


@pytest.fixture(scope="module")
def promtool():
    found = shutil.which("promtool")
    assert found, "promtool is missing: apt-get install prometheus, as .ci/run does"
    return found


@pytest.mark.parametrize(
    "check",
    [
        ["check", "rules", "rules/alerts.yml"],
        ["test", "rules", "alerts.test.yml"],
        ["check", "config", "--syntax-only", "prometheus.yml"],
    ],
)
def test_prometheus_finds_nothing_wrong(promtool, check):
    done = subprocess.run(
        [promtool, *check], cwd=PROMETHEUS, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_prometheus_finds_something_wrong_with_wrong_rules(promtool, tmp_path):
    right = (PROMETHEUS / "rules" / "alerts.yml").read_text()
    wrong = right.replace("leverd_health < 1.1", "leverd_health <")
    (tmp_path / "alerts.yml").write_text(wrong)
    done = subprocess.run([promtool, "check", "rules", tmp_path / "alerts.yml"], check=False,
                          capture_output=True)  # fmt: skip
    assert done.returncode


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule["alert"])
def test_each_alert_has_its_heading_in_the_runbook(rule):
    page, _, anchor = rule["annotations"]["runbook"].partition("#")
    headings = re.findall(r"^#+ (.+)$", (ROOT / page).read_text(), re.MULTILINE)
    assert rule["alert"] in headings
    assert anchor == rule["alert"].lower()


async def test_rules_and_dashboard_ask_only_for_numbers_there_are(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    house = Trader(tmp_path)
    house.trades()
    house.turned()
    house.looks()
    told = (await house.ask("/metrics")).text
    there = set(METRIC.findall(told)) | SOMETIMES
    dashboard = json.loads(DASHBOARD.read_text())
    asked = [rule["expr"] for rule in RULES]
    asked += [target["expr"] for panel in dashboard["panels"] for target in panel["targets"]]
    assert len(asked) > 25
    for expression in asked:
        missing = set(METRIC.findall(expression)) - there
        assert not missing, expression


def test_the_dashboard_is_one_that_grafana_takes():
    dashboard = json.loads(DASHBOARD.read_text())
    assert {"title", "uid", "schemaVersion", "panels", "templating"} <= dashboard.keys()
    ids = [panel["id"] for panel in dashboard["panels"]]
    assert len(ids) == len(set(ids))
    cells = set()
    for panel in dashboard["panels"]:
        assert {"type", "title", "gridPos", "targets", "fieldConfig", "datasource"} <= panel.keys()
        place = panel["gridPos"]
        assert place["x"] + place["w"] <= 24
        own = {(x, y) for x in range(place["x"], place["x"] + place["w"])
               for y in range(place["y"], place["y"] + place["h"])}  # fmt: skip
        assert not own & cells, panel["title"]
        cells |= own
        assert len({target["refId"] for target in panel["targets"]}) == len(panel["targets"])
