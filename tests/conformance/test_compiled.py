"""What is remembered of a pack is what would be compiled."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy.dialects import postgresql, sqlite

import hub.conformance.part
from hub.conformance.memory import Memory
from hub.conformance.pack import Declare, Pack
from hub.conformance.part import Outline, Part
from tests.conformance.kit import authorised, small_pack

DIALECTS = [sqlite.dialect(), postgresql.dialect()]


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))


def declarations() -> Mapping[str, Declare]:
    return {one.id: lambda _rid, _p, one=one: list(one.parts) for one in small_pack()}


def pack(declared: Any = declarations, memory: Memory | None = None) -> Pack:
    entries = tuple(one.entry for one in small_pack())
    return Pack("small", "1", {}, entries, declared, memory=memory)


def told(parts: Pack) -> list[Any]:
    """All there is to say of every part."""
    return [
        (
            one.entry,
            [getattr(part, each.name) for each in fields(Outline)],
            [part.sql(dialect, units=units) for dialect in DIALECTS for units in ("", "dirty")],
        )
        for one in parts.requirements({})
        for part in one.parts
    ]


def never(*_: Any, **__: Any) -> Any:
    raise AssertionError("compiled again")


def test_remembered_is_compiled():
    compiled = told(pack())
    assert told(pack(memory=Memory("hub_bs15000"))) == compiled
    assert told(pack(memory=Memory("hub_bs15000"))) == compiled
    assert len(compiled) == 11


def test_a_warm_start_compiles_nothing(monkeypatch):
    compiled = told(pack(memory=Memory("hub_bs15000")))
    monkeypatch.setattr(hub.conformance.part, "write", never)
    assert told(pack(never, Memory("hub_bs15000"))) == compiled


def test_sql_of_a_dialect_never_asked_for_is_written_when_it_is():
    first, second = (pack(memory=Memory("hub_bs15000")) for _ in range(2))
    sqlite_only = [part.sql(DIALECTS[0]) for one in first.requirements({}) for part in one.parts]
    assert told(second) == told(pack())
    assert [sql[0] for _, _, sql in told(second)] == sqlite_only


def test_a_chosen_parameter_is_compiled_anew():
    def chosen(_rid: str, p: Any) -> list[Part]:
        (part,) = authorised("T-two", nth=p.approvers).parts
        return [replace(part, words=replace(part.words, asks=f"Approved by {p.approvers}."))]

    entry = replace(authorised("T-two").entry, parameters={"approvers": 1})
    found = {}
    for approvers in (1, 2, 1, 2):
        one = Pack("chosen", "1", {}, (entry,), {"T-two": chosen}, memory=Memory("hub_bs15000"))
        (part,) = one.requirements({"T-two": {"approvers": approvers}})[0].parts
        found.setdefault(approvers, set()).add((part.words.asks, part.sql(DIALECTS[0])))
    ((one_asks, one_sql),), ((two_asks, two_sql),) = found.values()
    assert (one_asks, two_asks) == ("Approved by 1.", "Approved by 2.")
    assert one_sql != two_sql
