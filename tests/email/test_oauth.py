"""Tokens from a local endpoint, used at a server that takes no passwords."""

from __future__ import annotations

import ssl
import subprocess

import pytest
from pydantic import ValidationError

from hub.clock import FixedClock
from hub.errors import AuthenticationFailed, ProtocolFault, Retriable, SourceError
from hub_email.oauth import Tokens
from hub_email.settings import ImapSettings, OAuthSettings
from tests.email.imap_kit import NOW, USER, Scripted, TokenEndpoint, context, source

SECRET, REFRESH = "client-geheim", "refresh-geheim"


class Moving(FixedClock):
    def __init__(self) -> None:
        super().__init__(NOW)
        self.now = NOW

    def now_ms(self) -> int:
        return self.now


@pytest.fixture
def endpoint():
    with TokenEndpoint() as made:
        yield made


def oauth(endpoint, **more):
    return OAuthSettings.model_validate({"token_url": endpoint.url, "client_id": "app", "client_secret": SECRET} | more)


def tokens(configured, clock=None):
    return Tokens(configured, clock or FixedClock(NOW), tls=ssl.create_default_context)


def configured(endpoint, server, **more):
    fields = {
        "plugin": "imap",
        "host": "127.0.0.1",
        "port": server.port,
        "security": "none",
        "mailboxes": [{"user": USER}],
        "oauth": {"token_url": endpoint.url, "client_id": "app", "client_secret": SECRET},
    }
    return ImapSettings.model_validate(fields | more)


@pytest.mark.parametrize(
    ("more", "form"),
    [
        ({}, {"grant_type": "client_credentials", "client_secret": SECRET}),
        (
            {"provider": "microsoft"},
            {
                "grant_type": "client_credentials",
                "client_secret": SECRET,
                "scope": "https://outlook.office365.com/.default",
            },
        ),
        (
            {"provider": "google", "refresh_token": REFRESH},
            {"grant_type": "refresh_token", "refresh_token": REFRESH, "client_secret": SECRET},
        ),
        (
            {"refresh_token": REFRESH, "client_secret": None, "scope": "mail"},
            {"grant_type": "refresh_token", "refresh_token": REFRESH, "scope": "mail"},
        ),
    ],
)
def test_what_is_asked_for(endpoint, more, form):
    assert tokens(oauth(endpoint, **more)).token() == ("t1", True)
    assert endpoint.forms == [{"client_id": "app", **form}]


def test_a_token_is_kept_until_shortly_before_it_ends(endpoint):
    clock = Moving()
    given = tokens(oauth(endpoint), clock)
    assert [given.token(), given.token()] == [("t1", True), ("t1", False)]
    clock.now += (3600 - 121) * 1000
    assert given.token() == ("t1", False)
    clock.now += 2_000
    assert given.token() == ("t2", True)
    endpoint.lasts_s = "soon"
    given.forget()
    assert [given.token(), given.token()] == [("t3", True), ("t4", True)], (
        "what does not say how long it lasts is not kept"
    )


def test_a_new_refresh_token_takes_the_place_of_the_old_one(endpoint):
    endpoint.answers = [(200, {"access_token": "a", "refresh_token": "second"})]
    given = tokens(oauth(endpoint, refresh_token=REFRESH))
    given.token()
    given.token()
    assert [form["refresh_token"] for form in endpoint.forms] == [REFRESH, "second"]


@pytest.mark.parametrize(
    ("status", "body", "error", "said"),
    [
        (
            400,
            {"error": "invalid_grant", "error_description": f"{REFRESH} expired"},
            AuthenticationFailed,
            "invalid_grant",
        ),
        (401, {"error": "invalid_client"}, AuthenticationFailed, "invalid_client"),
        (403, b"<html>no", AuthenticationFailed, "no reason given"),
        (302, b"", AuthenticationFailed, "302"),
        (200, {"error": f"x {SECRET}"}, AuthenticationFailed, "no reason given"),
        (429, b"", Retriable, "429"),
        (503, b"", Retriable, "503"),
        (200, b"<html>log in", ProtocolFault, "no JSON"),
        (200, {"token": 1}, ProtocolFault, "no access token"),
        (200, {"access_token": "a\r\nb"}, ProtocolFault, "no access token"),
    ],
)
def test_an_endpoint_that_gives_no_token(endpoint, status, body, error, said):
    endpoint.answers = [(status, body)]
    with pytest.raises(SourceError, match=said) as caught:
        tokens(oauth(endpoint, refresh_token=REFRESH)).token()
    assert type(caught.value) is error
    assert "geheim" not in str(caught.value) + repr(caught.value.__cause__) + repr(caught.value.__context__)


def test_nobody_answers():
    settings = OAuthSettings(token_url="http://127.0.0.1:1/t", client_id="app", client_secret=SECRET)
    with pytest.raises(Retriable, match="cannot be reached"):
        tokens(settings).token()


