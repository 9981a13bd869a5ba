"""What `hub explain` says of every demand, before anything was judged."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from sqlalchemy.dialects import sqlite

from hub.cli.explain_text import lines
from hub.conformance.explain import Explanation, describe
from hub.conformance.horizon import Horizon
from hub.conformance.pack import CatalogueEntry, Language
from hub.conformance.profile import Choice, Scope
from hub_bs15000.catalogue import load_pack

GIVEN = {
    ("desk", "change"): (frozenset({"actual_start", "implementer", "type"}), False),
    ("desk", "approval"): (frozenset({"decision", "decided_at", "approver", "subject_revision"}), True),
}
ENTRIES = {entry.id: entry for entry in load_pack().entries}


def described(entry: CatalogueEntry, language: Language = "en", **profile: Any) -> Explanation:
    pack = load_pack()
    parts = next((one.parts for one in pack.requirements({}) if one.id == entry.id), ())
    return describe(
        entry,
        parts,
        Horizon((), GIVEN),
        sqlite.dialect(),
        clause_title=pack.clause_in(entry.clause, language),
        language=language,
        place="packs.bs15000.",
        **profile,
    )


@pytest.mark.parametrize("language", ["en", "zh"])
def test_every_demand_is_told_in_full(language: Language):
    pack = load_pack()
    for entry in pack.entries:
        one = described(entry, language)
        text = "\n".join(lines(one, sql=False))
        wanted = [
            entry.id,
            entry.title_in(language),
            entry.statement_in(language),
            pack.clause_in(entry.clause, language),
        ]
        wanted += [entry.severity, entry.iso20000 or "no equal clause", *entry.parameters]
        wanted += [part.asks for part in one.parts] or ["not judged yet"]
        assert [piece for piece in wanted if piece not in text] == [], entry.id
        assert one.evidence_kinds, entry.id
        assert all(part.needs or part.unit_kind == "organisation" for part in one.parts), entry.id
        assert msgspec.json.encode(one)


def test_it_says_from_where():
    text = list(lines(described(ENTRIES["BS15000-8.2-c"]), sql=False))
    assert "    change (actual_start, implementer, revision, type)  from desk" in text
    assert "      desk gives no revision" in text
    assert "    role_assignment (role)  no source gives any" in text
    assert text[-1] == "what would give it: hub coverage BS15000-8.2-c"


def test_it_says_what_else_counts():
    text = list(lines(described(ENTRIES["BS15000-8.2-d"]), sql=False))
    assert "    and where there are any: configuration item, service" in text
    assert "    and where there are any: records of any kind it is tied to, working hours" in text


def test_it_says_what_could_tell_where_no_part_judges():
    entry = ENTRIES["BS15000-8.2-c"]
    text = list(lines(describe(entry, (), Horizon((), GIVEN), sqlite.dialect()), sql=False))
    assert "  not judged yet: no part of an enabled pack covers it" in text
    assert "    approval  from desk" in text


def test_it_says_who_chose_a_parameter():
    because = Choice(
        key=("profile", "0"),
        scope=Scope(service="register:services/shop"),
        parameters={"BS15000-8.2-f": {"tolerance_minutes": 5}},
        reason="The shop never sleeps.",
        set_by="register:people/alice",
        set_at="2026-01-01",
    )
    one = described(ENTRIES["BS15000-8.2-f"], chosen={"BS15000-8.2-f": {"hours": 48}}, choices=[because])
    text = list(lines(one, sql=False))
    assert "    hours = 48  set in the configuration, see below" in text
    assert '    hours = 48 for organisation; shipped: 24; at packs.bs15000.parameters."BS15000-8.2-f"' in text
    assert "    tolerance_minutes = 30  shipped, our default" in text
    assert (
        "    tolerance_minutes = 5 for service register:services/shop; shipped: 30; "
        'at packs.bs15000.profile.0.parameters."BS15000-8.2-f"; register:people/alice, 2026-01-01: The shop never sleeps.'
    ) in text
    assert one.parameters == {"hours": 48, "tolerance_minutes": 30}
    assert [setting.origin for setting in one.settings] == ["profile", "project"]


def test_it_says_what_the_profile_leaves_out_and_ranks_anew():
    choice = Choice(key=("profile", "0"), disabled=["8.2"], severity={"BS15000-8.2-f": "minor"}, reason="Not ours.")
    one = described(ENTRIES["BS15000-8.2-f"], choices=[choice])
    assert not one.asked
    text = list(lines(one, sql=False))
    assert text[0].endswith("[minor]")
    assert "  not judged: the profile leaves it out" in text


@pytest.mark.parametrize(
    ("requirement", "told"),
    [
        ("CMP-06", "hours = 24  shipped, from the source document"),
        ("SLM-10", 'calendar = { A = "7x24", B = "7x24", C = "5x8" }  shipped, partly from the source document'),
        ("BS15000-8.2-c", "self_approval = false  shipped, our default"),
        ("BS15000-6.2-f", 'topics = ["progress", "results", "issues", "plans"]  shipped, our default'),
    ],
)
def test_a_parameter_is_written_as_in_the_configuration(requirement: str, told: str):
    assert f"    {told}" in list(lines(described(ENTRIES[requirement]), sql=False))
