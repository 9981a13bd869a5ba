"""Find the words that named an erased person, and put tokens in their place, without keeping the words.

A name, mail address or login is a sequence of words. The store holds keyed hashes of such sequences;
a text is searched by hashing what stands in it. The token of a sequence follows from its hash, so that
the same name always becomes the same token: an account that is read again is the same tombstone.
"""

from __future__ import annotations

import hashlib
import json
import re
import unicodedata
from collections.abc import Iterable
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default as mail_policy
from typing import Any

from sqlalchemy import Connection, select

from hub.errors import StoreError
from hub.store.tables import erased_identifier

__all__ = [
    "TOKEN",
    "Redaction",
    "check_row",
    "hash_of",
    "key_bytes",
    "known_tokens",
    "load_redaction",
    "token_of",
    "words_of",
]

TOKEN = re.compile(r"erased-[0-9a-f]{16}")
"""What stands in the place of a name, an address or a login."""
_IDEOGRAPH = "\u2e80-\u9fff\uac00-\ud7af\uf900-\ufaff"
_WORD = re.compile(rf"[{_IDEOGRAPH}]|[^\W_{_IDEOGRAPH}]+")
"""Chinese, Japanese and Korean are written without blanks: each of their characters is a word."""
_GAP = 3
"""Characters that may stand between two words of one name or address."""
_REMEMBERED = 200_000
"""Words whose answer is remembered, so that a text costs a look-up a word."""
_SHORT = 80
"""Characters of a text whose answer is remembered whole."""
_CHECK = b"check"


def words_of(text: str) -> tuple[str, ...]:
    """Take a name, an address or an id apart; case and ways of writing the same character do not count."""
    return tuple(_fold(word) for word in _WORD.findall(unicodedata.normalize("NFC", text)))


def _fold(word: str) -> str:
    return unicodedata.normalize("NFKC", word).casefold()


def hash_of(key: bytes, words: Iterable[str], *, first: bool = False) -> bytes:
    """Hash a sequence of words; `first` = the first word of a longer one, which by itself names nobody."""
    data = "\x1f".join(words).encode("utf-8", "surrogatepass")
    return hashlib.blake2b(data, digest_size=16, key=key, person=b"first" if first else b"all").digest()


def token_of(digest: bytes) -> str:
    """Return what stands in the place of the words with this hash."""
    return f"erased-{digest.hex()[:16]}"


def check_row(key: bytes) -> bytes:
    """Return the hash by which a wrong key is told from the right one."""
    return hashlib.blake2b(_CHECK, digest_size=16, key=key).digest()


class Redaction:
    """Replaces what names erased persons; false while nobody was erased."""

    def __init__(self, key: bytes, hashes: dict[bytes, int]) -> None:
        self._key = key
        self._hashes = hashes
        self._longest = max(map(abs, hashes.values()), default=0)
        self._known: dict[str, bool] = {}
        self._short: dict[tuple[str, int], str] = {}

    def __bool__(self) -> bool:
        return self._longest > 0

    def text(self, text: str, *, least: int = 1) -> str:
        """Replace in one text; only what is at least `least` words long."""
        if len(text) > _SHORT:
            return self._text(text, least)
        # The short texts of documents are mostly the same few, over and over.
        known = self._short.get((text, least))
        if known is None:
            known = self._text(text, least)
            if len(self._short) < _REMEMBERED:
                self._short[text, least] = known
        return known

    def _text(self, given: str, least: int) -> str:
        text = unicodedata.normalize("NFC", given)  # letter and accent may be two characters
        found = [match.span() for match in _WORD.finditer(text)]
        pieces: list[str] = []
        done = place = 0
        while place < len(found):
            first = text[slice(*found[place])]
            match = self._match(text, found[place : place + self._longest], least) if self._begins(first) else None
            if match is None:
                place += 1
                continue
            start, end, token, count = match
            pieces += [text[done:start], token]
            done, place = end, place + count
        return "".join((*pieces, text[done:])) if pieces else given

    def value(self, value: Any) -> Any:
        """Replace in every text of a JSON value; of the keys of maps only in those that are no single word."""
        match value:
            case str():
                return self.text(value)
            case list():
                return [self.value(one) for one in value]
            case dict():
                return {self.text(key, least=2): self.value(one) for key, one in value.items()}
        return value

    def body(self, body: bytes) -> bytes:
        """Replace in a document; what cannot be rewritten (an encoded mail) becomes empty. Untouched = the same bytes."""
        try:
            value = json.loads(body)
        except (ValueError, RecursionError):
            return self._plain(body)
        after = self.value(value)
        return body if after == value else json.dumps(after, separators=(",", ":")).encode()

    def mail(self, message: bytes) -> bool:
        """Tell whether a mail message names an erased person, in a header or a text of it."""
        parsed = message_from_bytes(message, policy=mail_policy)
        texts = [*_headers(parsed), *(str(part.get_content()) for part in parsed.walk() if _is_text(part))]
        return any(self.text(one) != one for one in texts)

    def _plain(self, body: bytes) -> bytes:
        text = body.decode("utf-8", "surrogateescape")
        after = self.text(text)
        if after != text:
            return after.encode("utf-8", "surrogateescape")
        return b"" if self.mail(body) else body

    def _begins(self, word: str) -> bool:
        known = self._known.get(word)
        if known is None:
            one = (_fold(word),)
            known = hash_of(self._key, one) in self._hashes or hash_of(self._key, one, first=True) in self._hashes
            if len(self._known) < _REMEMBERED:
                self._known[word] = known
        return known

    def _match(self, text: str, found: list[tuple[int, int]], least: int) -> tuple[int, int, str, int] | None:
        """Return (start, end, token, words) of the longest name that begins with the first word found."""
        words: list[str] = []
        best: tuple[int, int, str, int] | None = None
        last = found[0][0]
        for start, end in found:
            if start - last > _GAP:
                break
            last = end
            words.append(_fold(text[start:end]))
            if len(words) >= least and (length := self._hashes.get(digest := hash_of(self._key, words))):
                best = found[0][0] if length > 0 else start, end, token_of(digest), len(words)
        return best


def _headers(message: EmailMessage | Any) -> list[str]:
    return [str(value) for part in message.walk() for value in part.values()]


def _is_text(part: Any) -> bool:
    return bool(part.get_content_maintype() == "text")


def load_redaction(conn: Connection, key: str | None) -> Redaction:
    """Return what replaces the names of everybody erased so far.

    Raises StoreError where somebody was erased and the key is missing or not the one used then:
    reading a tool without it would bring the names back.
    """
    rows = dict(conn.execute(select(erased_identifier.c.hash, erased_identifier.c.words)).all())
    if not rows:
        return Redaction(b"", {})
    if key is None:
        raise StoreError(
            "persons were erased from this store and retention.key is not set; reading would name them again"
        )
    encoded = key_bytes(key)
    if check_row(encoded) not in rows:
        raise StoreError("retention.key is not the key by which persons were erased; put back the one used then")
    return Redaction(encoded, {bytes(digest): words for digest, words in rows.items()})


def known_tokens(conn: Connection) -> set[str]:
    """Return the tokens that stand for somebody erased from this store."""
    return {token_of(bytes(digest)) for digest in conn.execute(select(erased_identifier.c.hash)).scalars()}


def key_bytes(key: str) -> bytes:
    """Turn the configured secret into a key of the right length."""
    return hashlib.sha256(key.encode()).digest()
