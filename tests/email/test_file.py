from __future__ import annotations

import os
from pathlib import Path

import pytest

from hub.errors import DeliveryError
from hub.report.channel import Outgoing
from hub_email.file import FileChannel


def message(report_id="SR-x-conformance-2026-10", revision=1, eml=b"eml\r\n"):
    return Outgoing(report_id=report_id, revision=revision, message_id="<x@y>", recipients=[], eml=eml, html=b"<p>page")


def test_both_files_are_written_and_delivering_again_leaves_the_same(tmp_path: Path):
    channel = FileChannel(tmp_path / "out" / "deep")
    receipt = channel.deliver(message())
    channel.deliver(message())
    names = sorted(path.name for path in (tmp_path / "out" / "deep").iterdir())
    assert names == ["SR-x-conformance-2026-10-r1.eml", "SR-x-conformance-2026-10-r1.html"]
    assert Path(receipt.detail).read_bytes() == b"eml\r\n"
    channel.deliver(message(revision=2))
    assert len(list((tmp_path / "out" / "deep").iterdir())) == 4


def test_a_write_that_fails_leaves_the_old_file_and_no_rubbish(tmp_path: Path, monkeypatch):
    channel = FileChannel(tmp_path)
    channel.deliver(message(eml=b"first"))

    def full(_handle):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(DeliveryError, match="No space left on device") as caught:
        channel.deliver(message(eml=b"second"))
    assert caught.value.retriable
    assert sorted(path.suffix for path in tmp_path.iterdir()) == [".eml", ".html"]
    assert (tmp_path / "SR-x-conformance-2026-10-r1.eml").read_bytes() == b"first"


def test_a_report_id_is_no_path(tmp_path: Path):
    with pytest.raises(DeliveryError, match="is no file name"):
        FileChannel(tmp_path).deliver(message(report_id="../SR"))
    assert list(tmp_path.iterdir()) == []


def test_check_writes_nothing(tmp_path: Path):
    assert [line.level for line in FileChannel(tmp_path / "new").check()] == ["ok"]
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "file").write_text("")
    (line,) = FileChannel(tmp_path / "file").check()
    assert line.level == "error"
    assert "set folder" in line.advice
