"""Read the tables of tests in `cases/*.yaml`; `cases/README.md` describes the format.

Every fault names the file, the requirement and the case, and says what would be right.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import msgspec
import yaml

from hub.records import KINDS, Record
from hub.store.schema import ENVELOPE_LISTS
from hub.testing.factory import at

CASES = Path(__file__).with_name("cases")
EXPECTED = ("met", "attested", "not met", "not provable", "waived", "pending", "at risk", "none")
"""What a case may expect; `none` = nothing is owed."""
_OF_FILE = {"as_of", "from", "shared", "anchors"}
_OF_REQUIREMENT = {"as_of", "from", "shared", "clocks", "parameters", "part", "unit", "cases"}
_OF_CASE = {"as_of", "from", "records", "without", "clocks", "unread", "parameters", "part", "unit", "anchor"}
_OF_CLOCK = {"of", "metric", "started_at", "due_at", "warn_at", "stopped_at", "agreement", "excluded", "lacks", "marks"}
_DAY = re.compile(
    r"day (?P<day>-?\d+(?:\.\d+)?)(?: (?P<hour>\d\d?):(?P<minute>\d\d)(?::(?P<second>\d\d))?)?"
    r"(?: (?P<more>[+-]\d+(?:\.\d+)?)(?P<unit>ms|s|m|h|d))?"
)
_UNIT_MS = {"ms": 1, "s": 1000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}


class CaseFaultError(Exception):
    """A table cannot be read: what is wrong, and where."""


@dataclass(frozen=True)
class Case:
    """One test of one requirement, ready to be judged; instants are UTC milliseconds."""

    requirement: str
    """Full id."""
    expected: str
    as_of: int
    start: int
    """What was decided before does not count."""
    records: list[Record]
    unread: frozenset[str]
    """Kinds, or `kind.field`, that no source could give."""
    parameters: dict[str, Any]
    part: str | None
    unit: str | None
    anchor: int | str | None
    """Instant or id of the record that opened the obligation."""
    clocks: list[dict[str, Any]]
    """Rows of `sla_clock`, with the id of the ticket as `of` and a map `marks` of percent to instant."""


@dataclass(frozen=True)
class Draft:
    """A case as written, with all it inherits."""

    file: str
    requirement: str
    """Id without the standard's name: `8.2-c`."""
    expected: str
    title: str
    outer: tuple[dict[str, Any], ...]
    """What the file and the requirement say for all their cases."""
    body: dict[str, Any]

    @property
    def name(self) -> str:
        """What the test is called."""
        return f"{self.requirement}/{self.expected}/{self.title}"

    @property
    def place(self) -> str:
        """Where a fault is."""
        return f"{self.file}, {self.name}"

    def read(self) -> Case:
        """Check everything and make the records. Raises CaseFaultError, which does not say where."""
        _only(self.body, _OF_CASE | {self.expected}, "a case")
        lines: dict[str, tuple[str, dict[str, Any]]] = {}
        for listed in (*(level.get("shared") for level in self.outer), self.body.get("records")):
            for line in _listed(listed):
                kind, one, fields = _line(line)
                if one in lines and lines[one][0] != kind:
                    raise CaseFaultError(f"{one} is a {lines[one][0]} and a {kind}")
                lines[one] = kind, _merged(lines[one][1], fields) if one in lines else fields
        for one in _listed(self.body.get("without")):
            if lines.pop(one, None) is None:
                raise CaseFaultError(f"without: {one} is not among the records")
        anchor = self.body.get("anchor")
        as_of = self._inherited("as_of")
        if as_of is None:
            raise CaseFaultError("as_of is not given by the case, its requirement or the file")
        return Case(
            requirement=f"BS15000-{self.requirement}" if self.requirement[0].isdigit() else self.requirement,
            expected=self.expected,
            as_of=instant(as_of),
            start=instant(self._inherited("from") or "day 0"),
            records=[_record(kind, one, fields) for one, (kind, fields) in lines.items()],
            unread=frozenset(_listed(self.body.get("unread"))),
            parameters={**(self.outer[1].get("parameters") or {}), **(self.body.get("parameters") or {})},
            part=self._inherited("part"),
            unit=self._inherited("unit"),
            anchor=anchor if anchor is None or not _is_instant(anchor) else instant(anchor),
            clocks=_clocks([*_listed(self.outer[1].get("clocks")), *_listed(self.body.get("clocks"))]),
        )

    def _inherited(self, name: str) -> Any:
        return next((level[name] for level in (self.body, *reversed(self.outer)) if name in level), None)


def read_file(path: Path) -> list[Draft]:
    """Return the cases of a file, unchecked but for their frame. Raises CaseFaultError."""
    try:
        content = _load(path.read_text(encoding="utf-8"))
    except (yaml.YAMLError, CaseFaultError) as error:
        raise CaseFaultError(f"{path.name}: {error}") from None
    return list(_drafts(path, content))


