"""An organisation whose mail is read: a desk's tool and a register in memory, mailboxes as lists, the real pack."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from typing import Any

from hub.clock import FixedClock
from hub.conformance.answer import ObligationRow
from hub.conformance.cycle import derive_all
from hub.conformance.judge import Judgement, judge
from hub.conformance.listing import list_obligations
from hub.conformance.pack import Pack, Requirement
from hub.errors import DeliveryUncertain
from hub.records import Change, Person, Record, RoleAssignment
from hub.report.channel import Outgoing, Receipt
from hub.store.store import Store
from hub.sync.run import SourceSummary
from hub.sync.runner import SourceJob, sync_source
from hub.sync.source import Census, CheckLine, Document, Normalised, Page, Provision, Slice
from hub.testing.memory import MemorySource, MemoryTool
from hub_bs15000.catalogue import load_pack
from hub_email.draft import Reading
from hub_email.mapping import normalise
from hub_email.provision import provided_kinds, provisions
from tests.email.letter import ALICE, document

ZONE = "Europe/Berlin"
REVISION = "9f2c" * 10


class Mailboxes:
    """A source that gives mails as the reader of mailboxes does."""

    def __init__(self, reading: Reading, folders: dict[str, list[bytes]]) -> None:
        self.reading, self.folders = reading, folders

    def check(self) -> list[CheckLine]:
        return []

    def provides(self) -> list[Provision]:
        return provisions(self.reading.settings)

    def slices(self) -> list[Slice]:
        return [Slice("mail", scope, provided_kinds(self.reading.settings)) for scope in self.folders]

    def fetch(self, part: Slice, cursor: Mapping[str, Any] | None) -> Iterator[Page]:
        place = int(cursor["place"]) if cursor else 0
        mails = self.folders[part.scope]
        if place < len(mails):
            yield Page([document(raw, part.scope) for raw in mails[place:]], {"place": len(mails)})

    def normalise(self, document: Document) -> Normalised:
        return normalise(document, self.reading)

    def census(self, part: Slice) -> Iterator[Census]:
        yield Census("mail", part.scope, [document(raw).native_id for raw in self.folders[part.scope]])

    def look_for(self, stream: str, native_ids: Sequence[str]) -> Iterator[Page]:
        yield from ()

    def close(self) -> None:
        pass


@cache
def compiled(*names: str) -> tuple[Requirement, ...]:
    """Compile a few requirements of the real pack."""
    pack = load_pack()
    declared = pack.declarations() if callable(pack.declarations) else pack.declarations
    small = Pack(
        name=pack.name,
        version=pack.version,
        clauses=pack.clauses,
        entries=tuple(entry for entry in pack.entries if entry.id in names),
        declarations={name: declared[name] for name in names},
    )
    return tuple(small.requirements({}))


class Tool(MemorySource):
    """Gives the kinds it holds and no other."""

    def provides(self) -> list[Provision]:
        held = {kind for scope in self.tool.scopes() for kind in self.tool.kinds(scope)}
        inner = {"incident": frozenset({"breach.notified_at"})}
        given = [Provision(one.kind, one.fields | inner.get(one.kind, frozenset())) for one in super().provides()]
        return [one for one in given if one.kind in held]


class Organisation:
    """One store, read from scratch or further."""

    def __init__(self, store: Store, reading: Reading, *requirements: str) -> None:
        self.store, self.reading = store, reading
        self.requirements = compiled(*requirements)
        self.tools = {name: MemoryTool() for name in ("desk", "lab", "register")}
        self.folders: dict[str, list[bytes]] = {"hub@example.org/INBOX": [], "hub@example.org/Sent": []}

    def put(self, *records: Record) -> None:
        for record in records:
            self.tools[record.source].put(record)

    def mail(self, *raws: bytes, folder: str = "INBOX") -> None:
        self.folders[f"hub@example.org/{folder}"] += raws

    def run(self, now: int) -> list[SourceSummary]:
        """Read everything that is new and derive."""
        summaries = self.read(now)
        derive_all(self.store, self.requirements, now=now, zone=ZONE, calendar="7x24")
        return summaries

    def read(self, now: int) -> list[SourceSummary]:
        """Read everything that is new."""
        sources = {name: Tool(name, tool) for name, tool in self.tools.items()}
        every = {**sources, "mail": Mailboxes(self.reading, self.folders)}
        clock = FixedClock(now)
        jobs = [SourceJob(name, source, 1, "v1", None, []) for name, source in every.items()]
        summaries = [sync_source(self.store, job, clock=clock) for job in jobs]
        assert [fault for one in summaries for fault in one.faults] == []
        return summaries

    def judged(self, now: int, conn: Any) -> Judgement:
        return judge(conn, self.requirements, as_of=now, known_at=None, judge_from=0)

    def verdicts(self, now: int, requirement: str, part: str | None = None) -> dict[str, str]:
        """Say how each unit stands under a requirement."""
        return {row.unit.id: row.verdict for row in self.rows(now, requirement) if part in (None, row.part)}

    def rows(self, now: int, requirement: str) -> list[ObligationRow]:
        with self.store.connect() as conn:
            return list_obligations(self.judged(now, conn), requirement=requirement)


class Post:
    """A channel that keeps what it takes."""

    def __init__(self) -> None:
        self.taken: list[Outgoing] = []
        self.cut = False

    def check(self) -> list[CheckLine]:
        return []

    def deliver(self, message: Outgoing) -> Receipt:
        self.taken.append(message)
        if self.cut:
            raise DeliveryUncertain("no answer")
        return Receipt(accepted=message.recipients)


def people() -> list[Record]:
    return [
        Person(id="register:people/alice", source="register", scope="people", name="Alice", email=[ALICE]),
        Person(id="register:people/bob", source="register", scope="people", name="Bob", email=["bob@example.org"]),
        RoleAssignment(
            id="register:roles/1",
            source="register",
            scope="roles",
            person="register:people/alice",
            role="change_authority",
            from_=0,
        ),
    ]


def change(**fields: Any) -> Change:
    usual: dict[str, Any] = {
        "id": "desk:issue/5",
        "source": "desk",
        "scope": "OPS",
        "key": "CHG-5",
        "title": "New switch",
        "type": "normal",
        "revision": REVISION,
        "implementer": "register:people/bob",
        "created_at": 1_790_000_000_000,
    }
    return Change(**{**usual, **fields})
