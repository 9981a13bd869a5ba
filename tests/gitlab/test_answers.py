"""Whatever GitLab answers, wherever: what docs/gitlab.md promises happens, and no record says what is not so."""

from __future__ import annotations

import json
import os
import re
import shutil
import threading
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy import select

from hub.clock import FixedClock
from hub.records import encode_record
from hub.store.reading import coverage_rows
from hub.store.revision import current_records
from hub.store.store import Store
from hub.store.tables import raw_document, record
from hub.sync.retry import RetryPolicy, make_caller
from hub.sync.runner import SourceJob, sync_all
from hub.sync.source import SourceContext
from hub_gitlab.source import make_source
from tests.conftest import PROJECT
from tests.gitlab.server import DESK, SECRET
from tests.gitlab.stand import ENDPOINTS, FIRST, HIT, SECOND, STREAM, Stand
from tests.jira.kit import Fault
from tests.jira.stand import Drip, Hangup, Silence, squeezed

ATTEMPTS = 3
KINDS = {"issue": "incident", "merge_request": "change", "deployment": "deployment", "release": "release",
         "protection": "control", "document": "document"}  # fmt: skip
LISTS = {"issues", "merge requests", "deployments", "environments", "releases", "protected branches", "tree", "history",
         "merge requests of a commit", "milestone", "file"}  # fmt: skip
"""What is no part: where these are closed, the stream is."""
HTML = b"<!DOCTYPE html><html>Log in</html>"


def says(status: int, body: object = None, **more) -> object:
    return lambda _healthy: Fault(status, {"message": f"{status} so it is"} if body is None else body, **more)


def raw(status: int, body: bytes, **more) -> object:
    return lambda _healthy: Fault(status, raw=body, **more)


