from __future__ import annotations

import msgspec

from hub.report.model import encode_model
from hub.report.trend import trend_before
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
