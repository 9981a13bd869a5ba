"""Drawing: the same question draws the same obligations, whatever the engine and the order of rows."""

from __future__ import annotations

import json
from hashlib import sha256
from pathlib import Path

import pytest

from hub.clock import format_instant
from hub.conformance.exhibit import exhibits_of
from hub.conformance.judge import judge
from hub.conformance.sample import Question, Sample, draw, known_now, rank_of
from hub.errors import ConfigurationError, StoreError
from hub.report.sample import make_sheet
from hub.report.sample_folder import new_folder, write_sample
from hub.report.sample_proof import prove_folder
from hub.store.access import accesses, read_documents
from hub.store.store import Store
from hub.store.writer import write_page
from hub.sync.source import Document, Normalised
from hub.testing.factory import account, approval, at, change, document
from tests.conformance.kit import House, approved, cover, small_pack

RID = "T-approved"
KNOWN = 1_900_000_000_000
ASKED = Question(requirement=RID, size=5, seed=7)
ANN = account("user/ann")
CHANGES = [change(f"issue/{n}", scope="CHG", actual_start=at(n)) for n in range(1, 13)]


def furnish(store: Store, *, backwards: bool = False, requirements=None) -> House:
    """Twelve changes, every third approved, each in a document that says `n`; row numbers follow the order of writing."""
    house = House(store, requirements or [approved()]).open()
    units = list(reversed(CHANGES)) if backwards else CHANGES
    proofs = [approval(one, ANN, decided_at=one.actual_start - 1) for one in CHANGES[::3]]
    house.write(ANN)
    held: dict[str, list] = {one.id: [one] for one in units}
    for proof in proofs:
        held[proof.subject_id].append(proof)
    pages = [Document("issue", native, "CHG", f'{{"n": "{native}"}}'.encode()) for native in held]
    with store.begin() as conn:
        now = house.tick()
        for page in sorted(pages, key=lambda one: one.native_id):  # the chain is that of the tool's order
            write_page(
                conn, source="desk", documents=[page], normalised=[Normalised(held[page.native_id])], known_at=now
            )
    house.derive()
    return house


def drawn(house: House, asked: Question = ASKED, *, known_at: int | None = KNOWN, **more) -> Sample:
    with house.store.connect() as conn:
        judged = judge(conn, house.requirements, as_of=at(30), known_at=known_at, **{"judge_from": 0} | more)
        return draw(judged, asked)


def names(sample: Sample) -> list[tuple[str, str]]:
    return [(one.obligation.unit.id, one.obligation.verdict) for one in sample.chosen]


def test_a_rank_can_be_computed_by_hand():
    text = f'[7,"{RID}","2026-10-01T00:00:00Z","2026-10-02T00:00:00.001Z","approved","desk:\\u53d8\\u66f4","0"]'
    instants = {"as_of": "2026-10-01T00:00:00Z", "known_at": "2026-10-02T00:00:00.001Z"}
    rank = rank_of(seed=7, requirement=RID, part="approved", unit="desk:变更", anchor="0", **instants)
    assert rank == sha256(text.encode()).hexdigest()


def test_the_order_of_rows_and_the_engine_do_not_count(store, sqlite_store):
    assert names(drawn(furnish(store, backwards=True))) == names(drawn(furnish(sqlite_store)))
    named = {"seed": 7, "requirement": RID, "as_of": format_instant(at(30)), "known_at": format_instant(KNOWN)}
    ranked = sorted(CHANGES, key=lambda one: rank_of(part="approved", unit=one.id, anchor="0", **named))
    assert [unit for unit, _ in names(drawn(House(store, [approved()])))] == [one.id for one in ranked[:5]]


