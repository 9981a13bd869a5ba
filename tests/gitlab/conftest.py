"""One GitLab a test, and a source that reads it."""

from __future__ import annotations

from pathlib import Path

import pytest

from hub.clock import FixedClock
from hub.errors import Retriable
from hub.sync.source import SourceContext
from hub_gitlab.source import make_source
from tests.gitlab.server import NOW, Desk, configure, content


@pytest.fixture
def desk():
    running = Desk(content())
    yield running
    running.stop()


@pytest.fixture
def source(tmp_path):
    """Make a source at a GitLab: tries once more, never sleeps."""
    made = []

    def call(request):
        try:
            return request()
        except Retriable:
            return request()

    def make(desk, *, clock=None, once=False, log=lambda _text: None, **changes):
        settings = configure(**{"url": desk.url, "timeout_s": 0.5, **changes})
        context = SourceContext(
            name="gitlab",
            base_dir=Path(tmp_path),
            zone="Europe/Berlin",
            clock=clock or FixedClock(NOW),
            call=(lambda request: request()) if once else call,
            log=log,
        )
        made.append(make_source(settings, context))
        return made[-1]

    yield make
    for each in made:
        each.close()
