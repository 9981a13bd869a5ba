"""From documents of GitLab to verdicts of the real pack: what was deployed was approved, by whom, on which revision."""

from __future__ import annotations

from typing import Any

import pytest

from hub.conformance.horizon import load_horizon
from hub.conformance.judge import judge
from hub.conformance.pack import Pack, Requirement
from hub.records import KINDS, Event, Record
from hub.store.reading import set_provisions
from hub.store.store import Store
from hub.sync.source import Normalised, Provision
from hub_bs15000.catalogue import load_pack
from hub_gitlab.provision import provisions
from hub_gitlab.vocabulary import Vocabulary
from tests.conformance.kit import House, cover, named_rows, needed, prepare
from tests.gitlab.mapping_kit import (
    B1,
    B2,
    CLEO,
    at,
    commit,
    deployment,
    label_event,
    merge_request,
    note,
    policy,
    protection,
    read,
    request,
    user,
    version,
    words,
)

ASKED = (
    "BS15000-8.1-k",
    "BS15000-8.3-h",
    "OPS-03",
    "SLM-14",
    "BS15000-4.5-a",
    "BS15000-4.5-b",
    "BS15000-5.7-g",
    "BS15000-8.2-b",
    "BS15000-8.2-c",
    "BS15000-9-c",
    "BS15000-9-h",
)
NOW = at("2026-06-01T00:00:00Z")
STRANGER = user(99, "stranger")


def requirements() -> list[Requirement]:
    pack = load_pack()
    declared = pack.declarations() if callable(pack.declarations) else pack.declarations
    entries = tuple(entry for entry in pack.entries if entry.id in ASKED)
    chosen = {rid: declared[rid] for rid in ASKED}
    small = Pack(name=pack.name, version=pack.version, clauses=pack.clauses, entries=entries, declarations=chosen)
    return list(small.requirements({"BS15000-8.1-k": {"approved_sources": ["https://git.example.net/shop/web/"]}}))


def people() -> list[Record]:
    """Who is who: by the number of a login, by a mail address, and nobody for the stranger."""
    person, duty = KINDS["person"], KINDS["role_assignment"]
    found: list[Record] = []
    for native, name in enumerate(("ann", "ben", "cleo"), start=1):
        same = [f"git:user/{native}", f"desk:user/{name}"]
        found.append(
            person(id=f"register:people/{name}", source="register", email=[f"{name}@example.net"], same_as=same)
        )
        found.append(person(id=f"desk:user/{name}", source="desk", account=True))
    for name in ("ben", "cleo"):
        for role in ("change_authority", "document_controller"):
            found.append(  # noqa: PERF401 - two lists in one
                duty(id=f"register:roles/{role}-{name}", source="register", person=f"register:people/{name}", role=role)
            )
    return found


def things() -> list[Record]:
    """The service, and two of its items that were altered, one of them under a merge request."""
    item, service = KINDS["configuration_item"], KINDS["service"]
    altered = [Event(at=at("2026-03-05T09:00:00Z"), type="updated", field="version", from_="1", to="2")]
    live = at("2026-03-20T00:00:00Z")
    return [
        service(id=SHOP, source="register", lifecycle="live", live_at=live, created_at=at("2026-01-01T00:00:00Z")),
        item(id="register:configuration_items/db", source="register", ci_type="server", events=altered),
        item(id="register:configuration_items/web", source="register", ci_type="server", events=altered),
    ]


def merged(native: int, **more: Any) -> dict[str, Any]:
    """A merge request by Ann that Cleo approved as it was merged; its deployment has the same number."""
    mine = {"title": "disk", "description": "", "source_branch": "disk", "iid": native, "references": None}
    said = request(id=native, **{**mine, **more.pop("said", {})})
    body = {
        "merge_request": said,
        "approvals": {"approved": True, "approved_by": [{"user": CLEO}]},
        "approval_events": [note(1, CLEO, "2026-03-04T11:00:00Z")],
        "commits": [commit("ann@example.net")],
        "closes": [],
    }
    return merge_request(**{**body, **more})


def deployed(native: int, *requests: dict[str, Any], **more: Any) -> dict[str, Any]:
    body = deployment(merge_requests=[each["merge_request"] for each in requests], **more)
    return {**body, "deployment": {**body["deployment"], "id": native, "sha": B2}}


