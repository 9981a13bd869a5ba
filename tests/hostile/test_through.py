"""Hostile records all the way: read from a server, stored, judged, shown on a terminal, mailed."""

from __future__ import annotations

import csv
import io
import json

import pytest

from hub.clock import FixedClock
from hub.errors import SourceError
from hub.sync.source import SourceContext
from hub_jira.source import make_source
from tests.hostile.payload import EVIL, NAMED, body, damaged, places, whole
from tests.hostile.target import look_at_mail
from tests.jira.kit import NOW, SECRET, Fault, Jira, configure

TOO_LONG_A_KEY = {"an id of 100,000 characters"}
"""What the client itself refuses or what would hide the rest of the page; each has a page of its own below."""
PEOPLE = """\
declared_by: people/alice
declared_at: 2026-01-05
proof: paper
rows:
- id: alice
  name: "Alice <script>alert(1)</script> \\e[2J"
  email: [alice@example.test]
"""
SERVICES = """\
declared_by: people/alice
declared_at: 2026-01-05
proof: paper
rows:
- id: shop
  name: "=cmd()<img src=x onerror=alert(1)>"
  owner: people/alice
- id: vpn
  name: "VPN"
"""
CONFIG = """\
[organisation]
name = 'Example "><script>alert(1)</script>'
zone = "Europe/Berlin"
manager = "register:people/alice"
[packs.bs15000]
[sources.register]
plugin = "register"
folder = "register"
[channels.outbox]
plugin = "file"
folder = "out"
[reports.conformance]
to = ["register:people/alice"]
channels = ["outbox"]
"""


def toml(url: str) -> str:
    """Write the kit's settings as a source of the configuration."""
    settings = configure(url=url, page_size=50).model_dump(mode="json", exclude_none=True)
    lines = [CONFIG, "[sources.desk]", 'token = { env = "DESK_TOKEN" }']
    tables = []
    for name, value in settings.items():
        if isinstance(value, dict):
            if value:
                tables += [f"[sources.desk.{name}]", *(f"{json.dumps(k)} = {inline(v)}" for k, v in value.items())]
        elif name != "token":
            lines.append(f"{name} = {inline(value)}")
    return "\n".join([*lines, *tables])


def inline(value) -> str:
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{json.dumps(k)} = {inline(v)}" for k, v in value.items()) + " }"
    return json.dumps(value)


class Hall(Jira):
    """A Jira that answers every search with the issues it was given, as bytes."""

    def __init__(self, issues: list[bytes]) -> None:
        super().__init__()
        self.issues = issues
        self.answers |= {
            "/rest/api/3/project/OPS": {"id": "1", "key": "OPS"},
            "/rest/api/3/project/OPS/versions": [{"id": "70", "name": EVIL, "releaseDate": "0000-00-00"}],
            "/rest/api/3/field": [],
            "/rest/api/3/status": [],
            "/rest/api/3/issuetype": [],
            "/rest/api/3/changelog/bulkfetch": {"issueChangeLogs": []},
            "/rest/api/3/search/jql": self.page,
        }

    def page(self, query):
        if query.get("fields") == "id":
            return Fault(200, raw=b'{"issues":[]}')
        return Fault(200, raw=b'{"issues":[' + b",".join(self.issues) + b'],"isLast":true}')


def numbered(told: dict, number: int) -> bytes:
    return body({**told, "id": str(number), "key": f"OPS-{number}"})


def hall_of_horrors() -> list[bytes]:
    """Every named payload that is an object, and one issue in thirty of the damaged ones."""
    made = [NAMED[name]() for name in NAMED if name not in TOO_LONG_A_KEY]
    told = [numbered(one, 1000 + n) for n, one in enumerate(made) if isinstance(one, dict) and "fields" in one]
    links = [body(one) for one in made if isinstance(one, dict) and str(one.get("id", "")).startswith("50")]
    for kind in ("Change", "Problem", "Incident"):
        sound = whole(kind)
        spots = [path for path in places(sound) if path not in {("id",), ("key",)}]
        told += [
            numbered(damaged(sound, path, EVIL if n % 2 else None), 2000 + len(told) + n)
            for n, path in enumerate(spots[:: 10 if kind == "Change" else 30])
        ]
    return [*told, *links, body({**whole(), "id": "3999", "key": EVIL})]


