"""One market and one code for the session; each test has an account of its own."""

from __future__ import annotations

import pytest
from tests.account_contract.terms import Terms
from tests.account_contract.vault import EQUITY, Code, Vault, deploy_code, fund, open_account
from tests.chain import LocalMarket, local, market

__all__ = ["local", "market"]


@pytest.fixture
def code(local: LocalMarket) -> Code:
    return deploy_code(local)


@pytest.fixture
def terms(local: LocalMarket) -> Terms:
    pool = local.deployment.pools["weth-usdc-500"].address
    return Terms(local.token("WETH"), local.token("USDC"), (pool,))


@pytest.fixture
def vault(local: LocalMarket, code: Code, terms: Terms) -> Vault:
    """An account with ten ether in it and nothing done."""
    made = open_account(local, code, terms)
    fund(local, made.address, EQUITY)
    return made


@pytest.fixture
def levered(vault: Vault) -> Vault:
    """The same, open at three times."""
    vault.raise_by(60_000 * 10**6)
    return vault
