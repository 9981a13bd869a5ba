"""`hub sample` on a small organisation, read and judged: list, folder, proof, and what is refused."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import shutil
from pathlib import Path

import pytest

from hub.cli.session import Session
from hub.clock import FixedClock, parse_instant
from hub.store.access import accesses

NOW = parse_instant("2026-11-03T08:00:00Z")
RID = "BS15000-8.2-c"
DRAW = (RID, "-n", "6", "--seed", "7")
REASON = ("--reason", "audit 2026", "--as", "register:people/dora")


@pytest.fixture(scope="module")
def config(small_workplace):
    """Nothing here changes what is judged."""
    return small_workplace


@pytest.fixture
def hub(config, run_hub, monkeypatch):
    """Call `hub sample`; its list, or what it says on stderr."""
    monkeypatch.setattr("hub.cli.session.SystemClock", lambda: FixedClock(NOW))

    def call(*words: object, code: int = 0):
        called = run_hub("sample", *words, "--config", config, "--format", "json")
        assert called.code == code, called.err + called.out
        return json.loads(called.out) if called.out else called.err.strip()

    return call


def noted(config: Path) -> list[tuple[str, str | None]]:
    """List why and for whom documents were read."""
    with Session(config) as session, session.store.connect() as conn:
        return [(one.reason, one.acting_as) for one in accesses(conn)]


def files(folder: Path) -> dict[str, bytes]:
    return {one.relative_to(folder).as_posix(): one.read_bytes() for one in folder.rglob("*") if one.is_file()}


def test_the_list_and_the_folder_say_the_same(hub, config, tmp_path):
    out, again = tmp_path / "out", tmp_path / "again"
    before = noted(config)
    listed = hub(*DRAW)
    assert noted(config) == before
    assert "is no person of the register" in hub(*DRAW, "--out", out, *REASON[:3], "dora", code=2)
    assert (noted(config), out.exists()) == (before, False)
    (written,) = hub(*DRAW, "--out", out, *REASON)
    found = files(out)
    sheet, manifest = json.loads(found["sample.json"]), json.loads(found["manifest.json"])

    assert [(one["rank"], one["unit"]["id"], one["verdict"]) for one in sheet["items"]] == [
        (one["rank"], one["unit"], one["verdict"]) for one in listed
    ]
    assert len(listed) == written["items"] == sheet["sample"]["size"] == 6
    assert written["population"] == sheet["population"]["size"] > 20
    assert sheet["population"]["verdicts"].keys() >= {"met", "not_met"}
    assert sheet["title"]
    assert sheet["asked"]["seed"] == 7
    met = [one for one in sheet["items"] if one["verdict"] == "met"]
    assert met
    assert all(one["evidence"][0]["document_sha256"] for one in met)
    assert all(one["unit"]["url"].startswith("http") for one in sheet["items"])

    bodies = [name for name in found if name.startswith("documents/")]
    assert [hashlib.sha256(found[name]).hexdigest() for name in bodies] == [Path(name).stem for name in bodies]
    assert len(bodies) == len(manifest["documents"]) == written["documents"] >= 6
    assert written["manifest_sha256"] == hashlib.sha256(found["manifest.json"]).hexdigest()
    rows = list(csv.DictReader(io.StringIO(found["sample.csv"].decode("utf-8-sig"))))
    assert [one["unit"] for one in rows] == [one["unit"] for one in listed]
    assert {oct(one.stat().st_mode & 0o077) for one in [out, *out.rglob("*.*")]} == {"0o0"}
    assert noted(config) == before + [("audit 2026", "register:people/dora")] * len(bodies)

    hub(*DRAW, "--out", again, *REASON)
    assert files(again) == found
    asked = sheet["asked"]
    pinned = tmp_path / "pinned"
    hub(*DRAW, "--as-of", asked["as_of"], "--known-at", asked["known_at"], "--out", pinned, *REASON)
    assert files(pinned) == found


def test_a_folder_is_proven_without_a_store(hub, run_hub, tmp_path, monkeypatch):
    out = tmp_path / "out"
    (written,) = hub(*DRAW, "--verdict", "met", "--out", out, *REASON)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("hub.cli.sample.Session", None)
    proven = run_hub("sample", "--verify", out, "--format", "json")
    (row,) = json.loads(proven.out)
    assert (proven.code, row["result"], row["items"], row["documents"]) == (0, "ok", 6, written["documents"])
    assert row["manifest_sha256"] == written["manifest_sha256"]
    (out / "sample.csv").write_bytes((out / "sample.csv").read_bytes().replace(b"met", b"mat", 1))
    broken = run_hub("sample", "--verify", out, "--format", "json")
    assert broken.code == 2
    assert [(one["result"], one["place"], one["fault"]) for one in json.loads(broken.out)] == [
        ("broken", "sample.csv", "was altered")
    ]


def test_a_disposed_document_is_listed_with_its_hash(config, places, run_hub, tmp_path, monkeypatch):
    monkeypatch.setattr("hub.cli.session.SystemClock", lambda: FixedClock(NOW))
    shutil.copytree(config.parent, tmp_path / "copy")
    copied = tmp_path / "copy" / "hub.toml"
    places.follow(config, copied)
    with Session(copied) as session, session.store.begin() as conn:
        conn.exec_driver_sql(f"UPDATE raw_document SET body = NULL, disposed_at = {NOW} WHERE stream = 'issue'")
    out = tmp_path / "out"
    assert run_hub("sample", *DRAW, "--out", out, *REASON, "--config", copied).code == 0
    manifest = json.loads((out / "manifest.json").read_text(encoding="utf-8"))
    gone = [one for one in manifest["documents"] if one["file"] is None]
    assert {one["disposed_at"] for one in gone} == {"2026-11-03T08:00:00Z"}
    assert all(len(one["sha256"]) == 64 for one in gone)
    (row,) = json.loads(run_hub("sample", "--verify", out, "--format", "json").out)
    assert (row["result"], row["disposed"]) == ("ok", len(gone))
    places.remove(copied)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((), "hub: REQUIREMENT: name a requirement and a --seed: the same number draws the same sample"),
        ((RID,), "hub: REQUIREMENT: name a requirement and a --seed: the same number draws the same sample"),
        ((RID, "--seed", "7", "-n", "0"), "hub: -n: 0 is no size of a sample; it should be 1 or more"),
        (
            ("BS15000-9.9", "--seed", "7"),
            "hub: BS15000-9.9: no enabled pack has this requirement; see: hub coverage --requirements",
        ),
        ((*DRAW, "--verdict", "good"), "hub: good: no such verdict; there are not_met, "),
        ((*DRAW, "--out", "x"), "hub: --reason: say why the raw documents are read; it stays on record"),
        ((*DRAW, "--out", "full", *REASON), "hub: full is there already and holds something; name a new folder"),
        (("--verify", "nowhere"), "hub: there is no folder nowhere"),
        (("--verify", "full"), "hub: full has no manifest.json: it is no sample, or was not finished"),
    ],
)
def test_what_is_refused(hub, tmp_path, monkeypatch, words, said):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "mine.txt").touch()
    line = hub(*words, code=2)
    assert line.startswith(said)
    assert "\n" not in line
    assert [one.name for one in tmp_path.rglob("*.*")] == ["mine.txt"]
