"""`hub waive`: from the decision to the row, the verdict, the list, the warning and the end."""

from __future__ import annotations

import json

import pytest

from hub.cli.judging import derived, refreshed
from hub.cli.session import Session
from hub.cli.sync import read_sources
from hub.clock import FixedClock, parse_instant
from hub.store.authority import login_name

FIRST, LATER, LAST = "2026-11-03T08:00:00Z", "2026-11-05T08:00:00Z", "2026-12-20T08:00:00Z"
RID = "BS15000-8.2-d"
GIVEN = ("--reason", "one-way migration", "--approver", "people/bruno", "--until", "2026-12-10")


class Place:
    def __init__(self, config):
        self.config = config
        self.waivers = config.parent / "register" / "waivers.yaml"
        self.now = FIRST

    def run(self, when):
        self.now = when
        with Session(self.config, clock=FixedClock(parse_instant(when))) as session:
            read_sources(session)
            derived(session)
            refreshed(session)


@pytest.fixture(scope="module")
def place(small_workplace):
    with small_workplace.open("a", encoding="utf-8") as file:
        file.write(f'\n[retention]\noperators = {{ "{login_name()}" = "register:people/alice" }}\n')
    return Place(small_workplace)


@pytest.fixture
def hub(place, run_hub, monkeypatch):
    """Call a command at the place's instant; return its JSON, or what it says where it fails."""

    def call(*words, code=0):
        clock = FixedClock(parse_instant(place.now))
        monkeypatch.setattr("hub.cli.session.SystemClock", lambda: clock)
        called = run_hub(*words, "--config", place.config, "--format", "json")
        assert called.code == code, called.err
        call.err = called.err
        return json.loads(called.out) if code == 0 else called.err.removeprefix("hub: ").rstrip("\n")

    return call


def finding(hub):
    return next(row for row in hub("findings") if row["requirement"] == RID)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ((), "say one of REQUIREMENT, --list and --revoke ID"),
        ((RID, "--list"), "say one of REQUIREMENT, --list and --revoke ID"),
        ((RID,), "--reason: is missing; say why"),
        ((RID, *GIVEN, "--reason", "a\nb"), "--reason: should be one line without control characters"),
        ((RID, *GIVEN[:4]), "--until: is missing; a waiver has an end"),
        ((RID, *GIVEN, "--until", "soon"), "--until: 'soon' should be a day: 2026-12-31"),
        ((RID, *GIVEN, "--until", "2027-11-03"), "waiver: holds for longer than 365 days"),
        ((RID, *GIVEN, "--until", "2026-11-01"), "waiver: valid_to is not after valid_from"),
        ((RID, *GIVEN, "--from", "2026-11-02"), "--from: lies in the past"),
        ((RID, *GIVEN, "--approver", "people/alice"), "waiver: the approver of a waiver may not be its owner"),
        ((RID, *GIVEN, "--approver", "people/nobody"), "waiver: the approver register:people/nobody is no person"),
        ((RID, *GIVEN, "--approver", ""), "waiver: approver is missing"),
        (("BS15000-0.0-z", *GIVEN), "waiver: unknown requirement 'BS15000-0.0-z'"),
        ((RID, *GIVEN, "--unit", "NOPE-1"), "--unit: NOPE-1: no record of this key or id was read"),
        ((RID, *GIVEN, "--unit", "key=NOPE-*"), "--unit: no record matches"),
        ((RID, *GIVEN, "--unit", "team=ops"), "waiver: filter 'team=ops' is not `name=value`"),
        ((RID, *GIVEN, "--source", "service-desk"), "--source: service-desk keeps no waivers; known: register"),
        (("--revoke", "w-9", "--reason", "x"), "register/waivers.yaml: there is no waiver 'w-9'"),
        (("--revoke", "w-9"), "--reason: is missing; say why"),
    ],
)
def test_what_is_refused_is_said_and_nothing_is_written(place, hub, words, message):
    before = place.waivers.read_bytes()
    assert hub("waive", *words, code=2).startswith(message)
    assert place.waivers.read_bytes() == before


