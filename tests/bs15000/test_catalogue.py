from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import pytest
import yaml
from sqlalchemy.dialects import postgresql, sqlite

from hub.conformance.pack import Pack
from hub.conformance.parameter import objection
from hub.conformance.part import OBLIGATION_COLUMNS
from hub.errors import ConfigurationError
from hub.records import KINDS
from hub_bs15000 import hub_register_requirements
from hub_bs15000.catalogue import load_pack

POINTERS = ("from_sla", "sla.md section 4")
"""Values that say where a figure stands instead of being one."""


def test_the_plugin_offers_one_pack():
    offered: list[Pack] = []
    hub_register_requirements(offered.append)
    assert [pack.name for pack in offered] == ["bs15000"]


def test_catalogue_holds_every_demand_in_other_words(shared: Path):
    demands = yaml.safe_load((shared / "domain" / "requirements.yaml").read_text(encoding="utf-8"))["requirements"]
    entries = {entry.id: entry for entry in load_pack().entries}
    assert {one: (entry.clause, entry.severity, entry.iso20000) for one, entry in entries.items()} == {
        demand["id"]: (demand["clause"], demand["severity"], demand["iso20000_1_2018"]) for demand in demands
    }
    copied = [
        demand["id"]
        for demand in demands
        if entries[demand["id"]].statement.casefold() == demand["statement"].casefold()
        or entries[demand["id"]].title.casefold() == demand["title"].casefold()
    ]
    assert copied == []


def test_catalogue_holds_every_parameter_of_the_demands(shared: Path):
    entries = {entry.id: entry for entry in load_pack().entries}
    for demand in yaml.safe_load((shared / "domain" / "requirements.yaml").read_text(encoding="utf-8"))["requirements"]:
        entry = entries[demand["id"]]
        wanted = {name: value for name, value in (demand["params"] or {}).items() if value not in POINTERS}
        assert wanted.items() <= entry.parameters.items(), entry.id
        assert (entry.shape, entry.unit) == (demand["shape"], demand["subject"])
        assert set(demand["evidence_kinds"]) - {"register_row"} <= set(entry.evidence) <= KINDS.keys(), entry.id
        assert entry.unit in {*KINDS, "any_record"}
        assert bool(entry.parameters) == bool(entry.parameters_from), entry.id
        if wanted:
            assert entry.parameters_from == demand["params_origin"], entry.id


def test_every_shipped_parameter_may_be_chosen():
    for entry in load_pack().entries:
        for name, value in entry.parameters.items():
            assert objection(name, value, value) == "", (entry.id, name)


def test_catalogue_is_whole():
    pack = load_pack()
    assert len({entry.id for entry in pack.entries}) == len(pack.entries) == 290
    assert {entry.clause for entry in pack.entries} == set(pack.clauses)
    assert {entry.severity for entry in pack.entries} == {"critical", "major", "minor"}
    for entry in pack.entries:
        assert entry.title
        assert entry.role
        assert entry.statement.endswith(".")


def test_what_is_judged():
    judged = {one.id for one in load_pack().requirements({})}
    assert judged == {entry.id for entry in load_pack().entries}
    assert len(judged) == 290


KNOWN_LETTERS = {"SLA", "OLA", "CI", "IT"}
"""Abbreviations a Chinese sentence may hold; single letters name grades."""


def test_catalogue_speaks_chinese():
    pack = load_pack()
    assert pack.clauses_zh.keys() == pack.clauses.keys()
    spoken = [(entry.id, entry.title_zh) for entry in pack.entries]
    spoken += [(entry.id, entry.statement_zh) for entry in pack.entries]
    spoken += pack.clauses_zh.items()
    for place, words in spoken:
        assert re.search(r"[\u4e00-\u9fff]", words), place
        assert set(re.findall(r"[A-Za-z]{2,}", words)) <= KNOWN_LETTERS, place
        assert not re.search(r"[,;:!?()]|\s", words), f"{place}: a mark of the other script"
    for entry in pack.entries:
        assert entry.statement_zh.endswith("。"), entry.id
        assert not entry.title_zh.endswith("。"), entry.id
        assert entry.statement_in("zh") == entry.statement_zh
        assert entry.statement_in("en") == entry.statement


@pytest.mark.parametrize("words", ["title", "statement", "title_zh", "statement_zh"])
def test_no_two_demands_sound_the_same(words):
    tally = Counter(getattr(entry, words).casefold() for entry in load_pack().entries)
    assert [text for text, times in tally.items() if times > 1] == []


def test_every_part_tells_people_what_to_do(parts):
    for part in parts.values():
        for sentence in (part.words.asks, part.words.missing, part.words.remedy):
            assert sentence.endswith("."), (part.requirement, part.name, sentence)
            assert "{" not in sentence


def test_every_part_reads_its_own_kind(parts):
    for part in parts.values():
        assert part.reads, part.name
        if part.unit_kind not in {"organisation", "service", "configuration_item"}:
            assert part.unit_kind in part.reads, (part.requirement, part.name)


@pytest.mark.parametrize("dialect", [sqlite.dialect(), postgresql.dialect()], ids=lambda one: one.name)
def test_every_part_can_be_narrowed(parts, dialect):
    for part in parts.values():
        assert "FROM dirty" in part.sql(dialect, units="dirty"), (part.requirement, part.name)
        assert "dirty" not in part.sql(dialect), (part.requirement, part.name)


def test_every_part_runs_on_an_empty_store(store, parts):
    with store.begin() as conn:
        conn.exec_driver_sql("CREATE TEMPORARY TABLE dirty (unit INTEGER PRIMARY KEY)")
        for part in parts.values():
            for units in ("", "dirty"):
                found = conn.exec_driver_sql(part.sql(conn.dialect, units=units))
                assert tuple(found.keys()) == OBLIGATION_COLUMNS
                assert found.fetchall() == [], (part.requirement, part.name)


def test_parameters_reach_sentence_and_query():
    chosen = {"BS15000-8.2-l": {"days": 7}}
    (changed,) = (one for one in load_pack().requirements(chosen) if one.id == "BS15000-8.2-l")
    assert "7 days" in changed.parts[0].words.asks
    with pytest.raises(ConfigurationError, match="unknown parameter 'dayz'"):
        load_pack().requirements({"BS15000-8.2-l": {"dayz": 7}})
