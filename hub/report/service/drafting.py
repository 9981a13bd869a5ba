"""Compiles a planned report and drafts it, or shows what it would say."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from hub.errors import HubError
from hub.report.plan import act
from hub.report.service.compile import compile_report
from hub.report.service.draw import files_of
from hub.report.service.front import Edition

if TYPE_CHECKING:
    from hub.report.plan.desk import Desk
    from hub.report.service.model import Compiled

__all__ = ["House", "draft_compiled", "preview"]


class House(NamedTuple):
    """How the organisation wants its reports told."""

    hosts: frozenset[str] = frozenset()
    """Hosts links may lead to."""
    names: bool = False
    """People are named; False = by initials."""


def draft_compiled(
    desk: Desk,
    report_id: str,
    house: House,
    *,
    login: str,
    author: str | None = None,
    note: str = "",
    provisional: bool = False,
    anew: bool = False,
) -> int:
    """Compile a report from the data as frozen, and draft it; return the revision.

    The data is frozen now where it was not, or `anew`. The same data gives the same bytes, and changes nothing.
    """
    frozen = _frozen(desk, report_id, provisional=provisional, anew=anew)
    report = _compiled(desk, report_id, house, frozen, author=author, note=note)
    told = {
        "content": msgspec.to_builtins(report.content),
        "sections": {"present": report.present, "required": len(report.required)},
    }
    return act.draft(
        desk,
        report_id,
        files_of(report, house.hosts),
        login=login,
        author=author,
        note=note,
        provisional=provisional,
        figures=report.metrics,
        told=told,
        anew=anew,
    )


def preview(desk: Desk, report_id: str, house: House, *, as_of: int | None = None) -> dict[str, bytes]:
    """Compile a report as it would be drafted now, or as of an instant; return its files, name -> bytes."""
    frozen = dict(_frozen(desk, report_id, provisional=True, anew=False))
    if as_of is not None:
        frozen["as_of"] = as_of
    return files_of(_compiled(desk, report_id, house, frozen), house.hosts)


def _frozen(desk: Desk, report_id: str, *, provisional: bool, anew: bool) -> Mapping[str, Any]:
    cycle = desk.cycle(report_id)
    collected = cycle.last.collected if act.next_revision(cycle) == cycle.last.number else None
    return act.freeze(desk, provisional=provisional) if anew or collected is None else collected.data


def _compiled(
    desk: Desk, report_id: str, house: House, frozen: Mapping[str, Any], *, author: str | None = None, note: str = ""
) -> Compiled:
    cycle = desk.cycle(report_id)
    terms = desk.plan.terms.get(report_id) or desk.terms(cycle)
    as_of = int(frozen["as_of"])
    if terms.start > as_of:
        raise HubError(f"{report_id}: its period has not begun; there is nothing to tell")
    edition = Edition(
        revision=act.next_revision(cycle),
        issued_at=as_of,
        author=author or terms.author,
        note=note.strip(),
        names=house.names,
        sources=frozen.get("sources", ()),
    )
    return compile_report(desk, terms, edition, as_of=as_of)
