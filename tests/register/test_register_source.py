"""What a register promises the hub: every fault at once, gaps instead of silence, waivers or nothing."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

import pytest
from pydantic import ValidationError

import hub_register
from hub.errors import ConfigurationError, ScopeUnreadable
from hub.sync.source import Slice
from hub.testing.contract import SourceContract
from hub_register.schema import FILES
from hub_register.settings import RegisterSettings
from hub_register.source import RegisterSource
from hub_register.templates import START, TEMPLATES, live, uncomment


class TestRegisterKeepsItsPromises(SourceContract):
    pages = 1
    faults: ClassVar = {}

    @pytest.fixture(autouse=True)
    def _folder(self, tmp_path):
        (tmp_path / "register").mkdir()
        for name, template in TEMPLATES.items():
            (tmp_path / "register" / name).write_text(uncomment(template), encoding="utf-8")

    def make(self, context):
        return RegisterSource(RegisterSettings(plugin="register", folder=Path("register")), context)

    def requests_seen(self):
        return []


def test_templates_are_one_consistent_register(register):
    assert {f"{stem}.yaml" for stem in FILES} == TEMPLATES.keys()
    for name, template in TEMPLATES.items():
        (register.folder / name).write_text(uncomment(template), encoding="utf-8")
    assert register.faults() == []
    assert all(register.records(stem) for stem in FILES)


def test_agreements_that_measure_nothing_are_told_where_they_stand(register):
    sla = """
- id: gold
  customer_id: customers/retail
  service_ids: [services/shop]
  valid_from: 2026-01-01
  targets:
  - {id: a, metric: response, operator: '<=', value: 0, unit: min, calendar: 7x24}
  - {id: b, metric: resolution, operator: '<=', value: 4, unit: h, calendar: 6x9}