def test_who_owns_the_finding_may_not_accept_it(place, hub):
    found = finding(hub)
    assert found["owner"]
    said = hub("waive", RID, *GIVEN, "--unit", found["unit"], "--approver", found["owner"], code=2)
    assert "owns what it covers" in said or "answers for the requirement" in said or "may not be its owner" in said


def test_the_life_of_a_waiver(place, hub):
    found = finding(hub)
    before = place.waivers.read_text(encoding="utf-8")
    (written,) = hub("waive", RID, *GIVEN, "--unit", found["unit"])
    assert written == {
        "id": "register:waivers/w-2026-11-03-1",
        "file": "register/waivers.yaml",
        "requirement": RID,
        "valid_from": "2026-11-02T23:00:00Z",
        "valid_to": "2026-12-10T23:00:00Z",
        "units": 1,
        "next": "commit register/waivers.yaml, then: hub run",
    }
    assert place.waivers.read_text(encoding="utf-8").startswith(before.rstrip("\n"))
    assert finding(hub)["state"] == "open"  # it was not read yet

    place.run(LATER)
    rows = {row["id"]: row for row in hub("findings", "--all")}
    assert rows[found["id"]]["state"] == "waived"
    assert found["id"] not in {row["id"] for row in hub("findings")}
    assert "w-2026-11-03-1" not in hub.err
    waiver = next(row for row in hub("waive", "--list") if row["id"] == written["id"])
    assert (waiver["state"], waiver["obligations"], waiver["approver"]) == ("in_force", 1, "people/bruno")
    assert (waiver["units"], waiver["notes"]) == (1, [])
    assert written["id"] not in {row["id"] for row in hub("waive", "--list", "--known-at", FIRST)}
    hub("findings", "--as-of", "2026-11-20T08:00:00Z")
    assert "waiver w-2026-11-03-1 of BS15000-8.2-d ends 2026-12-10T23:00:00Z: 1 case will be open again" in hub.err

    # the end: the same finding, open again, its history kept
    place.run(LAST)
    again = next(row for row in hub("findings") if row["id"] == found["id"])
    assert (again["state"], again["reopened"]) == ("open", 1)
    assert again["first_seen_at"] == found["first_seen_at"]
    assert next(row for row in hub("waive", "--list") if row["id"] == written["id"])["state"] == "ended"


def test_one_is_revoked(place, hub):
    found = finding(hub)
    (written,) = hub("waive", RID, *GIVEN, "--unit", found["unit"], "--until", "2027-03-01")
    place.run("2026-12-21T08:00:00Z")
    (ended,) = hub("waive", "--revoke", written["id"], "--reason", "plan was written")
    assert ended["id"] == written["id"]
    place.run("2026-12-22T08:00:00Z")
    row = next(row for row in hub("waive", "--list") if row["id"] == written["id"])
    assert (row["state"], row["valid_to"]) == ("ended", "2026-12-21T08:00:00Z")
    assert row["reason"] == "one-way migration (revoked 2026-12-21 by register:people/alice: plan was written)"


def test_a_malformed_row_stops_the_run_and_every_verdict(place, hub):
    text = place.waivers.read_text(encoding="utf-8")
    place.waivers.write_text(text.replace("valid_to:", "valid_till:", 1), encoding="utf-8")
    line = text[: text.index("valid_to:")].count("\n") + 1
    place.now = "2026-12-23T08:00:00Z"
    assert f"register/waivers.yaml:{line}:" in hub("run", code=2)
    for command in ("findings", "obligations", "coverage", "derive"):
        if command != "derive":
            assert f"register/waivers.yaml:{line}:" in hub(command, code=2)
    place.waivers.write_text(text, encoding="utf-8")
    place.run("2026-12-24T08:00:00Z")
    assert hub("findings")


def test_without_a_register_it_says_what_to_configure(tmp_path, run_hub):
    config = tmp_path / "hub.toml"
    config.write_text('[organisation]\nname = "X"\nzone = "UTC"\n', encoding="utf-8")
    called = run_hub("waive", RID, *GIVEN, "--config", config)
    assert called.code == 2
    assert '[sources.register], plugin = "register", folder = "register"' in called.err
