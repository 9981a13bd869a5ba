from __future__ import annotations

import dataclasses
import json
from datetime import date
from email import message_from_bytes, policy

import pytest

from hub.cli import report_answers
from hub.cli.judging import derived, refreshed
from hub.cli.report_issue import make_conformance, make_urgent
from hub.cli.session import Session
from hub.clock import FixedClock, parse_instant
from hub.conformance import cycle
from hub.records import Change, encode_record
from hub.store import outbox
from hub.store.writer import write_page
from hub.sync.source import Document, Normalised
from tests.conformance import kit
from tests.report.test_audience import CONFIG, RECORDS

MONTHLY = parse_instant("2026-11-03T08:01:00Z")
EVENING = parse_instant("2026-11-12T22:30:00Z")  # 23:30 in Berlin
MIDNIGHT = parse_instant("2026-11-12T23:10:00Z")  # 0:10 the day after
CRITICAL = dataclasses.replace(kit.planned().entry, severity="critical")
PLANNED = dataclasses.replace(kit.planned(), entry=CRITICAL)


class Place:
    """A store that is worked on from time to time: by whom is new each time, as cron does it."""

    def __init__(self, path) -> None:
        self.path = path

    def at(self, instant: int, what=make_urgent, new: list[Change] = (), *, refresh: bool = True):
        with Session(self.path, clock=FixedClock(instant), create_store=True) as opened:
            self._read(opened, new, instant)
            derived(opened)
            if refresh:
                refreshed(opened)
            return what(opened)

    def _read(self, opened, new, instant) -> None:
        documents = [Document(stream="all", native_id=one.id[9:], scope="all", body=encode_record(one)) for one in new]
        with opened.store.begin() as conn:
            pages = [Normalised(records=[one]) for one in new]
            write_page(conn, source="register", documents=documents, normalised=pages, known_at=instant - 1000)
            kit.provide(conn, [PLANNED], "register")
            kit.cover(conn, "register", "all", ("change", "service"), through=instant + 1000, known_at=instant - 999)

    def issued(self) -> dict[str, dict]:
        with Session(self.path) as opened, opened.store.connect() as conn:
            return {one.report_id: json.loads(one.model) for one in outbox.list_reports(conn)}

    def mails(self) -> list[tuple[str, str]]:
        with Session(self.path) as opened, opened.store.connect() as conn:
            found = [one.key for one in outbox.deliveries(conn) if one.key.channel == "mail"]
        return sorted((key.report_id, key.recipient) for key in found if "-urgent-" in key.report_id)


@pytest.fixture
def place(tmp_path, places, monkeypatch):
    monkeypatch.setattr(cycle, "FIRST_DAY", date(2026, 1, 1))
    monkeypatch.setattr(cycle, "horizon", lambda _now, _zone: date(2027, 3, 31))
    (tmp_path / "hub.toml").write_text(CONFIG, encoding="utf-8")
    monkeypatch.setattr(Session, "requirements", lambda _self: [PLANNED])
    monkeypatch.setattr(report_answers, "catalogue", lambda _session: [CRITICAL])
    made = Place(places.furnish(tmp_path / "hub.toml"))
    made.at(MONTHLY, make_conformance, RECORDS)
    return made


def started(number: int, at: int, service: str = "shop") -> Change:
    return Change(
        id=f"register:changes/{number}", source="register", scope="all", key=f"CHG-{number}", title="Swap",
        type="normal", created_at=at - 7_200_000, actual_start=at - 3_600_000, service_ids=[f"register:services/{service}"],
    )  # fmt: skip


DAY = "SR-example-organisation-conformance-urgent-2026-11-12"
NEXT = "SR-example-organisation-conformance-urgent-2026-11-13"


def test_nothing_is_said_between_reports_of_what_they_told(place):
    assert place.at(EVENING) == ([], [])
    assert place.mails() == []


