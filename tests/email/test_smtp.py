"""Against a real server: Dovecot and aiosmtpd, STARTTLS with its own authority."""

from __future__ import annotations

import base64
import json
import mailbox
import socket
import ssl
import threading
import traceback
from collections.abc import Callable
from pathlib import Path

import pytest

from hub.errors import DeliveryError, DeliveryUncertain
from hub.report.channel import Outgoing
from hub_email.settings import SmtpSettings
from hub_email.smtp import SmtpChannel, _stuffed
from tests.email.imap_kit import TokenEndpoint

EML = b"Subject: report\r\nMessage-ID: <sr.r1@example.test>\r\n\r\nfirst\r\n.hidden dot\r\n..\r\nlast\r\n"
PASSWORD = "secret"


@pytest.fixture
def make(server, tmp_path: Path) -> Callable[..., SmtpChannel]:
    def make_channel(**more: object) -> SmtpChannel:
        fields = {
            "plugin": "smtp",
            "host": "127.0.0.1",
            "port": server["smtp_port"],
            "sender": "hub@example.test",
            "user": "alice@example.test",
            "password": PASSWORD,
            "ca_bundle": server["ca_file"],
            "send": True,
            "timeout_s": 10,
        }
        return SmtpChannel(SmtpSettings.model_validate(fields | more), base_dir=tmp_path)

    return make_channel


def message(*recipients: str) -> Outgoing:
    return Outgoing(
        report_id="SR-x",
        revision=1,
        message_id="<sr.r1@example.test>",
        recipients=list(recipients),
        eml=EML,
        html=b"<p>",
    )


def arrived(server, user="alice@example.test") -> list[mailbox.MaildirMessage]:
    path = Path(server["maildirs"].replace("USER", user))
    return list(mailbox.Maildir(str(path))) if path.is_dir() else []


@pytest.mark.peer
def test_a_mail_arrives_once_unchanged_and_encrypted(server, make):
    before = len(arrived(server))
    receipt = make().deliver(message("alice@example.test"))
    assert receipt.accepted == ["alice@example.test"]
    assert receipt.detail.startswith("250 ")
    mails = arrived(server)
    assert len(mails) == before + 1
    found = next(mail for mail in mails if mail["Message-ID"] == "<sr.r1@example.test>")
    assert found.get_payload().replace("\r\n", "\n") == "first\n.hidden dot\n..\nlast\n"
    assert found["Return-Path"] == "<hub@example.test>"
    envelope = json.loads(Path(server["smtp_envelopes"]).read_text().splitlines()[-1])
    assert envelope["tls"] is True
    assert envelope["to"] == ["alice@example.test"]


@pytest.mark.peer
@pytest.mark.parametrize(("recipient", "code", "retriable"), [("nobody", "550", False), ("later", "451", True)])
def test_a_refused_recipient(server, make, recipient, code, retriable):
    before = len(arrived(server))
    with pytest.raises(DeliveryError, match=rf"{recipient}@example.test: {code} ") as caught:
        make().deliver(message(f"{recipient}@example.test"))
    assert caught.value.retriable is retriable
    assert len(arrived(server)) == before


@pytest.mark.peer
def test_one_refused_recipient_does_not_stop_the_other(server, make):
    receipt = make().deliver(message("nobody@example.test", "alice@example.test"))
    assert receipt.accepted == ["alice@example.test"]
    assert receipt.refused == {"nobody@example.test": "550 5.1.1 no such user"}


@pytest.mark.peer
def test_a_server_that_is_not_the_one_it_claims_gets_no_password(make):
    for fault in (make(ca_bundle=None).check()[0].text, _fault(make(ca_bundle=None))):
        assert "certificate not trusted: self-signed certificate; set ca_bundle" in fault


def test_wrong_password_is_told_without_it(tmp_path):
    secret = base64.b64encode(b"\0hub\0wr0ng-geheim").decode()
    answers = [b"220 hi", b"250-me\r\n250 AUTH PLAIN", f"535 5.7.8 bad: {secret} wr0ng-geheim".encode()]
    with _scripted(answers) as port:
        channel = _local(port, tmp_path, user="hub", password="wr0ng-geheim")
        with pytest.raises(DeliveryError, match=r"does not accept user and password \(535\)") as caught:
            channel.deliver(message("alice@example.test"))
    assert not caught.value.retriable
    with _scripted(answers) as port:
        (line,) = _local(port, tmp_path, user="hub", password="wr0ng-geheim").check()
    assert line.level == "error"
    told = "".join(traceback.format_exception(caught.value))
    for text in (told, repr(caught.value), line.text, line.advice, repr(vars(channel))):
        assert "geheim" not in text
        assert secret not in text


