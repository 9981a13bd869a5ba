"""The register as a source: one slice a file, all rows of a file every time."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from dataclasses import replace
from difflib import get_close_matches
from pathlib import PurePath
from typing import TYPE_CHECKING, Any, Self

import msgspec

from hub.errors import ConfigurationError, Fault, ScopeUnreadable
from hub.sync.source import Census, CheckLine, Document, Normalised, Page, Provision, Skip, Slice
from hub_register.history import History, authors
from hub_register.mapping import Reading, read_row
from hub_register.nearest import nearest
from hub_register.promise import promise_faults
from hub_register.proof import ProofCheck
from hub_register.reader import BrokenFile, read_bytes
from hub_register.row import CSV, YAML, RegisterFile, Row, parse_register
from hub_register.schema import FILES, provided

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from hub.sync.source import SourceContext
    from hub_register.history import HistoryMode
    from hub_register.settings import RegisterSettings

__all__ = ["RegisterSource"]

_SUFFIXES = (YAML, CSV)
_PROVE = "add `proof:` with the path, URL or Message-ID it rests on"
_DECISIVE = "waivers"
"""A fault here stops the source: a waiver that is not read would turn an accepted exception into a finding."""


class RegisterSource:
    """Reads the folder anew at every call, so that an edit between two runs is never missed."""

    def __init__(self, settings: RegisterSettings, context: SourceContext) -> None:
        self._context = context
        self._required = settings.files
        self._folder: Path = context.base_dir / settings.folder
        self._shown = settings.folder
        """How faults call the folder: as the configuration does."""
        self._proofs = ProofCheck(self._folder)
        self._parsed: dict[str, RegisterFile] = {}
        """What was last found in a file; its bytes are read at every call, its rows only where they differ."""
        self._mode: HistoryMode = settings.history
        self._history = self._new_history()

    def check(self) -> list[CheckLine]:
        """Count the rows of each file; name rows without proof.

        Raises ConfigurationError with every fault of every file at once.
        """
        faults = self.faults()
        if faults:
            raise ConfigurationError(faults)
        lines = []
        for register in self._files():
            lines.append(CheckLine("ok", f"{register.name}: {len(register.rows)} rows"))
            bare = _bare(register)
            if bare:
                first = f"{register.name}:{bare[0].node.line}"
                lines.append(CheckLine("warning", f"{len(bare)} rows without proof, the first at {first}", _PROVE))
        unmeasured = "until it is mended, the tickets it concerns are not provable"
        lines += [CheckLine("warning", str(fault), unmeasured) for fault in self._promise_faults()]
        lines += [*self._history_lines(), *self._history_notes()]
        if not lines:
            advice = f"add one of {', '.join(stem + YAML for stem in FILES)}"
            lines.append(CheckLine("warning", f"{self._shown} holds no register file", advice))
        return lines

    def faults(self) -> list[Fault]:
        """Give everything wrong with the folder, by file, line and column."""
        if closed := self._closed():
            return [closed]
        files = self._files()
        found = self._strangers() + [fault for register in files for fault in self._file_faults(register)]
        readings = self._readings(files)
        found += _reading_faults(readings) + _dangling(files, readings)
        found += _claimed_twice(readings) + self._future(readings)
        return sorted(found, key=_place)

    def warnings(self) -> list[Fault]:
        """Say what is allowed and weakens what the rows prove, by file, line and column."""
        files = self._files()
        found = [_at(row, "", f"rests on nothing; {_PROVE}") for register in files for row in _bare(register)]
        for register in files:
            found += self._weak(register)
        found += self._promise_faults()
        return sorted(found, key=_place)

    def _promise_faults(self) -> list[Fault]:
        """Say which agreements measure nothing, and why."""
        return list(promise_faults((row, self._read(row).record) for file in self._files() for row in file.rows))

    def _weak(self, register: RegisterFile) -> list[Fault]:
        """Say which rows came late, and whose authors are nobody."""
        found: list[Fault] = []
        if not self._history.is_kept:
            return found
        for row in self._told(register, None)[0]:
            record = read_row(row, self._context.name).record
            if record is not None and "late_declared" in record.custom:
                found.append(_at(row, "declared_at", f"came late: {record.custom['late_declared']}"))
            if row.history is not None and row.history.changes and row.history.by is None:
                said = (
                    f"was committed ({row.history.changes[0].commit[:10]}) from an address that no row of people names"
                )
                found.append(_at(row, "", said))
        return found

    def _history_notes(self) -> list[CheckLine]:
        """Count the rows that came late or are nobody's, a line a file."""
        lines = []
        for register in self._files():
            if weak := self._weak(register):
                said = (
                    f"{len(weak)} rows came late or from an unknown address, the first at {weak[0].file}:{weak[0].line}"
                )
                lines.append(
                    CheckLine("warning", said, "see: hub register check; addresses belong to `email` in people")
                )
        return lines

    def provides(self) -> list[Provision]:
        """State the kinds of the files that are kept, each with all the fields a row may hold."""
        more = {"creator", "events", "updated_at"} if self._history.is_kept else set()
        return [Provision(FILES[stem], provided(FILES[stem]) | more) for stem in self._kept()]

    def slices(self) -> list[Slice]:
        """List one slice a file; a file that is no YAML is unreadable, and says where.

        Raises ConfigurationError where the folder is missing or the waivers are at fault.
        """
        if closed := self._closed():
            raise ConfigurationError([closed])
        self._history = self._new_history()
        files = self._files()
        self._refuse_wrong_waivers(files)
        return [
            Slice(file.stem, file.stem, frozenset({file.kind}), str(file.broken) if file.broken else None)
            for file in files
        ]

    def fetch(self, part: Slice, cursor: Mapping[str, Any] | None) -> Iterator[Page]:
        """Yield one page with every row of the file; the store recognises those that did not change.

        The cursor keeps the history of the file, so that only what was committed since is looked at. What stands in the file and cannot become a record is a gap: its absence proves nothing.
        """
        if part.stream == _DECISIVE:
            self._refuse_wrong_waivers(self._files())
        register = self._file(part.stream)
        if register.broken:
            raise ScopeUnreadable(str(register.broken))
        told, history = self._told(register, (cursor or {}).get("history"))
        rows = [replace(row, refused=self._proofs.fault(row)) for row in told]
        documents = [Document(part.stream, row.native_id, part.scope, row.body()) for row in rows]
        wrong = register.faults + [fault for row in rows for fault in read_row(row, self._context.name).faults]
        digest = hashlib.sha256(b"\n".join(document.body for document in documents)).hexdigest()
        kept = {"sha256": digest} | ({} if history is None else {"history": history})
        yield Page(documents, kept, requests=0, gaps=[str(fault) for fault in wrong])
        for line in self._history_lines():
            if line.level == "warning":
                self._context.log(line.text)

    def normalise(self, document: Document) -> Normalised:
        """Turn a row into its record, or skip it with the first thing wrong with it."""
        row_id = document.native_id.partition("/")[2]
        try:
            row = Row.of_body(document.stream, row_id, document.body)
        except (msgspec.MsgspecError, KeyError, TypeError, ValueError):
            return Normalised([], [Skip(document.native_id, "not a document of a register")])
        reading = self._reading(row)
        if reading is None:
            return Normalised([], [Skip(document.native_id, "file is not part of the register")])
        if reading.record is None:
            return Normalised([], [Skip(document.native_id, f"malformed row: {reading.faults[0].key}")])
        return Normalised([reading.record])

    def census(self, part: Slice) -> Iterator[Census]:
        """Yield the ids that stand in the file; none where a row has lost its id."""
        register = self._file(part.stream)
        if not register.broken and not register.nameless:
            yield Census(part.stream, part.scope, [f"{part.stream}/{row_id}" for row_id in register.ids])

    def look_for(self, stream: str, native_ids: Sequence[str]) -> Iterator[Page]:  # noqa: ARG002 - nothing moves
        """Give nothing: what a file does not hold is nowhere else."""
        yield from ()

    def close(self) -> None:
        """Forget what was read; nothing is held open."""
        self._parsed.clear()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _read(self, row: Row) -> Reading:
        return read_row(replace(row, refused=self._proofs.fault(row)), self._context.name)

    def _reading(self, row: Row) -> Reading | None:
        return read_row(row, self._context.name) if row.stem in FILES else None

    def _new_history(self) -> History:
        return History(self._folder, self._mode, self._context.clock, self._context.zone)

    def _told(self, register: RegisterFile, known: Any) -> tuple[list[Row], Any]:
        """Give the rows of a file with their history, where one is kept, and what the cursor is to keep."""
        if not self._history.is_kept:
            return register.rows, None
        people = authors(self._file("people").rows)
        told, state = self._history.tell(register, PurePath(register.name), known, people)
        return [replace(row, history=told[row.id]) for row in register.rows], state

    def _history_lines(self) -> list[CheckLine]:
        if self._history.fault:
            said = f"{self._shown}: since when rows hold is not known: {self._history.fault}"
            return [CheckLine("warning", said, 'mend that, or set history = "declared" to rest on declared_at alone')]
        if self._history.cut_off:
            said = f"{self._shown}: since when older rows hold is not known: the Git clone is shallow"
            return [CheckLine("warning", said, "run: git fetch --unshallow")]
        return []

    def _kept(self) -> list[str]:
        """Files that are there or must be, in the order of the table."""
        return [stem for stem in FILES if stem in self._required or self._standing(stem)]

    def _standing(self, stem: str) -> list[str]:
        """Give the names under which a file stands: one, none, or by mistake two."""
        return [f"{stem}{suffix}" for suffix in _SUFFIXES if _stands(self._folder / f"{stem}{suffix}")]

    def _files(self) -> list[RegisterFile]:
        return [self._file(stem) for stem in self._kept()]

    def _file(self, stem: str) -> RegisterFile:
        first, *further = self._standing(stem) or [f"{stem}{YAML}"]
        shown = str(self._shown / first)
        if further:
            return RegisterFile(stem, shown, broken=Fault(f"stands beside {further[0]}; keep one of the two", shown))
        try:
            content = read_bytes(self._folder / first, shown)
        except BrokenFile as error:
            return RegisterFile(stem, shown, broken=error.fault)
        known = self._parsed.get(shown)
        if known is None or known.digest != hashlib.sha256(content).hexdigest():
            known = self._parsed[shown] = parse_register(
                content, PurePath(first).suffix, stem, shown, self._context.zone
            )
        return known

    def _refuse_wrong_waivers(self, files: list[RegisterFile]) -> None:
        decisive = [file for file in files if file.stem == _DECISIVE]
        readings = self._readings(decisive)
        wrong = [fault for file in decisive for fault in self._file_faults(file)]
        wrong += _reading_faults(readings) + _dangling(files, readings) + self._future(readings)
        if wrong:
            raise ConfigurationError(sorted(wrong, key=_place))

    def _readings(self, files: list[RegisterFile]) -> dict[str, tuple[Row, Reading]]:
        return {row.native_id: (row, self._read(row)) for file in files for row in file.rows}

    def _closed(self) -> Fault | None:
        """Say why the folder cannot be looked into; None = it can."""
        try:
            next(self._folder.iterdir(), None)
        except (FileNotFoundError, NotADirectoryError, ValueError):
            said = f"no folder {str(self._shown)!r} beside the configuration; `hub init` makes one"
        except OSError as error:
            said = f"folder {str(self._shown)!r} cannot be read: {error.strerror}"
        else:
            return None
        return Fault(said, key=f"sources.{self._context.name}.folder")

    def _strangers(self) -> list[Fault]:
        """Files whose name is not in the table: mostly a slip of the pen."""
        found = []
        for path in sorted(self._folder.iterdir()):
            if path.suffix.lower() not in (*_SUFFIXES, ".yml") or not _stands(path):
                continue
            if path.suffix not in _SUFFIXES or path.stem not in FILES:
                near = get_close_matches(path.stem, FILES, n=1)
                suffix = CSV if path.suffix.lower() == CSV else YAML
                advice = f"; rename it to {near[0]}{suffix}" if near else nearest(path.stem, FILES)
                found.append(Fault(f"is no register file{advice}", str(self._shown / path.name)))
        return found

    @staticmethod
    def _file_faults(register: RegisterFile) -> list[Fault]:
        return [register.broken] if register.broken else register.faults

    def _future(self, readings: Mapping[str, tuple[Row, Reading]]) -> list[Fault]:
        now = self._context.clock.now_ms()
        return [
            _at(row, "declared_at", "is later than now; a declaration is made when it is written")
            for row, reading in readings.values()
            if reading.record is not None and (reading.record.created_at or 0) > now
        ]


