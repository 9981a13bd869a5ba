"""What two readings of Icinga prove about the time between them.

Icinga keeps no history, but each object tells when its hard state changed last, and when it was last checked in
each state. That proves, without anything remembered:

* a problem lasts since its last good check: `last_state_ok` (`last_state_up`) names it;
* a hard state that did not change since the reading before held all that time, if Icinga ran.

What changed in between, and any time in which Icinga was restarted, is unknown until the instant of the last
change (of the start). `last_hard_state_change` moves too when a state that was soft only passes.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

from hub_icinga.document import Note, Problem, Span
from hub_icinga.wire import HOST_STATES, SERVICE_STATES, Attributes, ms

__all__ = ["Episodes", "Past", "Seen", "known_spans", "seen"]

State = Literal["up", "down", "degraded", "unknown"]
_HOST_STATE: tuple[State, ...] = ("up", "down")
_SERVICE_STATE: tuple[State, ...] = ("up", "degraded", "down", "unknown")
_FIRST_CHECKS_MS = 60_000
"""After a start Icinga spreads its first checks over up to a minute."""


@dataclass(frozen=True, slots=True)
class Seen:
    """One host or service as one reading shows it."""

    name: str
    host: str
    title: str
    state: State
    severity: str | None
    """None = all is well."""
    changed: int
    """When the hard state changed last; 0 = it was never checked."""
    ok_at: int
    """Last good check."""
    bad: tuple[tuple[int, str], ...]
    """Last check in each state that is not good, and the tool's word for it, latest last."""
    valid_to: int
    """Until when the last check stands."""
    every_s: int
    """Seconds between two checks."""
    at_once: bool
    """The first bad check is a hard state."""
    facts: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Past:
    """The reading before, and the process that answered now; instants by Icinga's clock."""

    read_at: int | None
    """None = this is the first."""
    now: int
    started: int


def seen(one: Attributes, facts: Iterable[tuple[str, str]]) -> Seen:
    """Read the attributes of a host (no `host_name`) or a service."""
    states, words, bad = (
        (_SERVICE_STATE, SERVICE_STATES, (one.last_state_warning, one.last_state_critical, one.last_state_unknown))
        if one.host_name
        else (_HOST_STATE, HOST_STATES, (one.last_state_down,))
    )
    number = int(one.last_hard_state)
    checked = one.last_check > 0 and one.last_hard_state_change > 0 and 0 <= number < len(states)
    return Seen(
        name=one.name,
        host=one.host_name or one.name,
        title=one.display_name or one.name,
        state=states[number] if checked else "unknown",
        severity=words[number] if checked and number else None,
        changed=ms(one.last_hard_state_change) if checked else 0,
        ok_at=ms(one.last_state_ok if one.host_name else one.last_state_up),
        bad=tuple(sorted((ms(at), words[n]) for n, at in enumerate(bad, 1) if at > 0)),
        valid_to=ms(one.next_update or one.last_check) if checked else 0,
        every_s=int(one.check_interval),
        at_once=one.max_check_attempts == 1,
        facts=tuple(facts),
    )


@dataclass(slots=True)
class Episodes:
    """Goes through the objects of one reading and tells which problems began, went on and ended."""

    open: dict[str, Problem]
    """Problems not over at the reading before, by object; afterwards those not over now."""
    past: Past
    notes: Mapping[str, list[Note]]
    """Comments there are now, by object."""

    def of(self, objects: Iterable[Seen]) -> list[Problem]:
        """Return every problem that is open, and those that ended since the reading before."""
        before, self.open = self.open, {}
        found: list[Problem] = []
        for one in objects:
            known = before.pop(one.name, None)
            if one.severity is not None:
                if known is not None and known.ok_at != one.ok_at:
                    found.append(self._over(known, one.ok_at, sure=False))
                    known = None
                self.open[one.name] = problem = self._goes_on(one, known)
                found.append(problem)
            elif known is not None:
                found.append(self._over(known, one.changed or self.past.now, sure=one.changed > 0, one=one))
            elif (missed := self._missed(one)) is not None:
                found.append(missed)
        return found + [self._over(known, self.past.now, sure=False) for known in before.values()]

    def _goes_on(self, one: Seen, known: Problem | None) -> Problem:
        other = [word for at, word in one.bad if at > one.ok_at and word != one.severity]
        first = known or Problem(
            native=f"{one.name}/{one.ok_at or one.changed}",
            object=one.name,
            host=one.host,
            ok_at=one.ok_at,
            since=one.changed,
            since_unsure=bool(other),
        )
        first.title, first.severity, first.facts = one.title, one.severity, list(one.facts)
        self._note(first)
        return first

    def _over(self, known: Problem, ended: int, *, sure: bool, one: Seen | None = None) -> Problem:
        known.ended = max(ended, known.since)
        known.end_unsure = not sure
        bad = [at for at, _ in one.bad if known.since <= at <= known.ended] if one else []
        known.bad_at = max(bad, default=None)
        self._note(known)
        return known

    def _missed(self, one: Seen) -> Problem | None:
        """Tell of a problem that came and went between two readings; whether it became hard Icinga does not tell."""
        read_at = self.past.read_at
        between = [(at, word) for at, word in one.bad if read_at is not None and read_at < at <= one.changed]
        if not between:
            return None
        at, word = between[-1]
        return Problem(
            native=f"{one.name}/until/{one.changed}",
            object=one.name,
            host=one.host,
            ok_at=0,
            since=at,
            title=one.title,
            severity=word if one.at_once else None,
            facts=list(one.facts),
            since_unsure=True,
            ended=one.changed,
            bad_at=at,
        )

    def _note(self, problem: Problem) -> None:
        """Add comments made during the problem; those taken away since stay."""
        held = {note.id: note for note in problem.notes}
        end = problem.ended or self.past.now
        fresh = [note for note in self.notes.get(problem.object, []) if problem.ok_at < note.at <= end]
        held.update((note.id, note) for note in fresh)
        problem.notes = sorted(held.values(), key=lambda note: (note.at, note.id))


def known_spans(one: Seen | None, past: Past) -> list[Span]:
    """Tell the states of an object (None = it is not there) since the reading before; nothing before the first."""
    begins, now = past.read_at, past.now
    if begins is None or begins >= now:
        return []
    since = now
    if one is not None and one.changed:
        since = max(begins, one.changed)
        if past.started > begins:
            since = max(since, min(past.started + _FIRST_CHECKS_MS, now))
    until = max(since, min(now, one.valid_to)) if one is not None else now
    spans = [
        Span(begins, since, "unknown"),
        Span(since, until, one.state if one is not None else "unknown"),
        Span(until, now, "unknown"),
    ]
    return [span for span in spans if span.ends > span.begins]
