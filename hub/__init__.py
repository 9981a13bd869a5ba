"""The hub's public face for plugin authors: everything a plugin imports, in one place.

Record kinds are in `hub.records`, test contracts in `hub.testing`. Names are imported on first use,
so that `hub --help` does not pay for them.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from hub.clock import Clock
    from hub.conformance.pack import Pack
    from hub.errors import (
        AuthenticationFailed,
        ConfigurationError,
        ConnectorOutdated,
        DeliveryError,
        DeliveryUncertain,
        Fault,
        HubError,
        PluginError,
        ProtocolFault,
        Retriable,
        ScopeUnreadable,
        SourceError,
    )
    from hub.hookspecs import hookimpl
    from hub.report.channel import Channel, ChannelSettings, ChannelType, Outgoing, Receipt
    from hub.sync.source import (
        Census,
        CheckLine,
        Document,
        Normalised,
        Page,
        Provision,
        Skip,
        Slice,
        Source,
        SourceContext,
    )
    from hub.sync.source_type import SourceSettings, SourceType

__all__ = [
    "AuthenticationFailed",
    "Census",
    "Channel",
    "ChannelSettings",
    "ChannelType",
    "CheckLine",
    "Clock",
    "ConfigurationError",
    "ConnectorOutdated",
    "DeliveryError",
    "DeliveryUncertain",
    "Document",
    "Fault",
    "HubError",
    "Normalised",
    "Outgoing",
    "Pack",
    "Page",
    "PluginError",
    "ProtocolFault",
    "Provision",
    "Receipt",
    "Retriable",
    "ScopeUnreadable",
    "Skip",
    "Slice",
    "Source",
    "SourceContext",
    "SourceError",
    "SourceSettings",
    "SourceType",
    "hookimpl",
]

_HOMES = (
    "hub.hookspecs",
    "hub.errors",
    "hub.clock",
    "hub.sync.source",
    "hub.sync.source_type",
    "hub.report.channel",
    "hub.conformance.pack",
)


def __getattr__(name: str) -> Any:
    """Import a public name from the module it lives in."""
    if name in __all__:
        for home in _HOMES:
            module = import_module(home)
            if hasattr(module, name):
                return getattr(module, name)
    raise AttributeError(f"module 'hub' has no attribute '{name}'")
