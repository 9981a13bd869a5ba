"""Where the register is kept in Git, its history says who wrote what and when; nothing of it is taken on trust."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from contextlib import closing

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hub.clock import FixedClock, format_instant, parse_instant
from hub.store.sqlite import sqlite3
from hub.sync.source import SourceContext
from hub_register import git as git_module
from hub_register.git import Commit
from hub_register.settings import RegisterSettings
from hub_register.source import RegisterSource
from hub_register.story import replay
from tests.register.conftest import Register

PEOPLE = """\
declared_by: people/alice
declared_at: 2026-01-05
proof: paper
rows:
- {id: alice, name: Alice, email: [alice@example.com]}
- {id: bob, name: Bob, email: [Bob@Example.com]}
"""


class Kept(Register):
    """A register in a Git work tree, written by several hands."""

    now = "2026-11-03T08:00:00Z"
    history = "auto"

    def git(self, *words, **environment):
        who = {f"GIT_{role}_{what}": "x@example.com" for role in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
        done = subprocess.run(
            ["git", *words],
            cwd=self.folder,
            env={
                "PATH": os.environ["PATH"],
                "HOME": str(self.base_dir),
                "GIT_CONFIG_NOSYSTEM": "1",
                **who,
                **environment,
            },
            check=True,
            capture_output=True,
            text=True,
        )
        return done.stdout.strip()

    def commit(self, at, who="alice"):
        self.git("add", "-A", ".")
        stamp = f"{parse_instant(at) // 1000} +0000"
        names = {f"GIT_{role}_{what}": value for role in ("AUTHOR", "COMMITTER") for what, value in (("NAME", who), ("EMAIL", f"{who}@example.com"), ("DATE", stamp))}  # fmt: skip
        self.git("commit", "-q", "--allow-empty", "-m", "x", **names)
        return self.git("rev-parse", "HEAD")

    def read(self, stem="teams", cursor=None):
        """Read a file as a run does; gives its records by id, and keeps what the cursor keeps."""
        self.said = []
        context = SourceContext(
            name="register",
            base_dir=self.base_dir,
            zone=self.zone,
            clock=FixedClock(parse_instant(self.now)),
            call=lambda request: request(),
            log=self.said.append,
        )
        settings_ = RegisterSettings(plugin="register", folder=self.folder, history=self.history)
        source = RegisterSource(settings_, context)
        [part] = [part for part in source.slices() if part.stream == stem]
        [page] = source.fetch(part, cursor)
        self.cursor = page.cursor
        self.documents = page.documents
        self.provided = {provision.kind: provision.fields for provision in source.provides()}
        return {
            record.key.partition("/")[2]: record
            for document in page.documents
            for record in source.normalise(document).records
        }


@pytest.fixture
def kept(tmp_path):
    kept = Kept(tmp_path)
    kept.git("init", "-q", "-b", "main")
    (kept.folder / "people.yaml").write_text(PEOPLE, encoding="utf-8")
    return kept


@pytest.fixture
def asked(monkeypatch):
    """Every call of git, by its first word."""
    words = []
    call, batch = git_module.WorkTree._call, git_module.WorkTree._batch

    def counted_call(self, *given):
        words.append(given[0])
        return call(self, *given)

    def counted_batch(self):
        words.append("cat-file")
        return batch(self)

    monkeypatch.setattr(git_module.WorkTree, "_call", counted_call)
    monkeypatch.setattr(git_module.WorkTree, "_batch", counted_batch)
    return words


def times(record):
    return {one.field: format_instant(one.at) for one in record.since}


def teams(*rows):
    return "".join(f"- {{{row}, declared_by: people/alice, declared_at: 2026-01-05}}\n" for row in rows)


FIRST, SECOND, THIRD = "2026-01-06T10:00:00Z", "2026-02-02T10:00:00Z", "2026-03-03T10:00:00Z"


def test_a_field_counts_from_the_commit_that_last_changed_it(kept):
    kept.write("teams", teams("id: ops, name: Ops, site: Bonn"))
    first = kept.commit(FIRST)
    kept.write("teams", "# a remark\n" + teams("id: dev, name: Dev", "site: Bonn, id: ops, name: Operations"))
    second = kept.commit(SECOND, "bob")
    rows = kept.read()
    ops = rows["ops"]
    assert times(ops) == {"name": SECOND, "site": FIRST}
    assert format_instant(ops.created_at) == FIRST
    assert format_instant(ops.updated_at) == SECOND
    assert (ops.creator, rows["dev"].creator) == ("register:people/alice", "register:people/bob")
    assert [(format_instant(e.at), e.type, e.actor, e.field, e.source_ref) for e in ops.events] == [
        (FIRST, "created", "register:people/alice", None, first),
        (SECOND, "updated", "register:people/bob", "name", second),
    ]
    assert ops.custom == {"declared_at": "2026-01-04T23:00:00Z"}
    assert {"events", "creator", "updated_at"} <= kept.provided["team"]


def test_parts_of_a_field_have_their_own_instants(kept):
    row = "id: shop, name: Shop, continuity_agreed: {{by: people/alice, at: {}}}"
    kept.write("services", teams(row.format("2026-01-02")))
    kept.commit(FIRST)
    kept.write("services", teams(row.format("2026-02-01")))
    kept.commit(SECOND)
    kept.write("costs", teams("id: c, period: 2026-01, amount: {amount: '1', currency: EUR}, entry_type: actual"))
    kept.commit(THIRD)
    assert times(kept.read("services")["shop"]) == {
        "name": FIRST,
        "continuity_agreed": SECOND,
        "continuity_agreed.at": SECOND,
        "continuity_agreed.by": FIRST,
    }
    assert times(kept.read("costs")["c"])["period.start"] == THIRD


def test_a_value_taken_out_and_put_back_counts_anew(kept):
    for at, text in ((FIRST, "name: Ops, site: Bonn"), (SECOND, "name: Ops"), (THIRD, "name: Ops, site: Bonn")):
        kept.write("teams", teams(f"id: ops, {text}"))
        kept.commit(at)
    assert times(kept.read()["ops"]) == {"name": FIRST, "site": THIRD}


def test_a_version_that_cannot_be_read_says_nothing(kept):
    kept.write("teams", teams("id: ops, name: Ops"))
    kept.commit(FIRST)
    kept.write("teams", "- {id: [\n")
    kept.commit(SECOND)
    kept.write("teams", teams("id: ops, name: Ops"))
    kept.commit(THIRD)
    assert times(kept.read()["ops"]) == {"name": FIRST}


def test_a_branch_keeps_its_instants_when_it_is_merged(kept):
    kept.write("teams", teams("id: a, name: A", "id: b, name: B"))
    kept.commit("2026-01-01T00:00:00Z")
    kept.git("checkout", "-q", "-b", "side")
    kept.write("teams", teams("id: a, name: A2", "id: b, name: B"))
    kept.commit(FIRST, "bob")
    kept.git("checkout", "-q", "main")
    kept.write("teams", teams("id: a, name: A", "id: b, name: B2"))
    kept.commit(SECOND)
    with pytest.raises(subprocess.CalledProcessError):
        kept.git("merge", "-q", "side")
    kept.write("teams", teams("id: a, name: A2", "id: b, name: B2", "id: c, name: C"))
    kept.commit(THIRD)
    rows = kept.read()
    assert [times(rows[one])["name"] for one in "abc"] == [FIRST, SECOND, THIRD]
    assert [event.actor for event in rows["a"].events] == ["register:people/alice", "register:people/bob"]
    assert format_instant(rows["a"].created_at) == "2026-01-01T00:00:00Z"


def test_a_clock_that_goes_back_makes_nothing_older(kept):
    kept.write("teams", teams("id: ops, name: Ops"))
    kept.commit(SECOND)
    kept.write("teams", teams("id: ops, name: Operations"))
    kept.commit(FIRST)
    assert times(kept.read()["ops"]) == {"name": SECOND}


def test_what_is_not_committed_counts_from_when_the_hub_first_saw_it(kept):
    kept.write("teams", teams("id: ops, name: Ops"))
    kept.commit(FIRST)
    kept.write("teams", teams("id: ops, name: Operations", "id: dev, name: Dev"))
    kept.now = "2026-04-01T08:00:00Z"
    first = kept.read()
    assert times(first["ops"]) == times(first["dev"]) == {"name": kept.now}
    assert (format_instant(first["ops"].created_at), first["dev"].creator) == (FIRST, None)
    seen, kept.now = kept.now, "2026-04-02T08:00:00Z"
    assert times(kept.read(cursor=kept.cursor)["ops"]) == {"name": seen}
    kept.commit("2026-04-03T08:00:00Z", "bob")
    kept.now = "2026-04-04T08:00:00Z"
    committed = kept.read(cursor=kept.cursor)
    assert times(committed["ops"]) == times(committed["dev"]) == {"name": seen}, "it was there before it was committed"
    assert committed["dev"].creator == "register:people/bob"
    kept.write("teams", teams("id: ops, name: Ops"))
    assert times(kept.read(cursor=kept.cursor)["ops"]) == {"name": kept.now}


def test_a_file_that_was_never_committed_beside_one_that_was(kept):
    kept.commit(FIRST)
    kept.write("teams", teams("id: ops, name: Ops"))
    assert times(kept.read()["ops"]) == {"name": kept.now}


@pytest.mark.parametrize("mode", ["auto", "declared"])
def test_without_a_committed_file_the_declaration_counts(kept, mode):
    if mode == "declared":
        kept.commit(FIRST)
        kept.history = mode
    kept.write("teams", teams("id: ops, name: Ops"))
    ops = kept.read()["ops"]
    assert times(ops) == {"name": "2026-01-04T23:00:00Z"}
    assert (ops.events, ops.custom, kept.said) == ([], {}, [])


def test_the_next_run_reads_only_what_was_committed_since(kept, asked):
    kept.write("teams", teams("id: ops, name: Ops, site: Bonn"))
    kept.commit(FIRST)
    kept.write("teams", teams("id: ops, name: Ops, site: Ulm"))
    kept.commit(SECOND)
    kept.read()
    cursor, documents = kept.cursor, kept.documents
    asked.clear()
    kept.read(cursor=cursor)
    assert asked == ["rev-parse", "ls-tree"], "once a run, and nothing for the file"
    assert (kept.documents, kept.cursor) == (documents, cursor)
    kept.write("teams", teams("id: ops, name: Operations, site: Ulm"))
    kept.commit(THIRD, "bob")
    asked.clear()
    again = kept.read(cursor=cursor)["ops"]
    assert asked == ["rev-parse", "ls-tree", "merge-base", "log", "cat-file"]
    assert again == kept.read()["ops"], "as if everything had been read anew"
    assert times(again) == {"name": THIRD, "site": SECOND}


def test_a_history_that_was_rewritten_is_read_anew(kept):
    kept.write("teams", teams("id: ops, name: Ops"))
    kept.commit(FIRST)
    kept.read()
    cursor = kept.cursor
    kept.git("update-ref", "-d", "HEAD")
    kept.commit(SECOND, "bob")
    ops = kept.read(cursor=cursor)["ops"]
    assert (times(ops), ops.creator) == ({"name": SECOND}, "register:people/bob")


@pytest.mark.parametrize("cursor", [{"history": 1}, {"history": {"head": 3}}, {"sha256": "x"}])
def test_a_cursor_of_another_time_is_read_anew(kept, cursor):
    kept.write("teams", teams("id: ops, name: Ops"))
    kept.commit(FIRST)
    assert times(kept.read(cursor=cursor)["ops"]) == {"name": FIRST}


def test_a_shallow_clone_knows_only_what_it_holds(kept, tmp_path):
    kept.write("teams", teams("id: ops, name: Ops, site: Bonn"))
    kept.commit(FIRST)
    kept.write("teams", teams("id: ops, name: Ops, site: Ulm"))
    kept.commit(SECOND)
    kept.write("teams", teams("id: ops, name: Operations, site: Ulm"))
    kept.commit(THIRD)
    kept.git("clone", "-q", "--depth", "2", f"file://{kept.folder}", str(tmp_path / "clone"))
    whole = kept.read()["ops"]
    kept.folder = tmp_path / "clone"
    ops = kept.read()["ops"]
    assert times(whole) == {"name": THIRD, "site": SECOND}
    assert times(ops) == {"name": THIRD}, "when the site was written may be cut off"
    assert (ops.created_at, ops.unknown_fields) == (None, ["created_at"])
    assert kept.said == [f"{kept.folder}: since when older rows hold is not known: the Git clone is shallow"]
    cursor = kept.cursor
    kept.git("fetch", "-q", "--unshallow")
    assert times(kept.read(cursor=cursor)["ops"]) == times(whole)


def test_without_git_nothing_is_known_and_that_is_said(kept, monkeypatch):
    kept.write("teams", teams("id: ops, name: Ops"))
    kept.commit(FIRST)
    kept.read()
    cursor = kept.cursor
    monkeypatch.setenv("PATH", str(kept.base_dir))
    ops = kept.read(cursor=cursor)["ops"]
    assert (ops.since, ops.created_at, ops.unknown_fields) == ([], None, ["created_at"])
    assert kept.said == [f"{kept.folder}: since when rows hold is not known: git is not installed"]
    assert kept.cursor["history"] == cursor["history"], "what was known comes back with git"
    assert ops.declared_by == "register:people/alice"


def test_no_process_of_git_is_left_behind_where_memory_ran_out(kept, monkeypatch):
    kept.commit(FIRST)
    started = []
    popen = subprocess.Popen

    def refuse(_thread):
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(
        subprocess, "Popen", lambda *words, **more: started.append(popen(*words, **more)) or started[-1]
    )
    tree = git_module.WorkTree(kept.folder, kept.folder)
    assert tree.head
    monkeypatch.setattr(git_module.threading.Timer, "start", refuse)
    with pytest.raises(RuntimeError):
        next(tree.contents("people.yaml", [tree.head]))
    assert all(process.returncode is not None for process in started)
    assert "cat-file" in started[-1].args


def test_a_folder_outside_git_where_git_is_asked_for(register):
    source = register.source(history="git")
    [line] = [line for line in source.check() if "not known" in line.text]
    assert line.level == "warning"
    assert line.text.endswith("the folder lies in no Git work tree")


@pytest.mark.parametrize(
    ("declared", "late"),
    [("2026-02-23", True), ("2026-02-24", False), ("2026-03-03", False), ("2025-03-03", True)],
)
def test_a_declaration_that_came_late_says_so(kept, declared, late):
    kept.write("teams", f"- {{id: ops, name: Ops, proof: x, declared_by: people/alice, declared_at: {declared}}}\n")
    kept.commit(THIRD)  # a Tuesday
    note = kept.read()["ops"].custom.get("late_declared")
    assert note == (f"written {THIRD}, more than 5 business days later" if late else None)
    said = [str(fault) for fault in kept.source().warnings() if fault.file.endswith("teams.yaml")]
    assert [fault.endswith(f"declared_at: came late: written {THIRD}, more than 5 business days later") for fault in said] == [True] * late  # fmt: skip


def test_an_address_of_nobody_is_named_once_a_file(kept):
    kept.write("teams", "- {id: ops, name: Ops, proof: x, declared_by: people/alice, declared_at: 2026-03-03}\n")
    sha = kept.commit(THIRD, "mallory")
    assert kept.read()["ops"].creator is None
    assert [str(fault) for fault in kept.source().warnings() if fault.file.endswith("teams.yaml")] == [
        f"register/teams.yaml:1:3: was committed ({sha[:10]}) from an address that no row of people names"
    ]
    lines = [line.text for line in kept.source().check() if line.level == "warning"]
    assert "1 rows came late or from an unknown address, the first at register/teams.yaml:1" in lines


def test_a_run_keeps_the_history_and_the_next_one_adds_to_it(kept, run_hub, tmp_path):
    (tmp_path / "hub.toml").write_text(
        '[organisation]\nname = "x"\nzone = "Europe/Berlin"\n[store]\nurl = "sqlite:///hub.db"\n'
        '[sources.register]\nplugin = "register"\nfolder = "register"\n',
        encoding="utf-8",
    )

    def synced():
        done = run_hub("sync", "--config", str(tmp_path / "hub.toml"), "--format", "json")
        assert done.code == 0, done
        with closing(sqlite3.connect(tmp_path / "hub.db")) as store:
            found = "SELECT s.field, s.at FROM since s JOIN record r ON r.sid = s.sid WHERE r.id LIKE '%teams/ops'"
            held = {field: format_instant(at) for field, at in store.execute(found)}
        return json.loads(done.out)[0]["changed"], held

    kept.write("teams", teams("id: ops, name: Ops, site: Bonn"))
    kept.commit(FIRST)
    assert synced() == (3, {"name": FIRST, "site": FIRST})
    assert synced() == (0, {"name": FIRST, "site": FIRST})
    kept.write("teams", teams("id: ops, name: Ops, site: Ulm"))
    kept.commit(SECOND, "bob")
    assert synced() == (1, {"name": FIRST, "site": SECOND})


HOSTILE = """\
[core]
	fsmonitor = {evil}
	hooksPath = {hooks}
	pager = {evil}
	sshCommand = {evil}
	alternateRefsCommand = {evil}
	gitProxy = {evil}
	attributesFile = {hooks}/attributes
