"""A pack with parameters, and a profile that sets them for services and customers."""

from __future__ import annotations

from typing import Any

from hub.conformance.evidence import any_of, at, rows
from hub.conformance.expression import business_days_after
from hub.conformance.pack import CatalogueEntry, Pack, Parameters
from hub.conformance.part import Part, Words
from hub.conformance.profile import Choice, Scope
from hub.conformance.shape import deadline
from hub.conformance.unit import unit
from tests.conformance.kit import analysed, approved, incident, planned, review

SHOP, MAIL = "register:service/1", "register:service/2"
CUSTOMER = "desk:incident/1"
"""What kind of record a customer is decides nothing; this one the random histories refer to."""


def _worked(rid: str, p: Parameters) -> list[Part]:
    words = Words(f"Done within {p.days} days.", f"Not done within {p.days} days.", "Do it.")
    found = any_of(at(incident.resolved_at), rows("review", review.subject_id == incident.sid, review.held_at))
    due = business_days_after(incident.created_at, p.days)
    return [deadline(rid, "worked", words, unit=unit("incident"), due=due, evidence=found)]


def _approved(rid: str, p: Parameters) -> list[Part]:
    return list(approved(rid, nth=p.approvers).parts)


def _analysed(rid: str, _p: Parameters) -> list[Part]:
    return list(analysed(rid).parts)


def _planned(rid: str, _p: Parameters) -> list[Part]:
    return list(planned(rid).parts)


def _entry(rid: str, clause: str, **parameters: Any) -> CatalogueEntry:
    return CatalogueEntry(rid, clause, rid, f"{rid} is done.", "major", None, "change_manager", parameters)


PACK = Pack(
    "scoped",
    "1",
    {"1": "One", "2": "Two"},
    (
        _entry("S-approved", "1", approvers=1),
        _entry("S-planned", "1"),
        _entry("S-worked", "2", days=3),
        _entry("S-analysed", "2.1"),
    ),
    {"S-approved": _approved, "S-planned": _planned, "S-worked": _worked, "S-analysed": _analysed},
)


def choice(place: int, service: str | None = None, customer: str | None = None, **said: Any) -> Choice:
    """An entry of the profile as the configuration makes it."""
    told = {"reason": f"reason {place}", "set_by": "register:people/ann", "set_at": "2026-01-15"}
    return Choice(key=("profile", str(place)), scope=Scope(service, customer), **{**told, **said})


CHOICES = (
    choice(0, SHOP, parameters={"S-approved": {"approvers": 2}, "S-worked": {"days": 1}}),
    choice(1, None, CUSTOMER, parameters={"S-worked": {"days": 9}}),
    choice(2, MAIL, CUSTOMER, parameters={"S-worked": {"days": 3}}),
    choice(3, MAIL, disabled=["S-approved"]),
    choice(4, disabled=["S-planned"]),
    choice(5, SHOP, enabled=["S-planned"]),
)
"""Overlapping scopes, one that says what everybody's parameter says, one left out, one narrowed."""
