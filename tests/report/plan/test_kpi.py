from __future__ import annotations

from hub.records import ImprovementAction
from hub.report.plan.cycle import Cycle, Revision, Step
from hub.report.plan.kpi import kpis
from hub.report.plan.plan import Terms
from tests.report.plan.conftest import at

DUE = at("2026-11-10T17:00")
ASKED = {"start": at("2026-11-01T00:00"), "end": at("2026-12-01T00:00"), "at": at("2026-12-05T00:00")}
DAY = 86_400_000


def terms(number: int, **more) -> Terms:
    given = {"report_id": f"SR-{number}", "spec": "s", "type": "t", "customer_name": "c", "label": "l", "start": 0}
    return Terms(**(given | {"end": 1, "zone": "UTC", "due_at": DUE, "direction": "internal"} | more))


def report(number: int, *revisions: Revision, **more) -> tuple[str, tuple[Terms, Cycle]]:
    found = revisions or (Revision(1, "planned", None),)
    return f"SR-{number}", (terms(number, **more), Cycle(f"SR-{number}", found))


def sent(number: int = 1, state: str = "submitted", when: int = DUE, archived: int | None = None, **more) -> Revision:
    step = Step(report_id="x", revision=number, type="archived", at=archived) if archived else None
    return Revision(number, state, None, submitted_at=when, archived=step, **more)


def figures(*reports, actions=()):
    found = kpis(dict(reports), actions, archive_by=lambda instant: instant + 5 * DAY, **ASKED)
    return {one.name: one for one in found}


def test_of_twenty_due_ninety_per_cent_are_on_time():
    """18 on time, 1 late, 1 not sent."""
    told = figures(*(report(n, sent()) for n in range(18)), report(18, sent(when=DUE + 1)), report(19))["on_time"]
    assert (told.good, told.of, told.basis_points, told.verdict) == (18, 20, 9000, "missed")
    assert figures(*(report(n, sent()) for n in range(19)), report(19))["on_time"].verdict == "met"


def test_rejections_corrections_and_the_archive():
    told = figures(
        report(1, Revision(1, "rejected", None, rejected_at=DUE - 5), sent(2, archived=DUE + DAY)),
        report(2, sent(1, "corrected", archived=DUE + 6 * DAY), sent(2, when=DUE + DAY, archived=DUE + 2 * DAY)),
        report(3, sent(archived=DUE + 5 * DAY)),
        report(4, Revision(1, "cancelled", None)),
        report(5, sent(archived=DUE), direction="external"),
    )
    shown = {name: (one.good, one.of) for name, one in told.items() if one.good is not None}
    assert shown == {
        "on_time": (4, 4),
        "first_pass": (3, 4),
        "accuracy": (3, 4),
        "follow_up": (0, 0),
        "archive": (3, 5),
    }


def test_what_nobody_can_tell_is_said_and_no_cases_are_no_pass():
    told = figures()
    assert told["on_time"].verdict == "no_cases"
    for name in ("reproducibility", "completeness", "reader_satisfaction", "feedback"):
        assert (told[name].verdict, told[name].basis_points) == ("not_provable", None)
        assert told[name].reason
    unread = kpis({}, None, archive_by=lambda instant: instant, **ASKED)
    assert next(one for one in unread if one.name == "follow_up").verdict == "not_provable"


def test_follow_up_counts_actions_by_their_due_time():
    actions = [
        ImprovementAction(id=f"r:{n}", source="r", due_at=DUE, closed_at=closed)
        for n, closed in enumerate([DUE, DUE - 1, DUE + 1, None])
    ]
    one = figures(actions=actions)["follow_up"]
    assert (one.good, one.of) == (2, 4)
