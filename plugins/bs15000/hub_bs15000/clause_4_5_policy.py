"""Clause 4.5, documents: policies, plans and the control of documents stand in writing (f, g)."""

from __future__ import annotations

from hub.conformance.pack import Declare, Parameters
from hub.conformance.part import Part, Words
from hub_bs15000.authorisation import assigned
from hub_bs15000.document_control import doc

__all__ = ["DECLARATIONS"]

_REVIEW_DAYS = 365


def _4_5_f(rid: str, p: Parameters) -> list[Part]:
    return [_written(rid, name) for name in p.required]


def _written(rid: str, name: str) -> Part:
    """A policy, or a plan where the name says so."""
    is_plan = name.endswith("_plan")
    kind = ("capacity_plan" if name == "capacity_plan" else "plan") if is_plan else "document"
    called = name.replace("_", " ")
    return doc(
        rid,
        name,
        Words(
            f"At any time a {called} is in force.",
            f"For a time there was no {called} in force.",
            f"Write the {called}, have it authorised, and review it every year.",
        ),
        name.removesuffix("_plan") if is_plan else name,
        _REVIEW_DAYS,
        kind=kind,
    )


def _4_5_g(rid: str, _: Parameters) -> list[Part]:
    return [
        doc(
            rid,
            "procedure",
            Words(
                "At any time a procedure for making and keeping documents is in force.",
                "For a time there was no procedure for documents in force.",
                "Authorise the procedure, and review it every year.",
            ),
            "document_control_procedure",
            _REVIEW_DAYS,
        ),
        assigned(
            rid,
            "responsible",
            Words(
                "At any time somebody is responsible for documents.",
                "For a time nobody was responsible for documents.",
                "Assign the role of document controller.",
            ),
            "document_controller",
        ),
    ]


DECLARATIONS: dict[str, Declare] = {"BS15000-4.5-f": _4_5_f, "BS15000-4.5-g": _4_5_g}
"""Requirement -> what makes its parts."""