def test_a_new_critical_finding_is_told_once_to_those_it_concerns(place):
    ids, messages = place.at(EVENING, new=[started(2, EVENING)])
    shop = DAY.replace("conformance", "shop-conformance")
    assert sorted(ids) == sorted([DAY, shop])
    assert place.mails() == [(DAY, "alice@example.test"), (shop, "bob@example.test")]
    assert {one.state for one in messages if one.key.channel == "mail"} == {"held"}, (
        "nothing leaves without send = true"
    )
    model = place.issued()[DAY]
    assert [key.split("/")[-2] for key in model["urgent"]] == ["2"]
    assert [one["subject"]["key"] for one in model["actions"]] == ["CHG-2"]
    assert [one["subject"]["key"] for one in model["nonconformities"]] == ["CHG-1", "CHG-2"]
    assert place.at(EVENING + 60_000) == ([], [])
    assert place.at(MIDNIGHT) == ([], []), "the next day tells it no more"


def test_at_most_one_a_day_of_the_organisation_and_the_next_day_tells_the_rest(place):
    place.at(EVENING - 3_600_000, new=[started(2, EVENING - 3_600_000)])
    assert place.at(EVENING, new=[started(3, EVENING)]) == ([], [])
    ids, _ = place.at(MIDNIGHT)
    assert NEXT in ids
    assert [key.split("/")[-2] for key in place.issued()[NEXT]["urgent"]] == ["3"]


def test_killed_between_two_audiences_the_rest_is_told_and_nothing_twice(place, monkeypatch):
    from hub.report import urgent

    whole, calls = urgent.post, []

    def dying(*given, **more):
        calls.append(1)
        if len(calls) == 2:
            raise KeyboardInterrupt
        whole(*given, **more)

    monkeypatch.setattr(urgent, "post", dying)
    with pytest.raises(KeyboardInterrupt):
        place.at(EVENING, new=[started(2, EVENING)])
    told = place.mails()
    assert len(told) == 1
    monkeypatch.setattr(urgent, "post", whole)
    place.at(EVENING + 60_000)
    assert len(place.mails()) == 2
    assert told[0] in place.mails()


def test_its_layout_is_that_of_the_mail_with_four_sections(place):
    place.at(EVENING, new=[started(2, EVENING)])
    with Session(place.path) as opened, opened.store.connect() as conn:
        keys = [one.key for one in outbox.deliveries(conn, report_id=DAY)]
        mail = message_from_bytes(outbox.message_of(conn, keys[0]), policy=policy.SMTP)
    text = mail.get_body(("plain",)).get_content()
    heads = [line for line, under in zip(text.splitlines(), text.splitlines()[1:], strict=False) if under[:3] == "---"]
    assert heads == ["SINCE THE LAST MAIL", "THIS REPORT", "WHAT YOU MUST DO", "COVERAGE AND GAPS"]
    assert "Urgent: 1 new critical finding." in text
    assert mail["Subject"].endswith("URGENT")
    assert "(1 critical)" in mail["Subject"]
    assert mail["List-Id"] == "<sr-example-organisation-conformance.example.test>", "the conversation of the reports"
    assert {part.get_filename() for part in mail.iter_attachments()} == {"findings.csv", "evidence-manifest.json"}


@pytest.mark.parametrize(("old", "new"), [("[[reports", "urgent = false\n[[reports"), ('severity="critical"', "")])
def test_switched_off_or_not_critical_nothing_goes_out(place, monkeypatch, old, new):
    if new:
        place.path.write_text(place.path.read_text().replace(old, new, 1))
    else:
        monkeypatch.setattr(Session, "requirements", lambda _self: [kit.planned()])
    assert place.at(EVENING, new=[started(2, EVENING)]) == ([], [])


def test_the_next_report_tells_it_as_new_and_then_it_is_old(place):
    place.at(EVENING, new=[started(2, EVENING)])
    december = parse_instant("2026-12-03T08:00:00Z")
    issue, _ = place.at(december, make_conformance)
    assert issue.model.change.new == 1, "against the last report, not against the urgent mail"
    assert issue.model.change.since.startswith("SR-example-organisation-conformance-2026-10")
    assert place.at(december + 60_000) == ([], [])
