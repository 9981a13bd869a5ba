"""Writes waivers into `waivers.yaml`: the lines that are meant and no other, checked whole before and after."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from hub.clock import format_instant
from hub.errors import ConfigurationError, Fault
from hub.sync.waiver import NewWaiver, Written
from hub_register.row import CSV, YAML, RegisterFile, parse_register
from hub_register.source import RegisterSource

if TYPE_CHECKING:
    from hub.sync.source import SourceContext
    from hub_register.settings import RegisterSettings

__all__ = ["WaiverFile"]

_STEM = "waivers"
_BOM = "\ufeff"
_ABOVE = "# Accepted exceptions; written by `hub waive`, and by hand. A fault here stops the whole register.\n"


class WaiverFile(RegisterSource):
    """The register with its waivers as they would be after an edit."""

    def __init__(self, settings: RegisterSettings, context: SourceContext) -> None:
        super().__init__(settings, context)
        self._name = str(settings.folder / f"{_STEM}{YAML}")
        self._path = Path(os.path.realpath(self._folder / f"{_STEM}{YAML}"))
        self._source = context.name
        self._edited: bytes | None = None

    def add(self, waiver: NewWaiver) -> Written:
        """Append a row under an id of its own."""
        content, before = self._sound()
        day = format_instant(waiver.declared_at)[:10]
        row_id = next(one for n in range(1, 10_000) if (one := f"w-{day}-{n}") not in before)
        row = {
            "id": row_id,
            "requirement_id": waiver.requirement_id,
            "subject": waiver.subject,
            "subject_filter": waiver.subject_filter,
            "reason": waiver.reason,
            "owner": waiver.owner,
            "approver": waiver.approver,
            "valid_from": waiver.valid_from,
            "valid_to": waiver.valid_to,
            "declared_by": waiver.declared_by,
            "declared_at": format_instant(waiver.declared_at),
            "proof": waiver.proof,
        }
        given = {name: value for name, value in row.items() if value is not None}
        self._write(content, _appended(self._text(content), given, self._unfit), {**before, row_id: given})
        return Written(f"{self._source}:{_STEM}/{row_id}", self._name)

    def end(self, waiver_id: str, *, at: int, note: str) -> Written:
        """Set `valid_to` and say why in `reason`; a row that has not begun becomes a comment."""
        content, before = self._sound()
        row_id = waiver_id.removeprefix(f"{self._source}:").removeprefix(f"{_STEM}/")
        if row_id not in before:
            raise ConfigurationError([Fault(f"there is no waiver {row_id!r}", self._name)])
        text = self._text(content)
        item = _items(text)[row_id]
        written = f"{self._source}:{_STEM}/{row_id}"
        record = next(one for one in self.normalised(_STEM) if one.id == written)
        if record.valid_to <= at:
            raise ConfigurationError(
                [Fault(f"{row_id} has ended already, at {format_instant(record.valid_to)}", self._name)]
            )
        if record.valid_from >= at:
            wanted = {name: row for name, row in before.items() if name != row_id}
            self._write(content, _commented(text, item, note), wanted)
            return Written(written, self._name)
        changed = {"reason": f"{record.reason} ({note})", "valid_to": format_instant(at)}
        self._write(content, _replaced(text, item, changed), {**before, row_id: {**before[row_id], **changed}})
        return Written(written, self._name)

    def normalised(self, stem: str) -> list[Any]:
        """Give the records of a file."""
        read = (self._read(row).record for row in self._file(stem).rows)
        return [record for record in read if record is not None]

    def _file(self, stem: str) -> RegisterFile:
        if stem != _STEM or self._edited is None:
            return super()._file(stem)
        return parse_register(self._edited, YAML, stem, self._name, self._context.zone)

    def _kept(self) -> list[str]:
        kept = super()._kept()
        return kept if _STEM in kept or self._edited is None else [*kept, _STEM]

    def _sound(self) -> tuple[bytes, dict[str, Any]]:
        """Read the file, which must be without fault; return its bytes and its rows."""
        if (self._folder / f"{_STEM}{CSV}").exists():
            raise ConfigurationError([Fault("is a table; write the row there by hand", self._name[: -len(YAML)] + CSV)])
        self._refuse_faults()
        content = self._path.read_bytes() if self._path.exists() else b""
        return content, self._rows()

    def _rows(self) -> dict[str, Any]:
        return {row.id: row.node.plain() for row in self._file(_STEM).rows}

    def _refuse_faults(self) -> None:
        if closed := self._closed():
            raise ConfigurationError([closed])
        self._refuse_wrong_waivers(self._files())

    def _text(self, content: bytes) -> str:
        return content.decode("utf-8").removeprefix(_BOM)

    def _unfit(self, node: yaml.Node) -> ConfigurationError:
        message = "is not written one `- id:` a row; write the row by hand"
        return ConfigurationError([Fault(message, self._name, line=node.start_mark.line + 1)])

    def _write(self, before: bytes, text: str, wanted: dict[str, Any]) -> None:
        """Put the edited file in the place of the old one, if it says exactly what is wanted."""
        if b"\r\n" in before:
            text = text.replace("\r\n", "\n").replace("\n", "\r\n")
        content = ((_BOM if before.startswith(_BOM.encode()) else "") + text).encode()
        self._edited = content
        try:
            self._refuse_faults()
            found = self._rows()
        finally:
            self._edited = None
        if any(not _says(found.get(name), row) for name, row in wanted.items()) or found.keys() != wanted.keys():
            raise ConfigurationError(
                [Fault("cannot be edited without touching other rows; edit it by hand", self._name)]
            )
        _replace(self._path, before, content, self._name)


def _says(found: dict[str, Any] | None, wanted: dict[str, Any]) -> bool:
    """Say whether a row holds what is wanted; it may hold defaults of the file's head beside."""
    return found is not None and all(found.get(name) == value for name, value in wanted.items())