[diff]
	external = {evil}
[diff "evil"]
	textconv = {evil}
	command = {evil}
[filter "evil"]
	clean = {evil}
	smudge = {evil}
	process = {evil}
	required = true
[gpg]
	program = {evil}
[log]
	showSignature = true
	follow = true
[pager]
	log = {evil}
	ls-tree = {evil}
[alias]
	log = !{evil}
	cat-file = !{evil}
[credential]
	helper = !{evil}
[remote "origin"]
	url = ext::{evil}
	promisor = true
	partialclonefilter = blob:none
[extensions]
	partialClone = origin
[protocol]
	allow = always
[uploadpack]
	packObjectsHook = {evil}
"""


def test_nothing_that_a_repository_configures_is_run(kept, monkeypatch):
    evil, hooks, trace = kept.base_dir / "evil.sh", kept.base_dir / "hooks", kept.base_dir / "ran"
    evil.write_text(f'#!/bin/sh\necho "$0 $@" >> {trace}\n', encoding="utf-8")
    evil.chmod(0o755)
    hooks.mkdir()
    (hooks / "attributes").write_text("* diff=evil filter=evil\n", encoding="utf-8")
    for hook in ("post-index-change", "reference-transaction", "post-checkout", "fsmonitor-watchman"):
        shutil.copy(evil, hooks / hook)
    kept.write("teams", teams("id: ops, name: Ops"))
    kept.commit(FIRST)
    kept.write("teams", teams("id: ops, name: Operations"))
    (kept.folder / ".gitattributes").write_text("* diff=evil filter=evil\n", encoding="utf-8")
    kept.commit(SECOND)
    blob = kept.git("rev-parse", "HEAD~1:teams.yaml")
    (kept.folder / ".git" / "objects" / blob[:2] / blob[2:]).unlink()  # a partial clone would fetch it
    with (kept.folder / ".git" / "config").open("a", encoding="utf-8") as config:
        config.write(HOSTILE.format(evil=evil, hooks=hooks))
    for name in ("GIT_EXTERNAL_DIFF", "GIT_PAGER", "GIT_SSH_COMMAND", "GIT_ASKPASS", "GIT_PROXY_COMMAND"):
        monkeypatch.setenv(name, str(evil))
    monkeypatch.setenv("GIT_DIR", str(kept.base_dir / "elsewhere"))
    rows = kept.read()
    assert not trace.exists(), trace.read_text(encoding="utf-8")
    assert times(rows["ops"]) == {"name": SECOND}


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.integers(0, 9),
            st.dictionaries(st.sampled_from("ab"), st.dictionaries(st.sampled_from("xy"), st.sampled_from("12"))),
        ),
        min_size=1,
        max_size=8,
    ),
    st.integers(0, 7),
)
def test_reading_on_equals_reading_anew(versions, cut):
    commits = [Commit(f"c{n}", (f"c{n - 1}",) if n else (), at, "a@b") for n, (at, _) in enumerate(versions)]
    held = {commit.sha: values for commit, (_, values) in zip(commits, versions, strict=True)}
    cut = min(cut, len(commits))
    begun = replay(commits[:cut], lambda commit: held[commit.sha])
    on = (
        replay(commits[cut:], lambda commit: held[commit.sha], base=begun)
        if cut
        else replay(commits, lambda c: held[c.sha])
    )
    whole = replay(commits, lambda commit: held[commit.sha])
    assert on[1] == whole[1] == versions[-1][1]
    assert on[0].rows == whole[0].rows