SLOW = "silence, or an answer that drips"
OVER = threading.Event()
"""The answers of this row are let go."""
ANSWERS: dict[str, dict[str, object]] = {
    "200 of another type": {
        "map or list for the other": lambda h: Fault(200, {"odd": 1} if h[:1] == b"[" else []),
        "null": raw(200, b"null"),
        "text": raw(200, b'"hello"'),
        "a list of nothing": lambda h: Fault(200, [None]) if h[:1] == b"[" else Fault(200, 7),
    },
    "200 without data": {
        "login page": raw(200, HTML),
        "empty": raw(200, b""),
        "204": raw(204, b""),
        "utf-16": lambda h: Fault(200, raw=h.decode().encode("utf-16")),
    },
    "200 cut off": {
        "half of the body": lambda h: Fault(200, raw=h[: len(h) // 2] if len(h) > 3 else b"["),
        "length too large": lambda h: Fault(200, raw=h, cut=True),
        "broken gzip": lambda h: Fault(200, raw=squeezed(h)[:-12], Content_Encoding="gzip"),
    },
    "no answer": {"hung up": lambda _h: Hangup(), "cut in the middle": lambda h: Hangup(h[: len(h) // 2])},
    SLOW: {"silence": lambda _h: Silence(OVER), "a dripping body": lambda _h: Drip(OVER)},
    "a redirect": {
        "301 to login": raw(301, b"", Location="/users/sign_in"),
        "without place": raw(302, b""),
        "to nonsense": raw(302, b"", Location="http://[::bad/%%%"),
        "for ever": raw(302, b"", Location="?again"),
    },
    "400": {"400": says(400), "400 list": says(400, []), "400 page": raw(400, HTML)},
    "401": {"401": says(401), "401 page": raw(401, HTML)},
    "403 for a scope": {"insufficient": says(403, {"error": "insufficient_scope", "scope": "api read_api"})},
    "403, 404": {"404": says(404), "403": says(403), "403 page": raw(403, HTML), "404 text": raw(404, b'"no"')},
    "410": {"410": says(410)},
    "other 4xx": {str(status): says(status) for status in (405, 409, 413, 418, 451)},
    "408, 425, 429": {
        "429": raw(429, b"Retry later\n"),
        "408": says(408),
        "429 in 0 s": says(429, Retry_After="0"),
        "429 absurd": says(429, Retry_After="-7e99"),
    },
    "asked to wait too long": {
        "429 a year": says(429, Retry_After="31536000"),
        "503 next year": says(503, Retry_After="Tue, 05 Oct 2027 06:00:00 GMT"),
    },
    "5xx": {str(status): raw(status, HTML) for status in (502, 500, 501, 503, 504, 520)},
}
"""Row of the table in docs/gitlab.md -> answers that belong to it."""


def promised() -> dict[str, tuple[str, bool]]:
    """Read from docs/gitlab.md what happens: row -> (word, asked again)."""
    text = (PROJECT / "docs" / "gitlab.md").read_text(encoding="utf-8")
    table = text.partition("## What an answer means")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| (?!answer|---)([^|]+?) \| (yes|no) \| (\w+)", table, re.MULTILINE)
    return {name: (word, again == "yes") for name, again, word in rows}


class Hub:
    """One hub over one stand: stores are copies of what was read at first."""

    def __init__(self, stand: Stand, folder: Path, template: Path) -> None:
        self.stand, self.folder = stand, folder
        self.recovered: set[object] = set()
        shutil.copy(template, folder / "first.db")
        with self.store("first") as store:
            assert not self.sync(store, FIRST).faults
            self.before = self.claims(store)
        stand.go_on()
        with self.store("healthy") as store:
            summary = self.sync(store, SECOND)
            assert (summary.faults, summary.warnings) == ([], [])
            self.wanted = self.state(store)
            self.now = self.claims(store)

    @contextmanager
    def store(self, name: str):
        if name != "first":
            shutil.copy(self.folder / "first.db", self.folder / f"{name}.db")
        store = Store.open(f"sqlite:///{name}.db", base_dir=self.folder)
        yield store
        store.close()

    def sync(self, store: Store, now: int, **settings):
        clock = FixedClock(now)
        call = make_caller(RetryPolicy(attempts=ATTEMPTS), sleep=lambda _s: None, monotonic=lambda: 0.0)
        context = SourceContext("gitlab", self.folder, "Europe/Berlin", clock, call)
        gitlab = make_source(self.stand.settings(**settings), context)
        try:
            (summary,) = sync_all(store, [SourceJob("gitlab", gitlab)], clock=clock, census=False)
        finally:
            gitlab.close()
        return summary

    def claims(self, store: Store) -> dict[tuple[str, str], object]:
        """List what the records say: (record, field) -> value."""
        with store.connect() as conn:
            ids = conn.scalars(select(record.c.id).where(record.c.source == "gitlab").order_by(record.c.id)).all()
            found = [json.loads(encode_record(one)) for one in current_records(conn, ids)]
        return {(one["id"], name): value for one in found for name, value in one.items()}

    def state(self, store: Store, *, coverage: bool = True) -> frozenset[object]:
        """Everything verdicts rest on."""
        with store.connect() as conn:
            ids = conn.scalars(select(record.c.id).where(record.c.source == "gitlab").order_by(record.c.id)).all()
            kept = select(raw_document.c.native_id, raw_document.c.hash).order_by(raw_document.c.doc)
            return frozenset(
                [
                    *(repr(one) for one in current_records(conn, ids)),
                    *((row.scope, row.kind, row.through) for row in coverage_rows(conn) if coverage),
                    *dict(conn.execute(kept).all()).items(),
                ]
            )


@pytest.fixture(scope="module")
def hub(tmp_path_factory, sqlite_template):
    stand = Stand()
    try:
        yield Hub(stand, tmp_path_factory.mktemp("hub"), sqlite_template)
    finally:
        OVER.set()
        stand.stop()
        OVER.clear()


def is_part(value: object, truth: object) -> bool:
    """Tell whether nothing is said that is not so; less may be said."""
    if isinstance(value, list) and isinstance(truth, list):
        return all(any(is_part(one, other) for other in truth) for one in value)
    if isinstance(value, dict) and isinstance(truth, dict):
        return all(is_part(one, truth.get(name)) for name, one in value.items())
    if isinstance(value, str) and isinstance(truth, str):
        return truth.startswith(value)
    return value == truth


def false_claims(hub: Hub, store: Store) -> list[object]:
    """List what records say that is neither so, nor was so before, nor an admission not to know."""
    claims = hub.claims(store)
    partial = {name for name, field in claims if field == "unknown_fields"}
    return [
        (name, field, value)
        for (name, field), value in claims.items()
        if value
        and field not in {"unknown_fields", "tests", *(("since",) if name in partial else ())}
        and not ((name, "id") not in hub.now and name in partial)
        and not is_part(value, hub.now.get((name, field)))
        and not is_part(value, hub.before.get((name, field)))
    ]


def faults_of(hub: Hub, endpoint: str, row: str, reply: object) -> list[str]:
    """Read with one wrong answer; list what is not as promised."""
    word, again = promised()[row]
    hub.stand.wrong, hub.stand.struck = (endpoint, reply), 0
    wrong: list[str] = []
    with hub.store("faulty") as store:
        streams = STREAM.get(endpoint, tuple(KINDS))  # what has nothing to do with it is left out, it takes its time
        summary = hub.sync(store, SECOND, streams=list(streams), **({"timeout_s": 0.2} if row == SLOW else {}))
        struck = hub.stand.struck
        with store.connect() as conn:
            reach = {(r.scope, r.kind): (r.through, r.reason) for r in coverage_rows(conn)}
        telling = endpoint == "notes" and word == "closed"  # an approval without its event has another id
        wrong += [] if telling else [f"false claim {one}" for one in false_claims(hub, store)]
        hub.stand.wrong = None
        if (before := hub.state(store, coverage=False)) not in hub.recovered:
            hub.recovered.add(before)
            hub.sync(store, SECOND)
            if (other := hub.state(store) ^ hub.wanted) and not telling:
                wrong.append(
                    f"the next healthy reading does not end as if nothing had happened: {sorted(map(repr, other))}"
                )
    said = [*summary.faults, *summary.warnings]
    if struck == 0:
        return ["the endpoint was not asked"]
    if any("defect" in one for one in said) or SECRET in "".join(said):
        wrong.append(f"said {said}")
    if endpoint != "token" and row != "a redirect" and (struck >= ATTEMPTS) < again:
        wrong.append(f"asked {struck} times")
    if endpoint == "token":  # nothing rests on it
        return wrong if summary.complete else [*wrong, f"token: {said}"]
    if word != "refused" and endpoint != "identity":
        others = {kind: reach[str(DESK), kind] for stream, kind in KINDS.items() if stream in streams}
        wrong += [f"{DESK} {kind}: {told}" for kind, told in others.items() if told != (SECOND, None)]
    part = word == "closed" and endpoint not in LISTS | {"identity", "project"}
    wrong += concerned(endpoint, reach, said, part=part)
    return wrong


def concerned(endpoint: str, reach: dict, said: list[str], *, part: bool) -> list[str]:
    """Tell where coverage of what the endpoint tells is not as promised; `part` = only a part was closed."""
    if endpoint == "merge request" and part:  # gone, or refused: GitLab's own words decide
        return []
    part &= endpoint != "approvals"
    if endpoint in {"environments", "protected branches", "protected tags"} and part is False:
        return [] if said else ["nothing is said"]
    wrong = []
    for stream in STREAM.get(endpoint, ()):
        through, reason = reach[str(HIT), KINDS[stream]] if stream in KINDS else (FIRST, "")
        if part and (through, reason) != (SECOND, None):
            wrong.append(f"a part was refused, coverage says {through} {reason}")
        if not part and stream in KINDS and (through != FIRST or not reason):
            wrong.append(f"coverage says {through} {reason}")
    if not part and not said:
        wrong.append("nothing is said")
    return wrong


def test_the_table_names_every_row() -> None:
    assert set(promised()) == set(ANSWERS)


def test_a_healthy_day_brings_something_new_of_every_kind(hub) -> None:
    new = {place for place, value in hub.now.items() if hub.before.get(place) != value}
    assert {name.split(":")[1].split("/")[0] for name, _ in new} >= {"merge_request", "issue", "deployment", "document"}


PROOF = os.environ.get("HYPOTHESIS_PROFILE") == "proof"
"""Every answer at every endpoint; otherwise the first of each row, and 403 beside 404, everywhere, the others somewhere."""
CLOSING, THIRDS = "403, 404", 3
"""The row that is tried in so many tests."""


def places(row: str) -> list[tuple[str, str]]:
    """List (endpoint, answer); what is waited for goes round the endpoints but in the long proof."""
    endpoints, names = list(ENDPOINTS), list(ANSWERS[row])
    whole = len(names) if PROOF else 0 if row == SLOW else 2 if row == CLOSING else 1
    turn = list(ANSWERS).index(row)
    return [
        *((endpoint, name) for name in names[:whole] for endpoint in endpoints),
        *((endpoints[(3 * turn + 11 * n) % len(endpoints)], name) for n, name in enumerate(names[whole:])),
    ]


@pytest.mark.parametrize(
    ("row", "third"),
    [*((row, 0) for row in ANSWERS if row != CLOSING), *((CLOSING, n) for n in range(THIRDS))],
)
def test_every_answer_everywhere(hub, row, third) -> None:
    chosen = places(row)[third::THIRDS] if row == CLOSING else places(row)
    wrong = {
        (endpoint, name): found
        for endpoint, name in chosen
        if (found := faults_of(hub, endpoint, row, ANSWERS[row][name]))
    }
    assert not wrong, "\n".join(f"{place}: {found}" for place, found in wrong.items())