@pytest.mark.peer
def test_check_logs_in_and_sends_nothing(server, make):
    before = Path(server["smtp_envelopes"]).read_text() if Path(server["smtp_envelopes"]).exists() else ""
    assert [line.level for line in make().check()] == ["ok"]
    assert [line.level for line in make(send=False).check()] == ["ok", "warning"]
    after = Path(server["smtp_envelopes"]).read_text() if Path(server["smtp_envelopes"]).exists() else ""
    assert before == after


@pytest.mark.peer
def test_a_bundle_that_is_none(make, tmp_path):
    (tmp_path / "empty.pem").write_text("")
    for name in ("empty.pem", "missing.pem"):
        assert "ca_bundle" in make(ca_bundle=name).check()[0].text


def test_nobody_listens(tmp_path):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        channel = _local(free.getsockname()[1], tmp_path)
        with pytest.raises(DeliveryError, match="cannot be reached") as caught:
            channel.deliver(message("alice@example.test"))
    assert caught.value.retriable


@pytest.mark.parametrize(
    ("answers", "error", "retriable"),
    [
        ([b"421 4.3.2 closing"], DeliveryError, True),
        ([b"554 5.0.0 go away"], DeliveryError, False),
        ([b"220 hi", b"250 me", b"250 ok", b"250 ok", b"452 4.3.1 disk full"], DeliveryError, True),
        ([b"220 hi", b"250 me", b"250 ok", b"250 ok", None], DeliveryError, True),
        ([b"220 hi", b"250 me", b"250 ok", b"250 ok", b"354 go", b"550 5.7.1 looks like spam"], DeliveryError, False),
        ([b"220 hi", b"250 me", b"250 ok", b"250 ok", b"354 go", b"451 4.3.0 try later"], DeliveryError, True),
        ([b"220 hi", b"250 me", b"250 ok", b"250 ok", b"354 go", None], DeliveryUncertain, False),
    ],
)
def test_where_the_conversation_ends_decides(tmp_path, answers, error, retriable):
    with _scripted(answers) as port, pytest.raises(DeliveryError) as caught:
        _local(port, tmp_path).deliver(message("alice@example.test"))
    assert type(caught.value) is error
    assert caught.value.retriable is retriable


def test_a_server_that_says_goodbye_badly_has_still_taken_the_mail(tmp_path):
    answers = [b"220 hi", b"250 me", b"250 ok", b"250 ok", b"354 go", b"250 queued", None]
    with _scripted(answers) as port:
        assert _local(port, tmp_path).deliver(message("alice@example.test")).detail == "250 queued"


TAKEN = [b"250 ok", b"250 ok", b"354 go", b"250 queued"]


@pytest.mark.peer
def test_tls_from_the_first_byte(server, tmp_path):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(server["ca_file"], server["ca_file"].replace(".crt", ".key"))
    with _scripted([b"220 hi", b"250 me", *TAKEN], tls=context) as port:
        channel = _local(port, tmp_path, tls=True, ca_bundle=server["ca_file"])
        assert channel.deliver(message("alice@example.test")).detail == "250 queued"


def test_a_token_opens_the_way_out(tmp_path):
    with TokenEndpoint() as endpoint:
        oauth = {"token_url": endpoint.url, "client_id": "app", "client_secret": "client-geheim"}
        scripted = _scripted([b"220 hi", b"250-me\r\n250 AUTH LOGIN XOAUTH2", b"235 ok", *TAKEN])
        with scripted as port:
            channel = _local(port, tmp_path, user="hub@example.test", oauth=oauth)
            assert channel.deliver(message("alice@example.test")).detail == "250 queued"
        said = base64.b64decode(scripted.seen[1].removeprefix("AUTH XOAUTH2 ")).decode()
        assert said == "user=hub@example.test\1auth=Bearer t1\1\1"


@pytest.mark.parametrize(
    ("offered", "answers", "given", "fault", "retriable"),
    [
        (
            b"AUTH XOAUTH2",
            [b"334 eyJzdGF0dXMiOiI0MDEifQ==", b"535 5.7.3 t1"],
            None,
            r"token of 127.0.0.1 \(535\)",
            False,
        ),
        (b"AUTH XOAUTH2", [b"454 4.7.0 later"], None, r"\(454\)", True),
        (b"AUTH PLAIN", [], None, "takes no access tokens", False),
        (b"AUTH XOAUTH2", [], (400, {"error": "invalid_client"}), "invalid_client", False),
        (b"AUTH XOAUTH2", [], (503, b""), "503", True),
    ],
)
def test_a_token_that_does_not(tmp_path, *, offered, answers, given, fault, retriable):
    with TokenEndpoint() as endpoint, _scripted([b"220 hi", b"250-me\r\n250 " + offered, *answers]) as port:
        endpoint.answers = [given] if given else []
        oauth = {"token_url": endpoint.url, "client_id": "app", "client_secret": "client-geheim"}
        channel = _local(port, tmp_path, user="hub@example.test", oauth=oauth)
        with pytest.raises(DeliveryError, match=fault) as caught:
            channel.deliver(message("alice@example.test"))
    assert caught.value.retriable is retriable
    assert "geheim" not in str(caught.value)
    assert "t1" not in "".join(traceback.format_exception(caught.value)).replace("test_", "")


