"""Whatever Jira answers, wherever: what docs/jira.md promises happens, and no verdict becomes a false one."""

from __future__ import annotations

import os
import re
import shutil
import threading
from collections import Counter
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy import select

from hub.clock import FixedClock
from hub.conformance.cycle import derive_all
from hub.conformance.judge import judge
from hub.conformance.listing import list_obligations
from hub.conformance.rollup import roll_up
from hub.store.reading import coverage_rows, get_cursor
from hub.store.revision import current_records
from hub.store.store import Store
from hub.store.tables import raw_document, record
from hub.sync.census import last_census
from hub.sync.retry import RetryPolicy, make_caller
from hub.sync.runner import SourceJob, sync_all
from hub.sync.source import SourceContext
from hub_bs15000.catalogue import load_pack
from hub_jira.source import make_source
from hub_register.settings import RegisterSettings
from hub_register.source import RegisterSource
from tests.conftest import PROJECT
from tests.jira.kit import SECRET, Fault
from tests.jira.stand import ACCOUNTS, ENDPOINTS, FIRST, HIT, SECOND, Drip, Hangup, Silence, Stand, squeezed

ATTEMPTS = 3
JUDGED = ("BS15000-4.5-r5", "BS15000-8.2-a", "BS15000-8.2-c", "BS15000-8.2-e")
"""What rests on approvals, on histories and on what is no longer there; judging all would take minutes."""
PROOF = os.environ.get("HYPOTHESIS_PROFILE") == "proof"
"""Every answer at every endpoint; otherwise the first of each row is tried everywhere, the others somewhere."""
DEFINITE = {"met", "not_met", "attested", "waived"}
HTML = b"<!DOCTYPE html><html>Log in</html>"
REGISTER = {
    "people.yaml": "declared_by: people/alice\ndeclared_at: 2026-01-05\nrows:\n"
    + "".join(f"- {{id: {name}, name: {name}, email: [{name}@example.com]}}\n" for name in ("alice", "bob", "carol")),
    "roles.yaml": "declared_by: people/alice\ndeclared_at: 2026-01-05\nrows:\n"
    "- {id: ca, person: people/alice, role: change_authority, from: 2025-10-01}\n",
}


def says(status: int, body: object = None, **more) -> object:
    return lambda _healthy: Fault(status, {"errorMessages": ["so it is"]} if body is None else body, **more)


def raw(status: int, body: bytes, **more) -> object:
    return lambda _healthy: Fault(status, raw=body, **more)


