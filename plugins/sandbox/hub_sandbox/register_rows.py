"""The rows of the register that do not follow from the simulated history: YAML files of this package.

Three short forms save writing what people would copy: `edition` gives a document or plan two versions, the second
put in force by the review of that day; `days` repeats a row for every day; `each` repeats it for every word.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from functools import cache
from importlib.resources import files
from typing import Any

import yaml

__all__ = ["merge_rows", "standing_rows"]

_OLD = "2.0"
_NEW = "2.1"
_LASTS_DAYS = 365
_SITE = "Berlin"


def standing_rows(by: date) -> dict[str, list[dict[str, Any]]]:
    """Return the rows of every file as people had written them down by a day, short forms written out."""
    found: dict[str, list[dict[str, Any]]] = {}
    for name, given in _given().items():
        rows = [row for short in given for row in _written_out(short)]
        found[name] = [row for row in rows if str(row.get("declared_at", "")) <= by.isoformat()]
    return found


def merge_rows(base: list[dict[str, Any]], more: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Join two lists of rows; fields of a row of the same id are added to it."""
    rows = {row["id"]: row for row in base}
    for row in more:
        rows[row["id"]] = {**rows.get(row["id"], {}), **row}
    return list(rows.values())


@cache
def _given() -> dict[str, list[dict[str, Any]]]:
    folder = files("hub_sandbox") / "register"
    paths = sorted((path for path in folder.iterdir() if path.name.endswith(".yaml")), key=lambda path: path.name)
    return {path.name.removesuffix(".yaml"): yaml.safe_load(path.read_text(encoding="utf-8")) for path in paths}


def _written_out(short: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for row in _each(short):
        if "edition" in row:
            yield from _editions(row)
        elif "days" in row:
            days = [str(day) for day in row["days"]]
            rest = {key: value for key, value in row.items() if key != "days"}
            yield from ({"declared_at": day, **_with(rest, "{day}", day)} for day in days)
        else:
            yield row


def _each(row: dict[str, Any]) -> Iterator[dict[str, Any]]:
    words = row.get("each")
    if words is None:
        yield row
        return
    rest = {key: value for key, value in row.items() if key != "each"}
    for word in words:
        also = {"{word}": word} if isinstance(word, str) else {f"{{{key}}}": value for key, value in word.items()}
        made: Any = rest
        for mark, value in also.items():
            made = _with(made, mark, str(value))
        yield made


def _editions(row: dict[str, Any]) -> Iterator[dict[str, Any]]:
    identity, reviewed = row["id"], date.fromisoformat(str(row["edition"]))
    first = reviewed - timedelta(days=_LASTS_DAYS)
    rest = {key: value for key, value in row.items() if key not in {"id", "edition", "sections"}}
    sections = [{"name": name, "text": text} for name, text in row.get("sections", {}).items()]
    for version, day in ((_OLD, first.isoformat()), (_NEW, reviewed.isoformat())):
        made = {
            "id": f"{identity}-{version}",
            "title": identity.replace("-", " ").capitalize(),
            "version": version,
            "doc_status": "effective",
            "authorised_by": "people/alice",
            "authorised_at": day,
            "effective_from": day,
            "review_days": _LASTS_DAYS,
            "last_review_at": day,
            "uri": f"https://docs.example.com/{identity}/{version}",
            "reachable_at": day,
            "legibility": {"by": "people/alice", "at": day},
            "points_of_use": [{"site": _SITE, "available_at": day}],
            "owner": "people/alice",
            "declared_at": day,
            **_with(rest, "@", f"-{version}"),
        }
        if sections:
            made["sections"] = sections
        if version == _OLD:
            made |= {
                "doc_status": "obsolete",
                "superseded_at": reviewed.isoformat(),
                "withdrawn_at": reviewed.isoformat(),
            }
        yield made


def _with(value: Any, mark: str, word: str) -> Any:
    """Return a copy in which `mark` is replaced in every text."""
    if isinstance(value, str):
        return value.replace(mark, word)
    if isinstance(value, dict):
        return {key: _with(item, mark, word) for key, item in value.items()}
    if isinstance(value, list):
        return [_with(item, mark, word) for item in value]
    return value
