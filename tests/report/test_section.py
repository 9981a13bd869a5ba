from __future__ import annotations

import importlib
import os
import pkgutil
import re
from email import message_from_bytes, policy
from pathlib import Path

import msgspec
import pytest

from hub.conformance.answer import AttestationRow, ProfileLine, Subject, WordRow
from hub.conformance.situation.fact import ActionLine, Breach, Control, FollowUp, Kpi, Level, Opinion, Score, Situation
from hub.report import language
from hub.report.compile import compile_conformance
from hub.report.language.chinese import CHINESE
from hub.report.language.chinese_file import CHINESE_FILE
from hub.report.language.chinese_page import CHINESE_PAGE
from hub.report.language.words import words_of
from hub.report.mail import render_mail
from hub.report.section.twin import twins
from hub.report.wording import subject_line

GOLDEN = Path(__file__).parent / "golden"
HOSTS = frozenset({"jira.example.test"})
AS_OF = 1_793_692_800_000
TITLES = (
    "Since the last mail",
    "This report",
    "Counts (in brackets: last report)",
    "What you must do",
    "Critical and major nonconformities",
    "Service levels: previous, current, next goal",
    "At risk and due in the next 30 days",
    "Complaints and satisfaction",
    "Changes and releases",
    "Follow-up of actions",
    "Service report process",
    "Coverage and gaps",
    "Waivers and attestations",
    "By clause",
    "Attachments",
)


def level(**more) -> Level:
    fields = {
        "agreement": "register:agreements/shop",
        "title": "Shop 2026",
        "promise": "resolution P1 <= 4 h on 7x24",
        "previous": "97.50",
        "current": "94.11",
        "goal": ">= 95 %",
        "kept": "missed",
        "missed": 2,
        "lacking": 0,
        "critical": True,
    }
    return Level(**(fields | more))


def subject(key: str, kind: str = "incident", title: str = "Checkout hangs") -> Subject:
    return Subject(id=f"desk:{key}", kind=kind, key=key, title=title, url=f"https://jira.example.test/browse/{key}")


SITUATION = Situation(
    levels=[
        level(promise="response P3 <= 8 h on 5x8", previous="", current="100.00", goal="", kept="met", missed=0, critical=False),
        level(),
        level(promise="availability >= 99.9 %", previous="", current="", kept="not_provable", missed=0, critical=False, unknown_before=True),
            level(promise="resolution P4 <= 9 h", previous="", current="", kept="no_cases", missed=0, critical=False),
    ],
    breaches=[Breach(subject=subject("OPS-7"), metric="resolution", due_at=AS_OF - 9 * 86_400_000, stopped_at=None)],
    breach_count=8,
    opinion=Opinion(
        received=4, closed=3, open=2, late=1, sent=40, replied=9, scores=[Score(lowest=1, highest=5, replies=9, total=37, low=1)]
    ),
    opinion_before=Opinion(received=1, closed=1, open=1, late=0, sent=1200, replied=600, scores=[]),
    control=Control(
        ended=31, successful=28, emergency=2, unknown=1, failed=[subject("CHG-9", "change", "Mail relay")], failed_count=2,
        released=3, deployments=12, deployments_failed=1,
    ),
    control_before=Control(
        ended=25, successful=25, emergency=0, unknown=0, failed=[], failed_count=0, released=1, deployments=4, deployments_failed=0
    ),
    follow_up=FollowUp(
        closed=5, open=3, late=1, ownerless=1,
        lines=[ActionLine(subject=subject("ACT-1", "improvement_action", "Train the night shift"), owner=None, due_at=AS_OF - 1)],
    ),
    kpis=[
        Kpi(name="on_time", numerator=18, denominator=20, target=9500),
        Kpi(name="archive", numerator=0, denominator=0, target=10_000, missing="nothing was archived yet"),
    ],
)  # fmt: skip


ATTESTED = [
    AttestationRow(
        requirement="BS15000-8.2-h",
        record=Subject(id="register:analyses/2026-10", kind="trend_analysis", key="Analysis of October"),
        declared_by=Subject(id="register:people/clara", kind="person", title="Clara Schmidt"),
        expires_at=until,
        obligations=1,
    )
    for until in (1_798_758_000_000, None)
]


