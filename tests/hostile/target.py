"""What must hold for any bytes: the oracles that named cases, random tests and the fuzzer share."""

from __future__ import annotations

import tempfile
import unicodedata
from collections.abc import Callable
from email import message_from_bytes, policy
from functools import cache
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import msgspec

from hub.clock import FixedClock, parse_instant
from hub.config.load import load_configuration
from hub.errors import ConfigurationError
from hub.records import decode_record
from hub.registry import Registry
from hub.report.compile import compile_conformance
from hub.report.mail import render_mail
from hub.store.text import clean, encode_clean
from hub.sync.intake import take_in
from hub.sync.leniency import read_leniently, rewrite
from hub.sync.source import Document, SourceContext
from hub_gitlab.mapping import normalise as normalise_gitlab
from hub_jira.mapping import normalise
from hub_jira.vocabulary import Vocabulary
from hub_register.schema import FILES
from hub_register.settings import RegisterSettings
from hub_register.source import RegisterSource
from tests.gitlab import mapping_kit as kit
from tests.hostile.gitlab_payload import WHOLE, WORDS
from tests.hostile.payload import body, damaged, places, whole
from tests.jira.kit import configure
from tests.report.conftest import HOST, at, identity, realistic

__all__ = ["GITLAB", "TARGETS", "config", "gitlab", "look_at_mail", "mail", "mapping", "register", "sound"]

KINDS = ("Change", "Incident", "Request", "Problem", "Complaint")
HEADERS = {
    "Subject",
    "From",
    "To",
    "Date",
    "Message-ID",
    "List-Id",
    "In-Reply-To",
    "References",
    "Auto-Submitted",
    "X-Auto-Response-Suppress",
    "X-Conformance-Report",
    "X-Conformance-Revision",
    "X-Conformance-Hash",
    "MIME-Version",
    "Content-Type",
}
LOADING = {"base", "embed", "form", "iframe", "input", "link", "object", "script", "svg"}
"""Elements that fetch, run or send something; where pictures come from is looked at."""
HIDDEN = {"Cc", "Cf", "Cs", "Zl", "Zp"}
"""Characters that steer a terminal, turn a line's direction, break a line, or are none."""
FIXED = {"requirement", "clause", "severity", "verdict", "state", "kind", "counts", "id", "part"}
"""What the hub itself writes into a report."""


@cache
def _folder() -> Path:
    return Path(tempfile.mkdtemp(prefix="hub-hostile-"))


@cache
def _registry() -> Registry:
    return Registry()


@cache
def _words() -> Vocabulary:
    return Vocabulary.of("desk", "Europe/Berlin", configure())


class _Mapper:
    def normalise(self, document: Document) -> Any:
        return normalise(document, _words())


class _GitLab:
    def normalise(self, document: Document) -> Any:
        return normalise_gitlab(document, WORDS)


GITLAB = _GitLab()
"""The mapping of GitLab as a source, so that the intake judges what it gives."""


def sound(intake: Any) -> None:
    """Check that what was taken in can be stored, and that every document left a trace."""
    assert not [gap for gap in intake.gaps if "normalise failed" in gap], intake.gaps
    for given in intake.normalised:
        assert given.records or given.skipped
        for record in given.records:
            kept, encoded, _ = encode_clean(record)
            assert decode_record(encoded) == kept


def config(data: bytes) -> None:
    """Any file is a configuration, or told to be none: each fault one line that a terminal can show."""
    path = _folder() / "hub.toml"
    path.write_bytes(data)
    try:
        load_configuration(path, _registry())
    except ConfigurationError as error:
        faults = error.faults
    else:
        return
    assert faults
    assert all(fault.message and fault.file for fault in faults)


def mapping(data: bytes) -> None:
    """Any document becomes records or a counted reason; so does an issue with any value at any place."""
    sound(take_in(_Mapper(), "desk", [Document("issue", "1", "OPS", data), Document("version", "1", "OPS", data)]))
    try:
        strict = rewrite(data)
    except ValueError:
        strict = b"null"
    msgspec.json.decode(strict)
    if len(data) > 3:
        undamaged, spots = _whole(KINDS[data[0] % len(KINDS)])
        try:
            value = read_leniently(data[3:])
        except ValueError:
            value = data[3:].decode("utf-8", "surrogateescape")
        content = body(damaged(undamaged, spots[int.from_bytes(data[1:3]) % len(spots)], value))
        sound(take_in(_Mapper(), "desk", [Document("issue", "10412", "OPS", content)]))


