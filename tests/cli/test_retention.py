"""Disposal and erasure on a store that was filled from the simulated organisation, by command."""

from __future__ import annotations

import hashlib
import io
import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import zstandard
from sqlalchemy import delete, inspect, select, text

from hub.cli.judging import derived, judged, refreshed
from hub.cli.session import Session
from hub.cli.sync import read_sources
from hub.clock import FixedClock, format_instant, parse_instant
from hub.conformance.finding import list_findings
from hub.conformance.listing import list_obligations
from hub.store.authority import login_name
from hub.store.tables import record, sync_cursor

NOW = parse_instant("2026-11-03T08:00:00Z")
RULES = """
[retention]
approver_role = "change_authority"
operators = {{ "{login}" = "{operator}" }}
key = {{ file = "secrets/erasure-key" }}
[[retention.rules]]
name = "old issues"
reason = "eight months by contract"
source = "service-desk"
stream = "issue"
keep = "8 months"
since = "closed"
what = ["documents", "states"]
[[retention.holds]]
name = "lawsuit"
record = "{held}"
"""
DORA = ("--reason", "test of disposal", "--approver", "register:people/dora")


class Workplace:
    """A small organisation, read and judged, with rules of retention."""

    def __init__(self, config: Path) -> None:
        self.config = config

    def session(self) -> Session:
        return Session(self.config, clock=FixedClock(NOW))

    def pictures(self) -> tuple[list[str], ...]:
        """Obligations with verdicts, findings, and who is who, with numbers for names."""
        with self.session() as session, judged(session, format_instant(NOW), None) as judgement:
            conn = judgement.conn
            sids = {row.id: row.sid for row in conn.execute(select(record.c.id, record.c.sid))}
            owed = [
                (r.requirement, r.part, sids.get(r.unit.id), r.verdict, r.due_at, r.met_at)
                for r in list_obligations(judgement)
            ]
            found = [
                (f.requirement, sids.get(f.unit.id), f.state, f.owner and sids.get(f.owner.id))
                for f in list_findings(judgement)
            ]
            people = conn.execute(select(record.c.sid, record.c.canonical).where(record.c.kind == "person")).all()
            return tuple(sorted(map(str, rows)) for rows in (owed, found, people))

    def everything(self) -> str:
        """Every value of every table, packed ones opened, and every byte of a SQLite file and its log."""
        opened = zstandard.ZstdDecompressor()
        said = io.StringIO()
        with self.session() as session, session.store.connect() as conn:
            for name in inspect(conn).get_table_names():
                for row in conn.execute(text(f'SELECT * FROM "{name}"')):
                    for value in row:
                        packed = isinstance(value, bytes) and value.startswith(zstandard.FRAME_HEADER)
                        said.write(opened.decompress(value).decode("utf-8", "replace") if packed else str(value))
                        said.write("\n")
        for path in self.config.parent.glob("hub.db*"):
            said.write(path.read_bytes().decode("latin-1"))
        return said.getvalue()

    def read_all_again(self) -> None:
        """Read every document of every source anew, and derive everything."""
        with self.session() as session:
            with session.store.begin() as conn:
                conn.execute(delete(sync_cursor))
            for summary in read_sources(session):
                assert summary.faults == []
            derived(session, whole=True)
            refreshed(session)


@pytest.fixture(scope="module")
def filled(small_workplace):
    """Read and judged once; its Jira still answers."""
    key = small_workplace.parent / "secrets" / "erasure-key"
    key.touch(mode=0o600)
    key.write_text("a key of this test only")
    rules = RULES.format(login=login_name(), operator="register:people/jonas", held="service-desk:issue/none")
    small_workplace.write_text(small_workplace.read_text(encoding="utf-8") + rules, encoding="utf-8")
    return small_workplace


@pytest.fixture
def workplace(filled, tmp_path, places, monkeypatch):
    """A copy to destroy something in."""
    folder = tmp_path / "copy"
    shutil.copytree(filled.parent, folder)
    places.follow(filled, folder / "hub.toml")
    monkeypatch.setattr("hub.cli.session.SystemClock", lambda: FixedClock(NOW))
    yield Workplace(folder / "hub.toml")
    places.remove(folder / "hub.toml")


