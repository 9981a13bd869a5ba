"""Where a report stands, worked out from what was recorded of it; no state is ever stored. Pure.

`planned -> collecting -> drafted -> in_review -> approved -> submitted -> archived`; a rejection or a correction
begins the next revision, a cancellation ends it. An approval holds for the bytes it was given for and no others.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

import msgspec

from hub.records import ReportParty
from hub.report.plan.plan import Terms

__all__ = ["Cycle", "Decision", "File", "Sent", "Step", "content_hash", "fits", "read_cycle"]

State = Literal[
    "planned", "collecting", "drafted", "in_review", "approved", "rejected", "submitted", "corrected", "archived",
    "cancelled",
]  # fmt: skip
StepType = Literal[
    "collected", "drafted", "asked", "approved", "rejected", "withdrawn", "registered", "archived", "received",
    "explained", "cancelled", "read", "lent", "restored", "disposed",
]  # fmt: skip
DECISIONS = ("approved", "rejected", "withdrawn")


class File(msgspec.Struct, frozen=True):
    """A rendered file of a revision."""

    name: str
    sha256: str


class Step(msgspec.Struct, kw_only=True, frozen=True, omit_defaults=True):
    """Something that was done to a report; appended, never changed."""

    report_id: str
    revision: int
    type: StepType
    at: int
    """UTC milliseconds."""
    login: str = ""
    """Who was at the machine."""
    by: str | None = None
    """Person in whose name."""
    hash: str | None = None
    """Content it is about."""
    files: list[File] = []
    note: str = ""
    terms: Terms | None = None
    """The plan as it then stood."""
    data: dict[str, Any] = {}


class Decision(NamedTuple):
    """Somebody approves, rejects or takes back; by command or by any source."""

    id: str
    person: str
    human: int | None
    """None = nobody knows who that is: it does not count."""
    roles: frozenset[str]
    """Held when it was decided; `role@service` too."""
    word: str
    at: int
    hash: str | None
    withdrawn_at: int | None = None


class Sent(NamedTuple):
    """How far the messages of a revision went."""

    queued: int
    gone: int
    """Handed over, those that came back included."""
    last_at: int | None


@dataclass(frozen=True, slots=True)
class Revision:
    """One revision of a report."""

    number: int
    state: State
    terms: Terms | None
    hash: str | None = None
    files: tuple[File, ...] = ()
    author: str | None = None
    provisional: bool = False
    note: str = ""
    """Why there is another revision."""
    collected: Step | None = None
    drafted_at: int | None = None
    asked_at: int | None = None
    held: tuple[Decision, ...] = ()
    """Approvals that hold, in the plan's order."""
    ignored: tuple[tuple[Decision, str], ...] = ()
    """Decisions that do not count, and why."""
    rejected_at: int | None = None
    decisions: tuple[Decision, ...] = ()
    submitted_at: int | None = None
    registered: Step | None = None
    archived: Step | None = None
    received: Step | None = None
    restored: Step | None = None
    """The last restore test."""
    disposed: Step | None = None
    explained: str = ""
    """Why it is late."""


@dataclass(frozen=True, slots=True)
class Cycle:
    """The life of a report so far."""

    report_id: str
    revisions: tuple[Revision, ...]
    steps: tuple[Step, ...] = field(default=(), repr=False)

    @property
    def last(self) -> Revision:
        """The revision that is worked on."""
        return self.revisions[-1]

    @property
    def state(self) -> State:
        """State of the last revision."""
        return self.last.state

    @property
    def submitted_at(self) -> int | None:
        """When it was first handed over."""
        return next((one.submitted_at for one in self.revisions if one.submitted_at is not None), None)

    def next_approver(self) -> ReportParty | None:
        """Who has to approve next; None = nobody, or nobody was asked."""
        slots = self.last.terms.approvers if self.last.terms else []
        done = len(self.last.held)
        return slots[done] if self.state == "in_review" and done < len(slots) else None

    def is_late(self, terms: Terms, at: int) -> bool:
        """Say whether it was handed over after it was due, or is due and was not handed over."""
        done = self.submitted_at
        return at > terms.due_at if done is None or done > at else done > terms.due_at


def content_hash(files: Sequence[File]) -> str:
    """Return what an approval binds to: the SHA-256 of the one file, or of the `sha256sum` listing of several."""
    if len(files) == 1:
        return files[0].sha256
    listing = "".join(f"{one.sha256}  {one.name}\n" for one in sorted(files, key=lambda one: one.name))
    return hashlib.sha256(listing.encode()).hexdigest()


def fits(slot: ReportParty, decision: Decision, persons: Mapping[str, int]) -> bool:
    """Say whether whoever decided is meant by a place among the approvers; `persons`: id -> human."""
    if slot.person is not None and persons.get(slot.person) != decision.human:
        return False
    if slot.role is not None:
        wanted = slot.role if slot.service_id is None else f"{slot.role}@{slot.service_id}"
        return wanted in decision.roles
    return slot.person is not None