def test_what_is_drawn_from_and_how_much(any_store):
    house = furnish(any_store)
    all_of_them = drawn(house, Question(requirement=RID, size=1000, seed=7))
    assert all_of_them.population == {"met": 4, "not_met": 8}
    assert all_of_them.drawn_from == len(all_of_them.chosen) == 12
    few = drawn(house)
    assert names(few) == names(all_of_them)[:5]
    assert {verdict for _, verdict in names(all_of_them)} == {"met", "not_met"}
    assert names(drawn(house, Question(requirement=RID, size=5, seed=8))) != names(few)

    met = drawn(house, Question(requirement=RID, size=3, seed=7, verdicts=frozenset({"met"})))
    assert names(met) == [one for one in names(all_of_them) if one[1] == "met"][:3]
    assert (met.drawn_from, met.population) == (4, all_of_them.population)
    assert all(one.obligation.evidence for one in met.chosen)

    later = drawn(house, Question(requirement=RID, size=1000, seed=7), judge_from=at(6))
    assert sum(later.baseline.values()) == 5
    assert sum(later.population.values()) == len(later.chosen) == later.drawn_from == 7


def test_as_known_now_is_as_known_at_the_last_thing_learnt(any_store):
    house = furnish(any_store)
    with any_store.connect() as conn:
        known = known_now(conn)
    assert drawn(house, known_at=None) == drawn(house, known_at=known)
    assert drawn(house, known_at=None).known_at == known
    with any_store.begin() as conn:
        cover(conn, "desk", "SEC", ["approval"], through=None, reason="no permission", known_at=house.tick())
    with any_store.connect() as conn:
        assert known_now(conn) > known
        now = drawn(house, known_at=known_now(conn))
    assert drawn(house, known_at=None) == now
    assert now.population == {"not_provable": 12}


def test_months_of_one_unit_are_told_apart(any_store):
    house = furnish(any_store, requirements=small_pack())
    house.write(document("doc/1", doc_type="policy", effective_from=at(0)))
    house.derive()
    with any_store.connect() as conn:
        judged = judge(conn, house.requirements, as_of=at(100), known_at=None, judge_from=0)
        found = draw(judged, Question(requirement="T-policy", size=1000, seed=1))
    anchors = {one.anchor for one in found.chosen}
    assert len(anchors) == len(found.chosen) > 3
    assert {one.anchor == str(one.obligation.anchor) for one in found.chosen} == {True}


@pytest.mark.parametrize(
    ("more", "said"), [({"size": 0}, "-n: 0 is no size"), ({"verdicts": frozenset({"good"})}, "good: no such verdict")]
)
def test_what_cannot_be_asked(more, said):
    with pytest.raises(ConfigurationError, match=said):
        Question(**{"requirement": RID, "size": 1, "seed": 1} | more)


# -- the folder -------------------------------------------------------------------------------


def folder(house: House, path: Path) -> dict[str, bytes]:
    """Write the sample and return its files."""
    with house.store.connect() as conn:
        found = draw(judge(conn, house.requirements, as_of=at(30), known_at=KNOWN, judge_from=0), ASKED)
        exhibits = exhibits_of(conn, found)
    entry = house.requirements[0].entry
    sheet = make_sheet(found, entry, exhibits, hub="1", packs=["t 1"], judge_from=0, parameters={})
    with new_folder(path):
        read = read_documents(house.store, list(exhibits.places), login="ann", reason="audit", at=KNOWN)
        write_sample(path, sheet, read, exhibits)
    return {one.relative_to(path).as_posix(): one.read_bytes() for one in path.rglob("*") if one.is_file()}


def test_the_same_bytes_on_both_engines(store, sqlite_store, tmp_path):
    ours = folder(furnish(store, backwards=True), tmp_path / "ours")
    theirs = folder(furnish(sqlite_store), tmp_path / "theirs")
    assert ours == theirs
    assert len([name for name in ours if name.startswith("documents/")]) == 5
    assert prove_folder(tmp_path / "ours").faults == []
    with store.connect() as conn:
        assert [one.reason for one in accesses(conn)] == ["audit"] * 5


def test_a_document_is_the_one_known_then(any_store, tmp_path):
    house = furnish(any_store)
    before = folder(house, tmp_path / "before")
    with any_store.begin() as conn:
        page = Document("issue", CHANGES[0].id, "CHG", b'{"n": "later"}')
        write_page(conn, source="desk", documents=[page], normalised=[Normalised([CHANGES[0]])], known_at=KNOWN + 1)
    assert folder(house, tmp_path / "after") == before


