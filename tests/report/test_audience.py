from __future__ import annotations

import dataclasses
import json

import pytest

from hub.cli import report_answers
from hub.cli.judging import derived, refreshed
from hub.cli.report_issue import make_conformance
from hub.cli.session import Session
from hub.clock import FixedClock, parse_instant
from hub.conformance.judge import judge
from hub.conformance.rollup import judge_period, roll_up
from hub.errors import ConfigurationError
from hub.records import Change, Person, Service, encode_record
from hub.report.period import month_period
from hub.store import outbox
from hub.store.writer import write_page
from hub.sync.source import Document, Normalised
from tests.conformance import kit

CONFIG = """
[organisation]
name = "Example Organisation"
zone = "Europe/Berlin"
judge_from = 2025-10-01
[store]
url = "sqlite:///hub.db"
[channels.outbox]
plugin = "file"
folder = "out"
[channels.mail]
plugin = "smtp"
host = "127.0.0.1"
sender = "hub@example.test"
[reports.conformance]
to = ["register:people/alice"]
channels = ["outbox", "mail"]
[[reports.conformance.audiences]]
name = "Shop"
services = ["register:services/shop"]
to = ["register:people/bob"]
[[reports.conformance.audiences]]
name = "工资"
services = ["register:services/pay"]
to = ["register:people/bob", "register:people/carol"]
language = "zh"
"""
OCTOBER = parse_instant("2026-10-12T08:00:00Z")
NOW = parse_instant("2026-11-03T08:01:00Z")
RECORDS = [
    Service(id="register:services/shop", source="register", title="Shop"),
    Service(id="register:services/pay", source="register", title="Payroll"),
    *(
        Person(id=f"register:people/{name}", source="register", name=name.title(), email=[f"{name}@example.test"])
        for name in ("alice", "bob", "carol")
    ),
    Change(
        id="register:changes/1",
        source="register",
        scope="all",
        key="CHG-1",
        title="Checkout",
        type="normal",
        created_at=OCTOBER - 1,
        actual_start=OCTOBER,
        actual_end=OCTOBER + 1,
        service_ids=["register:services/shop"],
    ),
]


PLANNED = kit.planned()
ENTRY = dataclasses.replace(PLANNED.entry, title_zh="回退计划")


@pytest.fixture
def session(tmp_path, places, monkeypatch):
    """A store with one change without a back-out plan, judged by one requirement."""
    (tmp_path / "hub.toml").write_text(CONFIG, encoding="utf-8")
    monkeypatch.setattr(Session, "requirements", lambda _self: [PLANNED])
    monkeypatch.setattr(report_answers, "catalogue", lambda _session: [ENTRY])
    with Session(places.furnish(tmp_path / "hub.toml"), clock=FixedClock(NOW), create_store=True) as opened:
        documents = [
            Document(stream="all", native_id=one.id[9:], scope="all", body=encode_record(one)) for one in RECORDS
        ]
        with opened.store.begin() as conn:
            pages = [Normalised(records=[one]) for one in RECORDS]
            write_page(conn, source="register", documents=documents, normalised=pages, known_at=NOW - 1000)
            kit.provide(conn, [PLANNED], "register")
            kit.cover(conn, "register", "all", ("change", "service"), through=NOW + 1000, known_at=NOW - 1000)
        derived(opened)
        refreshed(opened)
        yield opened


def test_each_manager_gets_what_concerns_them_and_verdicts_are_computed_once(session, monkeypatch):
    judged = []
    monkeypatch.setattr(report_answers, "judge_period", lambda *a, **k: judged.append(1) or judge_period(*a, **k))
    issue, messages = make_conformance(session, as_of="2026-11-03T08:01:00Z")
    again, repeated = make_conformance(session, as_of="2026-11-03T08:01:00Z")
    with session.store.connect() as conn:
        kept = {one.report_id: json.loads(one.model) for one in outbox.list_reports(conn)}
    assert len(judged) == 1
    assert not again.created
    assert repeated == messages
    whole = kept[issue.report_id]
    shop, pay = (next(model for name, model in kept.items() if part in name) for part in ("-shop-", "-audience-"))
    assert sorted(
        (each.key.report_id, each.key.recipient) for each in messages if each.key.channel == "mail"
    ) == sorted(
        [
            (issue.report_id, "alice@example.test"),
            (shop["identity"]["report_id"], "bob@example.test"),
            (pay["identity"]["report_id"], "bob@example.test"),
            (pay["identity"]["report_id"], "carol@example.test"),
        ]
    )
    units = [[line["subject"]["id"] for line in model["nonconformities"]] for model in (whole, shop, pay)]
    assert units == [["register:changes/1"], ["register:changes/1"], []]
    assert [model["verdicts"]["T-planned"] for model in (whole, shop, pay)] == ["not_met", "not_met", "not_applicable"]
    assert [model["situation"]["control"]["ended"] for model in (whole, shop, pay)] == [1, 1, 0]
    assert [model["identity"]["covers"] for model in (whole, shop, pay)] == ["", "Shop", "Payroll"]
    assert [model["titles"]["T-planned"] for model in (shop, pay)] == ["T-planned", "回退计划"]
    assert pay["status"]["word"].startswith("INCOMPLETE"), "nothing was judged for it: no green"


def test_verdicts_kept_for_audiences_are_those_of_the_period(session):
    month = month_period("2026-10", "Europe/Berlin")
    with session.store.begin() as conn:
        found = judge(conn, [PLANNED], as_of=NOW, known_at=None, judge_from=0)
        judge_period(found, start=month.start, end=month.end)
        plain, kept = (
            roll_up(found, [ENTRY], start=month.start, end=month.end, judged=judged) for judged in (False, True)
        )
    assert plain == kept
    assert plain[0].verdict == "not_met"


def test_a_service_nobody_read_is_no_green_report(session):
    audience = session.configuration.reports["conformance"].audiences[1]
    audience.services[:] = ["register:services/typo"]
    with pytest.raises(ConfigurationError, match="services/typo: no service or team of this id was read"):
        make_conformance(session, as_of="2026-11-03T08:01:00Z")
