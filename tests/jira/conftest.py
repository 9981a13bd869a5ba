"""Fixtures over the kit: one mapped issue, a scripted Jira, a source that reads it."""

from __future__ import annotations

from pathlib import Path

import pytest

from hub.clock import FixedClock
from hub.errors import Retriable
from hub.sync.source import SourceContext
from hub_jira.mapping import normalise
from hub_jira.source import make_source
from hub_jira.vocabulary import Vocabulary
from tests.jira.kit import NOW, Jira, configure, document


@pytest.fixture(scope="session")
def words() -> Vocabulary:
    return Vocabulary.of("desk", "Europe/Berlin", configure())


@pytest.fixture
def read(words):
    """Map one issue; gives (record, everything)."""

    def run(body: object, vocabulary: Vocabulary = words):
        out = normalise(document(body), vocabulary)
        return (out.records[0] if out.records else None), out

    return run


@pytest.fixture
def server():
    running = Jira()
    yield running
    running.stop()


@pytest.fixture
def source(server, tmp_path):
    """Make a source at the scripted Jira: retries once, never sleeps."""
    made = []

    def call(request):
        try:
            return request()
        except Retriable:
            return request()

    def make(*, clock=None, once=False, **changes):
        settings = configure(**{"url": server.url, "timeout_s": 0.5, **changes})
        context = SourceContext(
            name="desk",
            base_dir=Path(tmp_path),
            zone="Europe/Berlin",
            clock=clock or FixedClock(NOW),
            call=(lambda request: request()) if once else call,
        )
        made.append(make_source(settings, context))
        return made[-1]

    yield make
    for each in made:
        each.close()
