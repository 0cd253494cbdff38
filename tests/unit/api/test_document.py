"""The OpenAPI document tells the truth: what is made from it is answered as it says.

Every operation is asked for with drawn requests, right ones and wrong ones. Each answer must be
of a status, a media type and a shape that the document names, wrong requests must be refused,
and none may be answered with a 5xx. `LEVERD_API_EXAMPLES` draws more of
them, others each time.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest
import schemathesis
from hypothesis import HealthCheck, assume, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode
from schemathesis.checks import CHECKS, load_all_checks
from tests.unit.api.trader import Trader, planned

from leverd.adapters.sql_journal import acquire_lock, lock_path

OPERATIONS = 28
REFUSALS = [400, 401, 403, 404, 405, 413, 414, 415, 422]
CONFIG = schemathesis.Config.from_dict(
    {"checks": {"negative_data_rejection": {"expected-statuses": REFUSALS}}}
)
FEW = 8
EXAMPLES = int(os.environ.get("LEVERD_API_EXAMPLES", FEW))


@pytest.fixture(scope="module")
def lived(tmp_path_factory):
    folder = tmp_path_factory.mktemp("house")
    before = Path.cwd()
    os.chdir(folder)  # the settings' own paths are relative
    house = Trader(folder, requests_s_max=1e9, failures_min_max=10**9)
    house.trades()
    house.orders(planned(), slot=8)
    house.turned()
    house.looks()
    with acquire_lock(lock_path(house.journal)):  # a daemon runs
        yield house
    os.chdir(before)


@pytest.fixture(scope="module")
def operations(lived):
    document = schemathesis.openapi.from_asgi("/api/v1/openapi.json", lived.app, config=CONFIG)
    return [found.ok() for found in document.get_all_operations()]


@pytest.mark.parametrize("mode", list(GenerationMode))
@pytest.mark.parametrize("number", range(OPERATIONS))
def test_every_operation_is_as_the_document_says(lived, operations, number, mode):
    operation = operations[number]
    headers = {"Authorization": f"Bearer {lived.control}"}

    @given(case=operation.as_strategy(generation_mode=mode))
    @settings(
        max_examples=EXAMPLES,
        derandomize=EXAMPLES <= FEW,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    def as_it_says(case):
        assume(all(value not in ([], {}) for value in (case.query or {}).values()))  # not sent
        case.call_and_validate(headers=headers)

    try:
        as_it_says()
    except Unsatisfiable:
        assert mode is GenerationMode.NEGATIVE  # nothing can be wrong about it


def test_no_operation_is_left_out(operations):
    assert len(operations) == OPERATIONS


def test_every_check_there_is_is_made():
    load_all_checks()
    assert {"not_a_server_error", "status_code_conformance", "content_type_conformance",
            "response_schema_conformance", "negative_data_rejection",
            "ignored_auth"} <= {check.__name__ for check in CHECKS.get_all()}  # fmt: skip


def test_every_operation_says_what_it_does_and_needs(lived):
    for path, operations in lived.app.openapi()["paths"].items():
        for verb, operation in operations.items():
            assert operation["summary"], (path, verb)
            assert operation["description"], (path, verb)
            assert operation["tags"], (path, verb)
            problems = [code for code in operation["responses"] if code.startswith("4")]
            assert problems, (path, verb)


async def test_no_page_of_documentation_fetches_anything_from_elsewhere(lived):
    for path in ("/docs", "/redoc"):
        page = await lived.ask(path, token="")
        assert page.status_code == 200
        assert "://" not in page.text
        sources = re.findall(r'(?:src|href)="([^"]+)"', page.text)
        assert sources
        for asset in sources:
            found = await lived.ask(asset, token="")
            assert found.status_code == 200, asset
            assert len(found.content) > 50
