"""A change in Jira, its merge request in GitLab and its deployment, while people work on them between two runs."""

from __future__ import annotations

import json
import re
from pathlib import Path

from sqlalchemy import text

from hub.cli.session import Session
from hub.clock import parse_instant
from hub_bs15000.catalogue import load_pack
from hub_sandbox.command import write_workplace
from hub_sandbox.gitlab_server import GitlabServer
from hub_sandbox.gitlab_story import WEB_SHOP
from hub_sandbox.jira_server import JiraServer
from hub_sandbox.organisation import Organisation
from tests.e2e.conftest import Turn, take_turn

NOW = parse_instant("2026-11-02T08:00:00Z")
HOUR = 3_600_000
LATER = NOW + 24 * HOUR
AUTHORISED, RELEASED = "BS15000-8.2-c", "BS15000-9-c"


def _ask_only(config: Path) -> None:
    """Leave out every requirement but the two this is about, and one for which the register holds a waiver."""
    others = [each.id for each in load_pack().entries if each.id not in {AUTHORISED, RELEASED, "BS15000-8.2-e"}]
    first, *_ = blocks = re.findall(
        r"(?m)^\[\[packs\.bs15000\.profile\]\]\n(?:.+\n)+\n", config.read_text(encoding="utf-8")
    )
    told = config.read_text(encoding="utf-8").replace("".join(blocks), first)
    told = re.sub(r"(?m)^disabled = .*$", f"disabled = {json.dumps(others)}", told)
    config.write_text(told, encoding="utf-8")


def found(turn: Turn, native: str) -> set[str]:
    rows = (row for row in turn.findings if row.unit.id == f"gitlab:{native}")
    return {row.requirement for row in rows if row.requirement in {AUTHORISED, RELEASED}}


def unsure(turn: Turn, native: str) -> set[str]:
    return {
        row.reason for row in turn.not_provable if (row.requirement, row.unit.id) == (AUTHORISED, f"gitlab:{native}")
    }


def test_what_people_do_between_two_runs_is_judged(tmp_path: Path):
    organisation = Organisation(7, scale=0.03)
    content = organisation.shipping.content
    change = next(issue for issue in organisation.issues if issue.fields["issuetype"] == "Change")
    key = change.keys[0][1]
    names = ("good", "overtaken", "stranger", "hotfix")
    with JiraServer(organisation, clock_ms=NOW) as jira, GitlabServer(content, clock_ms=NOW) as gitlab:
        _ask_only(write_workplace(tmp_path, organisation, jira, NOW, gitlab=gitlab))
        asked = {
            name: content.open(WEB_SHOP, "karl", NOW - 5 * HOUR, title=f"{key}: {name}", branch=name) for name in names
        }
        for name, request in asked.items():
            request.labels = () if name == "hotfix" else ("change::normal",)
            content.push(request, "karl", NOW - 6 * HOUR)
            content.approve(request, "contractor" if name == "stranger" else "dora", NOW - 2 * HOUR)
        before = take_turn(tmp_path, NOW)
        assert [found(before, f"merge_request/{request.id}") for request in asked.values()] == [set()] * 4
        content.push(asked["overtaken"], "karl", NOW + HOUR)
        made = {}
        for name, request in asked.items():
            content.merge(request, "karl", NOW + 2 * HOUR)
            made[name] = content.deploy(WEB_SHOP, request.pushes[-1].sha, "karl", NOW + 3 * HOUR)
        past = content.commit(WEB_SHOP, "karl", NOW + HOUR, "Quick repair")
        made["pushed"] = content.deploy(WEB_SHOP, past.sha, "karl", NOW + 4 * HOUR)
        content.move(WEB_SHOP, "trade/web-shop")
        for server in (jira, gitlab):
            server.set_clock(LATER)
        after = take_turn(tmp_path, LATER)
    assert {name: found(after, f"merge_request/{request.id}") for name, request in asked.items()} == {
        "good": set(),
        "overtaken": {AUTHORISED, RELEASED},
        "stranger": set(),
        "hotfix": set(),
    }
    assert unsure(after, f"merge_request/{asked['good'].id}") == set()
    assert unsure(after, f"merge_request/{asked['stranger'].id}") == {"whose login decided is not known"}
    assert {name: found(after, f"deployment/{made[name].id}") for name in ("good", "hotfix", "pushed")} == {
        "good": set(),
        "hotfix": {RELEASED},
        "pushed": {RELEASED},
    }
    read = next(source for source in after.summary.sources if source.source == "gitlab")
    assert (read.complete, read.faults) == (True, [])
    query = """
        SELECT r.id FROM link l JOIN record r ON r.sid = l.target JOIN record m ON m.sid = l.sid
        WHERE m.id = :id AND l.type = 'implements'
    """
    with Session(tmp_path / "hub.toml") as session, session.store.connect() as conn:
        target = conn.execute(text(query), {"id": f"gitlab:merge_request/{asked['good'].id}"}).scalar_one()
    assert target == f"service-desk:issue/{change.id}"
