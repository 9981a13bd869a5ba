"""Clause 4.1, scope: which services are managed, and where the scope ends."""

from __future__ import annotations

from typing import Any

from sqlalchemy import and_, exists, or_

from hub.conformance.pack import Declare, Parameters
from hub.conformance.part import Part, Words
from hub.conformance.reading import Need
from hub.conformance.unit import organisation
from hub.store.schema import kind_tables
from hub.store.tables import metadata
from hub_bs15000.document_control import doc, says
from hub_bs15000.effective import says_throughout
from hub_bs15000.service import in_scope, retired, s

__all__ = ["DECLARATIONS", "SCOPE_STATEMENT"]

SCOPE_STATEMENT = "scope_statement"
"""Type of the document that states the scope."""
_d: Any = kind_tables["document"].c
_link = metadata.tables["link"]


def _4_1_a(rid: str, p: Parameters) -> list[Part]:
    listed, service = _link.alias(), kind_tables["service"].alias()
    names = [listed.c.sid == _d.sid, listed.c.type == "service_ids"]
    lists_some = exists().where(*names).correlate_except(listed)
    gone = and_(service.c.sid.is_not(None), service.c.vanished_at.is_not(None))
    unheard = (
        exists()
        .select_from(listed.outerjoin(service, service.c.sid == listed.c.target))
        .where(*names, or_(service.c.sid.is_(None), gone))
        .correlate_except(listed, service)
    )
    names_it = exists().where(*names, listed.c.target == s.sid).correlate_except(listed)
    needs = [Need("document", frozenset({"service_ids"}), evidence=True)]
    return [
        doc(
            rid,
            "in_force",
            Words(
                "A reviewed statement of the scope that lists services is in force without a gap.",
                "No reviewed statement of the scope that lists services was in force throughout the month.",
                "Review the statement of the scope, list the services and have it authorised.",
            ),
            SCOPE_STATEMENT,
            p.review_days,
            lists_some,
            needs=needs,
        ),
        doc(
            rid,
            "services_listed",
            Words(
                "The statement of the scope lists every service that is managed.",
                "No statement of the scope in force lists this service.",
                "List the service in the statement, or take it out of the scope.",
            ),
            SCOPE_STATEMENT,
            p.review_days,
            names_it,
            unit=in_scope().reading(service="all"),
            end=retired(),
            fields=("in_scope", "in_scope_from", "lifecycle"),
            needs=needs,
        ),
        doc(
            rid,
            "services_exist",
            Words(
                "Every service that the statement of the scope lists exists.",
                "The statement of the scope lists a service that does not exist.",
                "Take the service off the list, or record it.",
            ),
            SCOPE_STATEMENT,
            p.review_days,
            lists_some,
            ~unheard,
            unit=organisation().reading(service="all"),
            needs=[*needs, Need("service", frozenset({"in_scope"}), evidence=True)],
        ),
    ]


def _4_1_b(rid: str, p: Parameters) -> list[Part]:
    asked = ", ".join(p.required_fields)
    return [
        says_throughout(
            rid,
            "boundary",
            Words(
                f"The statement of the scope describes its boundary by: {asked}.",
                f"The statement of the scope says nothing on at least one of: {asked}.",
                "Complete the boundary of the scope.",
            ),
            and_(*(says("document", one, f"boundary.{one}", f"boundary: {one}") for one in p.required_fields)),
            "sections",
            kind="document",
            doc_type=SCOPE_STATEMENT,
        )
    ]


DECLARATIONS: dict[str, Declare] = {"BS15000-4.1-a": _4_1_a, "BS15000-4.1-b": _4_1_b}
"""Requirement -> what makes its parts."""