@pytest.fixture(scope="session")
def full(answers, first, make_identity):
    """A report with data in every section."""
    topics = {
        "customer_told": ["BS15000-7.2-b"],
        "unauthorised_change": ["BS15000-8.2-c"],
        "emergency_open": ["BS15000-8.2-e"],
    }
    kinds = ("sla", "complaint", "change", "improvement_action")
    more = [msgspec.structs.replace(answers.coverage[0], kind=kind, scope="OPS") for kind in kinds]
    known = msgspec.structs.replace(
        answers,
        situation=SITUATION,
        topics=topics,
        coverage=[*answers.coverage, *more],
        attestations=ATTESTED,
        words=[
            WordRow(source="service-desk", what="unmapped", word="status:Parked <b>", documents=14),
            WordRow(source="service-desk", what="skipped", word="no key", documents=1),
        ],
    )
    return compile_conformance(known, identity=make_identity("2026-10", AS_OF), previous=first)


def told_in(model, language):
    return msgspec.structs.replace(model, identity=msgspec.structs.replace(model.identity, language=language))


def parts(model):
    rendered = render_mail(model, sender="hub@example.test", to=["alice@example.test"], hosts=HOSTS)
    message = message_from_bytes(rendered.eml, policy=policy.default)
    return message.get_body(("plain",)).get_content(), rendered.html.decode()


def test_sections_stand_in_their_order_and_none_is_left_out(full, first):
    for model in (full, first):
        text, html = parts(model)
        lines = text.splitlines()
        places = [lines.index(title.upper()) for title in TITLES]
        assert places == sorted(places)
        assert re.findall(r"<h2[^>]*>(.*?)</h2>", html) == list(TITLES)


def test_a_section_without_data_says_why(report):
    text = " ".join(parts(report)[0].split())
    assert text.count("Not available because it was not asked for when this report was made.") == 5
    asked = msgspec.structs.replace(report, situation=Situation())
    assert asked.levels_kept == (0, 0)
    text = " ".join(parts(msgspec.structs.replace(asked, absent={}))[0].split())
    assert "No service level was measured: no agreement in force names a target or no ticket falls under one" in text


def test_a_kind_no_source_gives_is_named(answers, make_identity):
    known = msgspec.structs.replace(answers, situation=SITUATION)
    model = compile_conformance(known, identity=make_identity("2026-10", AS_OF), previous=None)
    text = " ".join(parts(model)[0].split())
    assert "Not available because no source provides complaint, satisfaction survey." in text
    assert "Not available because no source provides improvement action." in text


def test_every_section_tells_its_figures(full):
    text = " ".join(parts(full)[0].split())
    for said in (
        "SLA 1/3, due 3",
        "MISSED CRITICAL Shop 2026 resolution P1 <= 4 h on 7x24 97.50 % → 94.11 % → >= 95 %",
        "NOT PROVABLE Shop 2026 availability",
        "availability >= 99.9 % not known → not known → >= 95 %",
        "resolution P4 <= 9 h no cases → no cases → >= 95 %",
        "no cases → 100.00 % → not agreed no goal is agreed for the next period",
        "Tickets that missed their target: 8",
        "OPS-7 Checkout hangs resolution, due 25 Oct 2026, 09:00 CET, still not done",
        "… and 7 more: hub sla --tickets",
        "Complaints (before): received 4 (1), closed 3 (1), open 2 (1), late 1 (0).",
        "Surveys (before): sent 40 (1,200), replied 9 (600); reply rate 22.50 %.",
        "Mean score 4.11 on the scale 1-5, of 9 replies; 1 low.",
        "31 changes ended (25 before), 28 successful, 2 failed or backed out, 2 emergency.",
        "Of 1 the outcome is not recorded.",
        "CHG-9 Mail relay",
        "Improvement actions: 5 closed, 3 open, 1 late, 1 without owner.",
        "LATE ACT-1 Train the night shift",
        "BELOW TARGET On time 90.00 % (18/20)",
        "Archived in time Not available because nothing was archived yet.",
    ):
        assert said in text or said in subject_line(full), said
    for topic in (
        "Unauthorised - CHG-",
        "Emergency, not yet made good - CHG-431",
        "Customers not told in time - PRB-77",
    ):
        assert topic in text