@pytest.fixture
def hub(workplace, run_hub):
    """Run a command on the copy; its list, or what it says on stderr."""

    def call(*words: str, code: int = 0) -> Any:
        called = run_hub(*words, "--config", workplace.config, "--format", "json")
        assert called.code == code, called.err
        return json.loads(called.out) if code == 0 else called.err

    return call


def erase_alice(hub):
    return hub("retention", "erase", "register:people/alice", *DORA)


def test_an_erased_person_is_nowhere_and_all_verdicts_stand(workplace, hub):
    names = ("Alice Adler", "alice@example.com", "3e2bc84f114a1ad43e7757c5", "people/alice")
    before = workplace.pictures()
    said = workplace.everything()
    assert all(name in said for name in names)

    (row,) = erase_alice(hub)
    assert (row["type"], row["approver"], row["operator"]) == (
        "erasure",
        "register:people/dora",
        "register:people/jonas",
    )
    assert row["documents"] > 0
    assert row["finished_at"]
    assert not [name for name in names if name.lower() in workplace.everything().lower()]
    assert workplace.pictures() == before

    workplace.read_all_again()
    assert not [name for name in names if name.lower() in workplace.everything().lower()]
    assert workplace.pictures() == before
    result = hub("verify")
    assert [one for one in result if one["result"] == "broken"] == []
    gone = next(one for one in result if one["result"] == "disposed" and one["source"] == "service-desk")
    assert gone["place"] == "disposed of on 2026-11-03 by erasure (hub retention log, number 1)"
    assert erase_alice(hub) == []


def refused(hub, *words: str) -> str:
    return hub("retention", *words, code=2).strip()


def test_who_may_not(workplace, hub, monkeypatch):
    run = ("run", "--reason", "yearly", "--approver")
    assert refused(hub, *run, "register:people/jonas").endswith(
        "register:people/jonas is who runs this; somebody else must approve it"
    )
    assert "does not hold the role 'change_authority' now" in refused(hub, *run, "register:people/bruno")
    assert "register:people/nobody is no person of the register" in refused(hub, *run, "register:people/nobody")
    assert "is empty; say why" in refused(hub, "run", "--reason", " ", "--approver", "register:people/dora")
    monkeypatch.setattr("hub.store.authority.login_name", lambda: "stranger")
    assert "the login 'stranger' is nobody in it" in refused(hub, *run, "register:people/dora")
    assert hub("retention", "log") == []


def test_disposal_by_command_leaves_verdicts_and_can_be_shown(workplace, hub):
    before = workplace.pictures()
    (plan,) = hub("retention", "plan")
    assert plan["documents"] > 0
    assert plan["newest"] < plan["before"] == "2026-03-02T23:00:00Z"
    (row,) = hub("retention", "run", *DORA)
    assert {name: row[name] for name in ("documents", "states", "oldest", "newest")} == {
        name: plan[name] for name in ("documents", "states", "oldest", "newest")
    }
    assert hub("retention", "plan")[0]["documents"] == 0
    with workplace.session() as session:
        derived(session, whole=True)
    assert workplace.pictures() == before
    result = hub("verify")
    assert [one for one in result if one["result"] == "broken"] == []
    assert [one["place"] for one in result if one["result"] == "disposed"] == [
        "disposed of on 2026-11-03 by rule 'old issues' (hub retention log, number 1)"
    ]
    (replayed,) = hub("sync", "--replay", "service-desk")
    assert replayed["skipped"]["disposed of"] > 0
    assert (replayed["changed"], replayed["vanished"]) == (0, 0)


def test_a_document_is_shown_with_reason_only(workplace, hub, run_hub):
    assert run_hub("document", "1", "--config", workplace.config).code == 2
    wrong = hub("document", "1", "--reason", "audit", "--as", "register:people/dorra", code=2)
    assert "register:people/dorra is no person of the register" in wrong
    (shown,) = hub("document", "1", "--reason", "audit", "--as", "register:people/dora")
    assert hashlib.sha256(shown["body"].encode()).hexdigest() == shown["sha256"]
    (entry,) = hub("retention", "access")
    assert (entry["document"], entry["acting_as"], entry["reason"], entry["login"]) == (
        1,
        "register:people/dora",
        "audit",
        login_name(),
    )


def test_reading_without_the_key_is_refused(workplace, hub):
    erase_alice(hub)
    key = workplace.config.parent / "secrets" / "erasure-key"
    key.write_text("another key")
    assert "retention.key is not the key by which persons were erased" in hub("sync", "register", code=2)
