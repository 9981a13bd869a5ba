from __future__ import annotations

import io
import re
import time
import zipfile
from datetime import datetime, timedelta
from xml.etree import ElementTree as ET

import msgspec
import pytest

from hub.conformance.situation.fact import Level, Situation
from hub.report.file.workbook import workbook
from hub.report.model import Person

HOSTS = frozenset({"jira.example.test"})
NS = {"s": "http://schemas.openxmlformats.org/spreadsheetml/2006/main"}


class Book:
    """A workbook as a reader takes it: sheet -> row -> column -> (text or number, style)."""

    def __init__(self, body: bytes) -> None:
        self.zip = zipfile.ZipFile(io.BytesIO(body))
        names = [sheet.get("name") for sheet in self.xml("xl/workbook.xml").iterfind(".//s:sheet", NS)]
        self.parts = {name: self.xml(f"xl/worksheets/sheet{n}.xml") for n, name in enumerate(names, 1)}
        self.texts = ["".join(one.itertext()) for one in self.xml("xl/sharedStrings.xml").iterfind("s:si", NS)]

    def xml(self, part: str) -> ET.Element:
        return ET.fromstring(self.zip.read(part))  # noqa: S314 - we wrote it

    def told(self, cell: ET.Element) -> str:
        text = "".join(cell.itertext())
        return self.texts[int(text)] if cell.get("t") == "s" else text

    def rows(self, sheet: str) -> list[dict[str, str]]:
        return [
            {re.sub(r"\d", "", cell.get("r")): self.told(cell) for cell in row}
            for row in self.parts[sheet].iterfind(".//s:row", NS)
        ]

    def table(self, sheet: str) -> list[dict[str, str]]:
        head, *rows = self.rows(sheet)
        return [{head[place]: text for place, text in row.items()} for row in rows]


@pytest.fixture(scope="module")
def whole(report):
    """A report with something on every sheet."""
    level = Level(
        agreement="register:sla/shop",
        title="Shop",
        promise="resolution P1 <= 4 h on 7x24",
        previous="98.00",
        current="90.00",
        goal="",
        kept="missed",
        missed=2,
        lacking=0,
        critical=True,
        metric="resolution",
        target="95",
        met=18,
        decided=20,
    )
    available = msgspec.structs.replace(
        level, promise="availability >= 99.9 %", metric="availability", kept="not_provable", met=0, decided=0
    )
    return msgspec.structs.replace(report, situation=Situation(levels=[level, available]))


@pytest.fixture(scope="module")
def book(whole) -> Book:
    return Book(workbook(whole, HOSTS))


def test_a_sheet_a_topic_with_frozen_header_and_filter(book):
    topics = ["Findings", "Requirements", "Clauses", "Service levels", "Deadlines", "Coverage", "Not provable"]
    assert list(book.parts) == ["Report", *topics, "Waivers and attestations"]
    for name, part in book.parts.items():
        if name != "Report":
            assert part.find(".//s:pane", NS).attrib["state"] == "frozen"
            assert part.find(".//s:autoFilter", NS) is not None
            assert len(book.rows(name)) > 1, name


def test_every_finding_is_there_with_dates_in_the_zone_of_the_organisation(book, report):
    lines = book.table("Findings")
    assert [line["Key"] for line in lines][: len(report.nonconformities)] == [one.key for one in report.nonconformities]
    problem = next(line for line in lines if line["Subject"] == "PRB-77")
    breached = datetime(1899, 12, 30) + timedelta(days=float(problem["Breached (Europe/Berlin)"]))  # noqa: DTZ001
    off = breached - datetime(2026, 8, 3, 10, 0)  # noqa: DTZ001 - 08:00 UTC in summer
    assert abs(off) < timedelta(seconds=1)


