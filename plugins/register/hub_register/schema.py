"""Which file holds which kind, and what a row may say: read from the record structs."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

import msgspec
from msgspec import inspect

from hub.records import KINDS
from hub.records.base import Instant, PersonRef

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = [
    "ALIASES",
    "FILES",
    "MUST_KEYS",
    "RECORDED",
    "REQUIRED",
    "ROW_KEYS",
    "Declaration",
    "declared_fields",
    "provided",
    "row_fields",
    "struct_fields",
    "unwrap",
]

FILES: Mapping[str, str] = {
    "people": "person",
    "roles": "role_assignment",
    "teams": "team",
    "services": "service",
    "customers": "customer",
    "calendars": "calendar",
    "slas": "sla",
    "olas": "ola",
    "contracts": "underpinning_contract",
    "suppliers": "supplier",
    "documents": "document",
    "plans": "plan",
    "capacity_plans": "capacity_plan",
    "waivers": "waiver",
    "approvals": "approval",
    "reviews": "review",
    "audits": "audit",
    "continuity_tests": "continuity_test",
    "improvement_actions": "improvement_action",
    "risks": "risk",
    "controls": "control",
    "access": "access_grant",
    "security_incidents": "security_incident",
    "competence_profiles": "competence_profile",
    "training": "training_record",
    "budgets": "budget",
    "costs": "cost_entry",
    "configuration_items": "configuration_item",
    "licences": "licence",
    "releases": "release",
    "maintenance_windows": "maintenance_window",
    "outages": "outage",
    "measurements": "measurement",
    "metric_definitions": "metric_definition",
    "report_catalogue": "report_spec",
    "service_reports": "service_report",
    "complaints": "complaint",
    "surveys": "satisfaction_survey",
    "communications": "communication",
    "contacts": "contact",
    "shifts": "shift",
    "handovers": "handover",
    "onsite_visits": "onsite_visit",
    "authorisation_forms": "authorisation_form",
    "information_classes": "information_class",
    "loans": "loan",
    "room_access": "room_access",
    "inspections": "inspection",
    "backup_runs": "backup_run",
    "log_stores": "log_store",
    "disposals": "disposal",
}
"""File name without its ending to record kind. A line here and a template are all a further kind needs."""
REQUIRED: Mapping[str, tuple[str, ...]] = {
    "access_grant": ("target",),
    "approval": ("subject_id", "approver", "decision"),
    "audit": ("type",),
    "authorisation_form": ("customer_contact", "work"),
    "backup_run": ("started_at",),
    "budget": ("fiscal_year",),
    "capacity_plan": ("title",),
    "communication": ("direction",),
    "competence_profile": ("role",),
    "complaint": ("received_at",),
    "configuration_item": ("title",),
    "contact": ("at",),
    "continuity_test": ("performed_at",),
    "control": ("control_id",),
    "cost_entry": ("period", "amount", "entry_type"),
    "customer": ("name",),
    "disposal": ("subject_id",),
    "document": ("doc_type",),
    "handover": ("at",),
    "improvement_action": ("title",),
    "information_class": ("subject_id", "level"),
    "inspection": ("inspected_at",),
    "licence": ("product",),
    "loan": ("what",),
    "log_store": ("store",),
    "maintenance_window": ("start", "end"),
    "measurement": ("metric_id",),
    "metric_definition": ("metric_id",),
    "ola": ("title",),
    "onsite_visit": ("start",),
    "outage": ("service_id", "started_at"),
    "person": ("name",),
    "plan": ("plan_type",),
    "release": ("version",),
    "report_spec": ("type",),
    "review": ("type",),
    "risk": ("description",),
    "role_assignment": ("person", "role"),
    "room_access": ("room",),
    "satisfaction_survey": ("sent_at",),
    "security_incident": ("detected_at",),
    "service": ("name",),
    "service_report": ("type", "period"),
    "shift": ("start",),
    "sla": ("customer_id",),
    "supplier": ("name",),
    "team": ("name",),
    "training_record": ("person", "course"),
    "underpinning_contract": ("supplier_id",),
    "waiver": ("requirement_id", "reason", "approver", "valid_from", "valid_to"),
}
"""Without these a row says nothing; everything else that is missing is for the requirements to judge."""
ALIASES: Mapping[str, Mapping[str, str]] = {
    "person": {"accounts": "same_as"},
    "underpinning_contract": {"number": "key"},  # the id of a row is no number that both sides know the contract by
}
"""Kind to (key people write -> record field)."""
ROW_KEYS = ("id", "declared_by", "declared_at", "proof", "proof_hash", "expires_at")
"""Who vouches for a row, since when, on what, and until when."""
MUST_KEYS = ("id", "declared_by", "declared_at")
"""What no row is without."""
RECORDED: Mapping[str, Mapping[str, str]] = {"approval": {"decided_at": "decision"}}
"""Kind to (instant that only a record can show -> field whose own instant it is): a typed one would be a claim."""

_NOT_WRITTEN = frozenset(
    {
        "account",  # a person of the register is a human
        "aliases",
        "created_at",
        "custom",
        "events",
        "id",
        "invisible_at",
        "key",
        "raw_times",
        "scope",
        "since",
        "source",
        "unknown_fields",
        "updated_at",
        "vanished_at",
    }
)
"""Fields of a record that the hub fills, not a person."""


class Declaration(msgspec.Struct):
    """What every row says beside its fields."""

    id: str
    declared_by: PersonRef
    declared_at: Instant
    proof: str
    proof_hash: str
    expires_at: Instant


@cache
def struct_fields(struct: type) -> dict[str, inspect.Field]:
    """Give the fields of a struct by the name they are written with."""
    described = inspect.type_info(struct)
    assert isinstance(described, inspect.StructType)  # noqa: S101 - only structs come here
    return {field.encode_name: field for field in described.fields}


@cache
def row_fields(kind: str) -> dict[str, inspect.Field]:
    """Give what a row of a kind may hold beside its id and declaration, by the key people write."""
    described = struct_fields(KINDS[kind])
    fields = {name: field for name, field in described.items() if field.name not in _NOT_WRITTEN}
    for name in ("declared_by", "proof", "expires_at", *RECORDED.get(kind, ())):
        fields.pop(name, None)
    for written, name in ALIASES.get(kind, {}).items():
        fields.pop(name, None)
        fields[written] = described[name]
    return fields


@cache
def declared_fields(kind: str) -> dict[str, inspect.Field]:
    """Give everything a row of a kind may hold, its id and declaration first."""
    return {**struct_fields(Declaration), **row_fields(kind)}


def unwrap(described: inspect.Type) -> tuple[inspect.Type, dict[str, Any]]:
    """Strip `| None` and collect the marks (`ref`, `unit`) of a described type."""
    extra: dict[str, Any] = {}
    while True:
        if isinstance(described, inspect.Metadata):
            extra |= described.extra or {}
            described = described.type
        elif isinstance(described, inspect.UnionType):
            described = next(one for one in described.types if not isinstance(one, inspect.NoneType))
        else:
            return described, extra


@cache
def provided(kind: str) -> frozenset[str]:
    """Name the record fields a register file can fill; dotted for those of a struct."""
    names = {"created_at", "declared_by", "expires_at", "proof", "since", *RECORDED.get(kind, ())}
    for field in row_fields(kind).values():
        names |= {field.name, field.encode_name}  # requirements ask for `class`, not for `class_`
        inner, _ = unwrap(field.type)
        if isinstance(inner, inspect.ListType):
            inner, _ = unwrap(inner.item_type)
        if isinstance(inner, inspect.StructType):
            names |= {f"{field.name}.{part.name}" for part in inner.fields}
    return frozenset(names)
