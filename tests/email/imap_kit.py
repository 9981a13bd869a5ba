"""Mailboxes to read, mails to put there, and servers that go wrong on purpose."""

from __future__ import annotations

import base64
import imaplib
import json
import re
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Self, TypeVar
from urllib.parse import parse_qs

from hub.clock import Clock, FixedClock, parse_instant
from hub.errors import Retriable
from hub.sync.source import Document, SourceContext
from hub_email.settings import ImapSettings
from hub_email.source import ImapSource, make_imap_source

T = TypeVar("T")
USER, PASSWORD = "alice@example.test", "secret"
NOW = parse_instant("2026-11-03T08:00:00Z")


def mail(number: int, body: str = "Hello.", *, message_id: str | None = None) -> bytes:
    named = f"Message-ID: {message_id or f'<{number}@example.test>'}\r\n" if message_id != "" else ""
    return (
        f"Received: from mx.example.test by mail.example.test with ESMTP id q{number};\r\n"
        f"\tMon, 5 Oct 2026 08:00:{number % 60:02} +0200\r\n"
        f"{named}Date: Mon, 5 Oct 2026 08:00:{number % 60:02} +0200\r\nFrom: Bob <bob@example.test>\r\n"
        f"To: desk@example.test\r\nSubject: =?utf-8?q?M=C3=A4il?= {number}\r\n\r\n{body}\r\n"
    ).encode()


class Mailbox:
    """What a person does to a mailbox of the real server."""

    def __init__(self, server: dict[str, Any], user: str = USER) -> None:
        self.server, self.user = server, user
        self._log_in()

    def _log_in(self) -> None:
        self.imap = imaplib.IMAP4(self.server["imap_host"], self.server["imap_port"])
        self.imap.login(self.user, self.server["users"][self.user])

    def make(self, folder: str, mails: list[bytes]) -> None:
        self.imap.create(folder)
        self.append(folder, mails)

    def append(self, folder: str, mails: list[bytes]) -> None:
        for each in mails:
            typ, data = self.imap.append(folder, None, None, each)
            assert typ == "OK", data

    def delete(self, folder: str, *uids: int) -> None:
        self.imap.select(folder)
        for uid in uids:
            self.imap.uid("STORE", str(uid), "+FLAGS", "(\\Deleted)")
        self.imap.expunge()
        self.imap.unselect()

    def move(self, folder: str, uid: int, target: str) -> None:
        self.imap.select(folder)
        self.imap.uid("MOVE", str(uid), target)
        self.imap.unselect()

    def flags(self, folder: str) -> bytes:
        self.imap.select(folder, readonly=True)
        found = self.imap.uid("FETCH", "1:*", "(FLAGS)")[1]
        self.imap.unselect()
        return b" ".join(each for each in found if each)

    def remove(self, folder: str) -> None:
        self.imap.delete(folder)

    def renumber(self, folder: str) -> None:
        """Let the server give all UIDs anew."""
        place = Path(self.server["maildirs"].replace("USER", self.user)) / f".{folder}"
        for name in ("dovecot-uidlist", "dovecot.index", "dovecot.index.log", "dovecot.index.cache"):
            (place / name).unlink(missing_ok=True)
        self.close()
        self._log_in()

    def close(self) -> None:
        self.imap.logout()


def context(
    base_dir: Path, *, retry: bool = True, clock: Clock | None = None, said: list[str] | None = None
) -> SourceContext:
    """Give what the hub hands a source; passing faults are tried three times, without waiting."""

    def call(request: Callable[[], T]) -> T:
        for _ in range(2 if retry else 0):
            try:
                return request()
            except Retriable:
                continue
        return request()

    return SourceContext(
        name="mail",
        base_dir=base_dir,
        zone="Europe/Berlin",
        clock=clock or FixedClock(NOW),
        call=call,
        log=(said if said is not None else []).append,
    )


def settings(server: dict[str, Any], folders: list[str] | None = None, **more: Any) -> ImapSettings:
    fields = {
        "plugin": "imap",
        "host": "127.0.0.1",
        "port": server["imaps_port"],
        "ca_bundle": server["ca_file"],
        "mailboxes": [{"user": USER, "password": PASSWORD, "folders": folders or ["INBOX"]}],
        "timeout_s": 10,
    }
    return ImapSettings.model_validate(fields | more)


def source(configured: ImapSettings, given: SourceContext) -> ImapSource:
    return make_imap_source(configured, given)


