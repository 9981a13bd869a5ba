"""Writes a report into a folder: `<report>-r<revision>.eml`, `.html` and its files, each whole or not at all."""

from __future__ import annotations

import os
from collections.abc import Iterator
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import SMTP
from pathlib import Path

from hub.errors import DeliveryError
from hub.report.channel import Outgoing, Receipt
from hub.sync.source import CheckLine, SourceContext
from hub_email.settings import FileSettings

__all__ = ["FileChannel", "make_file_channel"]


def make_file_channel(settings: FileSettings, context: SourceContext) -> FileChannel:
    """Make the channel; the folder is made when it is first needed."""
    return FileChannel(context.base_dir / settings.folder)


class FileChannel:
    """A folder. Delivering the same message again leaves the same files."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def check(self) -> list[CheckLine]:
        """Tell whether files can be written, without leaving any."""
        try:
            place = next(path for path in (self.folder, *self.folder.parents) if path.exists())
            is_open = place.is_dir() and os.access(place, os.W_OK | os.X_OK)
        except OSError as error:
            return [CheckLine("error", f"{self.folder}: {error.strerror}", "set folder to one this user may write")]
        if not is_open:
            return [
                CheckLine(
                    "error",
                    f"{self.folder} cannot be written",
                    f"make {place} a folder this user may write, or set folder",
                )
            ]
        return [CheckLine("ok", f"reports are written to {self.folder}")]

    def deliver(self, message: Outgoing) -> Receipt:
        """Write all files, the message last, replacing what an interrupted delivery left."""
        stem = f"{message.report_id}-r{message.revision}"
        if Path(stem).name != stem:
            raise DeliveryError(f"{stem!r} is no file name", retriable=False)
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            page = message.html
            for name, body, cid in _files(message.eml):
                _write(self.folder / f"{stem}-{name}", body)
                page = page.replace(f"cid:{cid}".encode(), f"{stem}-{name}".encode()) if cid else page
            _write(self.folder / f"{stem}.html", page)
            eml = _write(self.folder / f"{stem}.eml", message.eml)
        except OSError as error:
            raise DeliveryError(
                f"{self.folder}: {error.strerror or error}; make room or give this user the right to write there",
                retriable=True,
            ) from error
        return Receipt(accepted=message.recipients, detail=str(eml))


def _files(eml: bytes) -> Iterator[tuple[str, bytes, str]]:
    """Give what goes with a message: file name, content, and the id its page names a picture by."""
    for part in message_from_bytes(eml, EmailMessage, policy=SMTP).walk():
        name = part.get_filename()
        if name and Path(name).name == name and not part.is_multipart():
            body = part.get_payload(decode=True)
            yield name, body if isinstance(body, bytes) else b"", str(part["Content-ID"] or "").strip("<>")


def _write(path: Path, body: bytes) -> Path:
    """Write beside the target, flush to the disk, then rename: no reader sees half a file."""
    # Always the same name: what a killed delivery left is written over by the next.
    part = path.with_name(f".{path.name}.part")
    try:
        with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            file.write(body)
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
    return path