def gitlab(data: bytes) -> None:
    """The same of GitLab: any document of any stream, any value at any place, any text at the head of a policy."""
    stream = STREAMS[data[0] % len(STREAMS)] if data else STREAMS[0]
    text = data[3:].decode("utf-8", "surrogateescape")
    try:
        value = read_leniently(data[3:])
    except ValueError:
        value = text
    spots = _gitlab_places(stream)
    spot = spots[int.from_bytes(data[1:3]) % len(spots)]
    given = [data[3:], body(damaged(WHOLE[stream], spot, value))]
    if stream == "document":
        given += [body(kit.policy(text=f"---\n{text}\n---\n{kit.POLICY}")), body(kit.policy(text=text))]
    sound(take_in(GITLAB, "git", [Document(stream, "1", "501", each) for each in given]))


STREAMS = sorted(WHOLE)


@cache
def _gitlab_places(stream: str) -> list[Any]:
    return list(places(WHOLE[stream]))


@cache
def _whole(kind: str) -> tuple[dict[str, Any], list[Any]]:
    return whole(kind), list(places(whole(kind)))


def register(data: bytes) -> None:
    """Any file of the register gives rows or faults, each with its file and in one line."""
    folder = _folder() / "register"
    folder.mkdir(exist_ok=True)
    for path in folder.iterdir():
        path.unlink()
    stem = list(FILES)[data[0] % len(FILES)] if data else "people"
    (folder / f"{stem}.yaml").write_bytes(data[1:])
    context = SourceContext(
        name="register",
        base_dir=folder.parent,
        zone="Europe/Berlin",
        clock=FixedClock(parse_instant("2026-11-03T08:00:00Z")),
        call=lambda request: request(),
    )
    source = RegisterSource(RegisterSettings(plugin="register", folder=Path("register")), context)
    assert all(fault.file and fault.message for fault in source.faults())
    try:
        parts = source.slices()
    except ConfigurationError:
        return
    for part in parts:
        if part.unreadable is None:
            for page in source.fetch(part, None):
                sound(take_in(source, "register", page.documents))


def mail(data: bytes) -> None:
    """Whatever texts a report holds, its mail has our headers, our elements and our links only."""
    texts = [clean(piece.decode("utf-8", "replace")) for piece in data.split(b"\xff")]  # as the store keeps them
    turn = iter(range(10**9))

    def attack(value: Any) -> Any:
        if isinstance(value, msgspec.Struct):
            changed = {n: attack(getattr(value, n)) for n in value.__struct_fields__ if n not in FIXED}
            return msgspec.structs.replace(value, **changed)
        if isinstance(value, list):
            return [attack(item) for item in value]
        return texts[next(turn) % len(texts)] if isinstance(value, str) else value

    lists = ("findings", "coming", "coverage", "waivers", "gaps")
    answers = realistic(earlier=False)
    answers = msgspec.structs.replace(answers, **{name: attack(getattr(answers, name)) for name in lists})
    named = msgspec.structs.replace(identity("2026-10", at("2026-11-03T08:00")), scope=texts[0], note=texts[-1])
    model = compile_conformance(answers, identity=named, previous=None)
    rendered = render_mail(model, sender="hub@example.test", to=["alice@example.test"], hosts=frozenset({HOST}))
    look_at_mail(
        rendered.eml, prefixes=("#", f"https://{HOST}/", f"http://{HOST}/", f"https://{HOST}:", f"http://{HOST}:")
    )


class _Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.names: set[str] = set()
        self.attributes: set[tuple[str, str]] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.names.add(tag)
        self.attributes |= {(name, value or "") for name, value in attrs}


def look_at_mail(eml: bytes, *, prefixes: tuple[str, ...]) -> None:
    """Check a message: no header, element, attribute, link or control character comes from a tool's text."""
    message = message_from_bytes(eml, policy=policy.default)
    assert set(message.keys()) <= HEADERS
    assert message["To"] == "alice@example.test"
    html = message.get_body(("html",)).get_content()
    tags = _Tags()
    tags.feed(html)
    assert not tags.names & LOADING
    assert not [name for name, _ in tags.attributes if name.startswith("on") or name in {"srcset", "action"}]
    within = {f"cid:{part['Content-ID'][1:-1]}" for part in message.walk() if part["Content-ID"]}
    assert {value for name, value in tags.attributes if name == "src"} <= within, "pictures of the message itself"
    assert not [value for name, value in tags.attributes if name == "href" and not value.startswith(prefixes)]
    text = message.get_body(("plain",)).get_content()
    for shown in (html, text):
        assert not {char for char in shown if unicodedata.category(char) in HIDDEN and char not in "\r\n"}


TARGETS: dict[str, Callable[[bytes], None]] = {
    "config": config,
    "gitlab": gitlab,
    "mail": mail,
    "mapping": mapping,
    "register": register,
}
"""Name -> what is called with bytes; raises where something falls."""
