from __future__ import annotations

import hashlib
import io
import os
import re
import zipfile
from pathlib import Path

import msgspec
import pytest

from hub.conformance.situation.fact import Level, Situation
from hub.report.file.chart import charts
from hub.report.file.document import document
from hub.report.file.topic import topics_of
from hub.report.file.workbook import workbook
from hub.report.language.words import words_of
from hub.report.model import TrendPoint

GOLDEN = Path(__file__).parent.parent / "golden" / "files.sha256"
HOSTS = frozenset({"jira.example.test"})


def levels():
    told = [("98.00", "95", "missed"), ("", "", "no_cases"), ("99.50", "90", "not_provable")]
    return [
        Level(
            agreement="register:sla/shop",
            title="Shop",
            metric="resolution",
            promise=f"resolution P{number} <= 4 h on 7x24",
            previous=previous,
            current="90.00",
            goal="",
            target=target,
            kept=kept,
            missed=2,
            lacking=0,
            critical=False,
            met=18,
            decided=20,
        )
        for number, (previous, target, kept) in enumerate(told, 1)
    ]


@pytest.fixture(scope="module")
def told(report):
    """The same report in both languages, with something of everything the files tell."""
    trend = [TrendPoint(label="2026-09", rate=None), *report.trend]
    whole = msgspec.structs.replace(report, situation=Situation(levels=levels()), trend=trend)
    return {
        language: msgspec.structs.replace(whole, identity=msgspec.structs.replace(report.identity, language=language))
        for language in ("en", "zh")
    }


def texts(body: bytes) -> list[str]:
    with zipfile.ZipFile(io.BytesIO(body)) as book:
        return re.findall(r"<t[^>]*>([^<]*)</t>", book.read("xl/sharedStrings.xml").decode())


def test_the_workbook_speaks_the_readers_language(told):
    said = texts(workbook(told["zh"], HOSTS))
    for phrase in ("报告期", "首次发现 (Europe/Berlin)", "未满足", "关键", "无"):
        assert phrase in said, phrase
    english = {column.name for topic in topics_of(told["en"]) for column in topic.columns}
    assert not english & set(said), "no heading is left in English"
    assert not {"critical", "open", "not met", "no cases"} & set(said)


def test_an_empty_sheet_says_why_in_chinese(told):
    bare = msgspec.structs.replace(
        told["zh"], nonconformities=[], change=None, waivers=[], attested=[], situation=Situation()
    )
    say = words_of("zh")
    empty = [say(topic.empty) for topic in topics_of(bare, say) if not topic.rows]
    assert len(empty) >= 3
    assert set(empty) <= set(texts(workbook(bare, HOSTS)))


def test_charts_carry_digits_only_and_are_told_in_words(told, monkeypatch):
    from PIL import ImageDraw

    drawn: list[str] = []
    write = ImageDraw.ImageDraw.text

    def spy(pen, place, text, *rest, **more):
        drawn.append(text)
        return write(pen, place, text, *rest, **more)

    monkeypatch.setattr(ImageDraw.ImageDraw, "text", spy)
    pictures = {language: charts(model) for language, model in told.items()}
    assert drawn
    assert not [text for text in drawn if re.search(r"[^\d./ ]", text)]
    assert [one.png for one in pictures["en"]] == [one.png for one in pictures["zh"]], "one picture for every language"
    assert "2026-09 无报告" in pictures["zh"][0].alt
    assert "目标 95 %" in pictures["zh"][1].alt


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_same_report_gives_the_same_files_as_last_year(told, language):
    """Hashes of whole files, for the pinned versions; GOLDEN=write writes them anew."""
    model = told[language]
    bodies = {"report.pdf": document(model, HOSTS), "report.xlsx": workbook(model, HOSTS)}
    made = {f"{language}/{name}": hashlib.sha256(body).hexdigest() for name, body in bodies.items()}
    known = dict(line.split("  ")[::-1] for line in GOLDEN.read_text().splitlines()) if GOLDEN.exists() else {}
    if os.environ.get("GOLDEN") == "write":
        known |= made
        GOLDEN.write_text("".join(f"{digest}  {name}\n" for name, digest in sorted(known.items())))
    assert {name: known.get(name) for name in made} == made
