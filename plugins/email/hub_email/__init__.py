"""Mail in and out: mailboxes as a source, reports as files in a folder and by mail."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from hub.hookspecs import hookimpl

if TYPE_CHECKING:
    import typer

    from hub.report.channel import ChannelType
    from hub.sync.source_type import SourceType


@hookimpl
def hub_register_sources(register: Callable[[SourceType], None]) -> None:
    """Offer the kind of source `imap`."""
    from hub.sync.source_type import SourceType  # noqa: PLC0415 - loaded when sources are asked for
    from hub_email.offer import offers  # noqa: PLC0415 - the same
    from hub_email.settings import ImapSettings  # noqa: PLC0415 - the same
    from hub_email.source import make_imap_source  # noqa: PLC0415 - the same

    register(SourceType("imap", ImapSettings, make_imap_source, offers=offers))


@hookimpl
def hub_register_channels(register: Callable[[ChannelType], None]) -> None:
    """Offer `file` and `smtp`."""
    from hub.report.channel import ChannelType  # noqa: PLC0415 - loaded when channels are asked for
    from hub_email.file import make_file_channel  # noqa: PLC0415 - the same
    from hub_email.settings import FileSettings, SmtpSettings  # noqa: PLC0415 - the same
    from hub_email.smtp import make_smtp_channel  # noqa: PLC0415 - the same

    register(ChannelType("file", FileSettings, make_file_channel, addressed=False))
    register(ChannelType("smtp", SmtpSettings, make_smtp_channel))


@hookimpl
def hub_register_commands(register: Callable[[str, typer.Typer], None]) -> None:
    """Offer `hub ask`."""
    from hub_email.command import app  # noqa: PLC0415 - loaded when the command is called for

    register("ask", app)
