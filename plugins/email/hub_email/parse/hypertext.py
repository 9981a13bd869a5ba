"""A page of HTML as the text a reader sees; nothing of it is fetched, run or kept.

The standard library's parser takes time that grows with the square of what is malformed; this one reads
every character once, and is content with what mail programs write.
"""

from __future__ import annotations

import html
import re

__all__ = ["plain_text"]

_TAG = re.compile(r"</?([A-Za-z][A-Za-z0-9]{0,20})")
_UNSEEN = ("head", "noscript", "script", "style", "template", "title")
_BREAKING = frozenset(
    {"address", "blockquote", "br", "div", "h1", "h2", "h3", "h4", "hr", "li", "ol", "p", "pre", "table", "tr", "ul"}
)


def plain_text(page: str) -> str:
    """Return the text of a page, a line a paragraph; lines of quoted blocks begin with `>`."""
    lines: list[list[str]] = [[]]
    marks: list[bool] = [False]
    quoted = 0
    unseen = set(_UNSEEN)
    lower = page.lower()
    place = 0
    while place < len(page):
        begin = page.find("<", place)
        begin = len(page) if begin < 0 else begin
        lines[-1].append(page[place:begin])
        if page.startswith("<!--", begin):
            place = _behind(page, "-->", begin + 4)
            continue
        found = _TAG.match(page, begin)
        if found is None and not page.startswith(("<!", "<?", "</"), begin):
            lines[-1].append(page[begin : begin + 1])
            place = begin + 1
            continue
        place = _behind(page, ">", begin)
        name = found.group(1).lower() if found else ""
        closing = page.startswith("</", begin)
        if name in unseen and not closing:
            end = lower.find(f"</{name}", place)
            place = place if end < 0 else _behind(page, ">", end)
            unseen -= {name} if end < 0 else set()
        if name == "blockquote":
            quoted = max(0, quoted - 1) if closing else quoted + 1
        if name in _BREAKING:
            lines.append([])
            marks.append(quoted > 0)
    read = [" ".join(html.unescape("".join(line)).split()) for line in lines]
    told = [f"> {line}" if mark and line else line for line, mark in zip(read, marks, strict=True)]
    return "\n".join(line for number, line in enumerate(told) if line or (number and told[number - 1])).strip("\n")


def _behind(text: str, sign: str, place: int) -> int:
    """Return where the text goes on behind a sign; its end where the sign does not come again."""
    found = text.find(sign, place)
    return len(text) if found < 0 else found + len(sign)
