from __future__ import annotations

from itertools import pairwise

import pytest

from hub.records import Approval, Pause, Person, Release, Reopen, Review
from hub_jira.mapping import normalise
from hub_jira.vocabulary import Vocabulary
from tests.jira.kit import at, configure, document, entry, issue, item, user

D = [f"2026-01-{day:02}T10:00:00.000+0100" for day in range(32)]
STATUS = {"Open": "1", "Work": "2", "Waiting for customer": "3", "Resolved": "4", "Closed": "5"}


def move(old: str, new: str) -> dict:
    return item("status", old, new, ids=(STATUS.get(old, "77"), STATUS.get(new, "77")))


def life(*steps: str, start: int = 6) -> list:
    pairs = pairwise(steps)
    return [entry(D[start + n], move(old, new), native=str(n)) for n, (old, new) in enumerate(pairs)]


def since(record) -> dict[str, int]:
    return {each.field: each.at for each in record.since}


def types(record) -> list[str]:
    return [each.type for each in record.events]


def test_the_envelope(read):
    record, _ = read(
        issue(
            assignee=user("bob"),
            labels=["night"],
            customfield_999={"any": [1]},
            components=[{"id": "7", "name": "Web shop"}],
        )
    )
    assert record.id == "desk:issue/10412"
    assert (record.key, record.scope, record.title) == ("OPS-12", "OPS", "Replace the disk")
    assert record.url == "https://jira.example.net/browse/OPS-12"
    assert (record.creator, record.assignee) == ("desk:user/alice", "desk:user/bob")
    assert record.created_at == at("2026-01-05T08:00:00Z")
    assert record.raw_times["created_at"] == "2026-01-05T09:00:00.000+0100"
    assert record.custom == {"customfield_999": {"any": [1]}}
    assert record.service_ids == ["register:services/shop"]
    assert (record.status, record.status_category) == ("Open", "new")


def test_an_unmapped_type_is_counted(read):
    record, out = read(issue("Story"))
    assert record is None
    assert [each.reason for each in out.skipped] == ["issue type not mapped: Story"]
    assert out.unmapped == {"issue_type:Story": '"Story" = "incident"'}


def test_an_unmapped_status_is_other_and_reported(read):
    record, out = read(issue("Incident", status={"id": "9", "name": "待处理", "statusCategory": {"key": "done"}}))
    assert (record.status, record.status_category, record.resolved_at) == ("待处理", "other", None)
    assert "resolved_at" in record.unknown_fields
    assert "status:待处理" in out.unmapped


def test_jiras_own_category_only_where_configured(read):
    words = Vocabulary.of("desk", "UTC", configure(status_fallback="category"))
    record, _ = read(issue("Incident", status={"id": "9", "name": "?", "statusCategory": {"key": "done"}}), words)
    assert record.status_category == "closed"


def test_a_life_with_pause_resolution_and_reopening(read):
    steps = life("Open", "Work", "Waiting for customer", "Work", "Resolved", "Work", "Resolved", "Closed")
    record, _ = read(issue("Incident", histories=steps, status={"id": "5", "name": "Closed"}))
    assert types(record) == ["created", "accepted", "paused", "resumed", "resolved", "reopened", "resolved", "closed"]
    assert record.pauses == [Pause(from_=at(D[7]), to=at(D[8]), reason="pending_customer")]
    assert record.reopens == [Reopen(resolved_at=at(D[9]), reopened_at=at(D[10]))]
    assert (record.resolved_at, record.closed_at) == (at(D[11]), at(D[12]))
    assert since(record)["status"] == at(D[12])


def test_closing_without_resolving_resolves(read):
    record, _ = read(issue("Request", histories=life("Open", "Closed"), status={"id": "5", "name": "Closed"}))
    assert record.resolved_at == record.closed_at == record.fulfilled_at == at(D[6])


def test_a_pause_is_unknown_where_a_state_has_no_mapping(read):
    record, _ = read(issue("Incident", histories=life("Open", "Parked", "Work"), status={"id": "2", "name": "Work"}))
    assert record.pauses == []
    assert {"pauses", "reopens"} <= set(record.unknown_fields)


def test_an_incomplete_changelog_proves_no_instant(read):
    body = issue(
        histories=[entry(D[6], item("x", None, "plan", field_id="customfield_10030"))], customfield_10030="plan"
    )
    assert "backout_plan" in since(read(body)[0])
    body["changelog"]["total"] = 2
    record, _ = read(body)
    assert record.backout_plan == "plan"
    assert record.since == []
    assert "events" in record.unknown_fields


