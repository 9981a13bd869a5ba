"""Tables that are not derived from the record structs: identity, history, reading, judging, reporting.

Instants are BIGINT UTC milliseconds. `known_from` <= known < `known_to` says when the hub knew a
row; `known_to` NULL = still known. Texts that decide an order use binary collation on both engines.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Connection,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    SmallInteger,
    Table,
    text,
)
from sqlalchemy import Text as _Text
from sqlalchemy import event as on

__all__ = ["NEVER", "Key", "Text", "metadata"]

metadata = MetaData()
Key = BigInteger().with_variant(Integer, "sqlite")
"""Integer key; SQLite only counts up an INTEGER PRIMARY KEY."""
Text = _Text().with_variant(_Text(collation="C"), "postgresql")
"""Text ordered by its bytes on both engines, whatever the locale of the PostgreSQL database."""


def _key(name: str) -> Column[int]:
    return Column(name, Key, primary_key=True)


def _part_key(name: str, kind: type = BigInteger) -> Column[int]:
    return Column(name, kind, primary_key=True, autoincrement=False)


def _present(name: str, column: str) -> Index:
    """Index the few rows where a column says something."""
    return Index(name, column, sqlite_where=text(f"{column} IS NOT NULL"))


@on.listens_for(metadata, "before_create")
def _tell_postgresql(_tables: MetaData, conn: Connection, **_: Any) -> None:
    """Give the conditions of indexes to PostgreSQL too, only there: to name it loads the dialects of all its drivers."""
    if conn.dialect.name == "postgresql":
        for index in (index for table in metadata.tables.values() for index in table.indexes):
            index.dialect_options["postgresql"]["where"] = index.dialect_options["sqlite"]["where"]


# -- identity and current state -------------------------------------------------------------

record = Table(
    "record",
    metadata,
    _key("sid"),
    Column("id", Text, nullable=False, unique=True),
    Column("kind", Text),  # NULL: referred to, never read
    Column("source", Text),
    Column("scope", Text),
    Column("canonical", Integer),  # person: the human behind a login, NULL = not known; other kinds: NULL
    Column("document", Integer),  # raw_document.doc it was last derived from
    Column("place", Integer),  # place.place of its source and scope; filled by derivation, NULL = nowhere yet
    Index("record_kind_i", "kind", "source", "scope"),
    _present("record_canonical_i", "canonical"),
    Index("record_document_i", "document"),
)
event = Table(
    "event",
    metadata,
    _part_key("sid"),
    _part_key("pos", Integer),
    Column("at", BigInteger, nullable=False),
    Column("type", Text, nullable=False),
    Column("actor", Integer),
    Column("field", Text),
    Column("from_", Text),
    Column("to", Text),
    Column("visible_to_customer", Boolean, nullable=False),
    Column("source_ref", Text),
    sqlite_with_rowid=False,
)
link = Table(
    "link",
    metadata,
    _part_key("sid"),
    Column("type", Text, primary_key=True),
    _part_key("target"),
    Column("at", BigInteger),
    Column("source_ref", Text),
    Index("link_target_i", "target", "sid", "type"),
    sqlite_with_rowid=False,
)
"""Explicit links under their relation name, list-of-reference fields and scalar references (except to
persons) under their field name, `same_as` under `same_as`."""
since = Table(
    "since",
    metadata,
    _part_key("sid"),
    Column("field", Text, primary_key=True),
    Column("at", BigInteger, nullable=False),
    sqlite_with_rowid=False,
)
unknown_field = Table(
    "unknown_field", metadata, _part_key("sid"), Column("field", Text, primary_key=True), sqlite_with_rowid=False
)
alias = Table(
    "alias",
    metadata,
    Column("key", Text, primary_key=True),  # current and former keys
    _part_key("sid"),
    Index("alias_sid_i", "sid"),
    sqlite_with_rowid=False,
)

# -- past state and proof -------------------------------------------------------------------

revision = Table(
    "revision",
    metadata,
    _part_key("sid"),
    _part_key("known_from"),
    Column("known_to", BigInteger),
    Column("hash", LargeBinary, nullable=False),  # sha-256 of body
    Column("body", LargeBinary, nullable=False),  # encoded record, zstd; empty = disposed of
    Column("disposal", Integer),  # disposal_run.did by which the body is gone
    Index(
        "revision_now_i",
        "sid",
        unique=True,
        sqlite_where=text("known_to IS NULL"),
    ),
    _present("revision_disposal_i", "disposal"),
)
raw_document = Table(
    "raw_document",
    metadata,
    _key("doc"),
    Column("source", Text, nullable=False),
    Column("stream", Text, nullable=False),
    Column("native_id", Text, nullable=False),
    Column("scope", Text, nullable=False),
    Column("seq", BigInteger, nullable=False),  # place in the source's chain, from 1
    Column("fetched_at", BigInteger, nullable=False),
    Column("hash", LargeBinary, nullable=False),  # sha-256 of the body
    Column("chain", LargeBinary, nullable=False),  # sha-256(previous chain, stream, native id, hash)
    Column("size", Integer, nullable=False),
    Column("body", LargeBinary),  # zstd; NULL = disposed of
    Column("disposed_at", BigInteger),
    Column("disposal", Integer),  # disposal_run.did by which the body is gone, or personal data was taken out of it
    Index("raw_document_latest_i", "source", "stream", "native_id", "seq"),
    Index("raw_document_chain_i", "source", "seq", unique=True),
    _present("raw_document_disposal_i", "disposal"),
)
change_log = Table(
    "change_log",
    metadata,
    _key("seq"),
    Column("kind", Text, nullable=False),  # record kind; also `identity`, `calendar`, `period`
    Column("sid", Integer),  # the changed record; NULL for calendar and period
    Column("touched", Integer),  # the record itself, and everything it refers or referred to
    sqlite_autoincrement=True,
)
"""What changed since derivation last looked: one row for the record itself and one for every record it
referred to before or refers to now, so that a moved approval marks both changes."""

# -- retention ------------------------------------------------------------------------------

disposal_run = Table(
    "disposal_run",
    metadata,
    _key("did"),
    Column("type", Text, nullable=False),  # rule, erasure
    Column("rule", Text),  # name of the rule as configured then
    Column("reason", Text, nullable=False),
    Column("operator", Text, nullable=False),  # login at the machine
    Column("operated_by", Integer, nullable=False),  # record.sid of the human behind it
    Column("approver", Integer, nullable=False),  # record.sid of a human
    Column("begun_at", BigInteger, nullable=False),
    Column("finished_at", BigInteger),  # NULL = was killed, or is running
    Column("documents", Integer, nullable=False),
    Column("states", Integer, nullable=False),  # past states of records
    Column("oldest", BigInteger),  # of what the documents and states said, the first and the last instant
    Column("newest", BigInteger),
    Column("digest", Text),  # sha-256 over the hashes of what was disposed of, documents first
    Column("summary", JSON, nullable=False),
)
erased_identifier = Table(
    "erased_identifier",
    metadata,
    Column("hash", LargeBinary, primary_key=True),  # keyed hash of the words; the words stand nowhere
    Column(
        "words", Integer, nullable=False
    ),  # how many; 0 = the first of several; -n = n, and the last alone is replaced
    Column("did", Integer, nullable=False),
)
erased_person = Table("erased_person", metadata, _part_key("sid"), Column("did", Integer, nullable=False))
"""Persons and accounts that are tombstones for good; no source changes them again."""
document_access = Table(
    "document_access",
    metadata,
    Column("aid", Key, primary_key=True, autoincrement=False),  # from 1 without a gap
    Column("at", BigInteger, nullable=False),
    Column("doc", Integer, nullable=False),
    Column("login", Text, nullable=False),  # at the machine
    Column("acting_as", Text),  # for whom, as the reader said
    Column("reason", Text, nullable=False),
)
"""Who read a raw document and why; rows are only ever added."""

# -- reading --------------------------------------------------------------------------------

sync_cursor = Table(
    "sync_cursor",
    metadata,
    Column("source", Text, primary_key=True),
    Column("stream", Text, primary_key=True),
    Column("scope", Text, primary_key=True),
    Column("cursor", JSON, nullable=False),
    Column("committed_at", BigInteger, nullable=False),
)
coverage = Table(
    "coverage",
    metadata,
    _key("cid"),
    Column("source", Text, nullable=False),
    Column("scope", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("through", BigInteger),  # everything up to here was read; NULL = never read
    Column("reason", Text),  # why not further, in words
    Column("known_from", BigInteger, nullable=False),
    Column("known_to", BigInteger),
    Index("coverage_i", "source", "scope", "kind", "known_from"),
)
provision = Table(
    "provision",
    metadata,
    _key("pid"),
    Column("source", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("field", Text, nullable=False),  # '' = the kind itself
    Column("within_subject", Boolean, nullable=False),
    Column("known_from", BigInteger, nullable=False),
    Column("known_to", BigInteger),
    Index("provision_i", "source", "kind", "field", "known_from"),
)
sync_run = Table(
    "sync_run",
    metadata,
    _key("run"),
    Column("source", Text, nullable=False),
    Column("started_at", BigInteger, nullable=False),
    Column("finished_at", BigInteger),  # NULL = was killed
    Column("complete", Boolean, nullable=False),
    Column("summary", JSON, nullable=False),
)

# -- time -----------------------------------------------------------------------------------

open_interval = Table(
    "open_interval",
    metadata,
    Column("calendar", Text, primary_key=True),
    _part_key("opens"),
    Column("closes", BigInteger, nullable=False),
    Column("seconds_before", BigInteger, nullable=False),  # open seconds of the calendar before `opens`
    Index("open_interval_seconds_i", "calendar", "seconds_before"),
)
local_day = Table(
    "local_day",
    metadata,
    Column("calendar", Text, primary_key=True),
    _part_key("starts_at"),
    Column("ends_at", BigInteger, nullable=False),
    Column("date", Text, nullable=False),
    Column("day_no", Integer, nullable=False),
    Column("business", Boolean, nullable=False),
    Column("business_no", Integer, nullable=False),  # business days up to and including this one
    Index("local_day_no_i", "calendar", "day_no", unique=True),
    Index("local_day_business_i", "calendar", "business_no", "starts_at"),
    Index("local_day_date_i", "calendar", "date", "starts_at"),
)
period = Table(
    "period",
    metadata,
    Column("unit", Text, primary_key=True),  # month, quarter, half_year, year
    _part_key("starts_at"),
    Column("ends_at", BigInteger, nullable=False),
    Column("label", Text, nullable=False),  # 2026-10
)
sla_clock = Table(
    "sla_clock",
    metadata,
    _part_key("sid"),  # the ticket
    Column("metric", Text, primary_key=True),  # response, onsite, resolution …
    Column("target", Text),  # id of the target within the agreement
    Column("agreement", Integer),  # record.sid of the agreement in force when the clock started
    Column("started_at", BigInteger),
    Column("due_at", BigInteger),  # NULL = the clock is paused
    Column("warn_at", BigInteger),
    Column("stopped_at", BigInteger),  # NULL = it runs or is paused
    Column("target_s", Integer),  # seconds of open time promised
    Column("counted_s", Integer),  # seconds of open time counted when it stopped
    Column("excluded", Text),  # id of the rule by which it is left out of attainment
    Column("lacks", Text),  # what is missing to compute it
    Index("sla_clock_stopped_i", "stopped_at", "metric"),  # a metric first would look rare to SQLite's planner
    sqlite_with_rowid=False,
)
"""Service level clocks, computed from a ticket's events, its agreement and that agreement's calendars."""
sla_mark = Table(
    "sla_mark",
    metadata,
    _part_key("sid"),
    Column("metric", Text, primary_key=True),
    Column("percent", Integer, primary_key=True, autoincrement=False),  # of the time promised
    Column("at", BigInteger, nullable=False),  # when it was, or will be, used up
    sqlite_with_rowid=False,
)
"""When a clock reaches a share of its target, such as 50 and 80 percent."""
fingerprint = Table(
    "fingerprint",
    metadata,
    Column("name", Text, primary_key=True),  # `calendar:5x8`, `period:month` …
    Column("value", Text, nullable=False),
)

# -- judging --------------------------------------------------------------------------------

obligation = Table(
    "obligation",
    metadata,
    _part_key("part", SmallInteger),
    _part_key("unit", Integer),  # record.sid
    _part_key("anchor"),  # sid of the opening evidence, or start of the period, or 0
    _part_key("known_from"),
    Column("known_to", BigInteger),
    Column("opened_at", BigInteger, nullable=False),
    Column("due_at", BigInteger),
    Column("warn_at", BigInteger),
    Column("met_at", BigInteger),
    Column("lost_at", BigInteger),
    Column("settled_at", BigInteger, nullable=False),  # from then on no passing time changes it; NEVER = it still may
    Column("n", Integer),
    Column("d", Integer),
    Column("evidence", Integer),  # record.sid that decided it; the unit itself where its own fields did
    Column("declared", Boolean, nullable=False),  # all deciding evidence is declared
    Column("place", Integer, nullable=False),  # where the unit was read from
    Column("lacks", Text),  # what could not be known, in words
    Index("obligation_settled_i", "part", "settled_at"),
    sqlite_with_rowid=False,
)
NEVER = 9_000_000_000_000_000
"""Later than any instant, as a value that can be compared."""
counted = Table(
    "counted",
    metadata,
    _part_key("part", SmallInteger),
    _part_key("sid", Integer),  # the record that is counted
    _part_key("unit", Integer),  # record.sid of what it is counted for
    _part_key("anchor"),  # start of the period in which it is counted
    Column("value", BigInteger),  # 1 or 0, or how long it took; NULL = not known
    Column("sure", Integer, nullable=False),  # 1 = it counts for certain
    sqlite_with_rowid=False,
)
"""What each record gives to a figure, as last derived, so that a changed one can be taken out of the sums and added anew."""
tally = Table(
    "tally",
    metadata,
    _part_key("part", SmallInteger),
    _part_key("unit", Integer),
    _part_key("anchor"),
    Column("most", BigInteger, nullable=False),  # rows of `counted`
    Column("counted", BigInteger, nullable=False),  # of these, those that count for certain
    Column("total", BigInteger, nullable=False),  # the sum of their values
    Column("no", BigInteger, nullable=False),  # how many of them are 0
    Column("most_yes", BigInteger, nullable=False),  # of all rows, those that are 1
    Column("most_no", BigInteger, nullable=False),  # of all rows, those that are 0
    sqlite_with_rowid=False,
)
"""Sums of `counted` for each unit and period."""
lineup = Table(
    "lineup",
    metadata,
    _part_key("part", SmallInteger),
    _part_key("sid", Integer),
    _part_key("unit", Integer),
    Column("grp", Text, primary_key=True),  # with what it is compared
    _part_key("step", SmallInteger),  # 1 = something is said of it, others = it matters to those
    _part_key("other", Integer),  # a record it tells of, 0 = none
    Column("at", BigInteger, nullable=False),
    Column("value", BigInteger),
    Index("lineup_at_i", "part", "unit", "grp", "at"),
    sqlite_with_rowid=False,
)
"""Rows of which what is said depends on others of their group near them in time, so that these are found when one moves."""
place = Table(
    "place",
    metadata,
    _key("place"),
    Column("source", Text, nullable=False),
    Column("scope", Text, nullable=False),
    Index("place_name_i", "source", "scope", unique=True),
)
"""Where units are read from, so that coverage can be joined to an obligation as it was then known."""
part = Table(
    "part",
    metadata,
    _part_key("part", SmallInteger),
    Column("requirement", Text, nullable=False),
    Column("name", Text, nullable=False),
    Index("part_name_i", "requirement", "name", unique=True),
)
requirement_state = Table(
    "requirement_state",
    metadata,
    Column("requirement", Text, primary_key=True),
    Column("fingerprint", Text, nullable=False),
    Column("watermark", BigInteger, nullable=False),  # change_log.seq consumed
    Column("derived_at", BigInteger, nullable=False),
    Column("definition", Text),  # JSON: pack, rules, asked, calendars; NULL = derived before this was kept
)
derivation = Table(
    "derivation",
    metadata,
    Column("requirement", Text, primary_key=True),
    _part_key("known_at"),
    Column("cause", Text, nullable=False),  # records, definition
    Column("closed", Integer, nullable=False),
    Column("written", Integer, nullable=False),
    Column("detail", Text),  # what of the definition changed, in words
)
"""When obligations changed and whether the records or we (code, parameters, calendars) changed them."""
finding = Table(
    "finding",
    metadata,
    _key("fid"),
    Column("part", SmallInteger, nullable=False),
    Column("unit", Integer, nullable=False),
    Column("anchor", BigInteger, nullable=False),
    Column("state", Text, nullable=False),  # open, cured, waived, withdrawn
    Column("breached_at", BigInteger, nullable=False),
    Column("first_seen_at", BigInteger, nullable=False),
    Column("state_at", BigInteger, nullable=False),
    Column("cured_at", BigInteger),
    Column("reopened", Integer, nullable=False),
    Column("owner", Integer),
    Column("due_at", BigInteger),
    Index("finding_key_i", "part", "unit", "anchor", unique=True),
)
finding_event = Table(
    "finding_event",
    metadata,
    _part_key("fid"),
    _part_key("at"),
    Column("state", Text, primary_key=True),
)

# -- reporting ------------------------------------------------------------------------------

report = Table(
    "report",
    metadata,
    Column("report_id", Text, primary_key=True),
    _part_key("revision", Integer),
    Column("type", Text, nullable=False),
    Column("period", Text, nullable=False),
    Column("as_of", BigInteger, nullable=False),
    Column("known_at", BigInteger, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("model", LargeBinary, nullable=False),  # encoded report model, zstd
    Column("hash", Text, nullable=False),  # sha-256 of the rendered message
)
outbox = Table(
    "outbox",
    metadata,
    Column("report_id", Text, primary_key=True),
    _part_key("revision", Integer),
    Column("channel", Text, primary_key=True),
    Column("recipient", Text, primary_key=True),
    Column("message_id", Text, nullable=False),
    Column("message", LargeBinary, nullable=False),
    Column("state", Text, nullable=False),  # waiting, sent, failed, held
    Column("attempts", Integer, nullable=False),
    Column("detail", Text),
    Column("queued_at", BigInteger, nullable=False),
    Column("sent_at", BigInteger),
)
