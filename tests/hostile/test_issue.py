"""Whatever an issue holds, the mapping gives records the store can keep, or a counted reason."""

from __future__ import annotations

import time

import pytest

from hub.records import decode_record
from hub.store.text import encode_clean
from hub.sync.intake import take_in
from hub.sync.source import Document
from hub_jira.mapping import normalise
from hub_jira.vocabulary import Vocabulary
from tests.hostile.payload import EVIL, NAMED, ODD, body, damaged, places, whole
from tests.jira.kit import configure

WORDS = Vocabulary.of("desk", "Europe/Berlin", configure())
LONGEST_S = 5.0
"""CPU seconds for one document; the largest takes a tenth of it on a slow machine."""


class Mapper:
    """The mapping as a source, so that the intake judges what it gives."""

    def normalise(self, document: Document):
        return normalise(document, WORDS)


def taken(content: bytes, native: str = "10412"):
    """Take one document in; asserts what must hold for every document."""
    intake = take_in(Mapper(), "desk", [Document("issue", native, "OPS", content)])
    [given] = intake.normalised
    assert not [gap for gap in intake.gaps if "normalise failed" in gap], intake.gaps
    assert given.records or given.skipped
    for record in given.records:
        kept, encoded, _ = encode_clean(record)
        assert decode_record(encoded) == kept
    return given, intake.gaps


@pytest.mark.parametrize("name", NAMED)
def test_named_payload(name):
    made = NAMED[name]()
    began = time.process_time()
    taken(made if isinstance(made, bytes) else body(made))
    assert time.process_time() - began < LONGEST_S


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["Change", "Incident", "Request", "Problem", "Complaint"])
def test_every_place_gone_null_or_of_another_type(kind):
    sound = whole(kind)
    complete = len(taken(body(sound))[0].records)
    assert complete > 3
    for path in places(sound):
        for wrong in (..., *ODD) if kind in {"Change", "Incident"} else (..., None, EVIL, {}):
            _, gaps = taken(body(damaged(sound, path, wrong)))
            assert not gaps, (path, wrong, gaps)


def test_every_place_null_at_once():
    def emptied(value):
        if isinstance(value, dict):
            return {key: emptied(item) for key, item in value.items()}
        return [emptied(item) for item in value] if isinstance(value, list) else None

    given, _ = taken(body(emptied(whole())))
    assert [skip.reason for skip in given.skipped] == ["issue type not mapped: ?"]
    told = emptied(whole())
    told["fields"]["issuetype"] = {"name": "Change"}
    given, _ = taken(body(told))
    assert given.records[0].unknown_fields


def test_versions_of_every_type():
    for wrong in (EVIL, *ODD):
        for name in ("id", "name", "releaseDate", "released", "archived"):
            content = body({"id": "70", "name": "1.0", "releaseDate": "2026-03-31", name: wrong})
            given = take_in(Mapper(), "desk", [Document("version", "70", "OPS", content)])
            assert not given.gaps, (name, wrong)