def test_past_values_are_told_in_neutral_words(read):
    histories = [
        entry(D[6], item("Type", "Emergency change", "Usual", field_id="customfield_10010")),
        entry(D[7], item("Type", "Usual", "Emergency change", ids=("7", "8"), field_id="customfield_10010")),
    ]
    record, _ = read(issue(histories=histories, customfield_10010={"value": "Emergency change"}))
    moves = [(each.from_, each.to) for each in record.events if each.field == "type"]
    assert moves == [("emergency", "Usual"), ("Usual", "emergency")]


def test_mapped_fields_and_since_when(read):
    record, out = read(
        issue(
            histories=[
                entry(D[6], item("Back-out plan", None, "v1", field_id="customfield_10030")),
                entry(D[7], item("Tested", None, "abc", field_id="customfield_10033")),
                entry(D[8], item("Tests", None, "Passed", field_id="customfield_10032")),
            ],
            customfield_10010={"value": "Emergency change"},
            customfield_10024="shop slow",
            customfield_10025=user("erin"),
            customfield_10030="v1",
            customfield_10032={"value": "Passed"},
            customfield_10033="abc",
            customfield_10039="2026-02-30T10:00:00.000+0800",
            customfield_10044="test: no time",
        )
    )
    assert record.type == "emergency"
    assert (record.impact.service, record.impact.by) == ("shop slow", "desk:user/erin")
    assert [(each.status, each.commit) for each in record.tests] == [("passed", "abc")]
    assert since(record)["impact.service"] == record.created_at
    assert since(record)["backout_plan"] == at(D[6])
    assert since(record)["tests"] == at(D[8])
    assert record.actual_start is None
    assert "actual_start" in record.unknown_fields
    assert record.raw_times["actual_start"] == "2026-02-30T10:00:00.000+0800"
    assert [each.reason for each in out.skipped] == ["actual_start: impossible time"]


def test_first_response_is_a_persons_public_word(read):
    def said(n: int, who: str, *, public: bool = True, **more) -> dict:
        return {"id": str(n), "created": D[n], "author": user(who, **more), "jsdPublic": public, "body": "x"}

    record, _ = read(
        issue(
            "Incident",
            histories=life("Open", "Waiting for customer", start=11),
            status={"id": "3", "name": "Waiting for customer"},
            comment={
                "total": 6,
                "comments": [
                    said(6, "carol", accountType="customer"),
                    said(7, "robot"),
                    said(8, "bob", public=False),
                    said(9, "bob"),
                    said(10, "bob"),
                    said(12, "carol", accountType="customer"),
                ],
            },
        )
    )
    assert (record.first_response_at, record.first_response_ref) == (at(D[9]), "comment/9")
    assert [each.at for each in record.customer_updates] == [at(D[9]), at(D[10])]
    assert types(record) == [
        "created",
        "updated",
        "updated",
        "updated",
        "responded",
        "customer_informed",
        "paused",
        "updated",
    ]
    assert (record.pauses[0].customer_asked_at, record.pauses[0].customer_replied_at) == (at(D[10]), at(D[12]))


@pytest.mark.parametrize(
    "fields",
    [
        {"comment": {"comments": [], "total": 3}},
        {"comment": None},
        {"comment": {"comments": [{"id": "1", "created": D[6], "author": user("bob")}], "total": 1}},
        {
            "project": {"key": "OPS", "projectTypeKey": "software"},
            "comment": {
                "comments": [{"id": "1", "created": D[6], "author": user("bob"), "jsdPublic": True}],
                "total": 1,
            },
        },
    ],
    ids=["cut", "absent", "silent on visibility", "no service desk"],
)
def test_the_first_response_is_unknown_where_comments_are(read, fields):
    record, _ = read(issue("Incident", **fields))
    assert record.first_response_at is None
    assert {"first_response_at", "customer_updates"} <= set(record.unknown_fields)


def link(outward: bool, native: str, key: str, kind: str, name: str = "Problem/Incident") -> dict:  # noqa: FBT001
    side = "outwardIssue" if outward else "inwardIssue"
    other = {"id": native, "key": key, "fields": {"issuetype": {"name": kind}}}
    return {"id": "55", "type": {"id": "3", "name": name, "inward": "is caused by", "outward": "causes"}, side: other}


