from __future__ import annotations

import hashlib
import json
import socket

import pytest

from hub.clock import FixedClock
from hub.errors import HubError
from hub.report.deliver import deliver_waiting
from hub.report.plan import archive as archive_room
from hub.report.plan.act import ask, decide, draft, queue_messages
from hub.report.plan.archive import archive
from hub.report.plan.manifest import MANIFEST, SEAL
from hub.report.plan.verify import verify_folder
from tests.report.plan.conftest import ID, at

FILES = {"report.pdf": b"%PDF one", "report.csv": b"a,b\n"}


@pytest.fixture
def submitted(on, planned, ways):
    on("2026-11-02T09:00", draft, ID, FILES, login="x")
    on("2026-11-02T09:01", ask, ID, login="x")
    on("2026-11-02T10:00", decide, ID, "approved", revision=1, person="register:people/ben", login="x")
    on("2026-11-02T11:00", decide, ID, "approved", revision=1, person="register:people/carla", login="x")
    on("2026-11-03T09:00", queue_messages, ID, ways, sender="hub@example.test")
    deliver_waiting(planned, ways, FixedClock(at("2026-11-03T09:00")))
    return on


@pytest.fixture
def folder(submitted, tmp_path):
    return submitted("2026-11-04T09:00", archive, ID, tmp_path / "archive", login="x")


def rewrite(folder, change):
    """Alter the manifest and seal it anew, as somebody who knows how would."""
    told = json.loads((folder / MANIFEST).read_bytes())
    change(told)
    body = json.dumps(told).encode()
    (folder / MANIFEST).write_bytes(body)
    (folder / SEAL).write_text(f"{hashlib.sha256(body).hexdigest()}  {MANIFEST}\n")


def test_the_folder_is_where_it_belongs_and_proves_itself(folder, tmp_path, submitted, monkeypatch):
    assert folder == tmp_path / "archive/acme-gmbh/2026/monthly_service" / f"{ID}-r1"
    assert (folder / "files/report.pdf").read_bytes() == FILES["report.pdf"]
    monkeypatch.setattr(socket, "socket", None)
    proof = verify_folder(folder)
    assert (proof.report_id, proof.revision, proof.faults, proof.files) == (ID, 1, [], 6)
    cycle = submitted("2026-11-05T09:00", lambda desk: desk.cycle(ID))
    assert cycle.state == "archived"
    assert cycle.last.archived.data["manifest"] == proof.manifest_sha256
    assert verify_folder(folder, expected="0" * 64).faults[0][0] == MANIFEST


def test_every_byte_counts(folder):
    for path in sorted(one for one in folder.rglob("*") if one.is_file()):
        body = path.read_bytes()
        path.write_bytes(bytes([body[0] ^ 1]) + body[1:])
        assert verify_folder(folder).faults, path
        path.unlink()
        if path.name != MANIFEST:
            assert verify_folder(folder).faults, path
        path.write_bytes(body)
    assert verify_folder(folder).faults == []
    (folder / "files/extra.pdf").write_bytes(b"")
    assert verify_folder(folder).faults == [("files/extra.pdf", "does not belong to the report")]


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        (lambda told: told["approvals"].reverse(), "are not in order"),
        (lambda told: told["approvals"].pop(), "1 instead of 2"),
        (lambda told: told["approvals"][0].update(hash="0" * 64), "approves other bytes"),
        (lambda told: told["approvals"][0].update(human=told["author_human"]), "was given by the author"),
        (lambda told: told["approvals"].__setitem__(1, told["approvals"][0]), "one person approved twice"),
        (lambda told: told.update(content_hash="0" * 64), "its content hash is not that of its files"),
        (lambda told: told["files"].pop(), "its content hash is not that of its files"),
        (lambda told: told["deliveries"].clear(), "nothing shows that it was handed over"),
        (lambda told: told["deliveries"][0].update(sent_at=None, state="held"), "was not handed over: held"),
        (lambda told: told.update(submitted_at=1), "was given after the report was handed over"),
        (lambda told: told.update(revision=2), "the folder is not"),
        (lambda told: told.pop("author"), "cannot be read"),
    ],
)
def test_a_manifest_sealed_anew_is_not_believed(folder, change, fault):
    rewrite(folder, change)
    assert any(fault in said for _, said in verify_folder(folder).faults), verify_folder(folder).faults


def test_never_written_over_and_done_again_after_a_kill(submitted, tmp_path, monkeypatch):
    root = tmp_path / "archive"

    def killed(*_, **__):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(archive_room, "Step", killed)
        with pytest.raises(KeyboardInterrupt):
            submitted("2026-11-04T09:00", archive, ID, root, login="x")
    assert submitted("2026-11-04T09:01", lambda desk: desk.cycle(ID).state) == "submitted"
    with monkeypatch.context() as patch:
        patch.setattr(archive_room, "_settle", killed)  # the folder is there: it is not written again
        place = submitted("2026-11-04T09:02", archive, ID, root, login="x")
    assert verify_folder(place).faults == []
    assert submitted("2026-11-04T09:03", lambda desk: desk.cycle(ID).state) == "archived"


def test_what_lies_there_already_is_left_alone(submitted, tmp_path):
    place = tmp_path / "acme-gmbh/2026/monthly_service" / f"{ID}-r1"
    place.mkdir(parents=True)
    (place / "mine.txt").write_text("mine")
    with pytest.raises(HubError, match="nothing is ever written over"):
        submitted("2026-11-04T09:00", archive, ID, tmp_path, login="x")
    assert [one.name for one in place.iterdir()] == ["mine.txt"]


def test_a_write_that_fails_leaves_nothing(submitted, tmp_path, monkeypatch):
    def full(_handle):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(archive_room.os, "fsync", full)
    with pytest.raises(HubError, match="cannot be written: No space left"):
        submitted("2026-11-04T09:00", archive, ID, tmp_path, login="x")
    assert list(tmp_path.rglob(f"*{ID}*")) == []
    assert list(tmp_path.rglob(".unfinished-*")) == []


def test_only_what_was_handed_over_is_archived(on, tmp_path):
    with pytest.raises(HubError, match="only what was handed over is archived"):
        on("2026-11-04T09:00", archive, ID, tmp_path, login="x")
    with pytest.raises(HubError, match="it is no archived report"):
        verify_folder(tmp_path)
