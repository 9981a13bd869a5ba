"""Parameters set for a service, a clause left out, a severity changed: what the commands then say."""

from __future__ import annotations

import json

import pytest

from hub_sandbox.configuration import NOT_INTRODUCED

NOW = "2026-11-03T08:00:00Z"
ENTRY = """
[[packs.bs15000.profile]]
{said}
reason = "agreed with the board"
set_by = "register:people/manager"
set_at = 2026-11-01
"""


@pytest.fixture(scope="module")
def workplace(small_workplace):
    return small_workplace


@pytest.fixture
def ask(workplace, run_hub):
    """Run a command under a profile, with JSON output."""
    shipped = workplace.read_text(encoding="utf-8")

    def run(profile: str, *arguments: str):
        workplace.write_text(shipped + profile, encoding="utf-8")
        called = run_hub(*arguments, "--config", str(workplace), "--format", "json")
        assert called.code == 0, called.err
        return json.loads(called.out)

    yield run
    workplace.write_text(shipped, encoding="utf-8")


def said(*lines: str) -> str:
    return ENTRY.format(said="\n".join(lines))


def test_every_parameter_is_listed_with_its_origin(ask):
    profile = said('parameters."BS15000-8.2-c" = { min_approvers = 3 }') + said(
        'service = "register:services/shop"', 'parameters."BS15000-8.2-c" = { min_approvers = 2 }'
    )
    rows = ask(profile, "profile", "BS15000-8.2-c")
    shown = [(row["what"], row["shipped"], row["effective"], row["scope"], row["set_by"]) for row in rows]
    assert shown == [
        ("min_approvers", 1, 3, "organisation", "register:people/manager"),
        ("min_approvers", 1, 2, "service register:services/shop", "register:people/manager"),
        ("self_approval", False, False, "organisation", ""),
    ]
    second = len(NOT_INTRODUCED) + 1
    assert rows[1]["key"] == f'packs.bs15000.profile.{second}.parameters."BS15000-8.2-c"'
    everything = ask("", "profile")
    assert len(everything) > 200
    left_out = {f"packs.bs15000.profile.{n}.disabled" for n in range(len(NOT_INTRODUCED))}
    ours = {*(f"packs.bs15000.parameters.{name}" for name in ("CMP-06", "SD-14")), *left_out}
    assert {row["key"] for row in everything} == {"", *ours}
    assert {row["key"] for row in ask("", "profile", "--ours")} == ours


def test_a_requirement_nobody_knows(workplace, run_hub):
    called = run_hub("profile", "BS15000-8.2-zz", "--config", str(workplace))
    assert (called.code, "no enabled pack has this requirement" in called.err) == (2, True)


def test_what_a_profile_makes_of_a_store(ask):
    narrowed = said('disabled = ["BS15000-8.2-l"]') + said(
        'service = "register:services/nowhere"', 'enabled = ["BS15000-8.2-l"]'
    )
    (derived,) = ask(narrowed, "derive")
    assert derived["whole"] == 1
    left_out = ask(narrowed, "obligations", "BS15000-8.2-l")
    assert {row["verdict"] for row in left_out} == {"not_applicable"}
    assert {row["reason"] for row in left_out} == {
        f"Not asked by the profile (profile.{len(NOT_INTRODUCED)}): agreed with the board."
    }
    gone = ask(said('disabled = ["7.2"]'), "derive")
    assert gone[0]["whole"] == 1, "8.2-l as shipped again"
    rows = {row["requirement"]: row for row in ask(said('disabled = ["7.2"]'), "coverage", "--requirements")}
    assert {row["judged"] for row in rows.values() if row["clause"] == "7.2"} == {"disabled"}
    assert ask(said('disabled = ["7.2"]'), "obligations", "BS15000-7.2-a") == []
    minor = said('severity = { "8.2" = "minor" }')
    ask(minor, "derive")
    rows = ask(minor, "coverage", "--requirements")
    assert {row["severity"] for row in rows if row["clause"] == "8.2"} == {"minor"}
