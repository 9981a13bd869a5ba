"""Pages in the reader's language, and one miss that two requirements see."""

from __future__ import annotations

import hashlib
import os
import re
from pathlib import Path

import msgspec
import pytest

from hub.report.language.chinese import CHINESE
from hub.report.language.chinese_file import CHINESE_FILE
from hub.report.language.chinese_page import CHINESE_PAGE
from hub.report.site import address
from hub.report.site.page import site_files
from tests.report.site_pages import Page, make_site

GOLDEN = Path(__file__).parent / "golden" / "files.sha256"
TITLES = ("Known errors",)
"""What the pack calls a requirement, and a service report a table: the one is not translated here."""


def told_in(model, language):
    return msgspec.structs.replace(model, identity=msgspec.structs.replace(model.identity, language=language))


@pytest.fixture(scope="module")
def sites(answers, first, report):
    return {
        language: dict(site_files(make_site(answers, told_in(first, language), told_in(report, language))))
        for language in ("en", "zh")
    }


def test_pages_speak_chinese_and_nothing_of_ours_is_left_in_english(sites):
    ours = [phrase for table in (CHINESE, CHINESE_FILE, CHINESE_PAGE) for phrase in table if len(phrase) > 8]
    plain = [phrase for phrase in ours if "{" not in phrase and " " in phrase]
    plain = [phrase for phrase in plain if phrase not in TITLES]
    assert len(plain) > 100
    assert sites["zh"].keys() == sites["en"].keys()
    for name, body in sites["zh"].items():
        if name.endswith(".html"):
            text = body.decode()
            assert '<html lang="zh-Hans">' in text
            shown = " ".join(re.sub(r"<[^>]*>", " ", text).split())
            assert not [phrase for phrase in plain if phrase in shown], name
            labels = re.findall(r'aria-label="([^"]*)"', text)
            assert labels
            assert not [label for label in labels if re.search("[a-z]{3}", label)], labels
            assert Page(text).faults == []
    assert "首先处理" in sites["zh"]["index.html"].decode()
    assert '["要求","requirement/' in sites["zh"]["search-index.js"].decode()
    assert 'data-found="找到 {n}"' in sites["zh"]["search.html"].decode()


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_same_report_gives_the_same_pages_as_last_year(sites, language):
    """One hash over all files, for the pinned versions; GOLDEN=write writes it anew."""
    listing = "".join(f"{hashlib.sha256(body).hexdigest()}  {name}\n" for name, body in sorted(sites[language].items()))
    made = hashlib.sha256(listing.encode()).hexdigest()
    known = dict(line.split("  ")[::-1] for line in GOLDEN.read_text().splitlines())
    if os.environ.get("GOLDEN") == "write":
        known[f"{language}/pages"] = made
        GOLDEN.write_text("".join(f"{digest}  {name}\n" for name, digest in sorted(known.items())))
    assert known[f"{language}/pages"] == made


def test_one_miss_seen_twice_is_one_line_that_names_both(answers, report):
    first, second = report.nonconformities[:2]
    second = msgspec.structs.replace(second, subject=first.subject, requirement="BS15000-8.2-d", severity="minor")
    lines = [first, second, *report.nonconformities[2:]]
    model = msgspec.structs.replace(report, nonconformities=lines, twins={second.key: first.key})
    site = make_site(answers, model)
    files = {name: body.decode() for name, body in site_files(site)}
    shown = Page(files["findings.html"]).links()
    here, there = address.finding_page(first.key), address.finding_page(second.key)
    assert shown.count(there) == 1, "beside the other, not as a line of its own"
    assert "1 more are the same miss under another requirement" in files["findings.html"]
    assert f"{len(lines) - 1} findings:" in files["findings.html"]
    assert f"../{there}" in Page(files[here]).links()
    assert f"../{here}" in Page(files[there]).links()
    assert f"../{there}" in Page(files[address.requirement_page("BS15000-8.2-d")]).links(), "its requirement keeps it"
    assert second.key in files["findings.csv"], "the table has both"


def test_a_finding_whose_other_one_has_no_page_is_told_itself(answers, report):
    first = report.nonconformities[0]
    model = msgspec.structs.replace(report, twins={first.key: "nowhere"})
    files = {name: body.decode() for name, body in site_files(make_site(answers, model))}
    assert address.finding_page(first.key) in Page(files["findings.html"]).links()