def test_links_by_type_direction_and_instant(read):
    record, out = read(
        issue(
            "Incident",
            histories=[entry(D[6], item("Link", None, "This issue is caused by PRB-1", ids=(None, "PRB-1")))],
            issuelinks=[link(False, "900", "PRB-1", "Problem"), link(True, "901", "OPS-9", "Incident", name="Odd")],
            parent={"id": "800", "key": "OPS-1"},
            fixVersions=[{"id": "70"}],
        )
    )
    assert [(each.type, each.target, each.at) for each in record.links] == [
        ("caused_by", "desk:issue/900", at(D[6])),
        ("included_in", "desk:version/70", record.created_at),
        ("part_of", "desk:issue/800", None),
        ("relates", "desk:issue/901", None),
    ]
    assert record.problem_ids == ["desk:issue/900"]
    assert "linked" in types(record)
    assert out.unmapped == {"link:Odd": '"Odd" = ["relates", "relates"]'}


def test_each_link_has_its_own_instant(read):
    told = [
        entry(D[6], item("Link", None, "This issue causes OPS-8", ids=(None, "OPS-8"))),
        entry(D[7], item("Link", None, "This issue causes OPS-9", ids=(None, "OPS-9"))),
    ]
    both = [link(True, "908", "OPS-8", "Incident"), link(True, "909", "OPS-9", "Incident")]
    record, _ = read(issue("Problem", histories=told, issuelinks=both))
    assert [(each.target, each.at) for each in record.links] == [
        ("desk:issue/908", at(D[6])),
        ("desk:issue/909", at(D[7])),
    ]
    assert record.incident_ids == ["desk:issue/908", "desk:issue/909"]


def test_an_unreadable_time_is_not_replaced_by_a_guess(read):
    words = Vocabulary.of("desk", "UTC", configure(fields={"customfield_1": "incident.reported_at"}))
    record, _ = read(issue("Incident", customfield_1="yesterday"), words)
    assert (record.reported_at, "reported_at" in record.unknown_fields) == (None, True)
    assert read(issue("Incident"), words)[0].reported_at == record.recorded_at


def test_former_keys_are_aliases(read):
    body = issue(histories=[entry(D[6], item("Key", "OLD-3", "OPS-12", ids=("OLD-3", "OPS-12")))])
    assert read(body)[0].aliases == ["OLD-3"]


def test_services_since_the_component_came(read):
    body = issue(
        histories=[entry(D[6], item("Component", None, "Web shop", ids=(None, "7"), field_id="components"))],
        components=[{"id": "7", "name": "Web shop"}],
    )
    assert since(read(body)[0])["service_ids"] == at(D[6])


def test_an_escalation_label(read):
    body = issue(
        "Incident", histories=[entry(D[6], item("labels", "night", "night escalated"))], labels=["night", "escalated"]
    )
    record, _ = read(body)
    assert "escalated" in types(record)
    assert [each.at for each in record.escalations] == [at(D[6])]


def test_assignments_name_accounts(read):
    body = issue(histories=[entry(D[6], item("assignee", None, "Bob", ids=(None, "bob")))], assignee=user("bob"))
    record, _ = read(body)
    event = record.events[-1]
    assert (event.type, event.actor, event.to) == ("assigned", "desk:user/alice", "desk:user/bob")
    assert since(record)["assignee"] == at(D[6])


def test_who_reported_and_what_since_the_ticket_says_it(read):
    body = issue(
        "Incident",
        histories=[entry(D[6], item("description", None, "It is slow."))],
        description="It is slow.",
        reporter=user("carol"),
        creator=user("dave"),
    )
    record, _ = read(body)
    assert (record.description, record.reporter, record.creator) == ("It is slow.", "desk:user/carol", "desk:user/dave")
    held = since(record)
    assert held["description"] == at(D[6])
    assert {held[name] for name in ("reporter", "creator", "title", "reported_at", "recorded_at")} == {
        record.created_at
    }


def test_accounts_are_records_deactivated_ones_too(read):
    _, out = read(issue(assignee=user("dave", active=False, emailAddress="d@x.org")))
    people = {each.id: each for each in out.records if isinstance(each, Person)}
    assert all(each.account for each in people.values())
    assert people["desk:user/alice"].same_as == ["register:people/alice"]
    assert people["desk:user/dave"].status == "inactive"
    assert people["desk:user/dave"].email == ["d@x.org"]


def step(native: str, opened: int, done: int | None, *approvers: tuple[str, str]) -> dict:
    return {
        "id": native,
        "name": "CAB",
        "finalDecision": "approved",
        "createdDate": {"jira": D[opened]},
        "completedDate": {"jira": D[done], "epochMillis": at(D[done])} if done else None,
        "approvers": [{"approver": user(who), "approverDecision": word} for who, word in approvers],
    } | {"createdDate": {"iso8601": D[opened]}}


