"""GitLab as a source of the hub: which slices there are, how they are read, what they can say."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from hub.errors import PluginError, SourceError
from hub.sync.source import Census, CheckLine, Document, Normalised, Page, Provision, Roster, Slice, SourceContext
from hub_gitlab.mapping import normalise
from hub_gitlab.provision import provisions
from hub_gitlab.vocabulary import Vocabulary

if TYPE_CHECKING:
    from hub_gitlab.client import GitlabClient
    from hub_gitlab.project import Place
    from hub_gitlab.reading import Reading
    from hub_gitlab.settings import GitlabSettings

__all__ = ["GitlabSource", "make_source"]


def make_source(settings: GitlabSettings, context: SourceContext) -> GitlabSource:
    """Make a source; no network. Raises PluginError with what to install where the library is missing."""
    try:
        from hub_gitlab.client import GitlabClient  # noqa: PLC0415 - the plugin must load without the library
    except ModuleNotFoundError as fault:
        raise PluginError(
            f"Plugin 'gitlab' cannot be loaded: No module named '{fault.name}'. Run: pip install 'itsm-hub[gitlab]'"
        ) from fault
    return GitlabSource(settings, context, GitlabClient(settings, context))


class GitlabSource:
    """One configured GitLab.

    Every stream of every project is a slice; its scope is the project's id, which stays when the project moves.
    `hub_gitlab.reading` tells what the cursors hold.
    """

    def __init__(self, settings: GitlabSettings, context: SourceContext, client: GitlabClient) -> None:
        self._settings = settings
        self._context = context
        self._client = client
        self._vocabulary = Vocabulary.of(context.name, context.zone, settings.url, settings.mapping)
        self._places: dict[str, Place] = {}
        self._admin = False

    def check(self) -> list[CheckLine]:
        """Try identity, version, token, projects and everything that is asked of one; every fault is a line."""
        from hub_gitlab.check import check  # noqa: PLC0415 - it needs the library

        return check(self._client.counting(), self._settings, self._vocabulary, self._context)

    def provides(self) -> list[Provision]:
        """State what the settings let this source say."""
        parts = frozenset[str](self._settings.parts)
        return provisions(self._vocabulary, premium=self._settings.premium, parts=parts)

    def slices(self) -> list[Slice]:
        """Ask who we are, then after every project; one that cannot be read is a slice with the reason."""
        from hub_gitlab.check import passing_trouble  # noqa: PLC0415 - it needs the library
        from hub_gitlab.project import find_places, streams_of  # noqa: PLC0415

        client = self._client.counting()
        self._admin = client.whoami().is_admin
        for trouble in passing_trouble(client, self._settings, self._context):
            self._context.log(trouble)
        places = find_places(client, self._settings)
        self._places = {each.scope: each for each in places}
        return [
            Slice(stream, place.scope, self._vocabulary.kinds(stream), place.closed or reason, sealed=True)
            for place in places
            for stream, reason in streams_of(place, self._settings, admin=self._admin)
        ]

    def fetch(self, part: Slice, cursor: Mapping[str, Any] | None) -> Iterator[Page]:
        """Yield the pages of a slice from a committed cursor on."""
        yield from self._reading(part).pages(part, cursor or {})

    def normalise(self, document: Document) -> Normalised:
        """Turn a document into records."""
        return normalise(document, self._vocabulary)

    def census(self, part: Slice) -> Iterator[Census]:
        """Yield the ids visible now; whose role hides things cannot tell what is deleted."""
        yield self._reading(part).census(part, admin=self._admin)

    def look_for(self, stream: str, native_ids: Sequence[str]) -> Iterator[Page]:  # noqa: ARG002 - what every source is asked
        """Yield nothing: what moves in GitLab is a new object elsewhere, and no id is asked after without its project."""
        yield from ()

    def roster(self, keys: Sequence[str]) -> Roster:
        """Tell which accounts are still active, which are not, and which are no longer there."""
        from hub_gitlab.roster import find_accounts  # noqa: PLC0415 - it needs the library

        return find_accounts(self._client.counting(), keys)

    def close(self) -> None:
        """Give back connections."""
        self._client.close()

    def _reading(self, part: Slice) -> Reading:
        from hub_gitlab.project import find_place  # noqa: PLC0415 - they need the library
        from hub_gitlab.reading import Reading  # noqa: PLC0415

        client = self._client.counting()
        place = self._places.get(part.scope) or find_place(client, part.scope)
        if place.unsure is not None:
            raise place.unsure
        if place.project is None:
            raise SourceError(f"{part.scope}: {place.closed}")
        return Reading(client, self._settings, self._vocabulary, place.project)
