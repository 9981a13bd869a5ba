"""The reports of a store: reads what is known of each, and appends what is done to one, after looking whether it may."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING

import msgspec

from hub.errors import HubError
from hub.report.plan.cycle import DECISIONS, Cycle, Decision, Sent, Step, read_cycle
from hub.report.plan.plan import Office, Plan, Terms, read_plan
from hub.store import outbox
from hub.store.outbox import Delivery
from hub.store.report_log import append_step, decisions_on, human_of, roles_at, steps_of

if TYPE_CHECKING:
    from hub.sla.statement import Line
    from hub.store.store import Connection

__all__ = ["Desk", "record_id"]

_decode = msgspec.json.Decoder(Step).decode
_GONE = ("sent", "bounced")


def record_id(report_id: str, revision: int) -> str:
    """Name the record of a revision: what decisions on it refer to."""
    return f"hub:report/{report_id}/r{revision}"


class Desk:
    """Everything known of the planned reports inside one transaction; made anew for the next."""

    def __init__(self, conn: Connection, office: Office, *, now: int) -> None:
        self.conn = conn
        self.office = office
        self.now = now
        self.statements: dict[object, list[Line]] = {}
        """Period -> what was promised and kept in it, for the reports compiled here."""
        self._humans: dict[str, int | None] = {}

    @cached_property
    def plan(self) -> Plan:
        """The plan as the register has it now."""
        return read_plan(self.conn, self.office, at=self.now)

    @cached_property
    def steps(self) -> Mapping[str, list[Step]]:
        """Report id -> what was done, the first first."""
        return {name: [_decode(one) for one in bodies] for name, bodies in steps_of(self.conn).items()}

    @cached_property
    def messages(self) -> Mapping[tuple[str, int], list[Delivery]]:
        """(report id, revision) -> its messages."""
        found: dict[tuple[str, int], list[Delivery]] = {}
        for one in outbox.deliveries(self.conn):
            found.setdefault((one.key.report_id, one.key.revision), []).append(one)
        return found

    def human(self, person: str | None) -> int | None:
        """Return the human an id stands for; None = nobody knows."""
        if person is None:
            return None
        if person not in self._humans:
            found = human_of(self.conn, person)
            self._humans[person] = None if found is None else found.human
        return self._humans[person]

    def cycle(self, report_id: str) -> Cycle:
        """Work out where a report stands; HubError where neither plan nor history knows it."""
        steps = self.steps.get(report_id, [])
        terms = self.plan.terms.get(report_id)
        if not steps and terms is None:
            raise HubError(f"there is no planned report {report_id}; `hub report plan --all` names them")
        decisions = self._decisions(report_id, steps)
        known = [*steps, *([] if terms is None else [Step(report_id=report_id, revision=1, type="asked", at=0, terms=terms)])]  # fmt: skip
        for one in known:
            if one.terms is not None:
                for person in (one.terms.author, *(slot.person for slot in one.terms.approvers)):
                    self.human(person)
            self.human(one.by)
        persons = {name: human for name, human in self._humans.items() if human is not None}
        sent = {revision: _sent(self.messages[report_id, revision]) for name, revision in self.messages if name == report_id}  # fmt: skip
        return read_cycle(report_id, steps, decisions, sent, persons, terms=terms)

    def cycles(self) -> dict[str, Cycle]:
        """Work out every report that is planned, or was ever begun."""
        return {name: self.cycle(name) for name in sorted({*self.steps, *self.plan.terms})}

    def begun(self) -> dict[str, Cycle]:
        """Work out every report that something was done to."""
        return {name: self.cycle(name) for name in sorted(self.steps)}

    def terms(self, cycle: Cycle) -> Terms:
        """Return the terms a report is made by: as drafted, else as planned now."""
        found = cycle.last.terms or self.plan.terms.get(cycle.report_id)
        if found is None:
            raise HubError(f"the plan does not know {cycle.report_id} any more")
        return found

    def append(self, step: Step) -> None:
        """Append a step; the caller has looked whether it may be done."""
        known = self.steps.get(step.report_id, [])
        append_step(self.conn, step.report_id, len(known) + 1, msgspec.json.encode(step, order="deterministic"), self.now)  # fmt: skip
        self.__dict__["steps"] = {**self.steps, step.report_id: [*known, step]}

    def _decisions(self, report_id: str, steps: Sequence[Step]) -> dict[int, list[Decision]]:
        found: dict[int, list[Decision]] = {}
        numbers = {record_id(report_id, one.revision): one.revision for one in steps}
        for place, step in enumerate(steps, 1):
            if step.type in DECISIONS and step.by is not None:
                name = f"{record_id(report_id, step.revision)}/approval/{place}"
                found.setdefault(step.revision, []).append(
                    self._decision(name, step.by, step.type, step.at, bound=(step.hash, None))
                )
        for one in decisions_on(self.conn, numbers) if numbers else ():
            found.setdefault(numbers[one.subject], []).append(
                self._decision(one.id, one.person, one.word, one.at, bound=(one.hash, one.withdrawn_at))
            )
        return found

    def _decision(
        self, name: str, person: str, word: str, at: int, *, bound: tuple[str | None, int | None]
    ) -> Decision:
        human = self.human(person)
        roles = frozenset[str]() if human is None else roles_at(self.conn, human, at)
        return Decision(name, person, human, roles, word, at, *bound)


def _sent(messages: Sequence[Delivery]) -> Sent:
    gone = [one.sent_at for one in messages if one.state in _GONE and one.sent_at is not None]
    return Sent(len(messages), len(gone), max(gone, default=None))