class Between:
    """Passes bytes on to the real server, keeps the client's commands, and cuts where it is told to."""

    def __init__(self, port: int) -> None:
        self.target = port
        self.commands: list[str] = []
        self.cut_after: list[int | None] = []
        """For each connection to come: after so many bytes of answers it is cut; none left = never."""
        self.connections = 0
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self._threads = [threading.Thread(target=self._accept, daemon=True)]
        self._threads[0].start()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            self.connections += 1
            behind = socket.create_connection(("127.0.0.1", self.target))
            limit = self.cut_after.pop(0) if self.cut_after else None
            for one in (
                threading.Thread(target=self._up, args=(client, behind), daemon=True),
                threading.Thread(target=self._down, args=(behind, client, limit), daemon=True),
            ):
                one.start()
                self._threads.append(one)

    def _up(self, client: socket.socket, behind: socket.socket) -> None:
        try:
            while data := client.recv(65_536):
                self.commands += re.findall(r"(?m)^\S+ ([A-Z].*?)\r?$", data.decode("utf-8", "replace"))
                behind.sendall(data)
        except OSError:
            pass
        behind.close()

    def _down(self, behind: socket.socket, client: socket.socket, limit: int | None) -> None:
        passed = 0
        try:
            while data := behind.recv(4096):
                room = len(data) if limit is None else limit - passed
                client.sendall(data[:room])
                passed += len(data)
                if limit is not None and passed >= limit:
                    break
        except OSError:
            pass
        for each in (client, behind):
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()

    def close(self) -> None:
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        for one in self._threads:
            one.join(5)


class Scripted:
    """An IMAP server that answers from a table: command (with a pattern of its arguments) -> lines, `TAG` for the tag.

    It takes XOAUTH2 tokens that are in `tokens`, and encrypts from the first byte where it has `tls`.
    """

    def __init__(
        self, answers: dict[str, str] | None = None, *, greeting: str = "* OK ready", tls: ssl.SSLContext | None = None
    ) -> None:
        self.answers = {
            "CAPABILITY": "* CAPABILITY IMAP4rev1 SASL-IR AUTH=XOAUTH2\r\nTAG OK done",
            "LOGIN": "TAG OK in",
            "LOGOUT": "* BYE bye\r\nTAG OK out",
            "LIST": '* LIST () "." "INBOX"\r\nTAG OK listed',
            "EXAMINE": "* 0 EXISTS\r\n* OK [UIDVALIDITY 7] v\r\n* OK [UIDNEXT 1] n\r\nTAG OK [READ-ONLY] open",
            "UID SEARCH": "* SEARCH\r\nTAG OK found",
        } | (answers or {})
        self.greeting, self.tls = greeting, tls
        self.tokens: set[str] = set()
        self.seen: list[str] = []
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.thread = threading.Thread(target=self._accept, daemon=True)
        self.thread.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        self.thread.join(5)

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            with client:
                try:
                    self._serve(self.tls.wrap_socket(client, server_side=True) if self.tls else client)
                except (OSError, ssl.SSLError):
                    continue

    def _serve(self, client: socket.socket) -> None:
        with client, client.makefile("rb") as lines:
            client.sendall(self.greeting.encode() + b"\r\n")
            for raw in lines:
                line = raw.decode("utf-8", "replace").strip()
                self.seen.append(line)
                tag, _, command = line.partition(" ")
                if command.startswith("AUTHENTICATE XOAUTH2"):
                    client.sendall(b"+ \r\n")
                    said = base64.b64decode(lines.readline()).decode()
                    token = said.partition("Bearer ")[2].strip("\1")
                    if token in self.tokens:
                        client.sendall(f"{tag} OK in\r\n".encode())
                        continue
                    client.sendall(b"+ " + base64.b64encode(b'{"status":"401"}') + b"\r\n")
                    lines.readline()
                    client.sendall(f"{tag} NO AUTHENTICATE failed.\r\n".encode())
                    continue
                key = next((key for key in self.answers if re.match(key, command)), None)
                answer = self.answers[key] if key else "TAG BAD what"
                client.sendall(answer.replace("TAG", tag).encode() + b"\r\n")
                if answer.startswith("* BYE"):
                    return


class TokenEndpoint:
    """Gives tokens `t1`, `t2`, …, or the answers it was told."""

    def __init__(self) -> None:
        self.forms: list[dict[str, str]] = []
        self.answers: list[tuple[int, Any]] = []
        """Given first, in order."""
        self.lasts_s = 3600
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                form = self.rfile.read(int(self.headers["Content-Length"])).decode()
                outer.forms.append({key: values[0] for key, values in parse_qs(form).items()})
                given = {"access_token": f"t{len(outer.forms)}", "expires_in": outer.lasts_s}
                status, body = outer.answers.pop(0) if outer.answers else (200, given)
                data = body if isinstance(body, bytes) else json.dumps(body).encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, *_: Any) -> None:
                pass

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.http.server_address[1]}/token"
        self.thread = threading.Thread(target=self.http.serve_forever, args=(0.02,), daemon=True)
        self.thread.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.http.shutdown()
        self.http.server_close()
        self.thread.join(5)


def read(
    given: ImapSource, scope: str, cursor: dict[str, Any] | None = None
) -> tuple[list[Document], dict[str, Any] | None, list[str]]:
    """Read a folder; give documents, the last cursor and all gaps."""
    documents, gaps = [], []
    part = next(each for each in given.slices() if each.scope == scope)
    assert part.unreadable is None, part.unreadable
    for page in given.fetch(part, cursor):
        documents += page.documents
        gaps += page.gaps
        cursor = json.loads(json.dumps(page.cursor))
    return documents, cursor, gaps


def pages_of(given: ImapSource, scope: str, cursor: dict[str, Any] | None = None) -> Iterator[Any]:
    part = next(each for each in given.slices() if each.scope == scope)
    return given.fetch(part, cursor)