def test_levels_and_reports_decide_the_status(full):
    reasons = " ".join(full.status.reasons)
    assert "1 critical service level was missed." in reasons
    assert full.levels_kept == (1, 3)


def test_one_miss_that_two_requirements_see_is_told_once(answers, make_finding, make_identity):
    unit = subject("CHG-1", "change")
    same = {"found": "Work began without approval.", "breached_at": AS_OF - 5 * 86_400_000, "first_seen_at": AS_OF - 10}
    rows = [
        make_finding(1, "8.2-c", unit, "register:people/clara", **same),
        make_finding(2, "8.2-d", unit, "register:people/clara", **same),
        make_finding(3, "8.2-f", unit, "register:people/clara", **(same | {"found": "Nobody reviewed it."})),
    ]
    known = msgspec.structs.replace(answers, findings=rows)
    model = compile_conformance(known, identity=make_identity("2026-10", AS_OF), previous=None)
    first, second, third = (
        next(x.key for x in model.nonconformities if x.requirement.endswith(n)) for n in ("c", "d", "f")
    )
    assert model.twins == {second: first}
    assert third not in twins(model.nonconformities)
    assert [(one.requirement, one.also) for one in model.actions] == [
        ("BS15000-8.2-c", ["BS15000-8.2-d"]),
        ("BS15000-8.2-f", []),
    ]
    text = " ".join(parts(model)[0].split())
    assert text.count("Work began without approval.") == 1
    assert "the same miss stands against BS15000-8.2-d" in text
    assert len(model.nonconformities) == 3


def test_a_table_has_every_phrase_the_sections_use():
    used = set()
    for file in Path("hub/report").rglob("*"):
        if file.suffix in (".py", ".html") and not file.name.startswith("chinese"):
            source = file.read_text(encoding="utf-8")
            used |= set(re.findall(r'\b(?:say|words|t\.words)\(\s*"([^"]+)"', source))
            used |= set(re.findall(r'(?:text|phrase) = "([^"]+)"', source))
            used |= set(re.findall(r'\|plural\("([^"]+)', source))
            used |= set(re.findall(r'Said\(phrase="([^"]+)"', source))
    assert len(used) > 120
    tables = (CHINESE, CHINESE_FILE, CHINESE_PAGE)
    assert not used - {phrase for table in tables for phrase in table}
    for english, chinese in (pair for table in tables for pair in table.items()):
        assert set(re.findall(r"{\w+}", english)) == set(re.findall(r"{\w+}", chinese)), english


def test_chinese_tells_the_same(full):
    text, html = parts(told_in(full, "zh"))
    assert '<html lang="zh-Hans">' in html
    for said in ("自上次报告以来", "2026年11月3日", "97.50% → 94.11% → >= 95 %", "报告 SR-example", "1,200"):
        assert said in text, said
    for english in ("not met", "Since the last", "no owner", "due "):
        assert english not in text
    with pytest.raises(KeyError):
        words_of("zh")("a phrase nobody translated")


BREAKS_MAIL = (
    r"display\s*:\s*(?:inline-)?(?:flex|grid)",
    r"position\s*:\s*(?:absolute|fixed|sticky|relative)",
    r"(?:url|expression|calc|var)\(",
    r"@import|@font-face",
    r"<(?:script|form|input|button|svg|video|audio|iframe|object|embed|link|img|base|section|article)\b",
    r"\bon\w+\s*=\s*[\"']",
    r"\b(?:src|background|srcset)\s*=",
    r"float\s*:",
)


