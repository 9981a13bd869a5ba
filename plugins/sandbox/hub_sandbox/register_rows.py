"""The rows of the register that do not follow from the simulated history: YAML files of this package.

Short forms save writing what people would copy: `edition` gives a document or plan two versions, the second put in
force by the review of that day; `days` repeats a row for every day, `every` for every so many days from a first to a
last, `months` for every month from a first to a last; `each` repeats it for every word. `{day}` is the day of the row,
`{month}`, `{start}` and `{end}` its month, the first day of it and of the next; `{end+3}` is three days later.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date, timedelta
from functools import cache
from importlib.resources import files
from typing import Any

import yaml

__all__ = ["merge_rows", "standing_rows"]

_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_OLD = "2.0"
_NEW = "2.1"
_LASTS_DAYS = 365
_SITE = "Berlin"
_DATE = re.compile(r"\{(\w+)([+-]\d+)\}")


def standing_rows(by: date) -> dict[str, list[dict[str, Any]]]:
    """Return the rows of every file as people had written them down by a day, short forms written out."""
    found: dict[str, list[dict[str, Any]]] = {}
    for name, given in _given().items():
        rows = [_plain(row) for short in given for row in _written_out(short)]
        found[name] = [row for row in rows if row.get("declared_at", "") <= by.isoformat()]
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
    return {
        path.name.removesuffix(".yaml"): yaml.load(path.read_text(encoding="utf-8"), Loader=_LOADER)  # noqa: S506 - the safe one
        for path in paths
    }


def _written_out(short: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for row in _each(short):
        if "edition" in row:
            yield from _editions(row)
        elif "months" in row:
            rest = {key: value for key, value in row.items() if key != "months"}
            for start, end in _months(*row["months"]):
                made = _with(rest, "{month}", f"{start:%Y-%m}")
                yield {"declared_at": end.isoformat(), **_dated(made, {"start": start, "end": end})}
        elif "days" in row or "every" in row:
            rest = {key: value for key, value in row.items() if key not in {"days", "every"}}
            for day in row.get("days") or _every(**row["every"]):
                yield {"declared_at": day.isoformat(), **_dated(rest, {"day": day})}
        else:
            yield row


def _every(first: date, last: date, step: int) -> Iterator[date]:
    yield from (first + timedelta(days=passed) for passed in range(0, (last - first).days + 1, step))


def _months(first: str, last: str) -> Iterator[tuple[date, date]]:
    """Yield the first day of every month and of the month after it."""
    start = date.fromisoformat(f"{first}-01")
    while start <= date.fromisoformat(f"{last}-01"):
        end = (start + timedelta(days=31)).replace(day=1)
        yield start, end
        start = end


def _dated(value: Any, days: dict[str, date]) -> Any:
    """Return a copy in which every mark of a day is that day, moved by what the mark adds."""
    if isinstance(value, str):
        for name, day in days.items():
            value = value.replace(f"{{{name}}}", day.isoformat())
        return _DATE.sub(lambda mark: _moved(mark, days), value)
    if isinstance(value, dict):
        return {key: _dated(item, days) for key, item in value.items()}
    if isinstance(value, list):
        return [_dated(item, days) for item in value]
    return value


def _moved(mark: re.Match[str], days: dict[str, date]) -> str:
    day = days.get(mark[1])
    return mark[0] if day is None else (day + timedelta(days=int(mark[2]))).isoformat()


def _each(row: dict[str, Any]) -> Iterator[dict[str, Any]]:
    words = row.get("each")
    if words is None:
        yield row
        return
    rest = {key: value for key, value in row.items() if key != "each"}
    for word in words:
        made: Any = rest
        for name, value in ({"word": word} if isinstance(word, str) else word).items():
            if isinstance(value, date):
                made = _dated(made, {name: value})
            made = _with(made, f"{{{name}}}", value)
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


def _plain(value: Any) -> Any:
    """Return a copy in which days are texts, as people write them."""
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    return value


def _with(value: Any, mark: str, word: Any) -> Any:
    """Return a copy in which `mark` is replaced in every text; a text that is the mark alone becomes the word itself."""
    if value == mark:
        return word
    if isinstance(value, str):
        return value.replace(mark, str(word))
    if isinstance(value, dict):
        return {key: _with(item, mark, word) for key, item in value.items()}
    if isinstance(value, list):
        return [_with(item, mark, word) for item in value]
    return value
