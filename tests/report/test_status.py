from __future__ import annotations

import pytest

from hub.report.model import Counts
from hub.report.status import StatusFacts, Thresholds, percent, status_of

DAY = 86_400_000
WORKED = {"met": 180, "attested": 31, "waived": 2, "not_met": 7, "not_provable": 3, "not_applicable": 67}
ALL_MET = {"met": 100}


@pytest.mark.parametrize(
    ("verdicts", "more", "word"),
    [
        (ALL_MET, {}, "GREEN"),
        (ALL_MET | {"not_judged": 200, "pending": 5, "attested": 3, "waived": 1}, {}, "GREEN"),
        (ALL_MET, {"unread": ["desk / SEC"]}, "INCOMPLETE"),
        ({"not_judged": 290}, {}, "INCOMPLETE"),
        ({}, {}, "INCOMPLETE"),
        ({"met": 90, "not_provable": 10}, {}, "AMBER"),  # 10 % is not more than 10 %
        ({"met": 89, "not_provable": 11}, {}, "INCOMPLETE"),
        ({"met": 89, "not_provable": 10, "not_judged": 1}, {}, "INCOMPLETE"),  # not judged does not dilute
        ({"met": 89, "not_provable": 10, "pending": 9, "not_applicable": 9}, {}, "INCOMPLETE"),  # nor do these
        ({"met": 95, "not_met": 5}, {}, "AMBER"),
        ({"met": 94, "not_met": 6}, {}, "RED"),
        ({"met": 99, "not_met": 1}, {"critical_not_met": 1}, "RED"),
        (ALL_MET, {"latest_critical_action_ms": 30 * DAY}, "GREEN"),
        (ALL_MET, {"latest_critical_action_ms": 30 * DAY + 1}, "RED"),
        ({"met": 99, "not_met": 1}, {"critical_not_met": 1, "unread": ["desk"]}, "INCOMPLETE/RED"),
        ({"met": 80, "not_provable": 20}, {"critical_not_met": 1}, "INCOMPLETE/RED"),
        (ALL_MET, {"at_risk_soon": 1}, "AMBER"),
        (ALL_MET, {"waivers_ending": 1}, "AMBER"),
        (ALL_MET, {"overdue": ["BS15000-4.6-a"]}, "RED"),
        (ALL_MET, {"levels_missed": 1}, "AMBER"),
        (ALL_MET, {"levels_missed": 1, "critical_levels_missed": 1}, "RED"),
        (ALL_MET, {"reports_on_time": 95, "reports_due": 100}, "GREEN"),
        (ALL_MET, {"reports_on_time": 18, "reports_due": 20}, "AMBER"),
        ({"not_applicable": 100}, {}, "GREEN"),
        ({"not_applicable": 100}, {"narrowed": True}, "INCOMPLETE"),
    ],
)
def test_first_rule_that_fits(verdicts, more, word):
    status = status_of(
        StatusFacts(counts=Counts(verdicts=verdicts), critical_not_met=more.pop("critical_not_met", 0), **more),
        Thresholds(),
    )
    assert status.word == word
    assert bool(status.reasons) is (word != "GREEN")


def test_worked_example():
    counts = Counts(verdicts=WORKED)
    assert counts.judged == 290
    assert counts.decided == 223
    assert (counts.rate.numerator, counts.rate.denominator, counts.rate.basis_points) == (180, 192, 9375)
    assert percent(180, 192) == "93.75 %"
    assert percent(7, 223) == "3.13 %"
    assert percent(3, 223) == "1.34 %"
    status = status_of(StatusFacts(counts=counts, critical_not_met=2), Thresholds())
    assert status.word == "RED"
    assert status.reasons == ["2 critical requirements are not met."]


def test_percent_rounds_down_and_admits_no_cases():
    assert percent(18, 20) == "90.00 %"
    assert percent(99_999, 100_000) == "99.99 %"
    assert percent(0, 0) == "no cases"


def test_an_organisation_sets_its_own_limits():
    facts = StatusFacts(counts=Counts(verdicts={"met": 97, "not_met": 3}), critical_not_met=0)
    assert status_of(facts, Thresholds()).word == "AMBER"
    assert status_of(facts, Thresholds(not_met_share=299)).word == "RED"