def test_a_server_that_can_is_asked_to_name_message_and_recipient(tmp_path):
    scripted = _scripted([b"220 hi", b"250-me\r\n250-SIZE 1000000\r\n250 DSN", *TAKEN])
    with scripted as port:
        _local(port, tmp_path, verp=True).deliver(message("a+b@example.test"))
    assert scripted.seen[1:3] == [
        f"mail FROM:<hub+a+b=example.test@example.test> SIZE={len(EML)} RET=HDRS ENVID=sr.r1@example.test",
        "rcpt TO:<a+b@example.test> NOTIFY=FAILURE ORCPT=rfc822;a+2Bb@example.test",
    ]


def test_a_message_the_server_will_not_take_is_not_sent(tmp_path):
    scripted = _scripted([b"220 hi", b"250-me\r\n250 SIZE 10"])
    with scripted as port, pytest.raises(DeliveryError, match="takes messages of 10 bytes") as caught:
        _local(port, tmp_path).deliver(message("alice@example.test"))
    assert not caught.value.retriable
    assert not [line for line in scripted.seen if line.startswith("mail")]


@pytest.mark.parametrize("recipient", ["a@b\r\nRCPT TO:<x@y>", "a b@c", "", "<a@b>"])
def test_no_command_gets_in_by_an_address(tmp_path, recipient):
    with pytest.raises(DeliveryError, match="is no mail address") as caught:
        _local(1, tmp_path).deliver(message(recipient))
    assert not caught.value.retriable


def test_a_password_no_login_carries(tmp_path):
    with _scripted([b"220 hi", b"250-me\r\n250 AUTH PLAIN"]) as port:
        channel = _local(port, tmp_path, user="hub", password="gehäim")
        with pytest.raises(DeliveryError, match="use ASCII") as caught:
            channel.deliver(message("alice@example.test"))
    assert not caught.value.retriable


@pytest.mark.parametrize(
    ("eml", "wire"),
    [
        (b"a\r\n", b"a\r\n.\r\n"),
        (b"a", b"a\r\n.\r\n"),
        (b".a\r\n.\r\n", b"..a\r\n..\r\n.\r\n"),
    ],
)
def test_dots_are_doubled(eml, wire):
    assert _stuffed(eml) == wire


def _fault(channel: SmtpChannel) -> str:
    with pytest.raises(DeliveryError) as caught:
        channel.deliver(message("alice@example.test"))
    assert not caught.value.retriable
    return str(caught.value)


def _local(port: int, base_dir: Path, **more: object) -> SmtpChannel:
    fields = {"plugin": "smtp", "host": "127.0.0.1", "port": port, "sender": "hub@example.test", "starttls": False}
    settings = SmtpSettings.model_validate(fields | {"timeout_s": 5} | more)
    return SmtpChannel(settings, base_dir=base_dir)


class _scripted:  # noqa: N801 - reads like a function
    """A server that gives these answers, one a command (the message is one); None = it hangs up."""

    def __init__(self, answers: list[bytes | None], *, tls: ssl.SSLContext | None = None) -> None:
        self.answers = answers
        self.tls = tls
        self.seen: list[str] = []
        self.listener = socket.create_server(("127.0.0.1", 0))

    def __enter__(self) -> int:
        self.thread = threading.Thread(target=self._serve)
        self.thread.start()
        return self.listener.getsockname()[1]

    def __exit__(self, *_: object) -> None:
        self.thread.join(10)
        self.listener.close()
        assert not self.thread.is_alive()

    def _serve(self) -> None:
        connection, _address = self.listener.accept()
        if self.tls:
            connection = self.tls.wrap_socket(connection, server_side=True)
        with connection, connection.makefile("rb") as lines:
            data = False
            for number, answer in enumerate(self.answers):
                if number:
                    for line in lines:
                        self.seen.append(line.decode().strip())
                        if not data or line == b".\r\n":
                            break
                if answer is None:
                    return
                connection.sendall(answer + b"\r\n")
                data = answer.startswith(b"354")
            for _line in lines:
                connection.sendall(b"221 bye\r\n")
