"""What was tested, on which revision: pipelines, their jobs and their test reports."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Literal

from hub.records import Test
from hub_gitlab.moment import instant_or_none
from hub_gitlab.value import as_dict, as_text, dicts, matches

if TYPE_CHECKING:
    from hub_gitlab.approval import Version
    from hub_gitlab.draft import Draft

__all__ = ["add_tests"]

Ended = Literal["passed", "failed", "skipped", "running", "cancelled"]
_ENDED: dict[str, Ended] = {
    "canceled": "cancelled",
    "canceling": "cancelled",
    "cancelled": "cancelled",
    "created": "running",
    "failed": "failed",
    "manual": "skipped",
    "pending": "running",
    "preparing": "running",
    "running": "running",
    "scheduled": "running",
    "skipped": "skipped",
    "success": "passed",
    "waiting_for_resource": "running",
}
_OF_MERGE_REQUEST = re.compile(r"^refs/merge-requests/[0-9]+/(?:merge|train)$")


def add_tests(draft: Draft, body: dict[str, Any], versions: list[Version] | None) -> None:
    """Fill `tests` of a change from its head pipeline and those of its merge commit.

    A report of tests says more than the pipeline it came from; named jobs (`test_jobs`) say more than both.
    """
    asked = [name for name in ("pipeline", "pipelines") if name in body]
    found: list[Test] = []
    pipelines = [as_dict(body.get("pipeline"))] if as_dict(body.get("pipeline")) else []
    pipelines += dicts(body.get("pipelines"))
    for pipeline in pipelines:
        found += _tests(draft, pipeline, versions)
    if not asked or "pipelines" in as_dict(body.get("refused")):
        draft.lacks("tests")
    draft.offer("tests", found or None)
    for test in found:
        draft.event(test.finished_at, "tested", field="tests", to=test.status, source_ref=test.ref)


def _tests(draft: Draft, pipeline: dict[str, Any], versions: list[Version] | None) -> list[Test]:
    commit, ref = _commit(pipeline, versions), as_text(pipeline.get("web_url"))
    ended_at = instant_or_none(pipeline.get("finished_at"))
    report = as_dict(as_dict(pipeline.get("test_report_summary")).get("total"))
    patterns = draft.sheet.vocabulary.settings.test_jobs
    found: list[Test] = []
    for job in dicts(pipeline.get("jobs")):
        name = as_text(job.get("name"))
        if name is not None and matches(name, patterns):
            own = as_text(job.get("web_url")) or ref
            status, ended = _status(draft, job), instant_or_none(job.get("finished_at"))
            found.append(Test(name=name, status=status, commit=commit, finished_at=ended, ref=own))
    counted = report.get("count")
    if isinstance(counted, int) and counted > 0:
        bad = sum(value for name in ("failed", "error") if isinstance(value := report.get(name), int))
        said: Ended = "failed" if bad else "passed"
        found.append(Test(name="test report", status=said, commit=commit, finished_at=ended_at, ref=ref))
    if not found and not patterns:
        name, status = as_text(pipeline.get("name")) or "pipeline", _status(draft, pipeline)
        found.append(Test(name=name, status=status, commit=commit, finished_at=ended_at, ref=ref))
    return found


def _status(draft: Draft, said: dict[str, Any]) -> Ended | None:
    word = as_text(said.get("status"))
    status = _ENDED.get(word or "")
    if word is not None and status is None:
        draft.sheet.skip("pipeline status not known")
        draft.sheet.unmapped[f"pipeline:{word[:80]}"] = ""
    return status


def _commit(pipeline: dict[str, Any], versions: list[Version] | None) -> str | None:
    """Give the revision a pipeline ran on; one of the merged result ran on the head as it was then."""
    if _OF_MERGE_REQUEST.match(as_text(pipeline.get("ref")) or ""):
        began = instant_or_none(pipeline.get("created_at"))
        heads = [each.head for each in versions or () if began is not None and each.at <= began]
        return heads[-1] if heads else None
    return as_text(pipeline.get("sha"))
