from __future__ import annotations

import pytest
from pydantic import ValidationError

from hub_email.settings import FileSettings, SmtpSettings

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
