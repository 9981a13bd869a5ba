from __future__ import annotations

import msgspec
import pytest

from hub.records import Target
from hub.report.level import level_of
from hub.report.model import Rate, encode_model
from hub.report.trend import trend_before
from hub.sla.attainment import Attainment
from hub.sla.statement import Line
from hub.store import outbox
from hub.store.outbox import Issued


def test_the_trend_is_what_reports_said_the_last_revision_of_each_with_gaps(any_store, report):
    issued = [("2025-10", 1, 10), ("2025-12", 1, 20), ("2026-02", 1, 30), ("2026-02", 2, 40), ("2026-10", 1, 90)]
    with any_store.begin() as conn:
        for label, revision, met in issued:
            counts = msgspec.structs.replace(report.counts, verdicts={"met": met, "not_met": 100 - met})
            model = encode_model(msgspec.structs.replace(report, counts=counts))
            row = Issued(f"SR-x-conformance-{label}", revision, "conformance", label, 1, 1, 1, "", model)
            outbox.save_report(conn, row)
        trend = trend_before(conn, report_type="conformance", label="2026-10")
        assert trend_before(conn, report_type="conformance", label="2024-01") == []
    rates = {point.label: point.rate.numerator if point.rate else None for point in trend}
    assert [point.label for point in trend][0::9] == ["2025-12", "2026-09"], "the month itself is not among them"
    assert rates == dict.fromkeys(rates, None) | {"2025-12": 20, "2026-02": 40}


@pytest.mark.parametrize(
    ("agreed", "share"),
    [
        (None, None),
        (Target(id="g", metric="attainment", operator=">=", value=99.95, unit="%"), 9995),
        (Target(id="g", metric="attainment", operator="<=", value=5, unit="%"), None),
    ],
)
def test_a_level_keeps_its_parts_and_its_own_target(agreed, share):
    line = Line(
        agreement="register:slas/gold",
        title="Gold",
        target="r",
        metric="response",
        promise="P1 <= 15 min on 7x24",
        goal=">= 95 %",
        previous="no cases",
        restated="75.00",
        now=Attainment("register:slas/gold", "r", "response", 18, 2, 1, 3, 2, 0, 4),
        stood="",
        kept="met",
        agreed=agreed,
    )
    level = level_of(line)
    assert level.now == Rate(numerator=18, denominator=20)
    assert (level.previous, level.restated, level.stood, level.target) == ("no cases", "75.00 %", "", share)
    assert (level.excluded, level.open, level.at_risk, level.not_provable) == (1, 3, 2, 4)