def _bare(register: RegisterFile) -> list[Row]:
    """Give the rows that name no proof."""
    return [row for row in register.rows if isinstance(row.node.value, dict) and "proof" not in row.node.value]


def _place(fault: Fault) -> tuple[str, int, int]:
    return fault.file, fault.line or 0, fault.column or 0


def _reading_faults(readings: Mapping[str, tuple[Row, Reading]]) -> list[Fault]:
    return [fault for _, reading in readings.values() for fault in reading.faults]


def _stands(path: Path) -> bool:
    """Whether a file stands there; one that may not be asked about is tried, and says why not."""
    try:
        return path.is_file()
    except OSError:
        return True


def _at(row: Row, key: str, message: str) -> Fault:
    node = row.node.value.get(key, row.node) if isinstance(row.node.value, dict) else row.node
    return Fault(message, row.file, key, node.line, node.column)


def _dangling(files: list[RegisterFile], readings: Mapping[str, tuple[Row, Reading]]) -> list[Fault]:
    """Find references to rows that do not exist, save in files that cannot be read."""
    broken = {file.stem for file in files if file.broken}
    known = {f"{file.stem}/{row_id}" for file in files for row_id in file.ids}
    found = []
    for row, reading in readings.values():
        for one in reading.references:
            if one.target not in known and one.target.partition("/")[0] not in broken:
                near = get_close_matches(one.target, known, n=1)
                advice = f"; did you mean {near[0]!r}?" if near else ""
                found.append(Fault(f"no row {one.target!r}{advice}", row.file, one.key, one.line, one.column))
    return found


def _claimed_twice(readings: Mapping[str, tuple[Row, Reading]]) -> list[Fault]:
    """Find accounts that two people call their own: whose deeds they are could not be told."""
    claims: dict[str, list[Row]] = defaultdict(list)
    for row, reading in readings.values():
        if reading.record is not None and row.stem == "people":
            for account in dict.fromkeys(reading.record.same_as):
                claims[account].append(row)
    return [
        _at(row, "accounts", f"{account!r} is also an account of {', '.join(o.id for o in rows if o is not row)}")
        for account, rows in claims.items()
        if len(rows) > 1
        for row in rows
    ]