PUSHED_AFTER = [version(B1, "2026-03-02T09:00:00Z"), version(B2, "2026-03-04T11:30:00Z")]
LABELS, DAY = ("change::normal",), "2026-03-02T09:10:00Z"
REQUESTS = {
    1: merged(
        1,
        said={"labels": [*LABELS, "db", "new"]},
        label_events=[label_event(each, DAY) for each in (*LABELS, "db", "new")],
    ),
    2: merged(2, versions=PUSHED_AFTER, said={"labels": [*LABELS, "backed-out"]}),
    3: merged(3, commits=[commit("ann@example.net", "Cleo@Example.net")]),
    4: merged(4, said={"title": "CHG-4: disk"}),
    5: merged(5, said={"title": "CHG-5: disk", "author": CLEO}, approvals={"approved_by": []}, approval_events=[]),
    6: merged(
        6, approvals={"approved_by": [{"user": STRANGER}]}, approval_events=[note(1, STRANGER, "2026-03-04T11:00:00Z")]
    ),
    7: merged(7, approvals=..., approval_events=..., refused={"approvals": "403"}),
    8: merged(8, said={"author": CLEO}),
    9: merged(9, commits=[commit("somebody@elsewhere.test")]),
    10: merged(10, versions=...),
    11: merged(
        11, pipeline={"sha": B1, "status": "success", "finished_at": "2026-03-03T10:00:00Z", "web_url": "https://p"}
    ),
    12: merged(12, approval_events=[note(1, CLEO, "2026-03-04T12:30:00Z")]),
}
DEPLOYED = {
    1: deployed(1, REQUESTS[1]),
    2: deployed(2, REQUESTS[2]),
    3: deployed(3),
    4: {**deployed(4), "merge_requests": None},
    5: deployed(5, REQUESTS[1], REQUESTS[11], ref_protected=False),
    6: deployed(6, REQUESTS[8], environment={"name": "staging", "tier": "staging"}),
}


def ticket(number: int, implementer: str, approver: str) -> list[Record]:
    change, approval = KINDS["change"], KINDS["approval"]
    one = f"desk:issue/{number}"
    began = at("2026-03-05T09:00:00Z")
    said = {"type": "normal", "revision": B2, "implementer": f"desk:user/{implementer}", "actual_start": began}
    return [
        change(id=one, source="desk", scope="CHG", key=f"CHG-{number}", actual_end=began, **said),
        approval(
            id=f"{one}/approval/1",
            source="desk",
            scope="CHG",
            subject_id=one,
            subject_revision=B2,
            approver=f"desk:user/{approver}",
            decision="approved",
            decided_at=at("2026-03-04T10:00:00Z"),
        ),
    ]


def documents(vocabulary: Vocabulary) -> list[Normalised]:
    told = [read("merge_request", each, vocabulary) for each in REQUESTS.values()]
    told += [read("deployment", each, vocabulary) for each in DEPLOYED.values()]
    told.append(read("document", policy(commit={**policy()["commit"], "author_email": "ann@example.net"}), vocabulary))
    told.append(read("protection", protection(), vocabulary))
    return told


@pytest.fixture(scope="module")
def judged(sqlite_template, tmp_path_factory) -> dict[tuple[str, str, str], str]:
    """Everything written once, tickets first, derived and judged."""
    folder = tmp_path_factory.mktemp("proof")
    (folder / "hub.db").write_bytes(sqlite_template.read_bytes())
    store = Store.open(f"sqlite:///{folder / 'hub.db'}", base_dir=folder)
    vocabulary = words(
        major_label="major",
        change_classes={"new": "new_service"},
        outcome="successful",
        outcomes={"backed-out": "backed_out"},
        control={"risk_id": "register:risks/1", "owner": "register:people/ben", "maintenance": "yearly"},
    )
    house = House(store, requirements())
    with store.begin() as conn:
        prepare(conn)
        fields = needed(house.requirements)
        for source in ("desk", "register"):
            given = [Provision(kind, names) for kind, names in fields.items() if kind in HELD[source]]
            set_provisions(conn, source, given, 1)
            cover(conn, source, "CHG" if source == "desk" else "", HELD[source])
        set_provisions(conn, "git", provisions(vocabulary, premium=False), 1)
        cover(conn, "git", "501", {each.kind for each in provisions(vocabulary, premium=False)})
    house.write(*things(), *people(), *ticket(4, "cleo", "ben"), *ticket(5, "ben", "cleo"))
    for told in documents(vocabulary):
        house.write(*told.records)
    house.derive()
    with store.connect() as conn:
        rows = named_rows(judge(conn, house.requirements, as_of=NOW, known_at=None, judge_from=0, stale_ms=0))
    store.close()
    months = {(f"{row.requirement} {row.anchor}", row.part, row.unit): row.verdict for row in rows}
    return months | {(row.requirement, row.part, row.unit): row.verdict for row in rows}