"""
    register.write("services", "- {id: shop, name: Shop}\n", head=True)
    register.write("customers", "- {id: retail, name: Retail}\n", head=True)
    register.write("slas", sla, head=True)
    told = [line.text.partition("register/")[2] for line in register.source().check() if line.level == "warning"]
    assert "it is not signed" in told[-3]
    assert told[-2].endswith("targets[0]: target a promises 0 min")
    assert told[-1].endswith("targets[1]: target b counts on the calendar '6x9', which does not exist")
    places = [(fault.line, fault.column) for fault in register.source().warnings() if fault.key.startswith("targets")]
    assert places[1] == (places[0][0] + 1, places[0][1])


def test_untouched_templates_hold_no_rows(register):
    for name, template in TEMPLATES.items():
        (register.folder / name).write_text(template, encoding="utf-8")
    assert register.faults() == []
    assert [page for stem in FILES for page in register.page(stem).documents] == []


def test_check_says_everything_at_once(register):
    register.write("teams", "- {id: ops, name: Ops, manger: people/alice}\n- {id: dev, nam: Dev}\n- [x]\n", head=True)
    register.write("services", "- id: [\n")
    register.write("roels", "")
    (register.folder / "customers.yml").write_text("")
    with pytest.raises(ConfigurationError) as caught:
        register.source().check()
    places = [(fault.file, fault.line, fault.key) for fault in caught.value.faults]
    assert places == [
        ("register/customers.yml", None, ""),
        ("register/roels.yaml", None, ""),
        ("register/services.yaml", 2, ""),
        ("register/teams.yaml", 5, "manger"),
        ("register/teams.yaml", 6, "name"),
        ("register/teams.yaml", 6, "nam"),
        ("register/teams.yaml", 7, ""),
    ]
    assert str(caught.value.faults[0]).endswith("is no register file; rename it to customers.yaml")
    assert str(caught.value.faults[1]).endswith("is no register file; rename it to roles.yaml")


def test_check_counts_rows_and_names_those_without_proof(register):
    register.write("teams", "- {id: t, name: T, declared_by: people/alice, declared_at: 2026-01-05}\n")
    assert [(line.level, line.text) for line in register.source().check()] == [
        ("ok", "register/people.yaml: 1 rows"),
        ("ok", "register/teams.yaml: 1 rows"),
        ("warning", "1 rows without proof, the first at register/teams.yaml:1"),
    ]


def test_a_malformed_row_is_skipped_and_leaves_a_gap(register):
    register.write("teams", "- {id: ops, name: Ops}\n- {id: dev, nam: Dev}\n", head=True)
    page = register.page("teams")
    assert [document.native_id for document in page.documents] == ["teams/ops", "teams/dev"]
    assert page.gaps == [
        "register/teams.yaml:6:13: nam: unknown key; did you mean 'name'?",
        "register/teams.yaml:6:3: name: is missing",
    ]
    given = [register.source().normalise(document) for document in page.documents]
    assert [len(one.records) for one in given] == [1, 0]
    assert [(skip.native_id, skip.reason) for one in given for skip in one.skipped] == [
        ("teams/dev", "malformed row: nam")
    ]


def test_an_id_that_stands_twice_is_read_from_neither_and_not_deleted(register):
    register.write("teams", "- {id: a, name: A}\n- {id: b, name: B}\n- {id: a, name: C}\n", head=True)
    page = register.page("teams")
    assert [document.native_id for document in page.documents] == ["teams/b"]
    assert page.gaps == [
        f"register/teams.yaml:{line}:3: id: id 'a' stands twice; give each row its own" for line in (5, 7)
    ]
    [census] = register.source().census(Slice("teams", "teams", frozenset({"team"})))
    assert (census.native_ids, census.deletes) == (["teams/a", "teams/b"], True)


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ("- {name: A}", "id: has no id"),
        ("- {id: a/b, name: A}", "id: 'a/b' is no id"),
        ("- {id: [a], name: A}", "id: ['a'] is no id"),
        ("- A", "a row is a mapping that begins with `id:`"),
    ],
)
def test_a_row_without_id_is_a_gap_and_no_proof_of_deletion(register, row, said):
    register.write("teams", f"{row}\n- {{id: b, name: B}}\n", head=True)
    page = register.page("teams")
    assert len(page.documents) == len(page.gaps) == 1
    assert said in page.gaps[0]
    assert list(register.source().census(Slice("teams", "teams", frozenset({"team"})))) == []


def test_a_file_that_is_no_yaml_is_unreadable_and_the_others_are_read(register):
    register.write("teams", "- {id: ops\n")
    source = register.source()
    by_stream = {part.stream: part for part in source.slices()}
    assert by_stream["people"].unreadable is None
    assert by_stream["teams"].unreadable.startswith("register/teams.yaml:2:1: is not YAML here")
    with pytest.raises(ScopeUnreadable, match="is not YAML here"):
        list(source.fetch(by_stream["teams"], None))
    assert list(source.census(by_stream["teams"])) == []


@pytest.mark.parametrize(
    "text",
    [
        "- {id: w\n",
        "- {id: w, reason: x}\n",
        "- {id: w, requirement_id: R, reason: x, approver: people/nobody, valid_from: 2026-01-01, valid_to: 2026-02-01, declared_by: people/alice, declared_at: 2026-01-01}\n",
    ],
)
def test_waivers_with_a_fault_stop_the_source(register, text):
    register.write("waivers", text)
    with pytest.raises(ConfigurationError, match=r"register/waivers\.yaml:\d+:\d+"):
        register.source().slices()
    with pytest.raises(ConfigurationError):
        list(register.source().fetch(Slice("waivers", "waivers", frozenset({"waiver"})), None))


def test_faults_elsewhere_do_not_stop_the_waivers(register):
    register.write("teams", "- {id: ops\n")
    register.write("waivers", "[]")
    assert {part.stream for part in register.source().slices()} == {"people", "teams", "waivers"}


def test_only_files_that_are_kept_are_provided(register):
    assert [provision.kind for provision in register.source().provides()] == ["person"]
    source = register.source(files=("people", "reviews"))
    assert [provision.kind for provision in source.provides()] == ["person", "review"]
    [_, reviews] = source.slices()
    assert reviews.unreadable == "register/reviews.yaml: cannot be read: No such file or directory"


def test_provided_fields_are_those_a_row_may_hold(register):
    register.write("services", "[]").write("reviews", "[]")
    by_kind = {provision.kind: provision.fields for provision in register.source().provides()}
    assert {"name", "same_as", "created_at"} <= by_kind["person"]
    assert by_kind["person"].isdisjoint({"account", "accounts", "events", "custom"})
    assert {"owner", "continuity_agreed.by"} <= by_kind["service"]
    assert {"period.start", "recommendations.action_id"} <= by_kind["review"]


def test_the_same_files_give_the_same_documents(register):
    register.write("teams", "# b\n- {name: Ops, id: ops, declared_by: people/alice, declared_at: 2026-01-05}\n")
    before = register.page("teams")
    register.write("teams", "# a\n- {id: ops, declared_at: 2026-01-05, declared_by: people/alice, name: Ops}\n")
    after = register.page("teams")
    assert (before.documents, before.cursor) == (after.documents, after.cursor)


def test_a_missing_folder_is_told_with_its_key(register):
    (register.folder / "people.yaml").unlink()
    register.folder.rmdir()
    source = register.source()
    for ask in (source.check, source.slices):
        with pytest.raises(ConfigurationError, match=r"sources\.register\.folder: no folder 'register'"):
            ask()
    assert source.provides() == []


def test_a_wrong_head_breaks_the_file(register):
    for head, said in [
        (
            "zone: Europe/Berln\nrows: []\n",
            "register/teams.yaml:1:7: zone: unknown time zone 'Europe/Berln'; did you mean",
        ),
        ("row: []\n", "register/teams.yaml:1:1: row: unknown key beside the rows; did you mean 'rows'?"),
        ("rows: ops\n", "register/teams.yaml:1:7: rows: must be a list of rows"),
        ("ops\n", "register/teams.yaml:1:1: holds no rows; begin each with `- id: …`"),
    ]:
        register.write("teams", head)
        [part] = [part for part in register.source().slices() if part.stream == "teams"]
        assert part.unreadable.startswith(said)


def test_settings_know_the_files():
    with pytest.raises(ValidationError, match="no such register file: peple; there are people, roles"):
        RegisterSettings(plugin="register", folder=Path("register"), files=("peple",))


def test_it_is_offered_with_files_to_start_from():
    offered = []
    hub_register.hub_register_sources(offered.append)
    [kind] = offered
    assert (kind.name, kind.settings, kind.make) == ("register", RegisterSettings, RegisterSource)
    assert kind.start_files["register/people.yaml"] == TEMPLATES["people.yaml"]
    assert {*kind.start_files} == {
        path for stem in START for path in (f"register/{stem}.yaml", f"register/schema/{stem}.json")
    }


def test_the_files_to_start_from_refer_to_nothing_beyond_them(register):
    for stem in START:
        (register.folder / f"{stem}.yaml").write_text(live(stem), encoding="utf-8")
    assert register.faults() == []
