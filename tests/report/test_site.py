from __future__ import annotations

import cProfile
import json
import re
from itertools import pairwise

import msgspec
import pytest

from hub.conformance.answer import Evidence, Subject
from hub.report.compile import compile_conformance
from hub.report.site import address
from hub.report.site.page import POLICY, site_files
from hub.report.site.trend import chart_of, months_of
from hub.report.wording import Days
from tests.report.site_pages import HOST, Page, below_root, make_site

AS_OF = 1_793_692_800_000
HOSTILE = '</title></script><img src="https://evil.test/x" onerror=alert(1)>\u202e\u2028"\'{{7*7}}'


@pytest.fixture(scope="module")
def files(answers, first, report) -> dict[str, bytes]:
    return dict(site_files(make_site(answers, first, report)))


@pytest.fixture(scope="module")
def pages(files) -> dict[str, Page]:
    return {name: Page(body.decode()) for name, body in files.items() if name.endswith(".html")}


def _of(pages: dict[str, Page], report, key: str) -> Page:
    line = next(line for line in report.nonconformities if line.subject.key == key)
    return pages[address.finding_page(line.key)]


def test_there_is_a_page_for_each(pages, report, answers):
    wanted = {address.finding_page(line.key) for line in report.nonconformities}
    wanted |= {address.requirement_page(row.requirement) for row in answers.requirements}
    wanted |= {address.clause_page(row.clause) for row in answers.requirements}
    wanted |= {"index.html", "findings.html", "services.html", "coverage.html", "changes.html", "search.html"}
    assert wanted <= pages.keys()
    assert len([name for name in pages if name.startswith("service/")]) == 2


def test_every_page_parses_and_every_link_leads_somewhere(pages, files):
    assert {name: page.faults for name, page in pages.items() if page.faults} == {}
    missing = {
        (name, link)
        for name, page in pages.items()
        for link in page.links()
        if not link.startswith(f"https://{HOST}/")
        and below_root(name, link) not in {*files, "hub-publish.json", name}
        and not link.startswith("#")
    }
    assert missing == set()
    linked = {below_root(name, link) for name, page in pages.items() for link in page.links()}
    assert pages.keys() - linked == set(), "a page no other leads to"


def test_nothing_comes_from_elsewhere_and_nothing_is_inline(pages, files):
    for name, page in pages.items():
        policy = [a["content"] for a in page.all("meta") if a.get("http-equiv") == "Content-Security-Policy"]
        assert policy == [POLICY], name
        assert page.all("style") == []
        assert not any(key.startswith("on") or key == "style" for _, a in page.tags for key in a)
        assert all(a.get("src") for a in page.all("script"))
        outside = [a for a in page.tags if any("//" in a[1].get(key, "") for key in ("src", "srcset", "data"))]
        assert outside == []
        assert {tag for tag, a in page.tags if "//" in a.get("href", "")} <= {"a"}
    assert "unsafe" not in POLICY
    assert b"url(" not in files["site.css"]
    assert b"@import" not in files["site.css"]
    assert not re.search(rb"innerHTML|eval|fetch|XMLHttp", files["search.js"])