def _drafts(path: Path, content: Any) -> Iterator[Draft]:
    clause = path.stem.partition("_")[0]
    if not isinstance(content, dict):
        raise CaseFaultError(f"{path.name}: expected requirements with their cases")
    for rid, said in content.items():
        if rid in _OF_FILE:
            continue
        place = f"{path.name}, {rid}"
        if not str(rid).startswith(f"{clause}-"):
            raise CaseFaultError(f"{place}: only requirements {clause}-… and {', '.join(sorted(_OF_FILE))} stand here")
        if not isinstance(said, dict) or not isinstance(said.get("cases"), list):
            raise CaseFaultError(f"{place}: expected `cases:` with a list")
        try:
            _only(said, _OF_REQUIREMENT, "a requirement")
        except CaseFaultError as fault:
            raise CaseFaultError(f"{place}: {fault}") from None
        for number, body in enumerate(said["cases"], 1):
            words = [word for word in EXPECTED if isinstance(body, dict) and word in body]
            if len(words) != 1 or not isinstance(body[words[0]], str):
                found = ", ".join(map(str, body)) if isinstance(body, dict) else body
                raise CaseFaultError(
                    f"{place}, case {number}: expected `- VERDICT: what it shows` with one of "
                    f"{', '.join(EXPECTED)}; found {found}"
                )
            yield Draft(path.name, rid, words[0], body[words[0]], (content, said), body)


def instant(text: Any) -> int:
    """Turn `day 3`, `day 3 14:00`, `day 3 +90m` or an ISO text (UTC unless it says so) into UTC milliseconds."""
    found = _DAY.fullmatch(str(text))
    if found:
        hours, minutes, seconds = (int(found[name] or 0) for name in ("hour", "minute", "second"))
        more = float(found["more"]) * _UNIT_MS[found["unit"]] if found["more"] else 0
        return at(float(found["day"]), hours=hours, minutes=minutes, seconds=seconds) + round(more)
    try:
        moment = datetime.fromisoformat(str(text))
    except ValueError:
        message = f"{text!r} is no instant: write `day 3`, `day 3 14:00`, `day 3 +90m` or `2026-01-08T14:00Z`"
        raise CaseFaultError(message) from None
    return round(moment.replace(tzinfo=moment.tzinfo or UTC).timestamp() * 1000)


def written(moment: int | None) -> str:
    """Write UTC milliseconds as `day N hh:mm`, with seconds where there are any."""
    if moment is None:
        return ""
    day, rest = divmod(moment - at(), _UNIT_MS["d"])
    minutes, left = divmod(rest, 60_000)
    seconds = f":{left / 1000:06.3f}" if left else ""
    return f"day {day} {minutes // 60:02}:{minutes % 60:02}{seconds}"


def _is_instant(text: str) -> bool:
    return ":" not in text or bool(_DAY.fullmatch(text)) or text[:4].isdigit()


def _only(given: dict[str, Any], known: set[str], what: str) -> None:
    for name in given:
        if name not in known:
            raise CaseFaultError(f"{what} has no {name!r}{_meant(str(name), known)}; it has {', '.join(sorted(known))}")


def _meant(name: str, known: Any) -> str:
    near = difflib.get_close_matches(name, list(known), n=1)
    return f", is {near[0]!r} meant?" if near else ""


def _clocks(lines: list[Any]) -> list[dict[str, Any]]:
    """Read the clocks of tickets; the same ticket and metric again lays fields over fields."""
    found: dict[tuple[str, str], dict[str, Any]] = {}
    for line in lines:
        if not isinstance(line, dict) or not {"of", "metric"} <= line.keys():
            raise CaseFaultError(f"a clock needs `of` and `metric`, found {line!r}")
        _only(line, _OF_CLOCK, "a clock")
        key = line["of"], line["metric"]
        found[key] = _merged(found.get(key, {}), line)
    return [
        {name: _clock_value(name, value) for name, value in one.items() if value is not None} for one in found.values()
    ]


def _clock_value(name: str, value: Any) -> Any:
    if name == "marks":
        return {int(percent): instant(moment) for percent, moment in value.items() if moment is not None}
    return instant(value) if name.endswith("_at") else value


def _listed(value: Any) -> list[Any]:
    if value is None:
        return []
    if not isinstance(value, list):
        raise CaseFaultError(f"expected a list, found {value!r}")
    return [inner for one in value for inner in (_listed(one) if isinstance(one, list) else [one])]


