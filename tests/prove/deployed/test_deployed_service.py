"""leverd as a service of a systemd that really booted, installed by the page's own commands.

One story on one machine, for each claim stands on what those before it left: a devnet at the
wall's pace, an account made by the service's own key, money paid in by its owner, and a fall.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.prove.deployed import debian, money_claims, needs, node, service_claims
from tests.prove.deployed.installed import Installed
from tests.prove.deployed.machine import Machine
from tests.prove.deployed.service import Service
from tests.prove.tally import tell

pytestmark = [pytest.mark.prove, pytest.mark.sockets]

CALM_MIN = 5
"""Minutes to open the position in; what takes longer is proven while ether falls."""

CLAIMS: tuple[Callable[[Service], str], ...] = (
    service_claims.malformed,
    service_claims.start,
    service_claims.opened,
    service_claims.confined,
    money_claims.beside,
    service_claims.examined,
    service_claims.reloaded,
    service_claims.killed,
    service_claims.hung,
    service_claims.broken_while_open,
    service_claims.stopped,
    service_claims.dark,
    money_claims.fallen,
    money_claims.unwound,
)


@pytest.fixture
def machine() -> Iterator[Machine]:
    needs.ask_for(needs.BOOTED)
    folder = Path(tempfile.mkdtemp(prefix="leverd-booted-"))
    machine = Machine(folder / "root")
    try:
        debian.unpack(debian.BOOTED, machine.root)
        machine.boot()
        yield machine
    finally:
        machine.lose_power()
        shutil.rmtree(folder)


def test_a_service_does_on_a_booted_machine_what_the_page_says(machine, tmp_path):
    with node.running(tmp_path / "devnet", calm_min=CALM_MIN) as devnet:
        installed = Installed(machine, devnet)
        installed.program()
        installed.settings()
        devnet.grant(installed.key(), ether=100)
        installed.deploy_account()
        installed.pay_in(ether=10)
        service = Service(installed)
        for claim in CLAIMS:
            measured = claim(service)
            assert claim.__doc__
            tell("as a service", claim=claim.__doc__.partition("\n")[0], measured=measured)
