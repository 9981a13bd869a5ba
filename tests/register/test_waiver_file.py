"""Waivers written into a file people keep: the lines that are meant, and no other."""

from __future__ import annotations

from pathlib import Path

import pytest

from hub.clock import FixedClock, parse_instant
from hub.errors import ConfigurationError
from hub.sync.source import SourceContext
from hub.sync.waiver import NewWaiver
from hub_register.settings import RegisterSettings
from hub_register.waiver_file import WaiverFile

NOW = parse_instant("2026-11-03T08:00:00Z")
HEAD = "declared_by: people/alice\ndeclared_at: 2026-01-05\n"
OLD = """- id: old   # kept since the audit
  requirement_id: BS15000-8.2-c
  subject_filter: key=CHG-*
  reason: >-
    The old shop is switched off
    in March.
  approver: people/alice
  valid_from: 2026-10-01
  valid_to: 2027-01-01  # a Friday
"""
NEW = NewWaiver(
    requirement_id="BS15000-8.2-d",
    subject="desk:issue/7",
    subject_filter=None,
    reason='one-way: "no return" # really',
    owner="register:people/alice",
    approver="register:people/bob",
    valid_from="2026-11-03",
    valid_to="2027-01-01",
    declared_by="register:people/alice",
    declared_at=NOW,
)


@pytest.fixture
def kept(register):
    register.write("people", "- id: alice\n  name: Alice\n- id: bob\n  name: Bob\n", head=True)
    return register


def keeper(register) -> WaiverFile:
    context = SourceContext("register", register.base_dir, "Europe/Berlin", FixedClock(NOW), lambda request: request())
    return WaiverFile(RegisterSettings(plugin="register", folder=Path("register")), context)


def text_of(register) -> str:
    return (register.folder / "waivers.yaml").read_bytes().decode()


def add(register, before: str) -> str:
    (register.folder / "waivers.yaml").write_bytes(before.encode())
    written = keeper(register).add(NEW)
    assert (written.id, written.file) == ("register:waivers/w-2026-11-03-1", "register/waivers.yaml")
    assert register.faults() == []
    record = register.records("waivers")[-1]
    assert (record.id, record.requirement_id, record.reason) == (written.id, NEW.requirement_id, NEW.reason)
    assert record.valid_to == parse_instant("2026-12-31T23:00:00Z")
    return text_of(register)


@pytest.mark.parametrize(
    "before",
    [
        "",
        "# nothing but a comment",
        "## a template\n# rows:\n# - id: example\n",
        f"{HEAD}rows:\n{OLD}",
        f"{HEAD}rows:\n{OLD}# the end",
        f"{HEAD}rows:\n{OLD}  ",
        HEAD + "rows:\n" + "".join(f"    {line}\n" for line in OLD.splitlines()),
        f"{HEAD}rows:\n",
        f"{HEAD}rows:  # none yet\n",
        f"{HEAD}rows: []\n",
        f"{HEAD}rows: ~\n",
        HEAD,
        "[]\n",
        f"rows:\n{OLD}\n{HEAD}",
        f"# above\r\n{HEAD}rows:\r\n{OLD}".replace("\r\n", "\n").replace("\n", "\r\n"),
        f"\ufeff{HEAD}rows:\n{OLD}",
    ],
)
def test_a_row_is_added_and_nothing_else_is_touched(kept, before):
    after = add(kept, before)
    pieces = [line for line in before.splitlines() if line.strip(" \ufeff[]~")]
    for piece in pieces:
        assert piece.replace("[]", "").replace("~", "").rstrip() in after
    assert ("\r\n" in after) == ("\r\n" in before)
    assert "\n" not in after.replace("\r\n", "") or "\r\n" not in after
    assert after.startswith("\ufeff") == before.startswith("\ufeff")


def test_a_file_is_made_and_every_row_has_an_id_of_its_own(kept):
    assert [keeper(kept).add(NEW).id for _ in range(3)] == [f"register:waivers/w-2026-11-03-{n}" for n in (1, 2, 3)]
    assert text_of(kept).startswith("# Accepted exceptions")
    assert len(kept.records("waivers")) == 3
    assert [path.name for path in kept.folder.iterdir() if path.name.startswith(".")] == []


@pytest.mark.parametrize(
    ("before", "message"),
    [
        (f"{HEAD}rows:\n- id: broken\n", r"register/waivers\.yaml:4:3: .* is missing"),
        ("rows: [", r"register/waivers\.yaml:2:1: is not YAML"),
        (
            f"{HEAD}rows: [{{id: a, requirement_id: R, reason: x, approver: people/bob, valid_from: 2026-01-01, valid_to: 2026-02-01}}]",
            "row by hand",
        ),
    ],
)
def test_what_is_wrong_before_stays_as_it_is(kept, before, message):
    (kept.folder / "waivers.yaml").write_text(before)
    with pytest.raises(ConfigurationError, match=message):
        keeper(kept).add(NEW)
    assert text_of(kept) == before


def test_what_would_be_wrong_afterwards_is_not_written(kept):
    kept.write("waivers", f"{HEAD}rows:\n{OLD}")
    before = text_of(kept)
    with pytest.raises(ConfigurationError, match="no row 'people/nobody'"):
        keeper(kept).add(
            NewWaiver(**{name: getattr(NEW, name) for name in NEW.__slots__} | {"approver": "register:people/nobody"})
        )
    assert text_of(kept) == before


def test_a_table_is_left_to_people(kept):
    (kept.folder / "waivers.csv").write_text("id,requirement_id\n")
    with pytest.raises(ConfigurationError, match=r"register/waivers\.csv: is a table"):
        keeper(kept).add(NEW)


def test_one_that_holds_ends_now_and_says_why(kept):
    kept.write("waivers", f"{HEAD}rows:\n{OLD}- id: other\n{OLD.partition(chr(10))[2]}")
    before = text_of(kept)
    keeper(kept).end("register:waivers/old", at=NOW, note="revoked by alice: switched off")
    old, other = kept.records("waivers")
    assert (old.valid_to, other.valid_to) == (NOW, parse_instant("2026-12-31T23:00:00Z"))
    assert old.reason == "The old shop is switched off in March. (revoked by alice: switched off)"
    gone = [line for line in before.splitlines() if line not in text_of(kept).splitlines()]
    assert len(gone) <= 4
    assert "# kept since the audit" in text_of(kept)
    assert "# a Friday" in text_of(kept)
    with pytest.raises(ConfigurationError, match="old has ended already, at 2026-11-03T08:00:00Z"):
        keeper(kept).end("old", at=NOW + 1, note="again")


def test_one_that_has_not_begun_becomes_a_comment(kept):
    later = OLD.replace("2026-10-01", "2026-12-01")
    kept.write("waivers", f"{HEAD}rows:\n{later}# between\n- id: other\n{OLD.partition(chr(10))[2]}")
    keeper(kept).end("waivers/old", at=NOW, note="revoked by alice: not needed")
    assert [one.id for one in kept.records("waivers")] == ["register:waivers/other"]
    assert "# revoked by alice: not needed\n# - id: old   # kept since the audit\n" in text_of(kept)
    assert "\n# between\n" in text_of(kept)


def test_there_must_be_one_to_end(kept):
    kept.write("waivers", f"{HEAD}rows:\n{OLD}")
    with pytest.raises(ConfigurationError, match=r"register/waivers\.yaml: there is no waiver 'w-9'"):
        keeper(kept).end("w-9", at=NOW, note="x")