@pytest.mark.parametrize(
    ("more", "fault"),
    [
        ({"token_url": "http://login.example.test/t"}, "no https:// address"),
        ({"token_url": "https://login.example.test/t\nHost: x"}, "no https:// address"),
        ({"token_url": ""}, "token_url is missing"),
        ({"client_secret": None}, "client_secret is missing"),
        ({"provider": "microsoft", "token_url": ""}, "tenant is missing"),
        ({"provider": "google"}, "refresh_token is missing"),
    ],
)
def test_settings_that_cannot_work(more, fault):
    fields = {"token_url": "https://login.example.test/t", "client_id": "app", "client_secret": SECRET}
    with pytest.raises(ValidationError, match=fault) as caught:
        OAuthSettings.model_validate(fields | more)
    assert "geheim" not in str(caught.value)


def test_where_the_providers_are():
    microsoft = OAuthSettings(provider="microsoft", tenant="contoso.example", client_id="a", client_secret=SECRET)
    assert microsoft.endpoint == "https://login.microsoftonline.com/contoso.example/oauth2/v2.0/token"
    google = OAuthSettings(provider="google", client_id="a", refresh_token=REFRESH)
    assert google.endpoint == "https://oauth2.googleapis.com/token"


def test_a_mailbox_is_read_with_a_token_and_one_token_does_for_all(endpoint, tmp_path):
    with Scripted() as server:
        server.tokens = {"t1"}
        mailboxes = [{"user": USER}, {"user": "desk@example.test"}]
        one = source(configured(endpoint, server, mailboxes=mailboxes), context(tmp_path))
        assert [part.unreadable for part in one.slices()] == [None, None]
        assert [line.level for line in one.check()] == ["ok"] * 4
        assert "by a token of 127.0.0.1" in one.check()[0].text
    assert len(endpoint.forms) == 1
    assert "t1" not in repr(one) + repr(vars(one))


def test_a_token_the_server_takes_no_longer_is_fetched_anew_once(endpoint, tmp_path):
    with Scripted() as server:
        server.tokens = {"t1"}
        one = source(configured(endpoint, server), context(tmp_path))
        one.slices()
        server.tokens = {"t2"}
        assert one.slices()[0].unreadable is None
        assert len(endpoint.forms) == 2
        server.tokens = set()
        with pytest.raises(AuthenticationFailed, match=r"does not accept the access token of 127.0.0.1 \(refused\)"):
            one.slices()
    assert len(endpoint.forms) == 3


@pytest.mark.parametrize(
    ("answers", "more", "said"),
    [
        ({}, {"security": "starttls"}, "offers no STARTTLS: somebody on the way may have taken it out"),
        ({"greeting": "* PREAUTH welcome"}, {"security": "starttls"}, "knows us before we said who we are"),
        ({"greeting": "* BYE overloaded"}, {}, "cut|BYE|cannot be reached|overloaded"),
        ({}, {"security": "tls"}, "no TLS is spoken there|cut the connection"),
    ],
)
def test_no_password_is_sent_before_the_line_is_safe(endpoint, tmp_path, answers, more, said):
    mailbox = {"user": USER, "password": "geheim"}
    with Scripted(**answers) as server:
        one = source(configured(endpoint, server, mailboxes=[mailbox], **more), context(tmp_path, retry=False))
        (line,) = one.check()
    assert line.level == "error"
    assert any(each in line.text for each in said.split("|")), line.text
    assert not [each for each in server.seen if "geheim" in each or "LOGIN" in each or "AUTHENTICATE" in each]


def test_an_expired_certificate_is_told(endpoint, tmp_path):
    (tmp_path / "ca.conf").write_text(
        "[ca]\ndefault_ca=d\n[d]\ndatabase=index.txt\nserial=serial\nnew_certs_dir=.\npolicy=p\ndefault_md=sha256\n"
        "x509_extensions=x\n[p]\ncommonName=supplied\n[x]\nsubjectAltName=IP:127.0.0.1\nbasicConstraints=CA:TRUE\n"
    )
    (tmp_path / "index.txt").write_text("")
    (tmp_path / "serial").write_text("01\n")
    dates = "-startdate 20200101000000Z -enddate 20200201000000Z"
    for command in (
        "req -newkey rsa:2048 -nodes -keyout key.pem -out req.pem -subj /CN=127.0.0.1",
        f"ca -batch -config ca.conf -selfsign -keyfile key.pem -in req.pem -out cert.pem -notext {dates}",
    ):
        subprocess.run(["openssl", *command.split()], cwd=tmp_path, check=True, capture_output=True)
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(tmp_path / "cert.pem", tmp_path / "key.pem")
    mailbox = {"user": USER, "password": "geheim"}
    with Scripted(tls=tls) as server:
        more = {"security": "tls", "ca_bundle": "cert.pem", "mailboxes": [mailbox]}
        (line,) = source(configured(endpoint, server, **more), context(tmp_path)).check()
    assert "certificate not trusted: certificate has expired" in line.text