def altered(path: Path, name: str, before: str, after: str) -> None:
    text = (path / name).read_text(encoding="utf-8")
    assert before in text
    (path / name).write_text(text.replace(before, after, 1), encoding="utf-8")


def seal_again(path: Path) -> None:
    """Do as a forger would: put every hash right again."""
    manifest = json.loads((path / "manifest.json").read_text(encoding="utf-8"))
    manifest["files"] = {
        name: sha256((path / name).read_bytes()).hexdigest() for name in manifest["files"] if (path / name).exists()
    }
    (path / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    digest = sha256((path / "manifest.json").read_bytes()).hexdigest()
    (path / "manifest.sha256").write_text(f"{digest}  manifest.json\n", encoding="utf-8")


def test_every_changed_byte_is_found(any_store, tmp_path):
    path = tmp_path / "out"
    for name, body in folder(furnish(any_store), path).items():
        for place in {0, len(body) // 2, len(body) - 1}:
            (path / name).write_bytes(body[:place] + bytes([body[place] ^ 1]) + body[place + 1 :])
            assert prove_folder(path).faults, (name, place)
        (path / name).unlink()
        if name == "manifest.json":
            with pytest.raises(StoreError, match="was not finished"):
                prove_folder(path)
        else:
            assert prove_folder(path).faults, name
        (path / name).write_bytes(body)
    assert prove_folder(path).faults == []
    (path / "documents" / "more.json").symlink_to(path / "sample.json")
    assert prove_folder(path).faults == [("documents/more.json", "does not belong to the sample")]


@pytest.mark.parametrize(
    ("forged", "said"),
    [
        (("sample.json", "desk:issue/", "desk:issue/9"), "its rank does not follow"),
        (("sample.json", '"seed": 7', '"seed": 8'), "its rank does not follow"),
        (("sample.json", '"not_met": 8', '"not_met": 7'), "is not what its verdicts add up to"),
        (("sample.json", '"n": 5', '"n": 6'), "6 were asked for of 12"),
        (("sample.json", '"reason": "It', '"reason": "it'), "does not say what sample.json says"),
        (("manifest.json", '"chain": "', '"chain": "0'), "does not follow from the one before it"),
        (("manifest.json", '"position": ', '"position": "x'), "cannot be understood"),
        (("manifest.json", '"chain_before": "', '"chain_before": "x'), "no hexadecimal"),
    ],
)
def test_a_forger_who_puts_the_hashes_right_is_found(sqlite_store, tmp_path, forged, said):
    path = tmp_path / "out"
    folder(furnish(sqlite_store), path)
    altered(path, *forged)
    if said == "cannot be understood":
        assert said in str(prove_folder(path).faults)
        return
    seal_again(path)
    assert said in str(prove_folder(path).faults)


def test_a_forged_document_is_found(sqlite_store, tmp_path):
    path = tmp_path / "out"
    name = next(one for one in folder(furnish(sqlite_store), path) if one.startswith("documents/"))
    (path / name).write_text("{}", encoding="utf-8")
    seal_again(path)
    assert "is not what was hashed when it was kept" in str(prove_folder(path).faults)


def test_a_folder_that_fails_leaves_nothing(tmp_path):
    def fill(path: Path) -> None:
        with new_folder(path):
            (path / "documents").mkdir()
            (path / "sample.json").write_text("{}")
            raise StoreError("the server is gone")

    (tmp_path / "empty").mkdir()
    for name in ("new", "empty"):
        with pytest.raises(StoreError, match="the server is gone"):
            fill(tmp_path / name)
    assert [one.name for one in tmp_path.rglob("*")] == ["empty"]
    (tmp_path / "file").touch()
    with pytest.raises(StoreError, match="file cannot be written: File exists"), new_folder(tmp_path / "file"):
        pass
    with pytest.raises(StoreError, match="holds something; name a new folder"), new_folder(tmp_path):
        pass
