"""The requirements of BS 15000, in our own words, and how the records show whether they are met."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hub.hookspecs import hookimpl

if TYPE_CHECKING:
    from collections.abc import Callable

    from hub.conformance.pack import Pack


@hookimpl
def hub_register_requirements(register: Callable[[Pack], None]) -> None:
    """Offer the requirement pack `bs15000`."""
    from hub_bs15000.catalogue import load_pack  # noqa: PLC0415 - other commands need not load SQLAlchemy and the catalogue

    register(load_pack())
