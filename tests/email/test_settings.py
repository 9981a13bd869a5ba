from __future__ import annotations

import sys

import pytest
from pydantic import ValidationError

from hub.errors import PluginError
from hub.registry import Registry
from hub_email.settings import FileSettings, ImapSettings, SmtpSettings
from tests.email.imap_kit import context

GOOD = {"plugin": "smtp", "host": "mail.example.test", "sender": "hub@example.test"}


@pytest.mark.parametrize(
    ("more", "fault"),
    [
        ({"sender": "Hub <hub@example.test>"}, "not a mail address"),
        ({"sender": "hub@example.test\r\nBcc: x@y"}, "not a mail address"),
        ({"user": "hub"}, "user and password belong together"),
        ({"password": "geheim"}, "user and password belong together"),
        ({"user": "hub", "password": "geheim", "starttls": False}, "would cross the network unencrypted"),
        ({"timeout_s": 0}, "greater than 0"),
        ({"tsl": True}, "Extra inputs are not permitted"),
    ],
)
def test_faults_are_told_without_the_password(more, fault):
    with pytest.raises(ValidationError, match=fault) as caught:
        SmtpSettings.model_validate(GOOD | more)
    assert "geheim" not in str([error["msg"] for error in caught.value.errors()])


def test_a_password_may_stay_unencrypted_inside_the_machine():
    settings = SmtpSettings.model_validate(
        GOOD | {"host": "127.0.0.1", "user": "hub", "password": "geheim", "starttls": False}
    )
    assert "geheim" not in repr(settings)
    assert not settings.send


def test_a_folder_needs_nothing_but_its_plugin():
    assert str(FileSettings(plugin="file").folder) == "out"


@pytest.mark.parametrize(
    ("more", "fault"),
    [
        ({"mailboxes": []}, "at least 1 item"),
        ({"mailboxes": [{"user": "a"}]}, "mailbox a: set password, or oauth here or for the source"),
        ({"mailboxes": [{"user": "a\r\nx", "password": "geheim"}]}, "String should match pattern"),
        ({"mailboxes": [{"user": "a", "password": "geheim"}] * 2}, "folder INBOX is named twice"),
        ({"security": "none"}, "would cross the network unencrypted"),
        ({"security": "ssl"}, "Input should be"),
    ],
)
def test_mailboxes_that_cannot_be_read(more, fault):
    fields = {"plugin": "imap", "host": "imap.example.test", "mailboxes": [{"user": "a", "password": "geheim"}]}
    with pytest.raises(ValidationError, match=fault) as caught:
        ImapSettings.model_validate(fields | more)
    assert "geheim" not in str(caught.value)


def test_without_the_library_it_is_said_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "imapclient", None)
    registry = Registry()
    registry.enable("email")
    fields = {"plugin": "imap", "host": "imap.example.test", "mailboxes": [{"user": "a", "password": "geheim"}]}
    with pytest.raises(PluginError, match=r"pip install 'itsm-hub\[email\]'"):
        registry.sources()["imap"].make(ImapSettings.model_validate(fields), context(tmp_path))
