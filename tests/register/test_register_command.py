"""`hub register` as a person calls it: begins files, checks them, describes them to editors."""

from __future__ import annotations

import json

import pytest

from hub_register.schema import FILES


@pytest.fixture
def called(run_hub, tmp_path, monkeypatch):
    """Call `hub register …` in a folder that `hub init` filled."""
    monkeypatch.chdir(tmp_path)
    assert run_hub("init", "--zone", "Europe/Berlin").code == 0

    def call(*words, code=0):
        done = run_hub("register", *words)
        assert done.code == code, done
        return done

    return call


def test_every_kind_can_be_begun_and_passes_the_check(called, tmp_path):
    kinds = json.loads(called("new", "--list", "--format", "json").out)
    assert [row["kind"] for row in kinds] == list(FILES)
    assert all(row["text"] for row in kinds)
    for stem in FILES:
        called("new", stem, "--file", f"all/{stem}.yaml", "--rows")
        assert (tmp_path / "all" / "schema" / f"{stem}.json").exists()
        begun = called("new", stem, code=2 if (tmp_path / "register" / f"{stem}.yaml").exists() else 0)
        assert begun.out.strip() in ("", f"wrote register/{stem}.yaml")
    lines = called("check", "all").out.splitlines()
    assert len(lines) == len(FILES)
    assert all(line.endswith("rows") and " 0 rows" not in line for line in lines)
    assert all(line.endswith(" 0 rows") for line in called("check").out.splitlines()), "examples are comments"


def test_nothing_is_overwritten(called, tmp_path):
    called("new", "suppliers")
    (tmp_path / "register" / "suppliers.yaml").write_text("[]", encoding="utf-8")
    for words in (("suppliers",), ("suppliers", "--file", "register/suppliers.csv")):
        refused = called("new", *words, code=2)
        assert refused.err == "hub: register/suppliers.yaml: exists already; nothing was written\n"
    assert (tmp_path / "register" / "suppliers.yaml").read_text(encoding="utf-8") == "[]"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["supliers"], "KIND: no kind 'supliers'; did you mean 'suppliers'?"),
        ([], "KIND: name a kind; `hub register new --list` lists them"),
        (["suppliers", "--file", "x.yaml"], "x.yaml: --file: must be named suppliers.yaml or suppliers.csv"),
    ],
)
def test_what_cannot_be_begun(called, words, said):
    assert called("new", *words, code=2).err == f"hub: {said}\n"


def test_a_csv_file_begins_with_its_header(called, tmp_path):
    called("new", "shifts", "--file", "register/shifts.csv")
    assert (tmp_path / "register" / "shifts.csv").read_bytes().startswith(b"id,declared_by,declared_at,proof,site,")
    assert called("check").code == 0


def test_check_says_everything_at_once(called, tmp_path):
    folder = tmp_path / "register"
    (folder / "teams.yaml").write_text("- {id: ops, nmae: Ops}\n- {id: dev, name: Dev}\n", encoding="utf-8")
    (folder / "contacts.csv").write_text("id,at\nc,nine\n", encoding="utf-8")
    lines = called("check", code=2).out.splitlines()
    assert "register/teams.yaml:1:13: nmae: unknown key; did you mean 'name'?" in lines
    assert (
        "register/contacts.csv:2:3: at: 'nine' is not an instant; write 2026-10-05T14:30:00+02:00, 2026-10-05T14:30 or 2026-10-05"
        in lines
    )
    rows = json.loads(called("check", "register", "--format", "json", code=2).out)
    assert len(rows) == len(lines)
    assert rows[0] == {
        "file": "register/contacts.csv",
        "line": 2,
        "column": 1,
        "level": "error",
        "key": "declared_by",
        "message": "is missing",
    }


def test_a_warning_is_no_fault(called, tmp_path):
    row = "- {id: alice, name: A, declared_by: people/alice, declared_at: 2026-01-05}\n"
    (tmp_path / "register" / "people.yaml").write_text(row, encoding="utf-8")
    assert "warning: register/people.yaml:1:3: rests on nothing; add `proof:`" in called("check").out


def test_local_times_need_a_zone_where_no_configuration_gives_one(called, tmp_path):
    (tmp_path / "hub.toml").write_text('plugins = ["register"]\n', encoding="utf-8")
    row = "- {id: alice, name: A, proof: x, declared_by: people/alice, declared_at: 2026-01-05}\n"
    (tmp_path / "register" / "people.yaml").write_text(row, encoding="utf-8")
    assert "has no offset and the file no zone" in called("check", code=2).out
    assert called("check", "--zone", "Asia/Shanghai").code == 0


def test_schemas_for_all_kinds(called, tmp_path):
    called("schema", "editor")
    assert {path.stem for path in (tmp_path / "editor").iterdir()} == set(FILES)
