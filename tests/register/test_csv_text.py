"""A CSV file says what a YAML file says; its faults have a line and a column."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hub import records
from hub_register.csv_text import read_csv
from hub_register.reader import BrokenFile
from hub_register.schema import FILES, declared_fields
from hub_register.templates import csv_template

HEAD = "id,declared_by,declared_at,"
BY = "people/alice,2026-01-05,"


@pytest.fixture
def table(register):
    """Write a file of CSV; gives its faults."""

    def write(stem, text, encoding="utf-8"):
        (register.folder / f"{stem}.csv").write_bytes(text.encode(encoding))
        return [fault.removeprefix(f"{stem}.csv:") for fault in register.faults()]

    return write


def test_rows_are_those_that_yaml_would_give(register, table):
    assert not table(
        "services",
        f"{HEAD}name,labels,continuity_agreed.by,continuity_agreed.at,availability_target,in_scope\r\n"
        f'shop,{BY}"Shop, the ""big"" one",a; b;,people/alice,2026-01-02T09:00+01:00,99.5,yes\r\n'
        f"desk,{BY}Desk,[],,,,\r\n",
        "utf-8-sig",
    )
    shop, desk = register.records("services")
    assert (shop.name, shop.labels, shop.availability_target) == ('Shop, the "big" one', ["a", "b"], 99.5)
    assert shop.continuity_agreed == records.Confirmation(by="register:people/alice", at=1767340800000)
    assert (desk.labels, desk.continuity_agreed) == ([], None)
    assert "labels" in {one.field for one in desk.since}, "[] is an answer"
    assert "continuity_agreed" not in {one.field for one in desk.since}, "an empty cell is none"


def test_several_of_a_struct_are_numbered(register, table):
    header = "id,declared_by,declared_at,fiscal_year,lines.1.amount,lines.1.currency,lines.2.amount,lines.2.currency"
    assert not table("budgets", f"{header}\nb,{BY}2026,1.50,EUR,2,EUR\nc,{BY}2026,,,3,USD\n")
    first, second = register.records("budgets")
    assert [(line.amount, line.currency) for line in first.lines] == [("1.50", "EUR"), ("2", "EUR")]
    assert [line.amount for line in second.lines] == ["3"]


def test_a_cell_of_several_lines_moves_those_below(register, table):
    (register.folder / "people.yaml").unlink()
    assert table("people", f'{HEAD}name,employment\nalice,{BY}"A\nB",employee\nb,{BY}B,emploee\n') == [
        "4:29: employment: unknown word 'emploee'; did you mean 'employee'?"
    ]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (f"{HEAD}nmae\na,{BY}A\n", "1:28: nmae: unknown column; did you mean 'name'?"),
        (f"{HEAD}name,name\n", "1:33: name: stands twice (first in column 28)"),
        ("declared_by,name\n", "1:1: id: the header has no column id"),
        (f"{HEAD}name\na,{BY}A,B\n", "2:1: has 5 cells where the header has 4; quote a text that holds a comma"),
        (f"{HEAD}name\na,{BY}\n", "2:1: name: is missing"),
        (f"{HEAD}name,active_from\na,{BY}A,1.2.2026\n", "2:29: active_from: '1.2.2026' is not an instant"),
        ("id;name\n1;2\n", "1:1: is separated by semicolons; save it with commas"),
        (f'{HEAD}name\na,{BY}"A\n', "2:27: a quote is never closed"),
        (f'{HEAD}name\na,{BY}A"B\n', "2:28: a quote stands inside a cell"),
        (f"{HEAD}name\na,{BY}A\x1b[2J\n", "2:28: holds a control character"),
        (f"{HEAD}name,email.1\n", "1:33: email.1: is a list of single values; write them into one column"),
        (f"{HEAD}name,name.x\n", "1:33: name.x: has no parts"),
    ],
)
def test_faults_have_their_place(register, table, text, said):
    (register.folder / "people.yaml").unlink()
    assert any(fault.startswith(said) for fault in table("people", text)), table("people", text)


@pytest.mark.parametrize(
    ("column", "said"),
    [
        ("continuity_agreed", "has parts; write continuity_agreed.by, continuity_agreed.at"),
        ("continuity_agreed.who", "unknown column; there are at, by"),
        ("links", "is a list; write links.1.type for the first of it"),
        ("links.x.type", "is a list; write links.1.type"),
    ],
)
def test_columns_of_parts(table, column, said):
    [fault] = [fault for fault in table("services", f"{HEAD}name,{column}\n") if column in fault]
    assert fault.startswith(f"1:33: {column}: {said}")


def test_a_wrong_header_is_a_gap_and_no_proof_of_deletion(register):
    (register.folder / "teams.csv").write_text(f"{HEAD}nmae\nops,{BY}Ops\n", encoding="utf-8")
    assert register.page("teams").gaps
    [part] = [part for part in register.source().slices() if part.stream == "teams"]
    assert list(register.source().census(part)) == []


def test_one_file_a_kind(register, table):
    register.write("teams", "[]")
    assert table("teams", f"{HEAD}name\n") == ["teams.yaml: stands beside teams.csv; keep one of the two"]


@pytest.mark.parametrize("stem", FILES)
def test_the_header_to_start_from_can_be_read(stem):
    found = read_csv(csv_template(stem, rows=True), f"{stem}.csv", declared_fields(FILES[stem]))
    assert (found.faults, len(found.rows)) == ([], 1)


@settings(max_examples=200, deadline=None)
@given(st.text(alphabet=' \n\r,;"[]ab1.\x07\ufeff\u2028', max_size=60))
def test_any_text_is_read_or_refused_with_a_place(text):
    try:
        found = read_csv(text, "f.csv", declared_fields("person"))
    except BrokenFile as error:
        assert error.fault.line  # noqa: PT017 - both ends are right
    else:
        assert all(fault.line and fault.column for fault in found.faults)