def test_levels_are_told_with_their_numbers_and_the_waiver_with_its_last_day(book):
    told = [
        (row["No"], row["Metric"], row["Now"], row["Target"], row["Kept"], row["Decided"])
        for row in book.table("Service levels")
    ]
    assert told == [
        ("1", "resolution", "90.00 %", "95 %", "missed", "20"),
        ("2", "availability", "90.00 %", "95 %", "not provable", "0"),
    ]
    waiver = book.table("Waivers and attestations")[0]
    assert datetime(1899, 12, 30) + timedelta(days=float(waiver["Last day (Europe/Berlin)"])) == datetime(2026, 11, 30)  # noqa: DTZ001


def test_a_level_without_a_figure_says_whether_there_were_cases(whole):
    level = msgspec.structs.replace(whole.levels[1], previous="", current="", unknown_before=True)
    idle = msgspec.structs.replace(level, kept="no_cases", unknown_before=False)
    read = Book(workbook(msgspec.structs.replace(whole, situation=Situation(levels=[level, idle])), HOSTS))
    assert [(row["Before"], row["Now"]) for row in read.table("Service levels")] == [
        ("not known", "not known"),
        ("no cases", "no cases"),
    ]


@pytest.mark.parametrize("start", ["=cmd()", "+1", "-1", "@SUM(A1)", "{=A1}", "http://evil.test", "12", "\t=1"])
def test_no_text_of_a_tool_becomes_a_formula_a_link_or_a_number(report, start):
    line = msgspec.structs.replace(report.nonconformities[0], found=start, owner=Person(id="p", label=start))
    body = workbook(msgspec.structs.replace(report, nonconformities=[line], change=None), HOSTS)
    read = Book(body)
    sheet = read.parts["Findings"]
    assert sheet.findall(".//s:f", NS) == []
    cells = {re.sub(r"\d", "", cell.get("r")): cell for cell in sheet.findall(".//s:row", NS)[1]}
    assert [cells[place].get("t") for place in ("K", "P")] == ["s", "s"], "shared texts"
    styles = read.xml("xl/styles.xml").findall(".//s:cellXfs/s:xf", NS)
    quoted = styles[int(cells["K"].get("s"))].get("quotePrefix")
    assert quoted == ("1" if start.strip()[0] in "=+-@" else None)
    links = read.zip.read("xl/worksheets/_rels/sheet2.xml.rels").decode()
    assert re.findall(r'Target="([^"]*)"', links) == [line.subject.url]


def test_what_a_cell_cannot_hold_is_cut_or_written_as_text(report):
    line = msgspec.structs.replace(report.nonconformities[0], found="x" * 40_000, breached_at=-3_000_000_000_000)
    read = Book(workbook(msgspec.structs.replace(report, nonconformities=[line]), HOSTS)).table("Findings")
    assert len(read[0]["Found"]) == 32_767
    assert read[0]["Breached (Europe/Berlin)"].startswith("1874-")


def test_an_empty_sheet_says_why(report):
    bare = msgspec.structs.replace(report, nonconformities=[], change=None, waivers=[], attested=[], coverage=[])
    read = Book(workbook(bare, HOSTS))
    assert read.rows("Findings")[1] == {"A": "No finding is open, and none was cured in the period."}
    assert "No service level was measured" in read.rows("Service levels")[1]["A"]


def test_same_report_same_bytes(whole):
    first = workbook(whole, HOSTS)
    time.sleep(1.1)
    assert workbook(whole, HOSTS) == first


def test_ten_thousand_findings_take_seconds(report):
    line = report.nonconformities[0]
    many = [msgspec.structs.replace(line, key=f"{line.key}{n}") for n in range(10_000)]
    before = time.process_time()
    body = workbook(msgspec.structs.replace(report, nonconformities=many, change=None), HOSTS)
    spent = time.process_time() - before
    assert len(body) < 10_000_000
    assert spent < 15
    print(f"{spent:.1f} s of CPU, {len(body):,} bytes")  # noqa: T201 - read by people with -rP
