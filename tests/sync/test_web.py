from __future__ import annotations

from pathlib import Path

import httpx
import msgspec
import pytest
import respx

from hub.clock import FixedClock, parse_instant
from hub.errors import (
    AuthenticationFailed,
    ConnectorOutdated,
    ProtocolFault,
    Retriable,
    ScopeUnreadable,
    SourceError,
)
from hub.sync.answer import read_json
from hub.sync.source import SourceContext
from hub.sync.web import Web, sort_status

SECRET = "pass-4711-never-shown"
NOW = parse_instant("2026-10-01T06:00:00Z")


@pytest.fixture
def web(tmp_path):
    context = SourceContext("mon", Path(tmp_path), "UTC", FixedClock(NOW), lambda request: request())
    made = Web("Tool", "https://tool.example", context, timeout_s=1, auth=("hub", SECRET), secrets=[SECRET])
    yield made
    made.close()


def read(reply):
    if (fault := sort_status("Tool", reply)) is not None:
        raise fault
    return read_json(reply.body, dict, reply.where)


@pytest.mark.parametrize(
    ("answer", "fault", "told"),
    [
        (httpx.Response(401), AuthenticationFailed, "does not accept the credential"),
        (httpx.Response(403), ScopeUnreadable, "answered 403"),
        (httpx.Response(404), ScopeUnreadable, "answered 404"),
        (httpx.Response(410), ConnectorOutdated, "removed this endpoint"),
        (httpx.Response(429, headers={"Retry-After": "7"}), Retriable, "answered 429"),
        (httpx.Response(429, headers={"Retry-After": "Thu, 01 Oct 2026 06:00:07 GMT"}), Retriable, "answered 429"),
        (httpx.Response(503), Retriable, "answered 503"),
        (httpx.Response(302, headers={"Location": "/login"}), ProtocolFault, "unexpected answer 302"),
        (httpx.Response(200, text="<html>Log in</html>"), ProtocolFault, "something else than data"),
        (httpx.Response(200, text='{"a": [1, '), Retriable, "cut off"),
        (httpx.Response(200, text="[1]"), ProtocolFault, "unexpected shape"),
        (httpx.ReadTimeout("slow"), Retriable, "did not answer in time"),
        (httpx.RemoteProtocolError("cut"), Retriable, "failed or was cut"),
        (httpx.ConnectError("[SSL: CERTIFICATE_VERIFY_FAILED] self-signed"), SourceError, "set ca_bundle"),
        (httpx.UnsupportedProtocol("ftp"), SourceError, "check url"),
    ],
)
@respx.mock
def test_each_answer_becomes_its_fault(web, answer, fault, told):
    respx.get("https://tool.example/v1").mock(
        **({"side_effect": answer} if isinstance(answer, Exception) else {"return_value": answer})
    )
    with pytest.raises(SourceError) as found:
        web.ask("GET", "/v1", read)
    assert type(found.value) is fault
    assert told in str(found.value)
    assert str(found.value).startswith("GET /v1: ")
    assert SECRET not in f"{found.value!r} {found.value.__context__!r}"
    if answer is not None and getattr(answer, "status_code", 0) == 429:
        assert found.value.retry_after_s == 7


@respx.mock
def test_a_good_answer_is_decoded_and_tells_the_clock(web):
    respx.get("https://tool.example/v1?a=1").mock(
        return_value=httpx.Response(200, json={"a": 1}, headers={"Date": "Thu, 01 Oct 2026 06:10:00 GMT"})
    )
    assert web.ask("GET", "/v1", read, params={"a": 1}) == {"a": 1}
    assert (web.requests, web.clock_skew_ms) == (1, 600_000)
    twin = web.counting()
    twin.ask("GET", "/v1", read, params={"a": 1})
    assert (web.requests, twin.requests) == (1, 1)


def test_a_secret_the_tool_repeats_is_not_quoted(web):
    assert web.quote(f"user hub with\n {SECRET} refused.") == "user hub with *** refused"


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"ca_bundle": Path("none.pem")}, "ca_bundle of this source is no file"),
        ({"certificate": (Path("none.pem"), Path("none.key"))}, "the client certificate or its key cannot be read"),
        ({"proxy": "nonsense://x"}, "proxy of this source is no address"),
        ({"proxy": "::::"}, "proxy of this source is no address"),
    ],
)
def test_what_cannot_be_connected_with_is_said_by_the_first_request(tmp_path, changes, told):
    context = SourceContext("mon", Path(tmp_path), "UTC", FixedClock(NOW), lambda request: request())
    web = Web("Tool", "https://tool.example", context, timeout_s=1, **changes).counting()
    with pytest.raises(SourceError, match=told):
        web.ask("GET", "/", lambda reply: msgspec.json.decode(reply.body))
    web.close()


@respx.mock
def test_twins_share_connections_and_close_them_together(web):
    respx.get("https://tool.example/v1").mock(return_value=httpx.Response(200, json={}))
    twin = web.counting()
    twin.ask("GET", "/v1", read)
    assert web._clients == twin._clients
    assert len(web._clients) == 1
    web.close()
    assert twin._clients[0].is_closed
