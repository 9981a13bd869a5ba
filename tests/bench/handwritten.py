"""The upper mark: a loop written by hand for this one organisation, with msgspec and sqlite3 and nothing of the hub.

It writes the same documents (zstd, hash chain), records and events as the hub: the counts are compared. It
asks, checks, resumes and remembers nothing: no cursor, no revisions, no since, no links, no fault handled.
"""

from __future__ import annotations

import hashlib
import sqlite3  # noqa: TID251 - nothing of the hub
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

import msgspec
import requests
import zstandard

KINDS = {
    "Incident": "incident",
    "Service request": "request",
    "Problem": "problem",
    "Known error": "known_error",
    "Change": "change",
    "Improvement": "improvement_action",
    "Complaint": "complaint",
}
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
TABLES = """
PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA temp_store = MEMORY; PRAGMA cache_size = -65536;
CREATE TABLE raw_document (doc INTEGER PRIMARY KEY, native_id TEXT, scope TEXT, hash BLOB, chain BLOB, size INT, body BLOB);
CREATE INDEX raw_document_i ON raw_document (native_id);
CREATE TABLE record (sid INTEGER PRIMARY KEY, id TEXT UNIQUE, kind TEXT, scope TEXT, key TEXT, title TEXT, url TEXT,
  status TEXT, created_at INT, updated_at INT, resolved_at INT, assignee TEXT, creator TEXT, reporter TEXT, priority TEXT,
  description TEXT, labels TEXT, custom TEXT, links TEXT, document INT);
CREATE TABLE event (sid INT, pos INT, at INT, type TEXT, actor TEXT, field TEXT, from_ TEXT, to_ TEXT, public INT, ref TEXT,
  PRIMARY KEY (sid, pos));
"""


class Wire(msgspec.Struct, rename="camel"):
    """Base."""


class User(Wire):
    account_id: str
    display_name: str = ""
    email_address: str | None = None
    active: bool = True


class Named(Wire):
    name: str
    id: str | None = None


class Comment(Wire):
    id: str
    author: User
    created: str
    jsd_public: bool = False


class Comments(Wire):
    comments: list[Comment]


class Other(Wire):
    id: str


class IssueLink(Wire):
    id: str
    type: Named
    outward_issue: Other | None = None
    inward_issue: Other | None = None


class Decision(Wire):
    approver: User
    approver_decision: str


class Moment(Wire):
    epoch_millis: int


class Approval(Wire):
    id: str
    approvers: list[Decision]
    created_date: Moment
    completed_date: Moment | None = None


class Fields(Wire):
    summary: str
    issuetype: Named
    status: Named
    priority: Named
    created: str
    updated: str
    creator: User
    reporter: User
    comment: Comments
    resolutiondate: str | None = None
    assignee: User | None = None
    labels: list[str] = []
    issuelinks: list[IssueLink] = []
    description: Any = None
    approvals: list[Approval] | None = msgspec.field(default=None, name="customfield_10045")
    reviewed_at: str | None = msgspec.field(default=None, name="customfield_10080")


class Item(Wire):
    field: str
    field_id: str | None = None
    from_: str | None = msgspec.field(default=None, name="from")
    from_string: str | None = None
    to: str | None = None
    to_string: str | None = None


class Entry(Wire):
    id: str
    created: str
    author: User
    items: list[Item]


class Changelog(Wire):
    histories: list[Entry]
    total: int


class Issue(Wire):
    id: str
    key: str
    fields: Fields
    changelog: Changelog


class Page(Wire):
    issues: list[msgspec.Raw]
    next_page_token: str | None = None


class Log(Wire):
    issue_id: str
    change_histories: list[Entry]


class Logs(Wire):
    issue_change_logs: list[Log]


def instant(text: str) -> int:
    """Read a time as UTC milliseconds."""
    delta = datetime.fromisoformat(text) - EPOCH
    return delta.days * 86_400_000 + delta.seconds * 1000 + delta.microseconds // 1000


def words(node: Any) -> str:
    """Give the text of a rich text."""
    if node is None:
        return ""
    return node.get("text", "") + "".join(words(child) for child in node.get("content", ()))


def pages(session: requests.Session, url: str, project: str) -> Iterator[list[msgspec.Raw]]:
    """Yield the pages of a project."""
    decoder, token = msgspec.json.Decoder(Page), ""
    while token is not None:
        jql = quote(f'project = "{project}" ORDER BY key ASC')
        query = f"jql={jql}&fields=*all&expand=changelog&maxResults=100" + (f"&nextPageToken={token}" if token else "")
        page = decoder.decode(session.get(f"{url}/rest/api/3/search/jql?{query}", timeout=60).content)
        yield page.issues
        token = page.next_page_token


