"""`hub check` for mailboxes: server, certificate, login, every folder, and what is too large to be read."""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING

from hub.errors import AuthenticationFailed, ScopeUnreadable, SourceError
from hub.sync.source import CheckLine
from hub_email.imap_connection import close
from hub_email.imap_folder import Folder

if TYPE_CHECKING:
    from imapclient import IMAPClient

    from hub_email.imap_connection import Account, Accounts
    from hub_email.settings import ImapSettings, MailboxSettings

__all__ = ["check"]


def check(settings: ImapSettings, accounts: Accounts) -> list[CheckLine]:
    """Log in to each mailbox and open its folders; nothing is read and nothing is changed."""
    lines: list[CheckLine] = []
    for mailbox in settings.mailboxes:
        account = accounts.of(mailbox.user)
        try:
            names = _folder_names(account)
        except AuthenticationFailed as fault:
            lines.append(CheckLine("error", str(fault), f"check password or oauth of mailbox {mailbox.user}"))
            continue
        except SourceError as fault:
            lines.append(CheckLine("error", str(fault), "check host, port, security and ca_bundle of this source"))
            continue
        how = f"by a token of {account.token_host}" if account.token_host else "by password"
        sealed = "NOT encrypted" if settings.security == "none" else "encrypted"
        lines.append(CheckLine("ok", f"{account.place}: logged in {how}, {sealed}"))
        for name in mailbox.folders:
            lines += _folder(account, mailbox, name, names, settings)
    return lines


def _folder(
    account: Account, mailbox: MailboxSettings, name: str, names: list[str], settings: ImapSettings
) -> list[CheckLine]:
    try:
        with Folder(account, name) as folder:
            state = folder.open()
            too_large = folder.larger(settings.largest)
    except ScopeUnreadable as fault:
        near = get_close_matches(name, names, n=3, cutoff=0.5) or names[:5]
        advice = f"folders of {mailbox.user}: {', '.join(near)}" if near else "let this account see the folder"
        return [CheckLine("error", str(fault), advice)]
    except SourceError as fault:
        return [CheckLine("error", str(fault), "try again; if it stays, ask who runs the mail server")]
    changes = "tells changes (CONDSTORE)" if state.mod_seq is not None else "no CONDSTORE"
    lines = [CheckLine("ok", f"{mailbox.user}/{name}: {state.exists} mails, opened read-only, {changes}")]
    if too_large:
        said = f"{mailbox.user}/{name}: {too_large} mails are larger than {settings.largest_mb} MB and are not read"
        lines.append(CheckLine("warning", said, "largest_mb = 50   # or more"))
    return lines


def _folder_names(account: Account) -> list[str]:
    """Log in and list what folders there are; the names only help where one is misspelt."""
    client: IMAPClient = account.context.call(account.connect)
    try:
        return sorted(str(name) for _, _, name in client.list_folders())
    except (OSError, ValueError, client.Error):
        return []
    finally:
        close(client)