def test_nothing_in_the_page_breaks_mail_clients(full, report, first):
    for model in (full, report, first, told_in(full, "zh")):
        html = parts(model)[1]
        for construct in BREAKS_MAIL:
            assert not re.search(construct, html, re.IGNORECASE), construct
        assert len(html.encode()) < 102_000, "Gmail clips what is larger"
        style = html[html.index("<style>") :]
        assert "prefers-color-scheme: dark" in style
        assert html.count("<style>") == 1, "the rest is inlined"
        assert re.search(r'<td class="part" style="[^"]*padding', html)
        assert not re.search(r"<div\b", html)


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("kind", ["txt", "html"])
def test_the_same_report_gives_the_same_bytes_as_last_year(full, language, kind):
    """Golden files, for the pinned versions; GOLDEN=write writes them anew."""
    text, html = parts(told_in(full, language))
    body = (text if kind == "txt" else html).replace("\r\n", "\n").encode()
    file = GOLDEN / f"conformance.{language}.{kind}"
    if os.environ.get("GOLDEN") == "write":
        file.write_bytes(body)
    assert file.read_bytes() == body


@pytest.mark.parametrize(
    ("now", "word"), [("met", "BETTER"), ("attested", "BETTER"), ("not_provable", "OTHER"), ("not_applicable", "OTHER")]
)
def test_to_know_less_of_a_failure_is_no_improvement(full, now, word):
    moved = msgspec.structs.replace(full.change.moved[0], before="not_met", now=now, worse=False)
    change = msgspec.structs.replace(full.change, moved=[moved])
    text, html = parts(msgspec.structs.replace(full, change=change))
    assert f"{word} {moved.requirement}" in " ".join(text.split())
    assert f">{word}</span>" in html


def test_a_phrase_is_said_in_one_way():
    tables = [
        table
        for module in pkgutil.iter_modules(language.__path__)
        if module.name.startswith("chinese")
        for table in vars(importlib.import_module(f"{language.__name__}.{module.name}")).values()
        if isinstance(table, dict) and table.get("__name__") is None
    ]
    assert len(tables) > 3
    said: dict[str, set[str]] = {}
    for table in tables:
        for phrase, text in table.items():
            said.setdefault(phrase, set()).add(text)
    assert {phrase: texts for phrase, texts in said.items() if len(texts) > 1} == {}


def test_who_vouches_for_what_until_when_stands_in_the_mail_by_role(full):
    text, html = parts(full)
    after = " ".join(text.partition("WAIVERS AND ATTESTATIONS")[2].split())
    assert "vouched for by change manager (CS), until 31 Dec 2026, BS15000-8.2-h" in after
    assert "vouched for by change manager (CS), no end is recorded" in after
    assert "Clara" not in html


def test_what_was_read_but_not_understood_is_told_and_silence_is_not_none(full, first):
    text, html = parts(full)
    told = text.partition("COVERAGE AND GAPS")[2].partition("WAIVERS AND")[0]
    assert "NO MAPPING status:Parked <b>" in " ".join(told.replace("[", "").replace("]", "").split())
    assert "service-desk, 14 documents" in told
    assert "status:Parked &lt;b&gt;" in html
    assert first.words is None
    assert "not understood" not in parts(first)[0], "nothing was read: nobody can say that all was understood"


def test_what_the_profile_leaves_out_is_not_applicable_and_said_to_be_so(answers, make_identity):
    out = [row.requirement for row in answers.requirements if row.verdict == "not_judged"][:5]
    rows = [
        msgspec.structs.replace(row, verdict="not_applicable" if row.requirement in out else row.verdict)
        for row in answers.requirements
    ]
    lines = [
        ProfileLine(
            requirement=name, what="judged", shipped=True, ours=False, scope="organisation", reason="not introduced yet",
            set_by="register:people/clara", set_at="2026-01-07", key="packs.x.profile.0.disabled",
        )
        for name in out
    ]  # fmt: skip
    setters = {"register:people/clara": Subject(id="register:people/clara", kind="person", title="Clara Schmidt")}
    known = msgspec.structs.replace(answers, requirements=rows, profile=lines, setters=setters)
    model = compile_conformance(known, identity=make_identity("2026-10", AS_OF), previous=None)
    text = " ".join(parts(model)[0].split())
    assert model.left_out == 5
    assert "Of the n/a, 5 requirements left out by the profile" in text
    assert "not introduced yet (set by change manager (CS), 2026-01-07" in text
