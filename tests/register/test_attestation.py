"""What a row rests on: who vouches, the file that shows it and its hash, until when it counts."""

from __future__ import annotations

import hashlib

import pytest

from hub.clock import parse_instant

CONTENT = b"minutes of the forum"
DIGEST = hashlib.sha256(CONTENT).hexdigest()
OTHER = hashlib.sha256(b"").hexdigest()
ROW = "- {{id: ops, name: Ops, proof: {}, proof_hash: {}}}\n"


@pytest.fixture
def minutes(register):
    (register.folder / "minutes").mkdir()
    (register.folder / "minutes" / "a.txt").write_bytes(CONTENT)
    (register.base_dir / "outside.txt").write_bytes(CONTENT)
    return register


@pytest.mark.parametrize("digest", [DIGEST, DIGEST.upper(), f"sha256:{DIGEST}"])
def test_the_hash_of_a_proof_is_kept(minutes, digest):
    team = minutes.record("teams", ROW.format("minutes/a.txt", digest))
    assert (team.proof, team.custom) == ("minutes/a.txt", {"proof_sha256": DIGEST})
    assert minutes.faults() == []


def test_a_proof_that_was_altered_is_a_fault_and_the_row_does_not_count(minutes):
    minutes.write("teams", ROW.format("minutes/a.txt", OTHER), head=True)
    said = (
        f"teams.yaml:5:58: proof_hash: minutes/a.txt has the SHA-256 {DIGEST}, not {OTHER}; "
        "it was altered, or the row is of another file"
    )
    assert minutes.faults() == [said]
    assert minutes.page("teams").gaps == [f"register/{said}"]
    assert minutes.records("teams") == []


@pytest.mark.parametrize(
    "proof", ["https://example.com/a", "<1@example.com>", "minutes/none.txt", "../outside.txt", "minutes"]
)
def test_what_is_not_in_the_folder_is_not_looked_at(minutes, proof):
    minutes.write("teams", ROW.format(f'"{proof}"', OTHER), head=True)
    assert minutes.faults() == []


def test_a_link_out_of_the_folder_is_not_followed(minutes):
    (minutes.folder / "minutes" / "link.txt").symlink_to(minutes.base_dir / "outside.txt")
    minutes.write("teams", ROW.format("minutes/link.txt", OTHER), head=True)
    assert minutes.faults() == []


@pytest.mark.parametrize(
    ("row", "said"),
    [
        (
            "proof_hash: abc",
            "proof_hash: 'abc' is no SHA-256; write its 64 hexadecimal digits, as `sha256sum FILE` does",
        ),
        ("expires_at: 2026-01-05", "expires_at: is not after declared_at; it is the first instant"),
        ("expires_at: soon", "expires_at: 'soon' is not an instant"),
    ],
)
def test_faults(register, row, said):
    register.write("teams", f"- {{id: ops, name: Ops, {row}}}\n", head=True)
    [fault] = register.faults()
    assert said in fault


def test_a_hash_of_nothing(register):
    register.write(
        "teams", f"- {{id: o, name: O, declared_by: people/alice, declared_at: 2026-01-05, proof_hash: {OTHER}}}\n"
    )
    assert register.faults() == ["teams.yaml:1:84: proof_hash: stands without `proof`; name what it is the hash of"]


def test_a_row_says_until_when_it_counts(register):
    team = register.record("teams", "- {id: ops, name: Ops, expires_at: 2026-12-01T00:00Z}\n")
    assert team.expires_at == parse_instant("2026-12-01T00:00Z")
    [provision] = [one for one in register.source().provides() if one.kind == "team"]
    assert {"declared_by", "proof", "expires_at"} <= provision.fields


def test_a_decision_on_paper_counts_from_when_it_was_written_down(register):
    approval = register.record(
        "approvals",
        "- {id: a, subject_id: services/shop, approver: people/alice, decision: approved, claimed_at: 2025-11-01}\n",
    )
    assert (approval.decided_at, approval.created_at) == (approval.since[0].at, approval.since[0].at)
    assert approval.claimed_at < approval.decided_at
    register.write(
        "approvals",
        "- {id: a, subject_id: x:y, approver: people/alice, decision: approved, decided_at: 2025-11-01}\n",
        head=True,
    )
    assert "decided_at: unknown key" in register.faults()[0]