def approvals(out) -> list[Approval]:
    return [each for each in out.records if isinstance(each, Approval)]


def test_one_approver_decided_when_the_step_was_completed(read):
    record, out = read(
        issue(
            histories=[
                entry(D[8], item("Revision", "r1", "r2", field_id="customfield_10035")),
            ],
            customfield_10035="r2",
            customfield_10045=[step("1", 6, 7, ("bob", "approved"))],
        )
    )
    (approval,) = approvals(out)
    assert approval.id == "desk:issue/10412/approval/1/bob"
    assert (approval.subject_id, approval.approver) == (record.id, "desk:user/bob")
    assert (approval.decision, approval.decided_at, approval.subject_revision) == ("approved", at(D[7]), "r1")
    assert (approval.via, approval.authenticity, approval.unknown_fields) == ("tool", "tool_login", [])
    assert record.approval_ids == [approval.id]
    assert types(record)[:3] == ["created", "approval_requested", "approved"]


def test_several_approvers_need_the_changelog_for_their_own_instants(read):
    told = entry(D[7], item("Approvals", "", "Approved", field_id="customfield_10045"), by="bob")
    _, out = read(
        issue(histories=[told], customfield_10045=[step("1", 6, 9, ("bob", "approved"), ("erin", "approved"))])
    )
    bob, erin = approvals(out)
    assert (bob.decided_at, bob.unknown_fields) == (at(D[7]), [])
    assert erin.decided_at == at(D[9])
    assert "decided_at" in erin.unknown_fields
    assert erin.raw_times["decided_at"] == D[9]


def test_a_later_no_withdraws_the_yes(read):
    steps = [
        step("1", 6, 7, ("bob", "approved")),
        step("2", 8, 9, ("bob", "declined")),
        step("3", 10, None, ("erin", "pending")),
    ]
    _, out = read(issue(customfield_10045=steps))
    yes, no, open_ = approvals(out)
    assert (yes.decision, yes.withdrawn_at) == ("approved", at(D[9]))
    assert (no.decision, no.withdrawn_at) == ("rejected", None)
    assert (open_.decision, open_.decided_at, open_.unknown_fields) == (None, None, [])


def test_a_yes_after_a_no_stands(read):
    steps = [step("1", 6, 7, ("bob", "declined")), step("2", 8, 9, ("bob", "approved"))]
    assert [each.withdrawn_at for each in approvals(read(issue(customfield_10045=steps))[1])] == [None, None]


def test_the_revision_is_unknown_without_the_whole_changelog(read):
    body = issue(customfield_10035="r2", customfield_10045=[step("1", 6, 7, ("bob", "approved"))])
    body["changelog"]["total"] = 5
    (approval,) = approvals(read(body)[1])
    assert approval.subject_revision is None
    assert "subject_revision" in approval.unknown_fields


def test_a_review_stands_in_the_change(read):
    record, out = read(
        issue(
            histories=[entry(D[9], item("Weaknesses", None, "none", field_id="customfield_10082"))],
            customfield_10080="2026-01-09T10:00:00.000+0100",
            customfield_10081="time | 2 h | 3 h",
            customfield_10082="none",
        )
    )
    (review,) = (each for each in out.records if isinstance(each, Review))
    assert (review.id, review.type, review.subject_id) == (f"{record.id}/pir", "pir", record.id)
    assert (review.held_at, review.no_weaknesses, review.process_weaknesses) == (at(D[9]), True, [])
    assert review.planned_vs_actual[0].actual == "3 h"
    assert since(review) == {
        "held_at": record.created_at,
        "planned_vs_actual": record.created_at,
        "process_weaknesses": at(D[9]),
    }
    assert not any(each.startswith("review.") for each in record.unknown_fields)


@pytest.mark.parametrize(
    ("line", "action"),
    [
        ("Test set too small: IMP-10", "desk:issue/77"),
        ("Test set too small (IMP-10).", "desk:issue/77"),
        ("See IMP-10 for the test set", None),
        ("Test set too small: IMP-11", None),
        ("Test set too small", None),
    ],
)
def test_a_weakness_names_its_action_by_key(read, line, action):
    linked = link(False, "77", "IMP-10", "Improvement")
    _, out = read(issue(customfield_10082=line, issuelinks=[linked]))
    (review,) = (each for each in out.records if isinstance(each, Review))
    assert [(each.text, each.action_id) for each in review.process_weaknesses] == [(line, action)]


