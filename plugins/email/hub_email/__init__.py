"""Mail in and out: mailboxes as a source, reports as files in a folder and by mail."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from hub.hookspecs import hookimpl

if TYPE_CHECKING:
    import typer

    from hub.report.channel import Channel, ChannelType
    from hub.sync.source import Source, SourceContext
    from hub.sync.source_type import SourceType
    from hub_email.settings import ImapSettings, SmtpSettings


@hookimpl
def hub_register_sources(register: Callable[[SourceType], None]) -> None:
    """Offer the kind of source `imap`."""
    from hub.sync.source_type import SourceType  # noqa: PLC0415 - loaded when sources are asked for
    from hub_email.offer import offers  # noqa: PLC0415 - the same
    from hub_email.settings import ImapSettings  # noqa: PLC0415 - the same

    register(SourceType("imap", ImapSettings, _make_source, offers=offers))


@hookimpl
def hub_register_channels(register: Callable[[ChannelType], None]) -> None:
    """Offer `file` and `smtp`."""
    from hub.report.channel import ChannelType  # noqa: PLC0415 - loaded when channels are asked for
    from hub_email.file import make_file_channel  # noqa: PLC0415 - the same
    from hub_email.settings import FileSettings, SmtpSettings  # noqa: PLC0415 - the same

    register(ChannelType("file", FileSettings, make_file_channel, addressed=False))
    register(ChannelType("smtp", SmtpSettings, _make_channel))


@hookimpl
def hub_register_commands(register: Callable[[str, typer.Typer], None]) -> None:
    """Offer `hub ask` and `hub survey`."""
    from hub_email.command import app  # noqa: PLC0415 - loaded when the command is called for
    from hub_email.survey_command import app as survey  # noqa: PLC0415 - the same

    register("ask", app)
    register("survey", survey)


def _make_source(settings: ImapSettings, context: SourceContext) -> Source:
    from hub_email.source import make_imap_source  # noqa: PLC0415 - what mail means is loaded where mail is read

    return make_imap_source(settings, context)


def _make_channel(settings: SmtpSettings, context: SourceContext) -> Channel:
    from hub_email.smtp import make_smtp_channel  # noqa: PLC0415 - loaded where mail is sent

    return make_smtp_channel(settings, context)
