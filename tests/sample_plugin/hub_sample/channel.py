"""Notes in a log file that a report was handed over."""

from __future__ import annotations

from pathlib import Path

from hub import ChannelSettings, CheckLine, DeliveryError, Outgoing, Receipt, SourceContext


class LogSettings(ChannelSettings):
    """Where the log is."""

    log: Path


class LogChannel:
    """Writes one line a message."""

    def __init__(self, settings: LogSettings, context: SourceContext) -> None:
        self._log = context.base_dir / settings.log

    def check(self) -> list[CheckLine]:
        """A folder is all it needs."""
        level = "ok" if self._log.parent.is_dir() else "error"
        return [CheckLine(level, f"{self._log}")]

    def deliver(self, message: Outgoing) -> Receipt:
        """Append the Message-ID."""
        try:
            with self._log.open("a", encoding="utf-8") as log:
                log.write(f"{message.message_id}\n")
        except OSError as error:
            raise DeliveryError(str(error), retriable=True) from error
        return Receipt(message.recipients, str(self._log))