def test_texts_of_tools_are_escaped_everywhere(answers, report, make_finding, make_identity):
    person = Subject(id="register:people/x", kind="person", key="Secret Name", title="Secret Name")
    unit = Subject(id=HOSTILE, kind="change", key=HOSTILE, title=HOSTILE, url="javascript:alert(1)")
    rows = [
        make_finding(
            1,
            "8.2-c",
            unit,
            "register:people/clara",
            found=HOSTILE,
            expected=HOSTILE,
            action=HOSTILE,
            evidence=[Evidence(subject=msgspec.structs.replace(unit, url="https://evil.test/"))],
        ),
        make_finding(2, "8.2-c", person, "register:people/clara"),
    ]
    hostile = msgspec.structs.replace(
        answers,
        findings=rows,
        requirements=[msgspec.structs.replace(one, title=HOSTILE, statement=HOSTILE) for one in answers.requirements],
        coverage=[msgspec.structs.replace(one, source=HOSTILE, reason=HOSTILE) for one in answers.coverage],
        gaps=[msgspec.structs.replace(one, reason=HOSTILE, remedy=HOSTILE) for one in answers.gaps],
        waivers=[msgspec.structs.replace(one, reason=HOSTILE, unit_filter=HOSTILE) for one in answers.waivers],
    )
    identity = msgspec.structs.replace(make_identity("2026-10", 1_793_692_800_000), scope=HOSTILE, note=HOSTILE)
    model = compile_conformance(hostile, identity=identity, previous=report)
    service = Subject(id=f"../../{HOSTILE}", kind="service", title=HOSTILE)
    site = make_site(hostile, model, services=[service], services_of={HOSTILE: [service.id]})
    for name, body in site_files(site):
        text = body.decode()
        assert re.fullmatch(r"[a-z0-9./-]+", name), name
        assert ".." not in name
        if name.endswith(".html"):
            page = Page(text)
            assert page.faults == [], name
            assert page.all("img") == []
            assert not any("//evil" in link or "javascript" in link for link in page.links())
            assert "\u202e" not in text
            assert "Secret Name" not in text
        if name == "search-index.js":
            assert "<" not in text
            assert "\u2028" not in text
            assert "Secret Name" not in text
            rows = json.loads(text.removeprefix("window.HUB_INDEX=").removesuffix(";\n"))
            assert any(row[2].startswith("</title>") for row in rows)


def test_unknown_is_never_shown_as_a_pass(pages, answers):
    good = {"met", "attested", "better", "cured"}
    for row in answers.requirements:
        page = pages[address.requirement_page(row.requirement)]
        badges = [set(a["class"].split()) - {"badge"} for a in page.all("span") if "badge" in a.get("class", "")]
        assert {row.verdict} in badges
        if row.verdict not in ("met", "attested"):
            assert not any({*one} & {"met", "attested"} for one in badges), row.requirement
        if row.verdict in ("not_provable", "not_judged", "pending"):
            assert "That is no proof that it is met" in page.text
    clause = pages[address.clause_page("4.1")]
    assert not any(good & set(a.get("class", "").split()) for a in clause.all("span"))
    cells = [a["class"] for a in pages["index.html"].all("td") if " h" in a.get("class", "")]
    assert all(re.fullmatch(r"[a-z_]+ h[0-4]", cell) for cell in cells)
    assert (
        "no finding names this service. that is no proof"
        in pages[address.service_page("register:services/payroll")].text.lower()
    )


def test_a_finding_tells_what_who_when_and_where_the_proof_is(pages, report):
    page = _of(pages, report, "CHG-401")
    text = " ".join(page.text.split())
    assert "change manager (CS)" in text
    days = Days("Europe/Berlin")
    assert f"Broken since{days.both(1_789_629_000_000)}" in text
    assert f"due {days.day(1_793_289_600_000)} late" in text
    assert "Shop <b>& Co" in text
    assert f"https://{HOST}/browse/CHG-401" in page.links()
    assert "ab" * 32 in text
    assert "Clara" not in text


def test_days_are_those_of_the_organisation(answers, make_finding, make_identity):
    unit = Subject(id="d:1", kind="change", key="CHG-1")
    night = 1_792_965_600_000  # 2026-10-25 22:00 UTC: after the clocks went back, still the 25th in Berlin
    row = make_finding(1, "8.2-c", unit, "register:people/clara", breached_at=night, due_at=night + 3_600_000)
    model = compile_conformance(
        msgspec.structs.replace(answers, findings=[row]), identity=make_identity("2026-10", night + 1), previous=None
    )
    page = dict(site_files(make_site(answers, model)))[address.finding_page(model.nonconformities[0].key)].decode()
    days = Days("Europe/Berlin")
    assert days.both(night) in page
    assert "23:00 CET" in days.both(night)
    assert f'<time datetime="2026-10-25T23:00:00Z">due {days.day(night + 3_600_000)}</time>' in page
    assert "26" in days.day(night + 3_600_000)


