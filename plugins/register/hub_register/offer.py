"""What a register would say if one more file were kept."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hub.sync.source import Provision
from hub.sync.source_type import Offer
from hub_register.schema import FILES, provided

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hub_register.settings import RegisterSettings

__all__ = ["offers"]


def offers(name: str, settings: RegisterSettings | None) -> Sequence[Offer]:
    """List one offer for each file."""
    folder = "register" if settings is None else settings.folder
    where = "a new file"
    if settings is None:
        where += f', and in hub.toml [sources.{name}] with plugin = "register" and folder = "{folder}"'
    return [Offer(f"{folder}/{stem}.yaml", where, (Provision(kind, provided(kind)),)) for stem, kind in FILES.items()]
