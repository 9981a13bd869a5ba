from __future__ import annotations

from pathlib import Path

import pytest
import requests

from hub_sandbox.configuration import TOKEN, USER
from hub_sandbox.organisation import Organisation


@pytest.fixture(scope="session")
def organisation() -> Organisation:
    """The whole organisation; tests that delete or move make their own."""
    return Organisation()


@pytest.fixture
def small() -> Organisation:
    return Organisation(7, scale=0.1)


@pytest.fixture
def contracts(shared: Path) -> Path:
    return shared / "contracts" / "jira"


@pytest.fixture
def cloud_session():
    with requests.Session() as session:
        session.auth = (USER, TOKEN)
        yield session


@pytest.fixture
def dc_session():
    with requests.Session() as session:
        session.headers["Authorization"] = f"Bearer {TOKEN}"
        yield session