class Loop:
    """Everything kept between pages."""

    def __init__(self, url: str, path: str) -> None:
        self.url = url
        self.session = requests.Session()
        self.db = sqlite3.connect(path, isolation_level=None)
        self.db.executescript(TABLES)
        self.chain = b""
        self.doc = self.sid = 0
        self.people: set[str] = set()
        self.compressor = zstandard.ZstdCompressor()
        self.issue = msgspec.json.Decoder(Issue)

    def read(self, project: str) -> None:
        """Read a project."""
        for raws in pages(self.session, self.url, project):
            issues = [self.issue.decode(raw) for raw in raws]
            cut = [one.id for one in issues if one.changelog.total > len(one.changelog.histories)]
            whole: dict[str, list[Entry]] = {}
            if cut:
                body = msgspec.json.encode({"issueIdsOrKeys": cut, "maxResults": 10_000})
                answer = self.session.post(f"{self.url}/rest/api/3/changelog/bulkfetch", data=body, timeout=60)
                logs = msgspec.json.decode(answer.content, type=Logs).issue_change_logs
                whole = {log.issue_id: log.change_histories for log in logs}
            self.write(project, raws, issues, whole)

    def write(self, project: str, raws: list[msgspec.Raw], issues: list[Issue], whole: dict[str, list[Entry]]) -> None:
        """Write a page in one transaction."""
        documents, records, events = [], [], []
        for raw, issue in zip(raws, issues, strict=True):
            self.doc += 1
            body = bytes(raw)
            digest = hashlib.sha256(body).digest()
            self.chain = hashlib.sha256(self.chain + issue.id.encode() + digest).digest()
            documents.append(
                (self.doc, issue.id, project, digest, self.chain, len(body), self.compressor.compress(body))
            )
            records += self.records(project, issue)
            events += self.events(self.sid, issue, whole.get(issue.id, issue.changelog.histories))
        self.db.execute("BEGIN")
        self.db.executemany("INSERT INTO raw_document VALUES (?,?,?,?,?,?,?)", documents)
        self.db.executemany("INSERT INTO record VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)", records)
        self.db.executemany("INSERT INTO event VALUES (?,?,?,?,?,?,?,?,?,?)", events)
        self.db.execute("COMMIT")

    def records(self, project: str, issue: Issue) -> Iterator[tuple[Any, ...]]:
        """Make the records of an issue; the issue's own comes last."""
        fields = issue.fields
        met = [fields.creator, fields.reporter, *([fields.assignee] if fields.assignee else [])]
        met += [comment.author for comment in fields.comment.comments]
        met += [entry.author for entry in issue.changelog.histories]
        met += [decision.approver for step in fields.approvals or () for decision in step.approvers]
        for user in met:
            if user.account_id not in self.people:
                self.people.add(user.account_id)
                yield self.row(f"user/{user.account_id}", "person", project, user.account_id, user.display_name)
        for step in fields.approvals or ():
            for each in step.approvers:
                name = f"issue/{issue.id}/approval/{step.id}/{each.approver.account_id}"
                yield self.row(name, "approval", project, issue.key, each.approver_decision)
        if fields.reviewed_at:
            yield self.row(f"issue/{issue.id}/pir", "review", project, issue.key, fields.reviewed_at)
        self.sid += 1
        ends = [(link, link.outward_issue or link.inward_issue) for link in fields.issuelinks]
        yield (
            self.sid,
            f"desk:issue/{issue.id}",
            KINDS[fields.issuetype.name],
            project,
            issue.key,
            fields.summary,
            f"{self.url}/browse/{issue.key}",
            fields.status.name,
            instant(fields.created),
            instant(fields.updated),
            instant(fields.resolutiondate) if fields.resolutiondate else None,
            fields.assignee.account_id if fields.assignee else None,
            fields.creator.account_id,
            fields.reporter.account_id,
            fields.priority.name,
            words(fields.description),
            ",".join(fields.labels),
            None,
            ",".join(f"{link.type.name}:{end.id}" for link, end in ends if end),
            self.doc,
        )

    def row(self, name: str, kind: str, project: str, key: str, title: str) -> tuple[Any, ...]:
        """Make a record of a few fields."""
        self.sid += 1
        return (self.sid, f"desk:{name}", kind, project, key, title, *([None] * 13), self.doc)

    def events(self, sid: int, issue: Issue, histories: list[Entry]) -> Iterator[tuple[Any, ...]]:
        """Make the events of an issue, oldest first."""
        found = [(instant(issue.fields.created), "created", issue.fields.creator.account_id, *([None] * 5))]
        for entry in histories:
            at = instant(entry.created)
            for item in entry.items:
                found.append((at, "updated", entry.author.account_id, item.field_id or item.field, item.from_string or item.from_, item.to_string or item.to, 0, entry.id))  # fmt: skip
                if item.to_string == "Escalated":
                    found.append((at, "escalated", entry.author.account_id, None, None, None, 0, entry.id))
        for comment in issue.fields.comment.comments:
            at = instant(comment.created)
            found.append((at, "responded", comment.author.account_id, "comment", None, None, comment.jsd_public, comment.id))  # fmt: skip
        for step in issue.fields.approvals or ():
            for each in step.approvers:
                name = f"desk:issue/{issue.id}/approval/{step.id}/{each.approver.account_id}"
                found.append((step.created_date.epoch_millis, "approval_requested", None, None, None, each.approver.account_id, 0, name))  # fmt: skip
                if step.completed_date and each.approver_decision in ("approved", "declined"):
                    found.append((step.completed_date.epoch_millis, each.approver_decision, each.approver.account_id, None, None, None, 0, name))  # fmt: skip
        found.sort(key=lambda each: each[0])
        return ((sid, pos, *each) for pos, each in enumerate(found))


def main() -> None:
    """Read the projects named after the address and the file."""
    url, path, *projects = sys.argv[1:]
    loop = Loop(url, path)
    for project in projects:
        loop.read(project)


if __name__ == "__main__":
    main()