HELD = {
    "desk": ("change", "approval"),
    "register": ("person", "role_assignment", "risk", "service", "configuration_item", "document", "plan"),
}
SHOP = "register:services/shop"


@pytest.mark.parametrize(
    ("number", "part", "expected"),
    [
        (1, "8.2-c authorised", "met"),
        (1, "8.2-b tested", "met"),
        (1, "9-c authorised", "met"),
        (2, "8.2-c authorised", "not_met"),
        (2, "9-c authorised", "not_met"),
        (3, "8.2-c authorised", "not_met"),
        (4, "8.2-c authorised", "not_met"),
        (5, "8.2-c authorised", "not_met"),
        (6, "8.2-c authorised", "not_provable"),
        (7, "8.2-c authorised", "not_provable"),
        (8, "8.2-c authorised", "not_met"),
        (9, "8.2-c authorised", "not_provable"),
        (10, "8.2-c authorised", "not_provable"),
        (11, "8.2-b tested", "not_met"),
        (12, "8.2-c authorised", "not_met"),
    ],
)
def test_a_merge_request_is_judged(judged, number, part, expected):
    rid, name = part.split()
    assert judged[f"BS15000-{rid}", name, f"git:merge_request/{number}"] == expected


def test_who_made_the_merge_request_does_not_approve_its_ticket(judged):
    assert judged["BS15000-8.2-c", "authorised", "desk:issue/5"] == "not_met"
    assert judged["BS15000-8.2-c", "authorised", "desk:issue/4"] == "met"


@pytest.mark.parametrize(
    ("number", "part", "expected"),
    [
        (1, "9-c belongs_to_change", "met"),
        (1, "9-c tested", "met"),
        (1, "9-h from_library", "met"),
        (3, "9-c belongs_to_change", "not_met"),
        (4, "9-c belongs_to_change", "not_provable"),
        (5, "9-c belongs_to_change", "met"),
        (5, "9-h from_library", "not_provable"),
        (6, "9-c belongs_to_change", None),
    ],
)
def test_a_deployment_is_judged(judged, number, part, expected):
    rid, name = part.split()
    assert judged.get((f"BS15000-{rid}", name, f"git:deployment/{number}")) == expected


@pytest.mark.parametrize(
    ("rid", "part", "unit", "expected"),
    [
        ("BS15000-8.1-k", "from_approved_source", "git:deployment/1", "met"),
        ("BS15000-8.1-k", "from_approved_source", "git:deployment/5", "not_met"),
        ("BS15000-8.3-h", "change_approved", "git:merge_request/1", "met"),
        ("BS15000-8.3-h", "change_planned", "git:merge_request/1", "not_met"),
        ("BS15000-8.3-h", "service_approved", SHOP, "met"),
        ("OPS-03", "approved", "register:configuration_items/db", "met"),
        ("OPS-03", "approved", "register:configuration_items/web", "not_met"),
    ],
)
def test_what_other_clauses_read_of_it(judged, rid, part, unit, expected):
    assert judged[rid, part, unit] == expected


def test_how_many_changes_succeed_is_counted(judged):
    march = at("2026-03-01T00:00:00+01:00")
    assert judged[f"SLM-14 {march}", "succeeded", SHOP] == "met", "11 of 12"


def test_a_document_in_git_is_put_in_force_by_who_approved_it(judged):
    one = "git:document/501/policies/it/change.md@cccccccccccc"
    assert judged["BS15000-4.5-b", "authorised", one] == "met"
    assert judged["BS15000-4.5-a", "identified", one] == "met"
    assert judged["BS15000-4.5-a", "located", one] == "met"


def test_what_the_tier_cannot_tell_is_provable_nowhere(judged):
    found = {verdict for (rid, _, unit), verdict in judged.items() if unit.startswith("git:control/")}
    assert found == {"not_provable"}


def test_of_what_these_read_of_a_deployment_gitlab_tells_all_but_the_digest(store):
    with store.begin() as conn:
        set_provisions(conn, "git", provisions(words(), premium=False), 1)
        horizon = load_horizon(conn, known_at=None)
    needs = [need for one in requirements() for part in one.parts for need in part.needs if need.kind == "deployment"]
    assert {name for need in needs for name in horizon.missing("git", need)} == {"artefact_digest"}
