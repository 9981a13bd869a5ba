"""Rich text to plain text: Atlassian documents (Cloud) and wiki markup (Data Center)."""

from __future__ import annotations

import re
from typing import Any

__all__ = ["plain"]

BLOCKS = frozenset(
    {
        "blockquote",
        "bulletList",
        "caption",
        "codeBlock",
        "decisionItem",
        "decisionList",
        "doc",
        "expand",
        "heading",
        "listItem",
        "mediaGroup",
        "mediaSingle",
        "nestedExpand",
        "orderedList",
        "panel",
        "paragraph",
        "rule",
        "table",
        "tableRow",
        "taskItem",
        "taskList",
    }
)
SPOKEN = {
    "blockCard": ("url",),
    "date": ("timestamp",),
    "embedCard": ("url",),
    "emoji": ("text", "shortName"),
    "inlineCard": ("url",),
    "mention": ("text", "id"),
    "placeholder": ("text",),
    "status": ("text",),
}
"""Nodes without content of their own, and the attribute that says what they stand for."""
DEEPEST = 200
"""Documents nested deeper than any editor makes are cut here rather than followed."""

_MACRO = re.compile(r"\{(?:code|noformat|quote|panel|color|anchor|expand)(?::[^{}\n]*)?\}")
_HEADING = re.compile(r"^h[1-6]\.\s+", re.MULTILINE)
_LINK = re.compile(r"\[([^\[\]|\n]+)\|([^\[\]|\n]+)(?:\|[^\[\]\n]*)?\]")
_BARE_LINK = re.compile(r"\[((?:https?|mailto):[^\[\]|\n]+)\]")
_MENTION = re.compile(r"\[~(?:accountid:)?([^\[\]\n]+)\]")
_IMAGE = re.compile(r"!([^!|\s]+\.\w{2,5})(?:\|[^!\n]*)?!")
_QUOTE = re.compile(r"^bq\.\s+", re.MULTILINE)
_GAPS = re.compile(r"\n{3,}")


def plain(value: Any) -> str:
    """Give the words of a text, an Atlassian document or nothing; never fails.

    Wiki emphasis (`*`, `_`) stays: it cannot be told from an identifier.
    """
    if isinstance(value, str):
        return _from_wiki(value)
    if isinstance(value, dict):
        pieces: list[str] = []
        _walk(value, pieces, 0)
        lines = [line.rstrip() for line in "".join(pieces).splitlines()]
        return _GAPS.sub("\n\n", "\n".join(lines)).strip()
    return ""


def _from_wiki(text: str) -> str:
    marked = "{" in text or "[" in text or "!" in text
    if not marked and not text.startswith(("h", "bq")) and "\nh" not in text:
        return text.strip().replace("\r\n", "\n")
    text = text.replace("\r\n", "\n")
    text = _MACRO.sub("", text)
    text = _MENTION.sub(r"@\1", text)
    text = _LINK.sub(r"\1 (\2)", text)
    text = _BARE_LINK.sub(r"\1", text)
    text = _IMAGE.sub(r"(\1)", text)
    text = _HEADING.sub("", text)
    text = _QUOTE.sub("", text)
    return _GAPS.sub("\n\n", text).strip()


def _walk(node: Any, pieces: list[str], depth: int) -> None:
    if not isinstance(node, dict) or depth > DEEPEST:
        return
    kind = node["type"] if isinstance(node.get("type"), str) else ""
    attributes = node.get("attrs")
    attrs: dict[str, Any] = attributes if isinstance(attributes, dict) else {}
    block = kind in BLOCKS
    if block and pieces and not pieces[-1].endswith("\n"):
        pieces.append("\n")
    if kind == "listItem":
        pieces.append("- ")
    pieces.append(_leaf(kind, node, attrs))
    content = node.get("content")
    for position, child in enumerate(content if isinstance(content, list) else []):
        inside_item = kind in {"listItem", "tableCell", "tableHeader"} and position == 0
        if inside_item and isinstance(child, dict) and child.get("type") == "paragraph":
            inline = child.get("content")
            for part in inline if isinstance(inline, list) else []:
                _walk(part, pieces, depth + 2)
        else:
            _walk(child, pieces, depth + 1)
    if kind in {"tableCell", "tableHeader"}:
        pieces.append(" | ")
    if block:
        pieces.append("\n")


def _leaf(kind: str, node: dict[str, Any], attrs: dict[str, Any]) -> str:
    if kind == "text":
        text = node.get("text")
        return text + _target(node, text) if isinstance(text, str) else ""
    if kind == "hardBreak":
        return "\n"
    if kind == "media":
        return f"({attrs.get('alt') or attrs.get('id') or 'file'})"
    names = SPOKEN.get(kind, ())
    return next((str(attrs[name]) for name in names if attrs.get(name)), "")


def _target(node: dict[str, Any], text: str) -> str:
    """Show where a link leads, unless its words say so already."""
    marks = node.get("marks")
    for mark in marks if isinstance(marks, list) else []:
        attrs = mark.get("attrs") if isinstance(mark, dict) and mark.get("type") == "link" else None
        href = attrs.get("href") if isinstance(attrs, dict) else None
        if isinstance(href, str) and href != text:
            return f" ({href})"
    return ""
