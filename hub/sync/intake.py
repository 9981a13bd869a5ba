"""Documents become records here; nothing a plugin does can lose one or break the page."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

import msgspec

from hub.records import Person, Record, decode_record
from hub.store.identity import LONGEST_ID
from hub.store.text import encode_clean
from hub.store.writer import WriteCount
from hub.sync.fetcher import describe_defect
from hub.sync.run import SourceSummary
from hub.sync.source import Document, Normalised, Skip, Source

__all__ = ["Intake", "take_in"]

NOTHING = "plugin returned nothing"
_ALIKE = bytes.maketrans(b"123456789", b"000000000")
_MANY_DIGITS = b"0" * 19
"""Digits, made alike, that may be a number too large; many times quicker to look for than a pattern is."""


@dataclass(slots=True)
class Intake:
    """What a page's documents became, one `Normalised` a document, in order."""

    normalised: list[Normalised] = field(default_factory=list)
    encoded: dict[int, tuple[Record, bytes]] = field(default_factory=dict)
    """What was encoded to be checked, so that the writer need not do it again."""
    gaps: list[str] = field(default_factory=list)
    """Documents the plugin could not deal with; what was written is incomplete."""

    def count(self, summary: SourceSummary, written: WriteCount) -> None:
        """Add the page, and what writing it changed, to the counts of the run."""
        summary.documents += len(self.normalised)
        summary.records += written.records
        summary.changed += written.changed
        summary.unchanged += written.unchanged
        summary.vanished += written.dropped
        for each in self.normalised:
            for skip in each.skipped:
                summary.skipped[skip.reason] = summary.skipped.get(skip.reason, 0) + 1
            for word in each.unmapped:
                summary.unmapped[word] = summary.unmapped.get(word, 0) + 1


def take_in(source: Source, name: str, documents: Iterable[Document], *, checked: bool = True) -> Intake:
    """Normalise documents of the source `name`; each gives at least one record or one skip.

    A plugin that raises, gives nothing, or gives a record that is not valid or not its own costs that
    piece only: it is skipped with the reason and named as a gap. `checked` = False: whoever asks decodes the
    records himself, and so finds those whose values are not valid.
    """
    intake = Intake()
    people: dict[str, Person] = {}
    for document in documents:
        try:
            given = source.normalise(document)
        except Exception as error:  # noqa: BLE001 - a plugin's defect costs one document, never the page
            describe_defect(error, "normalise")
            reason = f"normalise failed: {type(error).__name__}"
            given, faults = Normalised([], [Skip(document.native_id, reason)]), [reason]
        else:
            given, faults = _admit(_met_once(given, people), name, document, intake.encoded, checked=checked)
        intake.normalised.append(given)
        intake.gaps += [f"{document.stream} {document.native_id}: {fault}" for fault in faults]
    return intake


def _met_once(given: Normalised, people: dict[str, Person]) -> Normalised:
    """Leave out persons the page named before, word for word: every ticket names the same few."""
    fresh: list[Record] = []
    for record in given.records:
        if isinstance(record, Person):
            known = people.get(record.id)
            if known is record or known == record:
                continue
            people[record.id] = record
        fresh.append(record)
    if not fresh or len(fresh) == len(given.records):
        return given
    return Normalised(fresh, given.skipped, given.unmapped)


def _admit(
    given: Normalised, name: str, document: Document, encoded: dict[int, tuple[Record, bytes]], *, checked: bool
) -> tuple[Normalised, list[str]]:
    """Let valid records through; turn the others, and an empty answer, into skips."""
    if not given.records and not given.skipped:
        return Normalised([], [Skip(document.native_id, NOTHING)], given.unmapped), [NOTHING]
    refused = [
        (record, reason)
        for record in given.records
        if (reason := _objection(record, name, encoded, checked=checked)) is not None
    ]
    if not refused:
        return given, []
    outside = {id(record) for record, _ in refused}
    kept = [record for record in given.records if id(record) not in outside]
    skips = [Skip(document.native_id, reason) for _, reason in refused]
    return Normalised(kept, [*given.skipped, *skips], given.unmapped), [reason for _, reason in refused]


def _objection(record: Record, name: str, encoded: dict[int, tuple[Record, bytes]], *, checked: bool) -> str | None:
    """Say why a record cannot be written."""
    if record.source != name or not record.id.startswith(f"{name}:"):
        return "record not valid: its id does not carry the source's name"
    if len(record.id) > LONGEST_ID:
        return f"record not valid: its id has more than {LONGEST_ID} characters"
    try:
        _, body, touched = encode_clean(record)
        if checked:
            decode_record(body)
    except msgspec.MsgspecError as error:
        return f"record not valid: {error}"
    except (TypeError, ValueError, OverflowError) as error:
        return f"record not valid: {type(error).__name__}"
    if _MANY_DIGITS in body.translate(_ALIKE) and _holds_huge(record):
        return "record not valid: a number of more than 64 bits"
    if not touched:
        encoded[id(record)] = record, body
    return None


def _holds_huge(value: object) -> bool:
    """Tell whether an integer would not fit its column; open maps are JSON and take any."""
    match value:
        case int():
            return not -(2**63) <= value < 2**63
        case list():
            return any(_holds_huge(one) for one in value)
        case msgspec.Struct():
            return any(_holds_huge(getattr(value, name)) for name in value.__struct_fields__)
    return False
