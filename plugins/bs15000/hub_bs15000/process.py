"""The processes of the standard: how people call them, who manages each, which procedure it has."""

from __future__ import annotations

__all__ = ["managers", "procedures", "spoken"]

_MANAGERS = {
    "service_report": ("report_manager", "service_report_manager"),
    "new_or_changed_service": ("service_manager", "new_or_changed_service_manager"),
}
_PROCEDURES = {"service_level": ("slm_procedure",)}
"""Names that do not follow from the process's own."""


def spoken(process: str) -> str:
    """Return what a sentence calls the process."""
    return process.replace("_", " ")


def managers(process: str) -> tuple[str, ...]:
    """Return the roles whose holder answers for the process."""
    return _MANAGERS.get(process, (f"{process}_manager",))


def procedures(process: str) -> tuple[str, ...]:
    """Return the types of document that may be its procedure; one of type `procedure` names its process itself."""
    return ("procedure", f"{process}_procedure", *_PROCEDURES.get(process, ()))
