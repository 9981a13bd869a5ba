"""One real mail server for all tests of a run: Dovecot, and aiosmtpd that delivers into its mailboxes."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.email.imap_kit import Mailbox
from tests.peer import running


@pytest.fixture(scope="session")
def server(shared: Path) -> Iterator[dict[str, Any]]:
    with running(shared, "mail.py", "--python", sys.executable) as started:
        yield started


@pytest.fixture
def box(server: dict[str, Any]) -> Iterator[Mailbox]:
    """A person's mailbox, closed however the test ends."""
    opened = Mailbox(server)
    yield opened
    opened.close()
