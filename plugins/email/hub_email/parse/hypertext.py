"""A page of HTML as the text a reader sees; nothing of it is fetched, run or kept."""

from __future__ import annotations

from html.parser import HTMLParser

__all__ = ["plain_text"]

_UNSEEN = frozenset({"head", "script", "style", "title", "template", "noscript"})
_BREAKING = frozenset({"address", "br", "div", "h1", "h2", "h3", "h4", "hr", "li", "p", "pre", "table", "tr", "ul"})
_VOID = frozenset({"br", "hr", "img", "meta", "link", "input"})


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.pieces: list[str] = []
        self._unseen = 0
        self._quoted = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in _UNSEEN:
            self._unseen += 1
        elif tag == "blockquote" or (tag == "div" and ("class", "gmail_quote") in attrs):
            self._quoted += tag == "blockquote"
            self.pieces.append("\n")
        elif tag in _BREAKING:
            self.pieces.append("\n")

    def handle_endtag(self, tag: str) -> None:
        if tag in _UNSEEN:
            self._unseen = max(0, self._unseen - 1)
        elif tag == "blockquote":
            self._quoted = max(0, self._quoted - 1)
            self.pieces.append("\n")
        elif tag in _BREAKING and tag not in _VOID:
            self.pieces.append("\n")

    def handle_data(self, data: str) -> None:
        if self._unseen:
            return
        # What other people wrote stays marked as theirs.
        mark = "\n> " if self._quoted and (not self.pieces or self.pieces[-1] == "\n") else ""
        self.pieces.append(mark + " ".join(data.split()) + (" " if data[-1:].isspace() else ""))


def plain_text(page: str) -> str:
    """Return the text of a page, a line a paragraph; quoted blocks begin with `>`."""
    reader = _Reader()
    try:
        reader.feed(page)
        reader.close()
    except (AssertionError, ValueError):  # the parser refuses some malformed declarations that way
        pass
    lines = [" ".join(line.split()) for line in "".join(reader.pieces).split("\n")]
    kept = [line for number, line in enumerate(lines) if line or (number and lines[number - 1])]
    return "\n".join(kept).strip("\n")
