from __future__ import annotations

import pytest
from pydantic import TypeAdapter, ValidationError

from hub.monitoring.service_map import RuleMap, ServiceRules
from hub.monitoring.ticket_finder import TicketFinder

SHOP, DESK = "register:services/shop", "register:services/desk"
RULES = {"service=shop": SHOP, "hostgroup=web*": SHOP, "host = desk01": DESK, "team=ops": DESK}


@pytest.mark.parametrize(
    ("facts", "services"),
    [
        ([("service", "shop")], [SHOP]),
        ([("service", "shopping")], []),
        ([("hostgroup", "db"), ("hostgroup", "web-eu")], [SHOP]),
        ([("host", "desk01"), ("service", "shop")], [DESK, SHOP]),
        ([("service", "shop"), ("hostgroup", "web")], [SHOP]),
        ([("Service", "shop")], []),
        ([], []),
    ],
)
def test_every_rule_that_fits_names_its_service_once(facts, services):
    assert RuleMap(RULES).named(facts) == services


@pytest.mark.parametrize("rule", ["service", "=shop", "service=", "service=a*b"])
def test_a_rule_that_says_nothing_is_refused(rule):
    with pytest.raises(ValidationError):
        TypeAdapter(ServiceRules).validate_python({rule: SHOP})


@pytest.mark.parametrize(
    ("text", "keys"),
    [
        ("taken, see OPS-12", ["OPS-12"]),
        ("OPS-12, OPS-7 and again OPS-12", ["OPS-12", "OPS-7"]),
        ("note-1, CVE-2026, XOPS-3, OPS-4x, DEVOPS-5", []),
        ("https://desk.example/browse/OPS-9?x=1", ["OPS-9"]),
        ("https://git.example/group/app/-/issues/31#note_4", ["group/app#31"]),
        ("group/app#31 (not other/app#31)", ["group/app#31"]),
        (None, []),
    ],
)
def test_only_keys_of_named_projects_are_believed(text, keys):
    found = TicketFinder(["OPS", "group/app"]).references([("comment", text)])
    assert [one.key for one in found] == keys
    assert all(one.said_in == "comment" for one in found)
    assert TicketFinder([]).references([("comment", text)]) == []
