"""What rules make of a mail: records, links between them, and nothing that was not meant."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from pydantic import ValidationError

from hub.clock import parse_instant
from hub.records import (
    Alert,
    Communication,
    Complaint,
    Incident,
    Person,
    Record,
    Request,
    SatisfactionSurvey,
    ServiceReport,
    kind_of,
)
from hub_email.offer import offers
from hub_email.provision import provided_kinds, provisions
from hub_email.settings import ImapSettings
from hub_email.token import SurveyQuestion, sign
from tests.email.letter import ALICE, ASKED, BORDER, CAME, KEY, PASSED, letter, message, one, read, reading, settings

RULES: list[dict[str, Any]] = [
    {"name": "complaints", "becomes": "complaint", "to": ["complaints@example.org"], "services": ["register:services/shop"]},
    {"name": "desk", "becomes": "incident", "to": ["desk@example.org"], "services": ["register:services/shop"]},
    {"name": "orders", "becomes": "request", "to": ["orders@example.org"], "customer": "register:customers/acme"},
    {"name": "hosting", "becomes": "service_report", "sender": ["@host.example"], "subject": ["report"], "authenticated": True,
     "contract": "register:contracts/host", "report_type": "availability", "period": "month"},
    *({"name": tool, "becomes": "alert", "sender": [f"{tool}@mon.example"], "product": tool} for tool in ("icinga", "nagios", "zabbix", "alertmanager")),
    {"name": "notices", "calls": "customer_notice", "folders": ["Sent"], "subject": ["planned work"]},
    {"name": "report of October", "record": "register:reports/10", "subject": ["service report october"]},
]  # fmt: skip
HOW = reading(rules=RULES, trust={"sent": ["Sent"]}, accounts={"carol@customer.example": "register:people/carol"})
CUSTOMER = {"from_": "Carol <carol@customer.example>", "in_reply_to": ""}
UNPROVEN = [f"Received: {BORDER}"]
EVERYTHING = settings(rules=RULES, decisions={"key": KEY, "channel": "post"}, surveys={})


def told(text: str = "The shop is slow again.", **fields: str) -> bytes:
    return letter(text, **{"above": UNPROVEN, **CUSTOMER, **fields})  # type: ignore[arg-type]


def test_a_mail_to_the_address_for_complaints_is_a_complaint():
    given = read(told(to="complaints@example.org", subject="Slow"), HOW)
    complaint, mail = one(given, Complaint), message(given)
    assert complaint.title == "Slow"
    assert complaint.description == "The shop is slow again."
    assert complaint.received_at == complaint.recorded_at == complaint.created_at == CAME
    assert complaint.complainant == "mail:address/carol@customer.example"
    assert complaint.service_ids == ["register:services/shop"]
    assert {each.field for each in complaint.since} >= {
        "received_at",
        "recorded_at",
        "complainant",
        "service_ids",
        "description",
    }
    assert mail.record_id == complaint.id
    assert (mail.class_, mail.class_basis, mail.direction) == ("complaint", "rule", "in")
    assert one(given, Person).same_as == ["register:people/carol"]


@pytest.mark.parametrize(("to", "kind", "called"), [("desk", Incident, "fault_report"), ("orders", Request, "other")])
def test_a_mail_to_a_desk_is_a_ticket(to: str, kind: type[Record], called: str):
    given = read(told(to=f"{to}@example.org"), HOW)
    ticket = one(given, kind)
    assert (ticket.channel, ticket.reported_at, ticket.recorded_at) == ("email", CAME, CAME)
    assert (ticket.reporter, ticket.contact_ref) == ("mail:address/carol@customer.example", "carol@customer.example")
    assert message(given).class_ == called


def test_a_conversation_is_one_complaint():
    first = read(told(to="complaints@example.org", message_id="<c1@customer.example>"), HOW)
    case = one(first, Complaint).id
    chased = read(
        told(to="complaints@example.org", message_id="<c2@customer.example>", references="<c1@customer.example>"), HOW
    )
    ours = read(
        told(from_="hub@example.org", to="carol@customer.example", references="<c1@customer.example>"),
        HOW,
        scope="hub/Sent",
    )
    back = read(told(to="hub@example.org", references="<c1@customer.example> <o1@example.org>"), HOW)
    assert [message(given).record_id for given in (first, chased, ours, back)] == [case] * 4
    assert message(chased).class_ == "complaint"
    assert not [record for given in (chased, ours, back) for record in given.records if isinstance(record, Complaint)]
    assert message(ours).direction == "out"


def test_an_answer_to_a_notice_of_ours_begins_a_complaint():
    given = read(told(to="complaints@example.org", in_reply_to="<o1@example.org>"), HOW)
    assert message(given).record_id == one(given, Complaint).id


def test_subjects_alike_do_not_make_a_conversation():
    first, second = (
        read(told(to="complaints@example.org", message_id=f"<{n}@x.example>", subject="Re: slow"), HOW) for n in "ab"
    )
    assert one(first, Complaint).id != one(second, Complaint).id


def test_a_machine_does_not_complain():
    given = read(told(to="complaints@example.org", auto_submitted="auto-replied"), HOW)
    assert [kind_of(record) for record in given.records] == ["communication"]
    assert [skip.reason for skip in given.skipped] == ["complaint: a machine sent it"]


def test_nobody_speaks_for_us_by_writing_our_address():
    forged = told(from_="hub@example.org", to="carol@customer.example", subject="Planned work")
    assert message(read(forged, HOW)).direction == "in"
    proven = letter(from_="hub@example.org", to="carol@customer.example", in_reply_to="")
    assert message(read(proven, HOW)).direction == "out"


def test_sent_mail_is_ours_and_was_sent_when_it_says():
    mail = message(
        read(letter(above=[], from_="hub@example.org", subject="Planned work", in_reply_to=""), HOW, scope="hub/Sent")
    )
    assert (mail.direction, mail.class_, mail.class_basis) == ("out", "customer_notice", "rule")
    assert mail.received_at == parse_instant("2026-11-02T10:00:00Z")


@pytest.mark.parametrize(
    ("subject", "start", "end"),
    [
        ("Report October 2026", "2026-09-30T22:00:00Z", "2026-10-31T23:00:00Z"),
        ("Report 2026-10", "2026-09-30T22:00:00Z", "2026-10-31T23:00:00Z"),
        ("Report 10/2026", "2026-09-30T22:00:00Z", "2026-10-31T23:00:00Z"),
        ("Report", None, None),
        ("Report 2026-09 and 2026-10", None, None),
    ],
)
def test_a_report_of_a_supplier_is_received_for_the_period_it_names(subject: str, start: str | None, end: str | None):
    above = [
        f"Authentication-Results: {PASSED.replace('example.org', 'host.example').replace('mx.host.example', 'mx.example.org')}",
        *UNPROVEN,
    ]
    given = read(letter(above=above, from_="reports@host.example", subject=subject, in_reply_to=""), HOW)
    report = one(given, ServiceReport)
    assert (report.direction, report.contract_id, report.type) == ("inbound", "register:contracts/host", "availability")
    assert report.submitted_at == CAME
    assert message(given).record_id == "register:contracts/host"
    assert [link.target for link in message(given).links] == [report.id]
    if start is None or end is None:
        assert report.period is None
        assert [skip.reason for skip in given.skipped] == ["supplier report: it does not name one period"]
    else:
        assert (report.period.start, report.period.end) == (parse_instant(start), parse_instant(end))


def test_a_report_whose_sender_nobody_vouches_for_is_none():
    given = read(told(from_="reports@host.example", subject="Report 2026-10"), HOW)
    assert not [record for record in given.records if isinstance(record, ServiceReport)]


def answered(text: str, **changed: Any) -> Any:
    survey = {
        "campaign": "2026-H2",
        "ticket": None,
        "customer": "register:customers/acme",
        "address": ALICE,
        "asked_at": ASKED,
    }
    asked = SurveyQuestion(**{**survey, "scale_min": 1, "scale_max": 5, **changed})
    return read(letter(text, in_reply_to=f"<{sign(asked, KEY)}@example.org>"), HOW)


@pytest.mark.parametrize(
    ("text", "score"),
    [("4", 4), ("4/5 thanks", 4), ("I give a 5!", 5), ("7", None), ("4 or 5", None), ("4/10", None), ("4.5", None),
     ("> 4", None), ("fine", None), ("10%", None), ("2026-11-02", None)],
)  # fmt: skip
def test_a_satisfied_customer_says_a_number_of_the_scale(text: str, score: int | None):
    survey = one(answered(text), SatisfactionSurvey)
    assert survey.score == score
    assert survey.unknown_fields == ([] if score else ["score"])
    assert (survey.sent_at, survey.replied_at, survey.type) == (ASKED, CAME, "periodic")
    assert (survey.customer_id, survey.campaign, survey.channel) == ("register:customers/acme", "2026-H2", "email")


def test_a_survey_about_a_ticket_names_it_and_is_answered_by_whom_it_went_to():
    survey = one(answered("5", ticket="desk:issue/7"), SatisfactionSurvey)
    assert (survey.type, survey.ticket_id) == ("ticket", "desk:issue/7")
    assert not [x for x in answered("5", address="carol@customer.example").records if isinstance(x, SatisfactionSurvey)]


ICINGA = "***** Service Monitoring on mon1 *****\n\nHTTP on web1 is CRITICAL!\n\nInfo:    refused\n\nWhen:    2026-11-02 10:58:00 +0100\nService: HTTP\nHost:    web1\n"
NAGIOS = "***** Nagios *****\n\nNotification Type: PROBLEM\n\nService: HTTP\nHost: web1\nAddress: 10.0.0.9\nState: CRITICAL\n\nDate/Time: Mon Nov 2 10:58:00 CET 2026\n"
ZABBIX = "Problem started at 10:58:00 on 2026.11.02\nProblem name: HTTP is down\nHost: web1\nSeverity: High\nOriginal problem ID: 4711\n"
ALERTS = "2 alerts for alertname=Down\n[2] Firing\nLabels\nalertname = Down\ninstance = web1\nseverity = critical\nAnnotations\nsummary = x\nLabels\nalertname = Down\ninstance = web2\nseverity = warning\nSource\n"


@pytest.mark.parametrize(
    ("tool", "subject", "text", "raised"),
    [
        ("icinga", "[PROBLEM] HTTP on web1 is CRITICAL!", ICINGA, [("web1/HTTP", "CRITICAL", "2026-11-02T09:58:00Z")]),
        ("nagios", "** PROBLEM Service Alert: web1/HTTP is CRITICAL **", NAGIOS, [("web1/HTTP", "CRITICAL", None)]),
        ("zabbix", "Problem: HTTP is down", ZABBIX, [("web1", "High", None)]),
        ("alertmanager", "[FIRING:2] Down", ALERTS, [("web1", "critical", None), ("web2", "warning", None)]),
        ("icinga", "[RECOVERY] HTTP on web1 is OK!", ICINGA, []),
        ("zabbix", "Updated problem: HTTP is down", ZABBIX.replace("started", "is known"), []),
        ("alertmanager", "[RESOLVED] Down", ALERTS, []),
        ("nagios", "hello", "hello", None),
    ],
)
def test_monitoring_mail(tool: str, subject: str, text: str, raised: list[tuple[str, str, str | None]] | None):
    given = read(told(text, from_=f"{tool}@mon.example", subject=subject, auto_submitted="auto-generated"), HOW)
    alerts = [record for record in given.records if isinstance(record, Alert)]
    expected = [(what, how, CAME if when is None else parse_instant(when)) for what, how, when in raised or []]
    assert [(alert.resource, alert.severity, alert.started_at) for alert in alerts] == expected
    assert all(alert.ended_at is None and "ended_at" in alert.unknown_fields for alert in alerts)
    assert message(given).class_ == "monitoring"
    ends = [link.target for link in message(given).links if link.type == "ends"]
    assert len(given.skipped) == (not raised and not ends)


WELL = "Problem has been resolved at 11:03:00 on 2026.11.02\nProblem name: HTTP is down\nProblem duration: 5m\nHost: web1\nOriginal problem ID: 4711\n"
MIXED = ALERTS.replace("Annotations\nsummary = x\n", "Annotations\nsummary = x\n[1] Resolved\n")
RECOVERED = ICINGA.replace("10:58", "11:03")


@pytest.mark.parametrize(
    ("tool", "problem", "recovery", "at"),
    [
        ("icinga", ("[PROBLEM] HTTP on web1 is CRITICAL!", ICINGA), ("[RECOVERY] HTTP on web1 is OK!", RECOVERED), "2026-11-02T10:03:00Z"),
        ("nagios", ("** PROBLEM **", NAGIOS), ("** RECOVERY **", NAGIOS.replace("PROBLEM", "RECOVERY")), None),
        ("zabbix", ("Problem: HTTP is down", ZABBIX), ("Resolved in 5m: HTTP is down", WELL), None),
        ("alertmanager", ("[FIRING:2] Down", ALERTS), ("[RESOLVED] Down", ALERTS), None),
        ("alertmanager", ("[FIRING:2] Down", ALERTS), ("[FIRING:1] Down", MIXED), None),
    ],
)  # fmt: skip
def test_a_recovery_names_the_check_of_the_problem(
    tool: str, problem: tuple[str, str], recovery: tuple[str, str], at: str | None
):
    raised, over = (
        read(told(text, from_=f"{tool}@mon.example", subject=subject, auto_submitted="auto-generated"), HOW)
        for subject, text in (problem, recovery)
    )
    checks = [link.target for one in raised.records if isinstance(one, Alert) for link in one.links]
    ends = [(link.target, link.at) for link in message(over).links]
    still = [link.target for one in over.records if isinstance(one, Alert) for link in one.links]
    assert sorted([*(target for target, _ in ends), *still]) == sorted(checks)
    assert {when for _, when in ends} == {CAME if at is None else parse_instant(at)}
    assert not over.skipped


@pytest.mark.parametrize(
    ("tool", "subject", "text"),
    [
        ("icinga", "[ACKNOWLEDGEMENT] HTTP on web1 is CRITICAL!", ICINGA),
        ("nagios", "** FLAPPINGSTOP **", NAGIOS.replace("PROBLEM", "FLAPPINGSTOP")),
        ("nagios", "** DOWNTIMEEND **", NAGIOS.replace("PROBLEM", "DOWNTIMEEND")),
        (
            "zabbix",
            "Updated problem: HTTP is down",
            ZABBIX.replace("Problem started at", "ann acknowledged problem at"),
        ),
        ("nagios", "** RECOVERY **", "Notification Type: RECOVERY\n"),
    ],
)
def test_what_is_no_recovery_ends_nothing(tool: str, subject: str, text: str):
    given = read(told(text, from_=f"{tool}@mon.example", subject=subject, auto_submitted="auto-generated"), HOW)
    assert [type(one) for one in given.records] == [Communication]
    assert message(given).links == []


def test_feedback_on_a_report_is_laid_to_it():
    assert message(read(told(subject="Re: Service report October"), HOW)).record_id == "register:reports/10"


KEYS = [
    {"source": "jira", "pattern": "OPS-[0-9]+"},
    {"source": "gitlab", "pattern": "\\[shop#([0-9]+)\\]", "key": "acme/shop#{}"},
]


@pytest.mark.parametrize(
    ("subject", "named", "counted"),
    [
        ("Re: OPS-12 is slow", "jira:key/OPS-12", False),
        ("[shop#7] paid twice", "gitlab:key/acme/shop#7", False),
        ("(OPS-12) OPS-12", "jira:key/OPS-12", False),
        ("DEVOPS-12, OPS-12-b, ops-12", None, False),
        ("OPS-12 and OPS-13", None, True),
        ("OPS-12 [shop#7]", None, True),
        ("ISO-9001", None, False),
    ],
)
def test_a_mail_is_tied_to_the_one_ticket_its_subject_names(subject: str, named: str | None, *, counted: bool):
    given = read(told(subject=subject, from_="x@y.example"), reading(tickets=KEYS))
    assert message(given).record_id == named
    assert ("ticket: the subject names several" in [skip.reason for skip in given.skipped]) == counted


def test_what_begins_a_record_stays_with_it_and_belongs_to_the_ticket_too():
    given = read(told(to="desk@example.org", subject="OPS-12 again"), reading(rules=RULES, tickets=KEYS))
    assert message(given).record_id == one(given, Incident).id
    assert [(link.type, link.target) for link in message(given).links] == [("record_id", "jira:key/OPS-12")]


def test_a_mail_no_rule_fits_is_counted():
    given = read(told(), reading())
    assert message(given).class_ is None
    assert [skip.reason for skip in given.skipped] == ["no rule says what it is"]


def test_of_a_mail_that_is_too_large_only_the_envelope_is_known():
    given = read(told(to="complaints@example.org"), HOW, stream="envelope")
    assert {"attachments", "class", "record_id"} <= set(message(given).unknown_fields)
    assert [skip.reason for skip in given.skipped] == ["too large to be read: only its header was"]


def test_a_bounce_names_the_mail_that_did_not_arrive():
    parts = (
        "--b\r\nContent-Type: text/plain\r\n\r\nsorry\r\n--b\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; x\r\n\r\n"
        "Final-Recipient: rfc822; a@b.example\r\nAction: failed\r\n--b\r\nContent-Type: message/rfc822\r\n\r\nMessage-ID: <o1@example.org>\r\n\r\n--b--\r\n"
    )
    mail = message(read(told(parts, content_type="multipart/report; report-type=delivery-status; boundary=b"), HOW))
    assert (mail.bounce, mail.auto_submitted, mail.in_reply_to) == (True, True, "o1@example.org")


def test_whatever_is_filled_is_provided():
    given = [
        read(told(to=f"{to}@example.org"), HOW) for to in ("complaints", "desk", "orders")
    ] + [answered("4"), read(letter(), HOW), read(told(ALERTS, from_="alertmanager@mon.example", subject="[FIRING:2] Down"), HOW)]  # fmt: skip
    provided = {each.kind: each.fields for each in provisions(EVERYTHING)}
    envelope = {"confidentiality", "id", "source", "since", "unknown_fields", "key", "custom", "raw_times"}
    for record in (record for each in given for record in each.records):
        names = {field.name: field.encode_name for field in msgspec.structs.fields(record)}
        filled = {names[name] for name in record.__struct_fields__ if getattr(record, name) not in (None, [], {}, "")}
        assert filled - envelope <= provided[kind_of(record)], kind_of(record)
    assert provided_kinds(EVERYTHING) == provided.keys() - {"person"}


def test_every_message_is_one_record_of_its_own():
    first, again = read(told(), HOW), read(told(), HOW)
    assert first == again
    assert len([record for record in first.records if isinstance(record, Communication)]) == 1


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        ({"name": "a", "becomes": "complaint"}, "fits every mail"),
        ({"name": "a", "to": ["a@b.example"]}, "makes nothing"),
        ({"name": "a", "to": ["a@b.example"], "becomes": "alert"}, "product"),
        ({"name": "a", "to": ["a@b.example"], "becomes": "service_report"}, "contract"),
        ({"name": "a", "to": ["nobody"], "calls": "other"}, "pattern"),
        ({"name": "a", "to": ["a@b.example"], "calls": "approval"}, "Input should be"),
    ],
)
def test_a_rule_that_cannot_be_meant_is_refused(rule: dict[str, Any], words: str):
    with pytest.raises(ValidationError, match=words):
        settings(rules=[rule])


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"decisions": {"key": "short"}}, "32 characters"),
        ({"surveys": {}}, "key and channel below decisions"),
        ({"tickets": [{"source": "jira", "pattern": "(OPS"}]}, "no regular expression"),
        ({"tickets": [{"source": "jira", "pattern": "[0-9]*"}]}, "fits an empty text"),
        ({"tickets": [{"source": "jira", "pattern": "(A)(B)"}]}, "several groups"),
        ({"tickets": [{"source": "gitlab", "pattern": "#([0-9]+)", "key": "shop"}]}, "write `{}` once"),
        ({"rules": [RULES[0], RULES[0]]}, "several rules are named complaints"),
        ({"trust": {"networks": ["nowhere"]}}, "does not appear to be"),
        ({"trust": {"dkim_keys": {"sel": "p="}}}, "selector._domainkey"),
        ({"trust": {"dkim_keys": {"sel._domainkey.example.org": "p="}}}, "no RSA key"),
    ],
)
def test_settings_that_cannot_be_meant_are_refused(changed: dict[str, Any], words: str):
    with pytest.raises(ValidationError, match=words):
        settings(**changed)


def test_what_one_more_line_would_give():
    fields = {"plugin": "imap", "host": "h", "mailboxes": [{"user": "u", "password": "p"}]}
    bare = ImapSettings.model_validate(fields)
    full = ImapSettings.model_validate(
        {**fields, "rules": RULES, "decisions": {"key": KEY, "channel": "post"}, "surveys": {}}
    )
    assert [offer.write for offer in offers("mail", None)] == ['plugin = "imap"']
    assert [offer.write for offer in offers("mail", bare)] == [
        *(f'becomes = "{kind}"' for kind in ("alert", "complaint", "incident", "request", "service_report")),
        'key = { file = "secrets/mail-key" }',
        "share = 1.0",
    ]
    assert offers("mail", full) == []
    given = {each.kind: each.fields for each in provisions(full)}
    assert all(each.fields <= given[each.kind] for offer in offers("mail", bare) for each in offer.gives)
