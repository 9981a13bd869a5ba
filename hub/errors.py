"""Every fault the hub expects, sorted by what the caller must do.

HubError
 ├─ ConfigurationError    correct the configuration; lists every fault at once
 ├─ PluginError           install or repair a plugin
 ├─ StoreError            look after the database
 │   ├─ LaggingStore      derive first: what was read is not judged yet
 │   └─ Locked            another run holds it; leave
 ├─ SourceError           a tool could not be read
 │   ├─ Retriable         try again, after `retry_after_s` where the tool says so
 │   ├─ AuthenticationFailed   wrong or expired credential: stop this source
 │   ├─ ScopeUnreadable   one project or mailbox is closed to us: go on, say so in coverage
 │   ├─ ConnectorOutdated the endpoint is gone (410): upgrade the plugin
 │   └─ ProtocolFault     the answer is not what the protocol promises
 └─ DeliveryError         a message could not be handed over (`retriable` says whether later may help)
     └─ DeliveryUncertain it may have gone out: look, before anything is sent again

Anything else that escapes is a defect of the hub and keeps its traceback.
"""

from __future__ import annotations

from dataclasses import dataclass

__all__ = [
    "MEMORY_USED_UP",
    "AuthenticationFailed",
    "ConfigurationError",
    "ConnectorOutdated",
    "DeliveryError",
    "DeliveryUncertain",
    "Fault",
    "HubError",
    "LaggingStore",
    "Locked",
    "PluginError",
    "ProtocolFault",
    "Retriable",
    "ScopeUnreadable",
    "SourceError",
    "StoreError",
    "for_want_of_memory",
]


MEMORY_USED_UP = "the memory is used up; raise the limit (ulimit -v, MemoryMax=) and run again"
"""What is said where memory ran out, whoever noticed first: Python, the driver of a database, a plugin."""


def for_want_of_memory(error: BaseException) -> bool:
    """Tell whether an exception says that memory ran out: for an object, or for the stack of one more thread."""
    return isinstance(error, MemoryError) or (isinstance(error, RuntimeError) and "start new thread" in str(error))


class HubError(Exception):
    """What failed, where, what was found, what to do: one sentence a person can act on."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing wrong in a file a person keeps."""

    message: str
    """What was found and what to write instead."""
    file: str = ""
    """Path of the file, or `environment`."""
    key: str = ""
    """Dotted key, such as `sources.service-desk.url`."""
    line: int | None = None
    """Line in the file, from 1."""
    column: int | None = None
    """Column in the line, from 1."""

    def __str__(self) -> str:
        """`file:line:column: key: message`, leaving out what is not known."""
        place = ":".join(str(part) for part in (self.file, self.line, self.column) if part)
        return ": ".join(part for part in (place, self.key, self.message) if part)


class ConfigurationError(HubError):
    """The configuration or a register file cannot be used; `faults` lists every reason."""

    def __init__(self, faults: list[Fault]) -> None:
        self.faults = faults
        super().__init__("\n".join(str(fault) for fault in faults))


class PluginError(HubError):
    """A plugin cannot be loaded or does not keep its promises."""


class StoreError(HubError):
    """The database cannot be opened, read or written."""


class LaggingStore(StoreError):
    """Records were read that are not derived yet; a report would be out of date."""


class Locked(StoreError):
    """Another process holds the lock."""


class SourceError(HubError):
    """A tool could not be read; other sources go on."""


class Retriable(SourceError):
    """A passing fault. Only `hub.sync.retry` acts on it."""

    def __init__(self, message: str, *, retry_after_s: float | None = None) -> None:
        self.retry_after_s = retry_after_s
        super().__init__(message)


class AuthenticationFailed(SourceError):
    """The tool does not accept the credential. Never retried."""


class ScopeUnreadable(SourceError):
    """A scope (project, mailbox) is closed to the credential or gone. Never retried."""


class ConnectorOutdated(SourceError):
    """The tool has removed the endpoint: never to be read as `no records`."""


class ProtocolFault(SourceError):
    """An answer that is cut, no JSON, or of the wrong shape."""


class DeliveryError(HubError):
    """A report could not be handed to its channel."""

    def __init__(self, message: str, *, retriable: bool) -> None:
        self.retriable = retriable
        super().__init__(message)


class DeliveryUncertain(DeliveryError):
    """The other side had the whole message and did not answer; sending again might make it two."""

    def __init__(self, message: str) -> None:
        super().__init__(message, retriable=False)
