from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from hub.errors import StoreError
from hub.report.site import folder as site_folder
from hub.report.site.folder import MARK, publish

OLD = [("index.html", b"old"), ("finding/gone.html", b"old")]
NEW = [("index.html", b"new"), ("clause/8.2.html", b"new")]


def _there(folder: Path) -> dict[str, bytes]:
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


@pytest.fixture(params=["one step", "two steps"])
def exchange(request, monkeypatch):
    if request.param == "two steps":
        monkeypatch.setattr(site_folder, "_exchange", lambda *_: False)


def test_no_page_of_an_earlier_publish_stays(tmp_path, exchange):
    pages = tmp_path / "made" / "pages"
    publish(pages, "r1", OLD)
    pages.chmod(0o750)
    done = publish(pages, "r2", NEW)
    assert (done.folder, done.files, done.size) == (pages, 3, 6)
    assert {name: body for name, body in _there(pages).items() if name != MARK} == dict(NEW)
    assert json.loads((pages / MARK).read_text())["report"] == "r2"
    assert pages.stat().st_mode & 0o777 == 0o750
    assert list(pages.parent.iterdir()) == [pages], "nothing is left beside it"


@pytest.mark.parametrize("foreign", ["notes.txt", "finding/mine.html", ".git/config"])
def test_what_no_publish_wrote_is_never_removed(tmp_path, foreign):
    publish(tmp_path / "pages", "r1", OLD)
    (tmp_path / "pages" / foreign).parent.mkdir(exist_ok=True)
    (tmp_path / "pages" / foreign).write_text("mine")
    before = _there(tmp_path)
    with pytest.raises(StoreError, match="holds what no publish wrote"):
        publish(tmp_path / "pages", "r2", NEW)
    assert _there(tmp_path) == before


def test_a_folder_of_somebody_else_is_refused_and_an_empty_one_taken(tmp_path):
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "index.html").write_text("theirs")
    (tmp_path / "a" / MARK).write_text("no json")
    (tmp_path / "b").mkdir()
    (tmp_path / "c").write_text("a file")
    for name in ("a", "c"):
        with pytest.raises(StoreError, match="name a"):
            publish(tmp_path / name, "r1", NEW)
    publish(tmp_path / "b", "r1", NEW)
    assert (tmp_path / "a" / "index.html").read_text() == "theirs"


def test_a_fault_while_drawing_leaves_the_old_pages(tmp_path):
    def failing():
        yield NEW[0]
        raise RuntimeError

    publish(tmp_path / "pages", "r1", OLD)
    with pytest.raises(RuntimeError):
        publish(tmp_path / "pages", "r2", failing())
    assert (tmp_path / "pages" / "index.html").read_bytes() == b"old"
    with pytest.raises(StoreError, match=r"two pages would be called index\.html"):
        publish(tmp_path / "pages", "r2", [*NEW, NEW[0]])
    publish(tmp_path / "pages", "r3", NEW)
    assert [path.name for path in tmp_path.iterdir()] == ["pages"]


KILLED = """
import os, signal, sys
from pathlib import Path
from hub.report.site import folder
def die(*_): os.kill(os.getpid(), signal.SIGKILL)
where, step = Path(sys.argv[1]), sys.argv[2]
def pages():
    yield "index.html", b"new"
    if step == "drawing": die()
if step == "swapping": folder._swap = die
if step == "between":
    folder._exchange = lambda *_: False
    rename = Path.rename
    def once(path, to):
        rename(path, to)
        die()
    Path.rename = once
if step == "clearing": folder.shutil.rmtree = die
folder.publish(where, "r2", pages())
"""


@pytest.mark.parametrize(
    ("step", "left"), [("drawing", b"old"), ("swapping", b"old"), ("between", None), ("clearing", b"new")]
)
def test_killed_anywhere_the_pages_are_whole_and_the_next_publish_clears_up(tmp_path, step, left):
    pages = tmp_path / "pages"
    publish(pages, "r1", OLD)
    killed = subprocess.run([sys.executable, "-c", KILLED, str(pages), step], check=False, env=dict(os.environ))
    assert killed.returncode == -signal.SIGKILL
    if left:
        assert (pages / "index.html").read_bytes() == left
    else:  # a file system without exchange: the old pages lie beside, whole
        assert (tmp_path / ".pages.hub-old" / "index.html").read_bytes() == b"old"
    publish(pages, "r3", [*NEW, ("third.html", b"")])
    assert _there(tmp_path).keys() == {
        f"pages/{name}" for name in (MARK, "index.html", "clause/8.2.html", "third.html")
    }
