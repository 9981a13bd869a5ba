"""Mailboxes as a source: which folders there are and how they are read. What a mail means is `mapping`'s."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from hub.errors import AuthenticationFailed, PluginError, ScopeUnreadable
from hub.sync.source import Census, CheckLine, Document, Normalised, Page, Provision, Slice, SourceContext
from hub_email.draft import Reading
from hub_email.mapping import normalise
from hub_email.provision import provided_kinds, provisions

if TYPE_CHECKING:
    from hub_email.imap_folder import Folder
    from hub_email.settings import ImapSettings

__all__ = ["ImapSource", "make_imap_source"]

_MAIL = "mail"
_DOUBT = (
    'it may lie in a folder that is not read: read that one too, or let stand what was read once with census = "never"; '
    "if mails are never moved to such a folder: moved_elsewhere = false"
)


def make_imap_source(settings: ImapSettings, context: SourceContext) -> ImapSource:
    """Make a source; no network. Raises PluginError with what to install where the library is missing."""
    try:
        import imapclient  # noqa: F401, PLC0415 - the plugin must load without the library
    except ModuleNotFoundError as fault:
        raise PluginError(
            f"A source of the kind 'imap' cannot be read: No module named '{fault.name}'. "
            "Run: pip install 'itsm-hub[email]'"
        ) from fault
    return ImapSource(settings, context)


class ImapSource:
    """The mailboxes of one IMAP server.

    Streams: `mail`, and `envelope` (headers of mails that are too large), both per folder; the scope is
    `mailbox/folder`. Each reading of a folder has a connection of its own. For the cursor see `read_folder`.
    """

    def __init__(self, settings: ImapSettings, context: SourceContext) -> None:
        from hub_email.imap_connection import Accounts  # noqa: PLC0415 - it needs the library

        self._settings = settings
        self._context = context
        self._reading = Reading(context.name, settings, context.zone)
        self._accounts = Accounts(settings, context)
        self._places = {
            f"{mailbox.user}/{folder}": (mailbox.user, folder)
            for mailbox in settings.mailboxes
            for folder in mailbox.folders
        }

    def check(self) -> list[CheckLine]:
        """Try server, certificate, login and every folder; every fault is a line."""
        from hub_email.check import check  # noqa: PLC0415 - it needs the library

        return check(self._settings, self._accounts)

    def provides(self) -> list[Provision]:
        """State what the rules let mails say."""
        return provisions(self._settings)

    def slices(self) -> list[Slice]:
        """Open every folder; one that is missing or closed is a slice with the reason.

        A mailbox whose login is refused closes its own folders only, unless it is the only one.
        """
        kinds = provided_kinds(self._settings)
        reasons: dict[str, str | None] = {}
        refusals: list[AuthenticationFailed] = []
        for mailbox in self._settings.mailboxes:
            refused: AuthenticationFailed | None = None
            for name in mailbox.folders:
                scope = f"{mailbox.user}/{name}"
                try:
                    if refused is None:
                        with self._folder(scope) as folder:
                            folder.open()
                    reasons[scope] = str(refused) if refused else None
                except ScopeUnreadable as fault:
                    reasons[scope] = str(fault)
                except AuthenticationFailed as fault:
                    refused, reasons[scope] = fault, str(fault)
                    refusals.append(fault)
        if len(refusals) == len(self._settings.mailboxes):
            raise refusals[0]
        return [Slice(_MAIL, scope, kinds, reason) for scope, reason in reasons.items()]

    def fetch(self, part: Slice, cursor: Mapping[str, Any] | None) -> Iterator[Page]:
        """Yield what came into a folder since the cursor."""
        from hub_email.imap_reading import read_folder  # noqa: PLC0415 - it needs the library

        settings = self._settings
        with self._opened(part.scope) as folder:
            yield from read_folder(
                folder,
                part.scope,
                cursor,
                largest=settings.largest,
                page_size=settings.page_size,
                log=self._context.log,
            )

    def normalise(self, document: Document) -> Normalised:
        """Turn a mail into records; of one that is too large only the header is there."""
        return normalise(document, self._reading)

    def census(self, part: Slice) -> Iterator[Census]:
        """Yield the names of the mails that are in a folder now."""
        from hub_email.imap_reading import visible_ids  # noqa: PLC0415 - it needs the library

        with self._opened(part.scope) as folder:
            found = visible_ids(folder, largest=self._settings.largest)
        deletes = not self._settings.moved_elsewhere
        yield Census(_MAIL, part.scope, found, deletes, "" if deletes else _DOUBT)

    def look_for(self, stream: str, native_ids: Sequence[str]) -> Iterator[Page]:  # noqa: ARG002 - see below
        """Give nothing: a server cannot be asked for a mail by its name here."""
        yield from ()

    def close(self) -> None:
        """Nothing is held open between two readings."""

    @contextmanager
    def _opened(self, scope: str) -> Iterator[Folder]:
        """Give a folder; a login that is refused costs the other mailboxes nothing."""
        try:
            with self._folder(scope) as folder:
                yield folder
        except AuthenticationFailed as fault:
            if len(self._settings.mailboxes) == 1:
                raise
            raise ScopeUnreadable(str(fault)) from None

    def _folder(self, scope: str) -> Folder:
        from hub_email.imap_folder import Folder  # noqa: PLC0415 - it needs the library

        user, name = self._places[scope]
        return Folder(self._accounts.of(user), name)
