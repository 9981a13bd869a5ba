"""Which chapters a report has, by its type. A customer report has all fourteen."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hub.errors import HubError
from hub.report.language.words import Language

if TYPE_CHECKING:
    from hub.report.plan.plan import Terms

__all__ = ["ALL", "NAMES", "TYPES", "chapters_of", "language_of"]

ALL = tuple(range(1, 15))
_FRAME, _END = (1, 2), (12, 13, 14)
_PROCESS = {
    "service_level": (3,),
    "incident": (3, 4, 7),
    "request": (3, 4),
    "problem": (7,),
    "change": (8,),
    "release": (8,),
    "configuration": (9,),
    "capacity": (5,),
    "availability": (3, 5),
    "security": (11,),
    "continuity": (11,),
    "supplier": (11,),
    "finance": (10,),
    "relationship": (6,),
}
"""Process of an internal report -> the chapters on it."""
TYPES: dict[str, tuple[int, ...]] = {
    "monthly_service": ALL,
    "quarterly_review": ALL,
    "annual_quality": ALL,
    "annual_support": ALL,
    "implementation": ALL,
    "special": ALL,
    "finance": (*_FRAME, 10, *_END),
    "breach_cluster": (*_FRAME, 3, 4, 7, *_END),
    "major_change": (*_FRAME, 8, *_END),
    "major_incident": (*_FRAME, 7, *_END),
    "post_release": (*_FRAME, 8, *_END),
    "supplier_performance": (*_FRAME, 11, *_END),
}
"""Report type -> numbers of its chapters."""
NAMES: dict[int, tuple[str, ...]] = {
    1: ("front",),
    2: ("summary",),
    3: ("service_level",),
    4: ("workload",),
    5: ("availability", "capacity"),
    6: ("satisfaction",),
    7: ("incident", "problem"),
    8: ("change", "release"),
    9: ("configuration",),
    10: ("finance",),
    11: ("security", "continuity", "supplier"),
    12: ("improvement",),
    13: ("data_note",),
    14: ("annex",),
}
"""Number of a chapter -> the sections of a report it stands for, as requirements name them."""
_LANGUAGES: tuple[Language, ...] = ("en", "zh")


def chapters_of(terms: Terms) -> tuple[int, ...]:
    """Return the numbers of a report's chapters; HubError for a type nobody can compile."""
    kind = _kind(terms)
    if kind == "internal_process":
        own = _PROCESS.get(terms.process or "")
        if own is None:
            known = ", ".join(sorted(_PROCESS))
            raise HubError(f"{terms.report_id}: the process {terms.process!r} has no chapters; known: {known}")
        return (*_FRAME, *own, *_END)
    if kind not in TYPES:
        known = ", ".join(sorted([*TYPES, "internal_process"]))
        raise HubError(
            f"{terms.report_id}: a report {kind!r} cannot be compiled; give its files, or a template of {known}"
        )
    return TYPES[kind]


def language_of(terms: Terms) -> Language:
    """Return the language a report is told in; HubError for one nobody speaks."""
    asked = (terms.template or "").partition(".")[2] or "en"
    for one in _LANGUAGES:
        if one == asked:
            return one
    raise HubError(
        f"{terms.report_id}: the template {terms.template!r} names no language; known: {', '.join(_LANGUAGES)}"
    )


def _kind(terms: Terms) -> str:
    return (terms.template or "").partition(".")[0] or terms.type
