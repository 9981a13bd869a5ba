from __future__ import annotations

import os
import shutil
import subprocess
import time

import msgspec
import pytest

from hub.report.file.document import document
from hub.report.file.page import Line, wrapped

HOSTS = frozenset({"jira.example.test"})
_HERE = all(shutil.which(tool) for tool in ("pdftotext", "pdfinfo"))
peer = [
    pytest.mark.peer,
    pytest.mark.skipif(not _HERE and not os.environ.get("CI"), reason="poppler-utils is not installed"),
]


def text_of(body: bytes, tmp_path) -> list[str]:
    """Pages as a reader gives them."""
    path = tmp_path / "report.pdf"
    path.write_bytes(body)
    told = subprocess.run(["pdftotext", "-layout", path, "-"], check=True, capture_output=True).stdout.decode()
    return told.split("\f")[:-1]


@pytest.fixture(scope="module")
def long(report):
    lines = report.nonconformities
    many = [msgspec.structs.replace(lines[n % len(lines)], key=f"F-{n}") for n in range(1000)]
    subjects = [msgspec.structs.replace(line.subject, key=f"CHG-{n:04}") for n, line in enumerate(many)]
    return msgspec.structs.replace(
        report,
        nonconformities=[msgspec.structs.replace(a, subject=b) for a, b in zip(many, subjects, strict=True)],
    )


class TestRead:
    pytestmark = peer

    def test_it_says_which_report_it_is_every_finding_and_where_it_ends(self, report, tmp_path):
        pages = text_of(document(report, HOSTS), tmp_path)
        assert "SR-example-organisation-conformance-2026-10 revision 1" in pages[0]
        whole = "\n".join(pages)
        for line in report.nonconformities:
            assert line.subject.key in whole
        assert "End of report SR-example-organisation-conformance-2026-10 revision 1." in pages[-1]
        for number, page in enumerate(pages, 1):
            assert f"page {number} of {len(pages)}" in page

    def test_chinese_can_be_read_and_a_letter_no_font_has_loses_its_accent(self, report, tmp_path):
        line = report.nonconformities[0]
        subject = msgspec.structs.replace(line.subject, title="Dvořák, Łódź \U0001f4a3 工资单打印失败")
        changed = msgspec.structs.replace(line, subject=subject)
        whole = "\n".join(
            text_of(document(msgspec.structs.replace(report, nonconformities=[changed]), HOSTS), tmp_path)
        )
        assert "工资单打印失败" in whole.replace("\n", "").replace(" ", "")
        assert "Dvorák" in whole

    def test_the_header_of_a_table_is_on_every_page_it_covers(self, long, tmp_path):
        pages = text_of(document(long, HOSTS), tmp_path)
        covered = [page for page in pages if "Expected: " in page]
        assert len(covered) > 50
        assert all("Expected, found, to do" in page for page in covered)
        whole = "\n".join(pages)
        assert all(line.subject.key in whole for line in long.nonconformities)


def test_a_thousand_findings_take_less_than_five_seconds(long):
    before = time.process_time()
    body = document(long, HOSTS)
    spent = time.process_time() - before
    assert spent < 5
    assert len(body) < 2_000_000
    print(f"{spent:.1f} s of CPU, {len(body):,} bytes")  # noqa: T201 - read by people with -rP


def test_same_report_same_bytes(report):
    first = document(report, HOSTS)
    time.sleep(1.1)
    assert document(report, HOSTS) == first


def test_links_lead_to_configured_hosts_alone(report):
    assert b"https://jira.example.test/browse/" in document(report, HOSTS)
    assert b"https://jira.example.test" not in document(report, frozenset())


def test_a_text_longer_than_a_page_goes_on_on_the_next(report):
    line = msgspec.structs.replace(report.nonconformities[0], found="word " * 6000)
    assert len(document(msgspec.structs.replace(report, nonconformities=[line]), HOSTS)) > 10_000


@pytest.mark.parametrize("text", ["one two three four", "工资单打印失败" * 3, "x" * 90, "a " + "y" * 40 + " 工 z"])
def test_wrapping_loses_no_character(text):
    lines = list(wrapped(Line(text), 60, 8))
    assert len(lines) > 1
    assert "".join(line.text for line in lines).replace(" ", "") == text.replace(" ", "")