@pytest.fixture
def hub(tmp_path, run_hub, monkeypatch):
    """Run commands against a hall; whatever they print is harmless to the terminal, and no secret."""
    halls = []
    monkeypatch.setattr("hub.cli.session.time.sleep", lambda _seconds: None)

    def open_hall(issues: list[bytes]):
        hall = Hall(issues)
        halls.append(hall)
        monkeypatch.setenv("DESK_TOKEN", SECRET)
        (tmp_path / "hub.toml").write_text(toml(hall.url))
        (tmp_path / "register").mkdir()
        (tmp_path / "register" / "people.yaml").write_text(PEOPLE)
        (tmp_path / "register" / "services.yaml").write_text(SERVICES)

        def call(*arguments: str):
            called = run_hub(*arguments, "--config", tmp_path / "hub.toml")
            shown = called.out + called.err
            assert SECRET not in shown
            assert "Traceback" not in shown
            assert "a defect of the plugin" not in shown
            bad = {char for char in shown if not char.isprintable() and char != "\n"}
            assert not bad, (arguments, bad)
            return called

        return call

    yield open_hall
    for hall in halls:
        hall.stop()


@pytest.mark.slow
def test_horrors_are_stored_judged_shown_and_mailed(hub, tmp_path):
    call = hub(hall_of_horrors())
    called = call("run")
    assert called.code == 0, called.err
    findings = json.loads(call("findings", "--format", "json", "--all").out)
    assert len(findings) > 20
    cells = [cell for row in csv.reader(io.StringIO(call("findings", "--format", "csv").out)) for cell in row]
    assert not [cell for cell in cells if cell.startswith(("=", "+", "-", "@", "\t", "\r"))]
    for finding in findings[:: len(findings) // 4]:
        assert call("explain", finding["requirement"], finding["unit_id"]).code == 0
    assert call("explain", "BS15000-8.2-c", "desk:issue/3999").code == 0
    for command in ("obligations", "coverage", "verify", "derive"):
        assert call(command).code == 0, command
    for path in (tmp_path / "out").iterdir():
        if path.suffix == ".eml":
            look_at_mail(path.read_bytes(), prefixes=("#", "http://127.0.0.1:"))
    assert call("sync").code == 0


SEARCH = "GET /rest/api/3/search/jql: "
CLOSED = {
    "a document 10,000 levels deep": "the answer is nested deeper than any document",
    "a list": "search: an issue of an unexpected shape (Expected `object`, got `array`)",
    "a bare word": "search: an issue of an unexpected shape (Expected `object`, got `bool`)",
    "with a byte order mark": "the answer was cut off",
    "UTF-16": "the answer was cut off",
    "cut in the middle": "the answer was cut off",
    "nothing": "the answer was cut off",
    "10,000 open brackets": "the answer is nested deeper than any document",
}
"""Payload -> what is said where one issue closes its project to us; every other costs one document at most."""


def test_an_answer_that_is_no_issue_is_told(tmp_path):
    hall = Hall([])
    told = {}
    try:
        context = SourceContext(
            name="desk",
            base_dir=tmp_path,
            zone="Europe/Berlin",
            clock=FixedClock(NOW),
            call=lambda request: request(),
        )
        source = make_source(configure(url=hall.url), context)
        part = next(each for each in source.slices() if each.stream == "issue")
        for name, make in NAMED.items():
            if isinstance(made := make(), bytes):
                hall.issues = [numbered(whole(), 1), made]
                try:
                    documents = [document for page in source.fetch(part, None) for document in page.documents]
                except SourceError as fault:
                    told[name] = str(fault).removeprefix(SEARCH)
                else:
                    assert len(documents) == 2, name
                    given = [source.normalise(document) for document in documents]
                    assert all(each.records or each.skipped for each in given), name
        source.close()
    finally:
        hall.stop()
    assert told == CLOSED