SLOW = "silence, or an answer that drips"
OVER = threading.Event()
"""The answers of this row are let go."""
ANSWERS: dict[str, dict[str, object]] = {
    "200 of another type": {
        "list for map": lambda h: Fault(200, {"odd": 1} if h[:1] == b"[" else []),
        "null": raw(200, b"null"),
        "text": raw(200, b'"hello"'),
        "number": raw(200, b"7"),
        "other members": raw(200, b'{"odd": 1}'),
        "members null": raw(200, b'{"issues": null, "total": null, "id": null, "comments": null}'),
    },
    "200 without data": {
        "login page": raw(200, HTML),
        "empty": raw(200, b""),
        "204": raw(204, b""),
        "utf-16": lambda h: Fault(200, raw=h.decode().encode("utf-16")),
    },
    "200 cut off": {
        "half of the body": lambda h: Fault(200, raw=h[: len(h) // 2]),
        "length too large": lambda h: Fault(200, raw=h, cut=True),
        "broken gzip": lambda h: Fault(200, raw=squeezed(h)[:-12], Content_Encoding="gzip"),
        "no gzip": lambda h: Fault(200, raw=h, Content_Encoding="gzip"),
    },
    "no answer": {
        "hung up": lambda _h: Hangup(),
        "cut in the middle": lambda h: Hangup(h[: len(h) // 2]),
    },
    SLOW: {
        "silence": lambda _h: Silence(OVER),
        "a dripping body": lambda _h: Drip(OVER),
        "a dripping head": lambda _h: Drip(OVER, head=True),
    },
    "a redirect": {
        "301 to login": raw(301, b"", Location="/login"),
        "302 to login": raw(302, b"", Location="/login"),
        "without place": raw(302, b""),
        "to nonsense": raw(302, b"", Location="http://[::bad/%%%"),
        "for ever": raw(302, b"", Location="?again"),
    },
    "400": {"400": says(400), "400 list": says(400, []), "400 null": raw(400, b"null"), "400 page": raw(400, HTML)},
    "401": {"401": says(401), "401 page": raw(401, HTML)},
    "403, 404": {"403": says(403), "404": says(404), "403 page": raw(403, HTML), "404 text": raw(404, b'"no"')},
    "410": {"410": says(410)},
    "other 4xx": {str(status): says(status) for status in (405, 409, 413, 414, 418, 451)},
    "408, 425, 429": {
        "408": says(408),
        "429": says(429),
        "429 in 0 s": says(429, Retry_After="0"),
        "429 at a date": says(429, Retry_After="Mon, 05 Oct 2026 06:00:01 GMT"),
        "429 absurd": says(429, Retry_After="-7e99"),
    },
    "asked to wait too long": {
        "429 a year": says(429, Retry_After="31536000"),
        "429 for ever": says(429, Retry_After="9" * 400),
        "503 next year": says(503, Retry_After="Tue, 05 Oct 2027 06:00:00 GMT"),
    },
    "5xx": {str(status): raw(status, HTML) for status in (500, 501, 502, 503, 504, 520, 599)},
}
"""Row of the table in docs/jira.md -> answers that belong to it."""


def promised() -> dict[str, tuple[str, bool]]:
    """Read from docs/jira.md what happens: row -> (word, asked again)."""
    text = (PROJECT / "docs" / "jira.md").read_text(encoding="utf-8")
    table = text.partition("## What an answer means")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| (?!answer|---)([^|]+?) \| (yes|no) \| (\w+)", table, re.MULTILINE)
    return {name: (word, again == "yes") for name, again, word in rows}


class Desk:
    """One hub over one stand: stores are copies of what was read at first."""

    def __init__(self, stand: Stand, folder: Path, template: Path) -> None:
        self.stand, self.flavour, self.folder = stand, stand.flavour, folder
        self.known: dict[object, tuple[dict, dict]] = {}
        self.recovered: set[object] = set()
        (folder / "register").mkdir()
        for name, text in REGISTER.items():
            (folder / "register" / name).write_text(text, encoding="utf-8")
        self.requirements = [one for one in load_pack().requirements({}) if one.id in JUDGED]
        shutil.copy(template, folder / "first.db")
        with self.store("first") as store:
            assert [one.faults for one in self.sync(store, FIRST)] == [[], []]
            self.derive(store, FIRST)
        self.stand.later = True
        with self.store("healthy") as store:
            self.sync(store, SECOND)
            self.wanted = self.state(store)
            self.healthy = self.judged(store)

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
        contexts = [SourceContext(name, self.folder, "Europe/Berlin", clock, call) for name in ("desk", "register")]
        jira = make_source(self.stand.settings(**settings), contexts[0])
        register = RegisterSource(RegisterSettings(plugin="register", folder=Path("register")), contexts[1])
        try:
            return sync_all(store, [SourceJob("desk", jira), SourceJob("register", register)], clock=clock)
        finally:
            jira.close()

    def derive(self, store: Store, now: int) -> None:
        derive_all(store, self.requirements, now=now, zone="Europe/Berlin", calendar="5x8")

    def judged(self, store: Store) -> tuple[dict, dict]:
        """Judge now: verdicts of obligations, and of requirements."""
        state = self.state(store)
        if state not in self.known:
            self.derive(store, SECOND)
            with store.connect() as conn:
                judgement = judge(conn, self.requirements, as_of=SECOND, known_at=None, judge_from=0)
                found = {
                    (row.requirement, row.part, row.unit.id, row.opened_at): row.verdict
                    for row in list_obligations(judgement)
                }
                rolled = roll_up(judgement, load_pack().entries, start=FIRST, end=SECOND)
            self.known[state] = found, {row.requirement: row.verdict for row in rolled}
        return self.known[state]

    def state(self, store: Store) -> object:
        """Everything verdicts rest on, and where reading goes on."""
        with store.connect() as conn:
            ids = conn.scalars(
                select(record.c.id).where(record.c.source.in_(["desk", "register"])).order_by(record.c.id)
            ).all()
            kept = select(raw_document.c.native_id, raw_document.c.hash).order_by(raw_document.c.doc)
            documents = dict(conn.execute(kept).all())  # the latest of each: one with a gap may stand before it
            return frozenset(
                [
                    *(repr(one) for one in current_records(conn, ids)),
                    *((row.source, row.scope, row.kind, row.through) for row in coverage_rows(conn)),
                    *documents.items(),
                    *((key, repr(get_cursor(conn, "desk", "issue", key))) for key in ("CHG", "OPS")),
                ]
            )


@pytest.fixture(scope="module", params=["cloud", "data_center"])
def desk(request, tmp_path_factory, sqlite_template):
    stand = Stand(request.param)
    try:
        yield Desk(stand, tmp_path_factory.mktemp("desk"), sqlite_template)
    finally:
        OVER.set()
        stand.stop()
        OVER.clear()


def false_verdicts(desk: Desk, store: Store) -> list[object]:
    """List what is judged otherwise than on a healthy day, and not merely left open."""
    healthy, rolled = desk.healthy
    found, found_rolled = desk.judged(store)
    return [
        *((key, verdict) for key, verdict in found.items() if verdict in DEFINITE and healthy.get(key) != verdict),
        *((key, v) for key, v in found_rolled.items() if v in {"met", "attested"} and rolled[key] != v),
    ]


def faults_of(desk: Desk, endpoint: str, row: str, reply) -> list[str]:
    """Read with one wrong answer; list what is not as promised."""
    word, again = promised()[row]
    desk.stand.wrong, desk.stand.struck = (endpoint, reply), 0
    wrong: list[str] = []
    with desk.store("faulty") as store:
        jira, register = desk.sync(store, SECOND, **({"timeout_s": 0.6} if row == SLOW else {}))
        with store.connect() as conn:
            reach = {(r.source, r.scope, r.kind): (r.through, r.reason) for r in coverage_rows(conn)}
        wrong += [f"false verdict {one}" for one in false_verdicts(desk, store)]
        desk.stand.wrong = None
        with store.connect() as conn:
            before = desk.state(store), repr(last_census(conn, "desk"))
        if before not in desk.recovered:
            desk.sync(store, SECOND)
            desk.recovered.add(before)
            if other := [one for one in desk.state(store) if one not in desk.wanted]:
                lost = [one for one in desk.wanted if one not in desk.state(store)]
                wrong.append(f"the next healthy reading does not end as if nothing had happened: {other} for {lost}")
    said = [*jira.faults, *jira.warnings]
    whole = endpoint in {"identity", "names"} or word == "refused"
    if not register.complete:
        wrong.append("the register was not read")
    if desk.stand.struck == 0:
        wrong.append("the endpoint was not asked")
    if any("defect" in one for one in said) or SECRET in "".join(said):
        wrong.append(f"said {said}")
    if endpoint == "tokens":  # nothing rests on it
        return wrong if word == "refused" or jira.complete else [*wrong, f"tokens: {said}"]
    if endpoint in ACCOUNTS:  # coverage does not rest on them
        if reach["desk", HIT, "change"] != (SECOND, None) or not jira.warnings:
            wrong.append(f"accounts: {reach['desk', HIT, 'change']} {said}")
        return wrong if (desk.stand.struck >= ATTEMPTS) == again or row == "a redirect" else [*wrong, "asked again"]
    kind = "release" if endpoint == "versions" else "change"
    through, reason = reach["desk", HIT, kind]
    if through != FIRST or not reason:
        wrong.append(f"coverage says {through} {reason}")
    if not whole and reach["desk", "OPS", "change"] != (SECOND, None):
        wrong.append(f"OPS was not read: {reach['desk', 'OPS', 'change']}")
    if (desk.stand.struck >= ATTEMPTS) != again and row != "a redirect":
        wrong.append(f"asked {desk.stand.struck} times")
    told = jira.warnings if endpoint == "census" or (word == "closed" and not whole) else jira.faults
    if not told:
        wrong.append(f"nothing is said: {said}")
    return wrong


def test_the_table_names_every_row() -> None:
    assert set(promised()) == {*ANSWERS, "a page for ever"}


def test_a_healthy_day_proves_both(desk) -> None:
    counts = Counter(desk.healthy[0].values())
    assert counts["met"] > 3, counts
    assert counts["not_met"] > 1, counts


def places(flavour: str, row: str) -> list[tuple[str, str]]:
    """List (endpoint, answer): the first answer of the row everywhere, the others going round the endpoints."""
    endpoints, (first, *others) = ENDPOINTS[flavour], ANSWERS[row]
    if PROOF:
        return [(endpoint, name) for endpoint in endpoints for name in ANSWERS[row]]
    turn = len(row) + (flavour == "cloud")
    return [
        *((endpoint, first) for endpoint in endpoints),
        *((endpoints[(turn + n) % len(endpoints)], name) for n, name in enumerate(others)),
    ]


@pytest.mark.parametrize("row", ANSWERS)
def test_every_answer_everywhere(desk, row) -> None:
    wrong = {
        (endpoint, name): found
        for endpoint, name in places(desk.flavour, row)
        if (found := faults_of(desk, endpoint, row, ANSWERS[row][name]))
    }
    assert not wrong, "\n".join(f"{place}: {found}" for place, found in wrong.items())