def _line(line: Any) -> tuple[str, str, dict[str, Any]]:
    """Take a line `KIND ID: {fields}` apart."""
    head, fields = next(iter(line.items())) if isinstance(line, dict) and len(line) == 1 else (line, None)
    kind, _, one = head.partition(" ") if isinstance(head, str) else ("", "", "")
    if ":" not in one or " " in one or not isinstance(fields, dict | None):
        raise CaseFaultError(f"expected `KIND SOURCE:ID: {{fields}}`, found {line!r}")
    if kind not in KINDS:
        raise CaseFaultError(f"unknown kind {kind!r}{_meant(kind, KINDS)}; known: {', '.join(sorted(KINDS))}")
    return kind, one, fields or {}


def _merged(before: dict[str, Any], after: dict[str, Any]) -> dict[str, Any]:
    """Lay fields over fields, maps into maps; lists are replaced."""
    both = dict(before)
    for name, value in after.items():
        old = both.get(name)
        both[name] = _merged(old, value) if isinstance(old, dict) and isinstance(value, dict) else value
    return both


def _record(kind: str, one: str, fields: dict[str, Any]) -> Record:
    values: dict[str, Any] = {"created_at": "day 0", "title": one, **fields}
    info = _info(kind)
    names = {field.encode_name: field for field in info.fields}
    for name in values:
        if name not in names:
            raise CaseFaultError(f"{kind} {one} has no field {name!r}{_meant(name, names)}")
    values = {name: value for name, value in values.items() if value is not None}
    if "since" in values:
        values["since"] = _since(f"{kind} {one}", values, names)
    values |= {"id": one, "source": one.partition(":")[0]}
    try:
        read = {name: _read(names[name].type, value) for name, value in values.items()}
        return msgspec.convert({"kind": kind, **read}, KINDS[kind], strict=True)
    except (msgspec.ValidationError, CaseFaultError) as error:
        raise CaseFaultError(f"{kind} {one}: {error}") from None


def _since(place: str, values: dict[str, Any], names: dict[str, Any]) -> list[dict[str, Any]]:
    """Turn `{field: instant}` into rows; a single instant counts for every field the record names."""
    said = values["since"]
    if not isinstance(said, dict):
        own = {name: value for name, value in values.items() if name not in ENVELOPE_LISTS - {"links"}}
        said = {
            path: said
            for name, value in own.items()
            for path in (name, *(f"{name}.{inner}" for inner in (value if isinstance(value, dict) else ())))
        }
    for path in said:
        if path.partition(".")[0] not in names:
            raise CaseFaultError(f"{place}: since names no field {path!r}{_meant(path, names)}")
    return [{"field": path, "at": moment} for path, moment in said.items() if moment is not None]


@cache
def _info(kind: str) -> Any:
    return msgspec.inspect.type_info(KINDS[kind])


def _read(info: Any, value: Any) -> Any:  # noqa: PLR0911 - one return a type
    """Turn the texts of instants and dates into what records hold, as the field's type asks."""
    match info:
        case msgspec.inspect.Metadata():
            unit = (info.extra or {}).get("unit")
            if unit == "instant" and isinstance(value, str):
                return instant(value)
            if unit == "date" and isinstance(value, str) and value.startswith("day "):
                return datetime.fromtimestamp(instant(value) / 1000, tz=UTC).date().isoformat()
            return _read(info.type, value)
        case msgspec.inspect.UnionType() if value is not None:
            return _read(next(one for one in info.types if not isinstance(one, msgspec.inspect.NoneType)), value)
        case msgspec.inspect.ListType() if isinstance(value, list):
            return [_read(info.item_type, one) for one in value]
        case msgspec.inspect.StructType() if isinstance(value, dict):
            types = {field.encode_name: field.type for field in info.fields}
            return {name: _read(types[name], one) if name in types else one for name, one in value.items()}
    return value


class _Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]
    """YAML without surprises: `on` and `no` are words, dates stay text, only true and false are truth values."""

    yaml_implicit_resolvers = {}  # noqa: RUF012 - the base class asks for it


for _tag, _pattern, _first in (
    ("bool", "true|false", "tf"),
    ("null", "~|null|", ["~", "n", ""]),
    ("int", r"[-+]?\d+", "-+0123456789"),
    ("float", r"[-+]?\d+\.\d+", "-+0123456789"),
    ("merge", "<<", "<"),
):
    _Loader.add_implicit_resolver(f"tag:yaml.org,2002:{_tag}", re.compile(f"^(?:{_pattern})$"), list(_first))


def _load(text: str) -> Any:
    loader = _Loader(text)
    try:
        node = loader.get_single_node()
        _refuse_twins(node)
        return None if node is None else loader.construct_document(node)
    finally:
        loader.dispose()


def _refuse_twins(node: Any) -> None:
    if isinstance(node, yaml.MappingNode):
        seen: set[str] = set()
        for key, value in node.value:
            if key.value in seen:
                raise CaseFaultError(f"line {key.start_mark.line + 1}: {key.value!r} stands twice")
            seen.add(key.value)
            _refuse_twins(value)
    elif isinstance(node, yaml.SequenceNode):
        for one in node.value:
            _refuse_twins(one)
