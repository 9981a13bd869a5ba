"""Label matchers as Prometheus takes them, and as Alertmanager does: one at a time, in double quotes."""

from __future__ import annotations

import re

__all__ = ["alerts_that_fire", "each_matcher"]

_QUOTED = r'"(?:[^"\\]|\\.)*"|\'(?:[^\'\\]|\\.)*\'|`[^`]*`'
_MATCHER = re.compile(rf"\s*([a-zA-Z_:][a-zA-Z0-9_:]*|{_QUOTED})\s*(=~|!~|!=|=)\s*({_QUOTED})\s*(?:,|\Z)", re.DOTALL)


def each_matcher(text: str) -> list[str]:
    """Take matchers such as `{team="ops",severity!~"none|info"}` apart; the braces may be missing.

    Raises ValueError at what is none.
    """
    inner = text.strip()
    if inner.startswith("{") and inner.endswith("}"):
        inner = inner[1:-1]
    inner = inner.strip()
    found, at = [], 0
    while at < len(inner):
        one = _MATCHER.match(inner, at)
        if one is None:
            raise ValueError(f'{inner[at:][:40]!r} is no label matcher such as severity!="none"')
        name, sign, value = one.groups()
        found.append(f"{_in_double_quotes(name)}{sign}{_in_double_quotes(value)}")
        at = one.end()
    return found


def alerts_that_fire(matchers: str) -> str:
    """Give the selector of the series in which Prometheus keeps the alerts that fire, of those the matchers choose."""
    each = ['alertstate="firing"', *each_matcher(matchers)]
    return f"ALERTS{{{','.join(each)}}}"


def _in_double_quotes(text: str) -> str:
    match text[0]:
        case "'":
            return '"' + re.sub(r"\\'|\"", lambda one: "'" if one[0] == "\\'" else '\\"', text[1:-1]) + '"'
        case "`":
            return '"' + text[1:-1].replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'
    return text