def _replace(path: Path, before: bytes, content: bytes, name: str) -> None:
    number, temporary = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".new", dir=path.parent)
    try:
        with os.fdopen(number, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        if path.exists():
            shutil.copymode(path, temporary)
        else:
            Path(temporary).chmod(0o644)
        now = path.read_bytes() if path.exists() else b""
        if now != before:
            raise ConfigurationError([Fault("was changed by somebody else just now; run this again", name)])
        Path(temporary).replace(path)
    finally:
        Path(temporary).unlink(missing_ok=True)


def _scalar(value: str) -> str:
    return json.dumps(value, ensure_ascii=False)


def _compose(text: str) -> yaml.Node | None:
    node: yaml.Node | None = yaml.compose(text, Loader=yaml.SafeLoader)
    return node


def _rows_node(top: yaml.Node | None) -> yaml.Node | None:
    if isinstance(top, yaml.MappingNode):
        return next((value for key, value in top.value if key.value == "rows"), None)
    return top


def _items(text: str) -> dict[str, yaml.MappingNode]:
    rows = _rows_node(_compose(text))
    found = {}
    for item in rows.value if isinstance(rows, yaml.SequenceNode) else ():
        named = {key.value: value for key, value in item.value}
        found[named["id"].value] = item
    return found


def _appended(text: str, row: dict[str, str], unfit: Any) -> str:
    """Add a row after the last, written as the others are."""
    top = _compose(text)
    rows = _rows_node(top)
    at, indent, lead = len(text), "", ""
    if top is None:
        lead = "rows:\n" if text.strip() else f"{_ABOVE}rows:\n"
    elif rows is None:  # a head without rows
        at, lead = top.end_mark.index, "rows:\n"
    elif isinstance(rows, yaml.SequenceNode) and rows.value:
        if rows.flow_style:
            raise unfit(rows)
        at, indent = rows.end_mark.index, " " * rows.start_mark.column
    elif rows.start_mark.index == rows.end_mark.index:  # `rows:` and nothing behind it
        lead, at = "\n", text.find("\n", rows.start_mark.index)
        at = len(text) if at < 0 else at
    else:  # `[]`, `~`
        text, at, lead = text[: rows.start_mark.index] + text[rows.end_mark.index :], rows.start_mark.index, "\n"
        if rows is top:
            lead = "rows:\n"
    first, *rest = (f"{name}: {_scalar(value)}" for name, value in row.items())
    lines = [f"{indent}- {first}", *(f"{indent}  {line}" for line in rest)]
    head, tail = text[:at], text[at:]
    if indent and head.endswith(indent):  # the mark stands behind the spaces of the next line
        head = head[: -len(indent)]
    if head and not head.endswith("\n") and not lead.startswith("\n"):
        head += "\n"
    end = "" if tail.startswith("\n") else "\n"
    return head + lead + "\n".join(lines) + end + tail


def _replaced(text: str, item: yaml.MappingNode, changed: dict[str, str]) -> str:
    """Put other values in the place of some, from the last to the first."""
    spans = [(value, changed[key.value]) for key, value in item.value if key.value in changed]
    for node, value in sorted(spans, key=lambda span: -span[0].start_mark.index):
        start, end = node.start_mark.index, node.end_mark.index
        tail = "\n" if text[start:end].endswith("\n") else ""  # a block of text ends with its line
        text = text[:start] + _scalar(value) + tail + text[end:]
    return text


def _commented(text: str, item: yaml.MappingNode, note: str) -> str:
    """Make comments of the lines of a row."""
    lines = text.splitlines(keepends=True)
    first, last = item.start_mark.line, item.end_mark.line
    if item.end_mark.column:  # ends within its last line
        last += 1
    for number in range(first, last):
        if lines[number].strip() and not lines[number].lstrip().startswith("#"):
            lines[number] = f"# {lines[number]}"
    lines.insert(first, f"# {note}\n")
    return "".join(lines)
