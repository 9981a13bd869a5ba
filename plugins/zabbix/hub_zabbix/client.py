"""JSON-RPC to one Zabbix: 6.0 takes the token in the body, 6.4 and later as Bearer; errors come with HTTP 200."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

import msgspec

from hub.errors import AuthenticationFailed, ProtocolFault, Retriable, ScopeUnreadable, SourceError
from hub.sync.answer import read_json
from hub.sync.web import Reply, Web, sort_status

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from hub.sync.source import SourceContext
    from hub_zabbix.settings import ZabbixSettings

__all__ = ["NotAllowed", "Version", "ZabbixClient"]

T = TypeVar("T")
_PATH = "/api_jsonrpc.php"
_OPEN = frozenset({"apiinfo.version", "user.checkAuthentication"})
"""Methods that must be called without a token."""
_UNKNOWN = ("not authori", "session terminated", "api token expired", "re-login", "token is disabled")
_BUSY = ("database", "connection")


class NotAllowed(ScopeUnreadable):
    """The role of this user does not allow the method."""


class Version(NamedTuple):
    """Version of the API."""

    major: int
    minor: int

    @property
    def bearer(self) -> bool:
        """The token goes into the header."""
        return self >= (6, 4)

    @property
    def groups(self) -> str:
        """How host groups are asked for."""
        return "selectHostGroups" if self >= (6, 2) else "selectGroups"


class _Envelope(msgspec.Struct):
    """Every answer: one of the two."""

    result: msgspec.Raw = msgspec.Raw(b"")
    error: dict[str, Any] | None = None


class ZabbixClient:
    """One token at one Zabbix; safe to share between threads."""

    def __init__(self, settings: ZabbixSettings, context: SourceContext) -> None:
        self._secret = settings.token.get_secret_value()
        self._version: Version | None = None
        self._web = Web(
            "Zabbix",
            settings.url,
            context,
            timeout_s=settings.timeout_s,
            proxy=settings.proxy,
            ca_bundle=settings.ca_bundle,
            headers={"Content-Type": "application/json-rpc", "Accept": "application/json"},
            secrets=(self._secret, self._secret[:16], self._secret[-16:]),
        )

    def counting(self) -> ZabbixClient:
        """Give a client over the same connections that counts its own requests."""
        twin = object.__new__(ZabbixClient)
        twin.__dict__.update(self.__dict__)
        twin._web = self._web.counting()
        return twin

    @property
    def requests(self) -> int:
        """Requests sent, retries included."""
        return self._web.requests

    @property
    def clock_skew_ms(self) -> int | None:
        """Clock of the frontend minus ours; None = not told."""
        return self._web.clock_skew_ms

    @property
    def version(self) -> Version:
        """Version of the API, asked once."""
        if self._version is None:
            told = self.call("apiinfo.version", {}, str)
            parts = told.split(".")
            if len(parts) < 2 or not all(part.isdecimal() for part in parts[:2]):  # noqa: PLR2004 - major and minor
                raise ProtocolFault(
                    f"apiinfo.version: {self._web.quote(told)!r} is no version; check url of this source"
                )
            self._version = Version(int(parts[0]), int(parts[1]))
            if self._version < (6, 0):
                raise SourceError(f"Zabbix {told} is too old: 6.0 to 7.x are read")
        return self._version

    def whoami(self) -> str:
        """Ask whose token it is."""
        told = self.call("user.checkAuthentication", {"token": self._secret}, dict[str, Any])
        name = told.get("username")
        if not isinstance(name, str) or not name:
            raise ProtocolFault("user.checkAuthentication: the answer names no user; check url of this source")
        return name

    def list(self, method: str, shape: type[T], params: Mapping[str, Any]) -> Sequence[T]:
        """Ask for objects."""
        return self.call(method, params, list[shape])  # type: ignore[valid-type]

    def call(self, method: str, params: Mapping[str, Any] | Sequence[Any], shape: type[T]) -> T:
        """Call a method and decode its result; the fault names the method."""
        body: dict[str, Any] = {"jsonrpc": "2.0", "method": method, "params": params, "id": 1}
        headers = {}
        if method not in _OPEN:
            if self.version.bearer:
                headers["Authorization"] = f"Bearer {self._secret}"
            else:
                body["auth"] = self._secret
        data = msgspec.json.encode(body)

        def read(reply: Reply) -> T:
            fault = sort_status("Zabbix", reply)
            if fault is not None:
                raise fault
            answer = read_json(reply.body, _Envelope, method)
            if answer.error is not None:
                raise self._sorted(method, answer.error)
            return read_json(bytes(answer.result), shape, method)

        return self._web.ask("POST", _PATH, read, body=data, headers=headers)

    def _sorted(self, method: str, error: Mapping[str, Any]) -> SourceError:
        """Sort what came with HTTP 200 and is an error all the same."""
        said = self._web.quote(" ".join(str(error[part]) for part in ("message", "data") if error.get(part)))
        folded = said.lower()
        if "no permissions to call" in folded or "no permission" in folded:
            return NotAllowed(f"{method}: {said}; allow the method in the role of this token's user")
        if any(word in folded for word in _UNKNOWN):
            return AuthenticationFailed(f"{method}: {said}; make a new API token, or check the token of this source")
        if any(word in folded for word in _BUSY):
            return Retriable(f"{method}: {said}")
        return ProtocolFault(f"{method}: Zabbix refused the request: {said}")

    def close(self) -> None:
        """Give back connections."""
        self._web.close()
