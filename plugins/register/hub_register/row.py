"""The rows of one register file, with the defaults its head gives to all of them."""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Any

import msgspec

from hub.errors import Fault
from hub.sla.zone import zone_names
from hub_register.csv_text import read_csv
from hub_register.nearest import nearest
from hub_register.reader import BrokenFile, Node, decode_text, read_text
from hub_register.schema import FILES, declared_fields

__all__ = ["CSV", "YAML", "RegisterFile", "Row", "RowChange", "RowHistory", "parse_register"]

YAML = ".yaml"
CSV = ".csv"

_DEFAULTS = ("declared_by", "declared_at", "proof", "expires_at")
_HEAD = ("zone", *_DEFAULTS, "rows")
_ID = re.compile(r"\w[\w.-]*")


class RowChange(msgspec.Struct, frozen=True, array_like=True):
    """One commit that changed a row."""

    at: int
    """UTC milliseconds."""
    by: str | None
    """Row of the author, such as `people/alice`; None = nobody's address."""
    commit: str
    keys: list[str]
    """Keys of the row it changed; dotted for a part's."""


class RowHistory(msgspec.Struct, frozen=True, omit_defaults=True):
    """When a row was written, and by whom, where a history is kept."""

    created: int | None = None
    """First commit that held it, or when the hub first saw it; None = not known."""
    by: str | None = None
    since: dict[str, int] = {}
    """Key -> since when it has held its value; a key that is missing here: not known."""
    changes: list[RowChange] = []


@dataclass(frozen=True, slots=True)
class Row:
    """One row, before its values are read."""

    file: str
    """How faults call the file."""
    stem: str
    id: str
    zone: str
    """Zone of local times; empty = none."""
    node: Node
    """A mapping, with the defaults of the file's head."""
    refused: str = ""
    """Why its proof does not hold; empty = nothing is known against it."""
    history: RowHistory | None = None
    """None = no history is kept: it holds since it was declared."""

    @property
    def native_id(self) -> str:
        """The id within the source: `people/alice`."""
        return f"{self.stem}/{self.id}"

    def body(self) -> bytes:
        """Write the row as canonical JSON."""
        content = {"file": self.file, "line": self.node.line, "zone": self.zone, "row": self.node.plain()}
        if self.refused:
            content["refused"] = self.refused
        if self.history is not None:
            content["history"] = self.history
        return msgspec.json.encode(content, order="deterministic")

    @staticmethod
    def of_body(stem: str, row_id: str, body: bytes) -> Row:
        """Read what `body` wrote. Raises msgspec.MsgspecError, KeyError or TypeError for anything else."""
        content: dict[str, Any] = msgspec.json.decode(body, type=dict[str, Any])
        node = Node.of(content["row"], int(content["line"]), 1)
        zone = content["zone"]
        if not isinstance(node.value, dict) or not (zone == "" or zone in zone_names()):
            raise TypeError("not what a register wrote")
        history = msgspec.convert(content["history"], RowHistory) if "history" in content else None
        refused = str(content.get("refused", ""))
        return Row(str(content["file"]), stem, row_id, zone, node, refused=refused, history=history)


@dataclass(slots=True)
class RegisterFile:
    """One file: its rows, and what is wrong with it beyond single values."""

    stem: str
    name: str
    """How faults call it."""
    rows: list[Row] = field(default_factory=list)
    """Rows with an id of their own."""
    faults: list[Fault] = field(default_factory=list)
    """Rows without a usable id, ids that stand twice, a wrong head."""
    ids: list[str] = field(default_factory=list)
    """Every id that stands in the file, once."""
    nameless: bool = False
    """Some row has no usable id, so that an id's absence proves nothing."""
    broken: Fault | None = None
    """Why the file as a whole cannot be read."""
    digest: str = ""
    """SHA-256 of its bytes."""

    @property
    def kind(self) -> str:
        """Record kind of its rows."""
        return FILES[self.stem]


def parse_register(content: bytes, suffix: str, stem: str, name: str, zone: str) -> RegisterFile:
    """Read the bytes of a file whose name ends in `suffix`; `zone` is that of local times where its head names none. Never raises."""
    register = RegisterFile(stem, name, digest=hashlib.sha256(content).hexdigest())
    try:
        text = decode_text(content, name)
        if suffix == CSV:
            table = read_csv(text, name, declared_fields(FILES[stem]))
            register.faults, register.nameless = table.faults, bool(table.faults)
            head: dict[str, Node] = {}
            rows = table.rows
        else:
            head, rows = _split(read_text(text, name), name)
            zone = _zone(head, name) or zone
    except BrokenFile as error:
        register.broken = error.fault
        return register
    for node in rows:
        _take(register, node, head, zone)
    counts = Counter(row.id for row in register.rows)
    for row in register.rows:
        if counts[row.id] > 1:
            line, column = row.node.line, row.node.column
            register.faults.append(
                Fault(f"id {row.id!r} stands twice; give each row its own", name, "id", line, column)
            )
    register.rows = [row for row in register.rows if counts[row.id] == 1]
    register.ids = list(counts)
    return register


def _split(top: Node, name: str) -> tuple[dict[str, Node], list[Node]]:
    if top.value is None:
        return {}, []
    if isinstance(top.value, list):
        return {}, top.value
    if not isinstance(top.value, dict):
        raise BrokenFile(Fault("holds no rows; begin each with `- id: …`", name, line=top.line, column=top.column))
    for key, (line, column) in top.keys.items():
        if key not in _HEAD:
            said = f"unknown key beside the rows{nearest(key, _HEAD)}"
            raise BrokenFile(Fault(said, name, key, line, column))
    rows = top.value.get("rows")
    if rows is None or rows.value is None:
        return top.value, []
    if not isinstance(rows.value, list):
        raise BrokenFile(Fault("must be a list of rows", name, "rows", rows.line, rows.column))
    return top.value, rows.value


def _zone(head: dict[str, Node], name: str) -> str | None:
    node = head.get("zone")
    if node is None or node.value is None:
        return None
    if not isinstance(node.value, str) or node.value not in zone_names():
        near = get_close_matches(str(node.value), zone_names(), n=1)
        advice = f"; did you mean {near[0]!r}?" if near else "; write an IANA name such as Europe/Berlin"
        raise BrokenFile(Fault(f"unknown time zone {node.plain()!r}{advice}", name, "zone", node.line, node.column))
    return node.value


def _take(register: RegisterFile, node: Node, head: dict[str, Node], zone: str) -> None:
    if not isinstance(node.value, dict):
        register.nameless = True
        register.faults.append(
            Fault("a row is a mapping that begins with `id:`", register.name, line=node.line, column=node.column)
        )
        return
    given = node.value.get("id")
    if given is None or not isinstance(given.value, str) or not _ID.fullmatch(given.value):
        place = given or node
        said = "has no id" if given is None else f"{given.plain()!r} is no id"
        advice = "; use letters, digits, '.', '_' and '-'"
        register.nameless = True
        register.faults.append(Fault(said + advice, register.name, "id", place.line, place.column))
        return
    defaults = {key: head[key] for key in _DEFAULTS if key in head and key not in node.value}
    merged = Node({**node.value, **defaults}, node.line, node.column, node.keys)
    register.rows.append(Row(register.name, register.stem, given.value, zone, merged))
