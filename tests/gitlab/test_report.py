"""A planned report approved by a merge request: from the simulated GitLab to `approved`."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from hub.records import ReportParty
from hub.report.plan.act import ask, draft
from hub.report.plan.desk import Desk as ReportDesk
from hub.store.writer import Write, write_records
from hub.sync.source import Document
from hub_gitlab.mapping import normalise
from hub_gitlab.report import reported_by
from hub_gitlab.vocabulary import Vocabulary
from tests.gitlab.server import DESK, MINUTE, SHOP, configure
from tests.report.plan.conftest import OFFICE, at, people, spec

ID = "SR-acme-gmbh-monthly_service-2026-08"
FILES = {"report.pdf": "%PDF one", "report.csv": "a,b\n"}
MAPPING = {"reports": [{"project": "example/shop/web-shop"}], "accounts": {"3002": "register:people/carla"}}
OPENED = at("2026-09-11T09:00")


@pytest.fixture
def planned(any_store):
    row = spec(valid_from="2026-08-01", valid_to="2026-09-01", approvers=[ReportParty(person="register:people/carla")])
    with any_store.begin() as conn:
        write_records(conn, [Write(one) for one in [*people(), row]], at("2026-08-01T08:00"))
        bodies = {name: text.encode() for name, text in FILES.items()}
        draft(ReportDesk(conn, OFFICE, now=at("2026-09-10T09:00")), ID, bodies, login="x")
        ask(ReportDesk(conn, OFFICE, now=at("2026-09-10T09:01")), ID, login="x")
    return any_store


def bring(desk, files=FILES, *, branch=f"report/{ID}/r1", folder=f"reports/{ID}/r1", project=SHOP, by="carla"):
    """Let the files of a report be pushed, approved and merged."""
    request = desk.content.open(project, "alice", OPENED, title="CHG-9: Report of August", branch=branch)
    desk.content.push(request, "alice", OPENED + MINUTE)
    held = tuple((f"{folder}/{name}", text) for name, text in files.items())
    request.pushes[-1] = replace(request.pushes[-1], files=held)
    desk.content.approve(request, by, OPENED + 20 * MINUTE)
    desk.content.merge(request, "carla", OPENED + 30 * MINUTE)
    return request


def read_into(store, desk, source, project=SHOP, **mapping):
    """Read the merge requests as a run does, and store what they become; return how the report stands then."""
    settings = configure(url=desk.url, mapping=MAPPING | mapping)
    words = Vocabulary.of("gitlab", "Europe/Berlin", desk.url, settings.mapping)
    made = source(desk, mapping=MAPPING | mapping)
    part = next(each for each in made.slices() if (each.stream, each.scope) == ("merge_request", str(project)))
    told = [
        normalise(Document("merge_request", each.native_id, part.scope, each.body), words)
        for page in made.fetch(part, None)
        for each in page.documents
    ]
    with store.begin() as conn:
        records = {one.id: one for each in told for one in each.records}
        write_records(conn, [Write(one) for one in records.values()], at("2026-09-30T09:00"))
        return ReportDesk(conn, OFFICE, now=at("2026-09-30T09:01")).cycle(ID), told


def test_who_approves_the_merge_request_approves_the_report(planned, desk, source):
    bring(desk)
    cycle, _ = read_into(planned, desk, source)
    assert cycle.state == "approved", cycle.last.ignored
    [held] = cycle.last.held
    assert (held.person, held.at, held.hash) == ("gitlab:user/3002", OPENED + 20 * MINUTE, cycle.last.hash)
    assert held.id.endswith("/report")


def test_a_merge_request_that_is_no_change_approves_as_well(planned, desk, source):
    bring(desk)
    cycle, _ = read_into(planned, desk, source, changes={"which": "label", "labels": ["change"]})
    assert cycle.state == "approved", cycle.last.ignored


@pytest.mark.parametrize(
    ("how", "ignored"),
    [
        ({"files": FILES | {"report.pdf": "%PDF two"}}, ["it is for other bytes"]),
        ({"files": FILES | {"more.txt": "x"}}, ["it is for other bytes"]),
        ({"branch": f"report/{ID}/r2"}, []),
        ({"branch": "august"}, []),
        ({"folder": "elsewhere"}, []),
        ({"by": "alice"}, ["nobody knows who that is"]),
    ],
)
def test_other_bytes_another_revision_or_nobody_known_approves_nothing(planned, desk, source, how, ignored):
    bring(desk, **how)
    cycle, _ = read_into(planned, desk, source)
    assert cycle.state == "in_review"
    assert [why for _, why in cycle.last.ignored] == ignored


def test_a_project_that_is_not_named_approves_no_report(planned, desk, source):
    bring(desk, project=DESK)
    before = len([path for path in desk.paths() if "/repository/" in path])
    cycle, _ = read_into(planned, desk, source, project=DESK)
    assert cycle.state == "in_review"
    assert len([path for path in desk.paths() if "/repository/" in path]) == before


@pytest.mark.parametrize("what", ["taken back", "pushed"])
def test_taken_back_or_pushed_again_approves_no_more(planned, desk, source, what):
    request = bring(desk)
    if what == "pushed":
        request.merged_at = None
        desk.content.push(request, "alice", OPENED + 25 * MINUTE)
        held = request.pushes[0].files
        request.pushes[-1] = replace(request.pushes[-1], files=held)
    else:
        desk.content.approve(request, "carla", OPENED + 25 * MINUTE, approved=False)
    cycle, _ = read_into(planned, desk, source)
    assert cycle.state == "in_review"
    assert not cycle.last.held


def test_what_the_description_and_title_say_counts_for_nothing(planned, desk, source):
    request = bring(desk, branch="august")
    request.title, request.description = f"report/{ID}/r1", json.dumps({"report": ID, "revision": 1})
    assert read_into(planned, desk, source)[0].state == "in_review"


def test_branches_that_name_a_report():
    assert reported_by(f"report/{ID}/r12") == (ID, 12)
    for branch in (
        None,
        7,
        "report/x/r1",
        f"report/{ID}/r0",
        f"report/{ID}/r1/x",
        f"report/{ID}/../r1",
        f"report/{ID}/r1\n",
    ):
        assert reported_by(branch) is None