def read_cycle(
    report_id: str,
    steps: Sequence[Step],
    decisions: Mapping[int, Sequence[Decision]],
    sent: Mapping[int, Sent],
    persons: Mapping[str, int],
    *,
    terms: Terms | None = None,
) -> Cycle:
    """Work out where a report stands from its steps, all decisions and its messages, both by revision.

    `terms` are those of the plan, for a report that nobody began; `persons` names the humans behind ids.
    """
    numbers = sorted({one.revision for one in steps} | {1})
    found = [
        _revision(
            number,
            [one for one in steps if one.revision == number],
            decisions.get(number, ()),
            sent.get(number, Sent(0, 0, None)),
            persons,
            terms=terms,
            corrected=number != numbers[-1],
        )
        for number in numbers
    ]
    return Cycle(report_id, tuple(found), tuple(steps))


def _revision(
    number: int,
    steps: Sequence[Step],
    decisions: Sequence[Decision],
    sent: Sent,
    persons: Mapping[str, int],
    *,
    terms: Terms | None,
    corrected: bool,
) -> Revision:
    last: dict[str, Step] = {one.type: one for one in steps}
    draft, asked = last.get("drafted"), last.get("asked")
    terms = next((one.terms for one in reversed(steps) if one.terms is not None), terms)
    author = (draft.by if draft and draft.by else None) or (terms.author if terms else None)
    digest = draft.hash if draft else None
    slots = terms.approvers if terms else []
    held, ignored, rejected_at = _count(decisions, digest, slots, author, persons)
    submitted_at = sent.last_at if sent.queued and sent.gone == sent.queued else None
    asked_now = asked is not None and asked.hash == digest
    in_hand = _working(last, asked_now=asked_now, whole=bool(slots) and len(held) == len(slots))
    state: State = in_hand
    if "cancelled" in last:
        state = "cancelled"
    elif submitted_at is not None:
        state = "corrected" if corrected else "archived" if "archived" in last else "submitted"
    elif rejected_at is not None:
        state = "rejected"
    return Revision(
        number=number,
        state=state,
        terms=terms,
        hash=digest,
        files=tuple(draft.files) if draft else (),
        author=author,
        provisional=bool(draft and draft.data.get("provisional")),
        note=next((one.note for one in steps if one.type == "drafted" and one.note), ""),
        collected=last.get("collected"),
        drafted_at=draft.at if draft else None,
        asked_at=asked.at if asked is not None and asked_now else None,
        held=tuple(held),
        ignored=tuple(ignored),
        rejected_at=rejected_at,
        decisions=tuple(decisions),
        submitted_at=submitted_at,
        registered=last.get("registered"),
        archived=last.get("archived"),
        received=last.get("received"),
        restored=last.get("restored"),
        disposed=last.get("disposed"),
        explained=last["explained"].note if "explained" in last else "",
    )


def _working(last: Mapping[str, Step], *, asked_now: bool, whole: bool) -> State:
    if "drafted" not in last:
        return "collecting" if "collected" in last else "planned"
    if not asked_now:
        return "drafted"
    return "approved" if whole else "in_review"


def _count(
    decisions: Iterable[Decision],
    digest: str | None,
    slots: Sequence[ReportParty],
    author: str | None,
    persons: Mapping[str, int],
) -> tuple[list[Decision], list[tuple[Decision, str]], int | None]:
    """Return the approvals that hold, what does not count with its reason, and when it was rejected."""
    held: list[Decision] = []
    ignored: list[tuple[Decision, str]] = []
    writer = persons.get(author) if author else None
    for one in sorted(decisions, key=lambda one: (one.at, one.id)):
        humans = [each.human for each in held]
        if reason := _unfit(one, digest, writer):
            ignored.append((one, reason))
        elif one.word == "withdrawn":
            if one.human in humans:  # whoever came after relied on it
                del held[humans.index(one.human) :]
        elif one.word == "rejected" and any(fits(slot, one, persons) for slot in slots):
            return held, ignored, one.at
        elif one.word == "approved" and one.human not in humans and _is_next(one, slots, len(held), persons):
            held.append(one)
        else:
            ignored.append((one, "it is not this person's turn"))
    return held, ignored, None


def _unfit(one: Decision, digest: str | None, writer: int | None) -> str:
    wrong = (
        (digest is None or one.hash != digest, "it is for other bytes"),
        (one.human is None, "nobody knows who that is"),
        (writer is None, "nobody knows who the author is"),
        (one.human == writer, "the author decides on nothing"),
        (one.word == "approved" and one.withdrawn_at is not None, "it was taken back"),
    )
    return next((reason for is_so, reason in wrong if is_so), "")


def _is_next(one: Decision, slots: Sequence[ReportParty], place: int, persons: Mapping[str, int]) -> bool:
    return place < len(slots) and fits(slots[place], one, persons)
