"""`hub coverage` on an organisation that has only a Jira: what it lacks, and what each step would unlock."""

from __future__ import annotations

import json
import re
import shutil

import pytest

from hub.cli.run import do_run
from hub.cli.session import Session
from hub.clock import FixedClock, parse_instant
from hub_sandbox.command import write_workplace
from hub_sandbox.jira_server import JiraServer
from hub_sandbox.organisation import Organisation

BEFORE, AFTER = "2026-11-03T08:00:00Z", "2026-11-04T08:00:00Z"
RID = "BS15000-8.2-c"
READABLE = ("CHG", "IMP", "OPS", "PRB")
WITHOUT = ("[sources.register]", "[reports.conformance]", "[sources.service-desk.services]")


class Place:
    """A workplace without a register; its Jira answers as long as the tests run."""

    def __init__(self, folder, server, organisation):
        self.config = write_workplace(folder, organisation, server, parse_instant(BEFORE))
        shutil.move(folder / "register", folder / "kept")
        text = self.config.read_text(encoding="utf-8").replace('manager = "register:people/alice"', "")
        tables = re.split(r"^(?=\[)", text, flags=re.MULTILINE)
        text = "".join(one for one in tables if not one.startswith(WITHOUT))
        text = re.sub(r"^projects = .*", f"projects = {json.dumps(READABLE)}", text, flags=re.MULTILINE)
        self.config.write_text(text, encoding="utf-8")

    def run(self, when):
        with Session(self.config, clock=FixedClock(parse_instant(when)), create_store=True) as session:
            do_run(session)

    def keep(self, *stems):
        """Keep these files of the register from now on."""
        folder = self.config.parent / "register"
        if not folder.exists():
            folder.mkdir()
            with self.config.open("a", encoding="utf-8") as file:
                file.write('\n[sources.register]\nplugin = "register"\nfolder = "register"\n')
        for stem in stems:
            kept = self.config.parent / "kept" / f"{stem}.yaml"
            (folder / kept.name).write_text(kept.read_text(encoding="utf-8") if kept.exists() else "", encoding="utf-8")


@pytest.fixture(scope="module")
def place(tmp_path_factory, places):
    organisation = Organisation(7, scale=0.02)
    with JiraServer(organisation, "cloud", clock_ms=parse_instant(BEFORE)) as server:
        place = Place(tmp_path_factory.mktemp("coverage"), server, organisation)
        places.settle(place.config)
        place.run(BEFORE)
        yield place


@pytest.fixture
def told(place, run_hub):
    def run(*arguments, code=0):
        called = run_hub("coverage", *arguments, "--config", str(place.config), "--format", "json")
        assert called.code == code, called.err
        return json.loads(called.out) if code == 0 else called.err

    return run


def provable(told, *options):
    return {row["requirement"] for row in told("--requirements", *options) if row["provable"]}


def test_what_one_requirement_needs_and_the_one_file_it_lacks(told):
    rows = told(RID)
    assert {row["part"] for row in rows} >= {"authorised"}
    by_kind = {row["kind"]: row for row in rows}
    assert by_kind["change"]["given_by"] == by_kind["approval"]["given_by"] == ["service-desk"]
    assert by_kind["change"]["write"] == by_kind["approval"]["write"] == []
    lacking = by_kind["role_assignment"]
    assert (lacking["given_by"], lacking["missing"]) == ([], ["role"])
    assert lacking["reason"] == "no source gives any role assignment"
    assert lacking["write"] == ["register/roles.yaml"]
    assert "[sources.register]" in lacking["where"][0]  # nobody has configured the plugin yet


def test_a_line_of_jira_is_told_with_its_table(told):
    (row,) = (row for row in told("BS15000-8.2-d") if row["missing"])
    assert row["missing"] == ["service_ids"]
    assert row["where"] == ["[sources.service-desk.services]"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("BS15000-0.0-z",), "BS15000-0.0-z: no enabled pack has this requirement"),
        (("--steps", "--gaps"), "ask for one of REQUIREMENT, --requirements, --steps and --gaps at a time"),
    ],
)
def test_what_cannot_be_answered_says_so(told, arguments, message):
    assert told(*arguments, code=2) == f"hub: {message}\n"


def test_the_step_that_unlocks_most_comes_first_and_does_what_it_says(told, place):
    before = provable(told)
    steps = told("--steps")
    order = [(-step["unlocks"], -step["obligations"], -step["helps"]) for step in steps]
    assert order == sorted(order)
    assert all(step["unlocks"] == len(step["requirements"]) and step["helps"] == len(step["others"]) for step in steps)
    files = [step for step in steps if step["write"].startswith("register/") and step["unlocks"]]
    roles = next(step for step in files if step["write"] == "register/roles.yaml")
    assert {RID, "BS15000-8.2-k"} <= set(roles["requirements"])
    assert roles["obligations"] > 0
    best = files[0]
    assert best["unlocks"] >= roles["unlocks"]
    assert not before & set(best["requirements"])

    place.keep(best["write"].removeprefix("register/").removesuffix(".yaml"))
    place.run(AFTER)
    assert provable(told) - before == set(best["requirements"])
    later = told("--steps")
    assert best["write"] not in {step["write"] for step in later}
    assert {step["where"] for step in later if step["write"].startswith("register/")} == {"a new file"}
    # what was provable is as it was known then
    assert provable(told, "--known-at", "2026-11-03T12:00:00Z") == before


def test_a_project_nobody_may_read_is_a_step_too(told, place):
    config = place.config.read_text(encoding="utf-8")
    place.config.write_text(config.replace('"PRB"]', '"PRB", "SEC"]'), encoding="utf-8")
    place.run("2026-11-05T08:00:00Z")
    (step,) = (step for step in told("--steps") if "SEC" in step["write"])
    assert step["where"] == "at the tool, or in hub.toml"
    assert step["gives"] == []
    assert step["requirements"]
    row = next(row for row in told("--requirements") if row["requirement"] == step["requirements"][0])
    assert (row["provable"], row["missing"]) == (False, ["service-desk SEC"])


def test_requirements_are_listed_as_of_an_instant(told):
    early = {row["requirement"]: row["undecided"] for row in told("--requirements", "--as-of", "2026-01-15")}
    late = {row["requirement"]: row["undecided"] for row in told("--requirements")}
    assert early.keys() == late.keys()
    assert sum(early.values()) != sum(late.values())
