"""From a document of GitLab to neutral records: pure and total.

Nothing here reads a clock or the network, and no document makes it fail: what cannot be taken over is
left out of the record, named in `unknown_fields` and counted with a reason.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import msgspec

from hub.sync.leniency import read_leniently
from hub.sync.source import Document, Normalised, Skip
from hub_gitlab.change import read_merge_request
from hub_gitlab.deployment import read_deployment
from hub_gitlab.document_text import read_document
from hub_gitlab.draft import Sheet
from hub_gitlab.protection import read_protection
from hub_gitlab.release import read_release
from hub_gitlab.ticket import read_issue
from hub_gitlab.value import as_dict

if TYPE_CHECKING:
    from hub_gitlab.vocabulary import Vocabulary

__all__ = ["normalise"]

_decoder = msgspec.json.Decoder()


def normalise(document: Document, vocabulary: Vocabulary) -> Normalised:
    """Turn one document into records; what it gave none of is counted."""
    try:
        body: Any = _decoder.decode(document.body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        try:
            body = read_leniently(document.body)
        except ValueError:
            return Normalised([], [Skip(document.native_id, "document is not JSON")])
    if not isinstance(body, dict):
        return Normalised([], [Skip(document.native_id, "document is not an object")])
    sheet = Sheet(vocabulary, document.native_id, document.scope, body)
    read = _READ.get(document.stream)
    if read is None:
        sheet.skip("stream is not mapped")
    else:
        read(sheet)
    told = sheet.told()
    if not told.records and not told.skipped:
        told.skipped.append(Skip(document.native_id, "nothing in it is a record"))
    return told


def _read_user(sheet: Sheet) -> None:
    """Remember an account and the addresses it shows."""
    user = as_dict(sheet.body.get("user"))
    if sheet.accounts.ref(user) is None:
        sheet.skip("user without an id")
        return
    sheet.accounts.shown(user)


def _read_environment(sheet: Sheet) -> None:
    """An environment is no record: its name and tier stand in each deployment to it."""
    sheet.skip("environment is told by its deployments")


_READ: dict[str, Callable[[Sheet], None]] = {
    "deployment": read_deployment,
    "document": read_document,
    "environment": _read_environment,
    "issue": read_issue,
    "member": _read_user,
    "merge_request": read_merge_request,
    "protection": read_protection,
    "release": read_release,
    "user": _read_user,
}