def test_a_reader_without_eyes_or_mouse_finds_the_way(pages):
    for name, page in pages.items():
        assert page.all("html") == [{"lang": "en"}]
        assert len(page.all("h1")) == len(page.all("main")) == 1, name
        assert page.all("a")[0] == {"class": "skip", "href": "#main"}
        ids = [a["id"] for _, a in page.tags if "id" in a]
        assert len(ids) == len(set(ids)), name
        assert {a["aria-labelledby"] for _, a in page.tags if "aria-labelledby" in a} <= set(ids)
        assert all("scope" in a for a in page.all("th"))
        assert all(a.get("aria-label") or a.get("aria-labelledby") for a in page.all("section") + page.all("nav"))
        assert all("tabindex" in a for a in page.all("div") if a.get("class") == "scroll")
        levels = [int(tag[1]) for tag, _ in page.tags if re.fullmatch(r"h[1-6]", tag)]
        assert all(after <= before + 1 for before, after in pairwise(levels)), name
    assert {a["for"] for a in pages["search.html"].all("label")} == {"q"}


def test_the_same_report_gives_the_same_bytes(answers, first, report, files):
    assert dict(site_files(make_site(answers, first, report))) == files


def test_where_the_rules_changed_since_the_figures_are_not_shown(answers, report):
    rows = [msgspec.structs.replace(one, verdict="met", counts={"met": 7}) for one in answers.requirements]
    files = dict(site_files(make_site(answers, report, rows=rows)))
    page = files["requirement/bs15000-8.2-c.html"].decode()
    assert "not available: the rules or the records changed" in page
    assert "7 met" not in page


def test_a_month_without_a_report_breaks_the_curve(answers, first, report):
    skipped = msgspec.structs.replace(
        report.identity, period=msgspec.structs.replace(report.identity.period, label="2026-11")
    )
    site = make_site(answers, first, msgspec.structs.replace(report, identity=skipped))
    assert [(month.label, month.figures is None) for month in site.months] == [
        ("2026-09", False),
        ("2026-10", True),
        ("2026-11", False),
    ]
    chart = chart_of(list(site.months))
    assert (chart.lines, len(chart.points)) == ([], 2)
    assert "no report was issued" in dict(site_files(site))["index.html"].decode()
    assert [one.label for one in months_of([], "2026-01")] == ["2026-01"]


def _many(answers, make_finding, make_identity, number: int):
    rows = [
        make_finding(
            n, "8.2-c", Subject(id=f"d:{n}", kind="change", key=f"CHG-{n}", title=f"T {n}"), "register:people/clara"
        )
        for n in range(number)
    ]
    many = msgspec.structs.replace(answers, findings=rows)
    model = compile_conformance(many, identity=make_identity("2026-10", AS_OF), previous=None)
    return make_site(many, model, services_of={f"d:{n}": ["register:services/shop"] for n in range(number)})


def test_long_lists_are_paged_and_work_and_size_grow_with_findings_and_no_faster(answers, make_finding, make_identity):
    calls, files, size = {}, {}, {}
    for number in (150, 600):
        counting = cProfile.Profile()
        site = _many(answers, make_finding, make_identity, number)
        files = counting.runcall(lambda site=site: dict(site_files(site)))
        calls[number] = sum(entry.callcount for entry in counting.getstats())
        size[number] = len(files["search-index.js"])
    assert calls[600] < 4.4 * calls[150], calls
    assert size[600] - size[150] < 450 * 200, "ten thousand findings are found in an index of two megabytes"
    lists = [name for name in files if name.startswith("findings") and name.endswith(".html")]
    assert len(lists) == 6
    assert max(len(body) for name, body in files.items() if name.endswith(".html")) < 100_000
    last = Page(files["findings-p6.html"].decode())
    assert last.all("h1")
    assert "(page 6 of 6)" in last.text
    assert len([name for name in files if name.startswith("requirement/bs15000-8.2-c")]) == 6
    assert len([name for name in files if name.startswith("finding/")]) == 600
    assert sum(len(body) for name, body in files.items() if name.startswith("finding/")) < 600 * 6_000
