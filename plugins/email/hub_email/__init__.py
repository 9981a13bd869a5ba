"""Reports as files in a folder, and by mail."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from hub.hookspecs import hookimpl

if TYPE_CHECKING:
    from hub.report.channel import ChannelType


@hookimpl
def hub_register_channels(register: Callable[[ChannelType], None]) -> None:
    """Offer `file` and `smtp`."""
    from hub.report.channel import ChannelType  # noqa: PLC0415 - loaded when channels are asked for
    from hub_email.file import make_file_channel  # noqa: PLC0415 - the same
    from hub_email.settings import FileSettings, SmtpSettings  # noqa: PLC0415 - the same
    from hub_email.smtp import make_smtp_channel  # noqa: PLC0415 - the same

    register(ChannelType("file", FileSettings, make_file_channel, addressed=False))
    register(ChannelType("smtp", SmtpSettings, make_smtp_channel))