def test_so_does_a_recommendation():
    settings = configure(fields={"customfield_7": "review.recommendations"})
    body = issue(customfield_7="Shorten it: IMP-10\nKeep the freeze", issuelinks=[link(True, "77", "IMP-10", "Task")])
    out = normalise(document(body), Vocabulary.of("desk", "Europe/Berlin", settings))
    (review,) = (each for each in out.records if isinstance(each, Review))
    assert [each.action_id for each in review.recommendations] == ["desk:issue/77", None]


def test_every_public_word_on_a_change_informs_the_customer(read):
    spoken = [{"id": "1", "created": D[7], "author": user("bob"), "jsdPublic": True, "body": "x"}]
    record, _ = read(issue(comment={"total": 1, "comments": spoken}))
    assert [(each.type, each.visible_to_customer) for each in record.events if each.field == "comment"] == [
        ("customer_informed", True)
    ]


def test_a_change_without_review_fields_has_none(read):
    assert not [each for each in read(issue())[1].records if isinstance(each, Review)]


def test_running_clocks_are_kept_without_their_passing_figures(read):
    clock = {"id": "4", "name": "Time to resolution", "ongoingCycle": {"breached": False, "elapsedTime": {"millis": 5}}}
    record, _ = read(issue("Incident", customfield_10046=clock))
    assert record.tool_sla == {"Time to resolution": {"cycles": [{"missed": False}]}}


@pytest.mark.parametrize(
    ("told", "kept"),
    [
        ({"id": "4", "name": "Time to resolution", "completedCycles": []}, {"Time to resolution": {}}),
        ({"completedCycles": [{"breached": True}, 7, {}]}, {"sla": {"cycles": [{"missed": True}]}}),
        ([{"name": "A", "completedCycles": "x"}, 7, {"completedCycles": [{"breached": True}]}], {"A": {}}),
        ({}, {}),
        ("soon", {}),
    ],
    ids=["no cycle yet", "no name", "several", "empty", "no clock"],
)
def test_odd_clocks_say_what_they_can(read, told, kept):
    assert read(issue("Incident", customfield_10046=told))[0].tool_sla == kept


def test_cycles_of_a_clock_are_told_in_the_words_of_the_hub(read):
    done = {
        "startTime": {"iso8601": "2026-11-02T09:00:00+0100", "epochMillis": 1_793_606_400_000},
        "stopTime": {"iso8601": "2026-11-02T10:00:00+0100"},
        "breachTime": "soon",
        "breached": True,
        "goalDuration": {"millis": 1_800_000},
        "elapsedTime": {"millis": 3_600_000},
    }
    running = {"startTime": {"epochMillis": 1_793_620_800_000}, "paused": True, "elapsedTime": {"millis": 5}}
    clock = {"name": "Time to resolution", "completedCycles": [done], "ongoingCycle": running}
    record, _ = read(issue("Incident", customfield_10046=clock))
    first = {"start": 1_793_606_400_000, "stop": 1_793_610_000_000, "target_s": 1800, "counted_s": 3600, "missed": True}
    assert record.tool_sla["Time to resolution"]["cycles"] == [first, {"start": 1_793_620_800_000, "paused": True}]


@pytest.mark.parametrize(
    ("body", "planned", "unknown", "skips"),
    [
        ({"id": "70", "name": "1.0", "releaseDate": "2026-03-31"}, at("2026-03-31T22:00:00Z"), [], 0),
        ({"id": "70", "name": "1.0", "releaseDate": "2026-03-31", "released": True}, None, ["released_at"], 1),
        ({"id": "70", "name": "1.0", "releaseDate": "31/Mar/26"}, None, ["planned_release_at"], 1),
        ({"id": "70", "name": "1.0"}, None, [], 0),
    ],
)
def test_versions_are_releases(words, body, planned, unknown, skips):
    out = normalise(document(body, "version", "70"), words)
    (release,) = out.records
    assert isinstance(release, Release)
    assert (release.id, release.version) == ("desk:version/70", "1.0")
    assert (release.planned_release_at, release.released_at, release.unknown_fields) == (planned, None, unknown)
    assert len(out.skipped) == skips


@pytest.mark.parametrize("raw", [b"", b"{", b"[1]", b"\xff", b'"x"', b"[" * 5000])
def test_what_is_no_issue_is_counted(words, raw):
    out = normalise(document(raw), words)
    assert (out.records, len(out.skipped)) == ([], 1)


def test_the_same_document_gives_the_same_records(words):
    body = document(issue(histories=life("Open", "Work"), customfield_10045=[step("1", 6, 7, ("bob", "approved"))]))
    assert normalise(body, words) == normalise(body, words)
