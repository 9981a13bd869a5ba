"""The register as attackers and tired people write it: a fault with line and column, or a text that stays text."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from hub.clock import FixedClock, parse_instant
from hub.records import decode_record
from hub.store.text import encode_clean
from hub.sync.intake import take_in
from hub.sync.source import SourceContext
from hub_register.settings import RegisterSettings
from hub_register.source import RegisterSource
from tests.hostile.payload import EVIL

HEAD = "declared_by: people/alice\ndeclared_at: 2026-01-05\nproof: paper\nrows:\n"
ALICE = HEAD + "- id: alice\n  name: Alice\n"
LONGEST_S = 20.0


@pytest.fixture
def read(tmp_path):
    """Write `people.yaml` and others, read all of it; gives (texts of faults, records)."""
    (tmp_path / "register").mkdir()

    def run(people: bytes | str = ALICE, **files: bytes | str):
        for stem, text in {"people": people, **files}.items():
            content = text if isinstance(text, bytes) else text.encode("utf-8", "surrogatepass")
            (tmp_path / "register" / f"{stem}.yaml").write_bytes(content)
        context = SourceContext(
            name="register",
            base_dir=tmp_path,
            zone="Europe/Berlin",
            clock=FixedClock(parse_instant("2026-11-03T08:00:00Z")),
            call=lambda request: request(),
        )
        source = RegisterSource(RegisterSettings(plugin="register", folder=Path("register")), context)
        faults = [str(fault).removeprefix("register/") for fault in source.faults()]
        records = []
        for part in source.slices():
            if part.unreadable is None:
                for page in source.fetch(part, None):
                    intake = take_in(source, "register", page.documents)
                    assert not [gap for gap in intake.gaps if "failed" in gap]
                    records += [record for given in intake.normalised for record in given.records]
        for record in records:
            kept, encoded, _ = encode_clean(record)
            assert decode_record(encoded) == kept
        return faults, records

    return run


LAUGHS = "a0: &a0 [lol, lol, lol, lol, lol, lol, lol, lol, lol]\n" + "".join(
    f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 10)
)

BROKEN = {
    "billion laughs": (LAUGHS, "people.yaml"),
    "an alias of itself": (HEAD + "- &a {id: alice, name: *a}\n", "no anchor &a is complete before this alias"),
    "a python object": (HEAD + "- !!python/object/apply:os.system [id]\n", "the tag"),
    "a python name": (HEAD + "- {id: alice, name: !!python/name:os.system ''}\n", "the tag"),
    "a binary": (HEAD + "- {id: alice, name: !!binary aGVsbG8=}\n", "the tag"),
    "a key twice": (HEAD + "- id: alice\n  name: A\n  name: B\n", "people.yaml:7:3: key 'name' stands twice"),
    "a tab": (HEAD + "- id: alice\n\tname: A\n", "people.yaml:6:1: a tab stands where YAML wants spaces"),
    "a merge key": (HEAD + "- &a {id: alice, name: A}\n- <<: *a\n  id: bob\n", "merge keys (`<<`) are not read"),
    "two documents": (ALICE + "---\n" + ALICE, "people.yaml:7:1: holds a second document"),
    "not UTF-8": (HEAD.encode() + b"- id: alice\n  name: \xff\xfe\n", "people.yaml:6:9: is not UTF-8"),
    "UTF-16": (ALICE.encode("utf-16"), "people.yaml: is UTF-16; save it as UTF-8"),
    "half a character": (HEAD + "- id: alice\n  name: \ud800\n", "people.yaml:6:9: is not UTF-8"),
    "half a character, escaped": (HEAD + '- id: alice\n  name: "\\ud800"\n', "people.yaml"),
    "a character beyond all": (HEAD + '- id: alice\n  name: "\\UFFFFFFFF"\n', "people.yaml"),
    "a NUL": (HEAD + "- id: alice\n  name: a\0b\n", "holds a control character that YAML does not allow"),
    "a terminal's escape": (HEAD + "- id: alice\n  name: a\x1b[2Jb\n", "holds a control character"),
    "10,000 open brackets": ("[" * 10_000, "is nested deeper than 20 levels"),
    "10,000 open mappings": ("{a: " * 10_000, "is nested deeper than 20 levels"),
    "10,000 levels by indent": ("".join(" " * n + "a:\n" for n in range(300)), "is nested deeper than 20 levels"),
    "10 MB": ("#" * 10_000_000, "people.yaml: larger than 5 MB; split it"),
    "a bare word": ("hello", "people.yaml:1:1: holds no rows; begin each with `- id: …`"),
    "a number": ("42", "people.yaml:1:1: holds no rows"),
    "rows that are a word": ("rows: all", "people.yaml:1:7: rows: must be a list of rows"),
    "a row that is a word": (HEAD + "- alice\n", "people.yaml:5:3"),
    "a row that is a list": (HEAD + "- [alice]\n", "people.yaml:5:3"),
    "a row that is nothing": (HEAD + "-\n", "people.yaml:5"),
    "an id that is a list": (HEAD + "- id: [alice]\n  name: A\n", "people.yaml:5"),
    "an id that climbs": (HEAD + "- id: ../../etc/passwd\n  name: A\n", "people.yaml:5"),
    "an id with a line break": (HEAD + '- id: "a\\nb"\n  name: A\n', "people.yaml:5"),
    "an unknown zone": ("zone: Mars/Olympus\n" + ALICE, "people.yaml:1:7: zone"),
    "a zone that is a path": ("zone: ../../etc/passwd\n" + ALICE, "people.yaml:1:7: zone"),
    "declared never": (ALICE.replace("2026-01-05", "0000-00-00"), "0000-00-00"),
    "declared in 2400": (ALICE.replace("2026-01-05", "2400-01-01"), "is outside the years 1900 to 2099"),
    "declared tomorrow": (
        ALICE.replace("2026-01-05", "2026-11-05"),
        "people.yaml:2:14: declared_at: is later than now",
    ),
    "declared on the last day": (ALICE.replace("2026-01-05", "9999-12-31"), "people.yaml"),
    "declared on the 30th of February": (ALICE.replace("2026-01-05", "2026-02-30"), "people.yaml"),
    "declared in octal": (ALICE.replace("2026-01-05", "0o3752"), "people.yaml"),
    "declared in sexagesimal": (ALICE.replace("2026-01-05", "190:20:30"), "people.yaml"),
    "an instant of 30 digits": (ALICE.replace("2026-01-05", "9" * 30), "people.yaml"),
    "a bool of no kind": (HEAD + "- {id: alice, name: A, account: maybe}\n", "people.yaml"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_fault_has_its_place(read, name):
    text, said = BROKEN[name]
    began = time.process_time()
    faults, _ = read(text)
    assert time.process_time() - began < LONGEST_S
    assert any(said in fault for fault in faults), faults
    assert all(fault.isprintable() and len(fault) < 1_000 for fault in faults), faults


TABLE = "id,declared_by,declared_at,proof,name\n"
CELLS = "alice,people/alice,2026-01-05,paper,"
BROKEN_TABLES = {
    "a formula stays text": (TABLE + CELLS + '"=HYPERLINK(""http://x"")"\n', None),
    "a quote without end": (TABLE + CELLS + '"' + "A\n" * 100_000, "teams.csv:2:37: a quote is never closed"),
    "only quotes": ('"' * 100_001, "teams.csv:1:100001: a quote stands inside a cell"),
    "a million commas": (TABLE + "," * 1_000_000, "teams.csv:2: holds more than 500000 values"),
    "a NUL": (TABLE + CELLS + "A\0\n", "teams.csv:2:38: holds a control character"),
    "a terminal's escape": (TABLE + CELLS + "A\x1b[2J\n", "teams.csv:2:38: holds a control character"),
    "UTF-16": ((TABLE + CELLS + "A\n").encode("utf-16"), "teams.csv: is UTF-16; save it as UTF-8"),
    "not UTF-8": ((TABLE + CELLS).encode() + b"\xff\n", "teams.csv:2:37: is not UTF-8"),
    "10,000 columns": (",".join(f"c{n}" for n in range(10_000)), "has more than 500 columns"),
    "a column of 10,000 parts": (TABLE.replace("name", "name" + ".x" * 10_000), "has no parts"),
    "YAML": ("- {id: ops}\n", "teams.csv:1:1: id: the header has no column id"),
    "an id that climbs": (TABLE + CELLS.replace("alice,p", "../x,p") + "A\n", "teams.csv:2:1: id: '../x' is no id"),
}


@pytest.mark.parametrize("name", BROKEN_TABLES)
def test_a_fault_of_a_table_has_its_place(read, tmp_path, name):
    text, said = BROKEN_TABLES[name]
    (tmp_path / "register" / "teams.csv").write_bytes(text if isinstance(text, bytes) else text.encode())
    began = time.process_time()
    faults, records = read()
    assert time.process_time() - began < LONGEST_S
    if said is None:
        assert not faults
        assert [record.name for record in records] == ["Alice", '=HYPERLINK("http://x")']
        return
    assert any(said in fault for fault in faults), faults
    assert all(fault.isprintable() and len(fault) < 25_000 for fault in faults)


def test_texts_stay_texts(read):
    quoted = EVIL.replace("\ud800", "").encode("unicode_escape").decode().replace('"', '\\"').replace("'", "\\x27")
    rows = f'- id: alice\n  name: "{quoted}"\n- {{id: no, name: no}}\n- {{id: "1.10", name: 0777}}\n'
    faults, records = read(HEAD + rows + f"- id: long\n  name: {'x' * 1_000_000}\n")
    assert not faults
    named = {record.id: record.name for record in records}
    assert named["register:people/alice"] == EVIL.replace("\ud800", "")
    assert (named["register:people/no"], named["register:people/1.10"]) == ("no", "0777")
    assert len(named["register:people/long"]) == 1_000_000


def test_10000_rows_that_own_each_other(read):
    rows = "".join(f"- id: p{n}\n  name: P{n}\n" for n in range(3))
    teams = "".join(
        f"- id: t{n}\n  name: T{n}\n  manager: people/p{n % 3}\n  members: [{', '.join(f'people/p{m}' for m in range(3))}]\n"
        for n in range(1_000)
    )
    faults, records = read(ALICE + rows, teams=HEAD + teams)
    assert not faults
    assert len(records) == 1_004


def test_cycles_of_sameness_and_of_parents(read):
    people = HEAD + "".join(
        f"- {{id: {one}, name: {one}, accounts: [register:people/{other}]}}\n" for one, other in ("ab", "ba", "cc")
    )
    faults, _ = read(ALICE + people.removeprefix(HEAD))
    assert all(fault.isprintable() for fault in faults)


def test_a_link_to_itself_is_no_file(read, tmp_path):
    (tmp_path / "register" / "roles.yaml").symlink_to(tmp_path / "register" / "roles.yaml")
    (tmp_path / "register" / "teams.yaml").mkdir()
    faults, _ = read()
    assert not [fault for fault in faults if not fault.startswith(("roles", "teams"))]
