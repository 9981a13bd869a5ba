"""Questions to the API of one Icinga 2. All of them read: lists are asked for by POST with the method overridden."""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

import msgspec

from hub.errors import ProtocolFault, ScopeUnreadable
from hub.sync.answer import read_json
from hub.sync.web import Reply, Web, sort_status
from hub_icinga.wire import Comments, Downtimes, Me, Objects, Status, ms

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hub.sync.source import SourceContext
    from hub_icinga.settings import IcingaSettings

__all__ = ["RIGHTS", "Account", "IcingaClient", "Process"]

T = TypeVar("T")
RIGHTS = {
    "hosts": "objects/query/Host",
    "services": "objects/query/Service",
    "comments": "objects/query/Comment",
    "downtimes": "objects/query/Downtime",
}
"""The permission each list needs; the status needs `status/query`."""
_BOTH = (
    "__name",
    "display_name",
    "groups",
    "last_hard_state",
    "last_hard_state_change",
    "last_check",
    "next_update",
    "check_interval",
)
_SERVICE = ("host_name", "last_state_ok", "last_state_warning", "last_state_critical", "last_state_unknown")
_HOST = ("last_state_up", "last_state_down")
_COMMENT = ("__name", "host_name", "service_name", "author", "text", "entry_time", "entry_type")
_DOWNTIME = ("__name", "host_name", "service_name", "author", "comment", "start_time", "end_time", "entry_time")
_FLEXIBLE = ("trigger_time", "duration", "fixed")


class Account(NamedTuple):
    """Who we are."""

    user: str
    permissions: tuple[str, ...]
    version: str

    def lacks(self, *wanted: str) -> list[str]:
        """List which of these permissions are missing."""
        return [each for each in wanted if not any(_covers(held, each) for held in self.permissions)]


class Process(NamedTuple):
    """The running Icinga, by its own clock."""

    started: int
    """When it started, UTC milliseconds."""
    now: int
    """Its present instant, UTC milliseconds."""
    skew: int
    """Its clock minus ours, milliseconds."""


class IcingaClient:
    """One ApiUser at one Icinga 2; safe to share between threads."""

    def __init__(self, settings: IcingaSettings, context: SourceContext) -> None:
        secret = settings.password.get_secret_value() if settings.password else ""
        certificate, key = settings.client_certificate, settings.client_key
        self._context = context
        self._vars = bool(settings.variables)
        self._figures = bool(settings.measurements)
        self._web = Web(
            "Icinga",
            settings.url,
            context,
            timeout_s=settings.timeout_s,
            proxy=settings.proxy,
            ca_bundle=settings.ca_bundle,
            certificate=(context.base_dir / certificate, context.base_dir / key) if certificate and key else None,
            auth=(settings.user, secret) if settings.user else None,
            headers={"Accept": "application/json"},
            secrets=(secret,),
        )

    def counting(self) -> IcingaClient:
        """Give a client over the same connections that counts its own requests."""
        twin = object.__new__(IcingaClient)
        twin.__dict__.update(self.__dict__)
        twin._web = self._web.counting()
        return twin

    @property
    def requests(self) -> int:
        """Requests sent, retries included."""
        return self._web.requests

    def whoami(self) -> Account:
        """Ask who we are and what we may do; ProtocolFault where the answer names nobody."""
        told = self._ask("GET", "/v1", Me)
        if not told.results or not told.results[0].user:
            raise ProtocolFault("GET /v1: the answer names no user; check url of this source")
        first = told.results[0]
        return Account(first.user, tuple(filter(None, map(_permission, first.permissions))), first.version)

    def process(self) -> Process:
        """Ask when Icinga was started and what its clock says."""
        app = self._status("IcingaApplication").get("icingaapplication")
        running = next(iter(app.values()), None) if isinstance(app, dict) else None
        started = running.get("program_start") if isinstance(running, dict) else None
        uptime = self._status("CIB").get("uptime")
        heard = self._context.clock.now_ms()
        if not isinstance(started, (int, float)) or not isinstance(uptime, (int, float)) or started <= 0:
            raise ProtocolFault("GET /v1/status: the answer does not tell since when Icinga runs")
        now = ms(started + uptime)
        return Process(ms(started), now, now - heard)

    def hosts(self) -> Objects:
        """List all hosts we may see."""
        return self._list("hosts", Objects, [*_BOTH, *_HOST, *self._more()], [])

    def services(self) -> Objects:
        """List all services we may see, each with the groups of its host."""
        joins = ["host.groups", "host.vars"] if self._vars else ["host.groups"]
        return self._list("services", Objects, [*_BOTH, *_SERVICE, *self._more()], joins)

    def comments(self) -> Comments:
        """List all comments."""
        return self._list("comments", Comments, _COMMENT, [])

    def downtimes(self) -> Downtimes:
        """List downtimes, present and to come."""
        joins = [f"{kind}.{what}" for kind in ("host", "service") for what in ("groups", "vars")[: 1 + self._vars]]
        return self._list("downtimes", Downtimes, [*_DOWNTIME, *_FLEXIBLE], joins)

    def close(self) -> None:
        """Give back connections."""
        self._web.close()

    def _more(self) -> list[str]:
        more = ["max_check_attempts", *(["vars"] if self._vars else [])]
        return [*more, "last_check_result"] if self._figures else more

    def _status(self, part: str) -> dict[str, Any]:
        told = self._ask("GET", f"/v1/status/{part}", Status)
        return told.results[0].status if told.results else {}

    def _list(self, kind: str, shape: type[T], attributes: Sequence[str], joins: Sequence[str]) -> T:
        asked: dict[str, Any] = {"attrs": list(attributes)} | ({"joins": list(joins)} if joins else {})
        return self._ask("POST", f"/v1/objects/{kind}", shape, asked)

    def _ask(self, method: str, path: str, shape: type[T], body: dict[str, Any] | None = None) -> T:
        def read(reply: Reply) -> T:
            said = self._said(reply)
            if reply.status == 404 and "No objects found" in said:  # noqa: PLR2004 - Icinga hides what may not be seen
                right = RIGHTS.get(path.rpartition("/")[2], "status/query")
                raise ScopeUnreadable(
                    f"{reply.where}: No objects found: the ApiUser lacks the permission {right}, or its filter hides all"
                )
            fault = sort_status("Icinga", reply, said)
            if fault is not None:
                raise fault
            return read_json(reply.body, shape, reply.where)

        override = {"X-HTTP-Method-Override": "GET"} if method == "POST" else None
        data = msgspec.json.encode(body) if body is not None else None
        return self._web.ask(method, path, read, body=data, headers=override)

    def _said(self, reply: Reply) -> str:
        try:
            told = msgspec.json.decode(reply.body, type=_Complaint) if reply.status >= 400 else None  # noqa: PLR2004
        except (msgspec.DecodeError, UnicodeDecodeError):
            return ""
        return self._web.quote(told.status) if told else ""


class _Complaint(msgspec.Struct):
    """How Icinga words an error."""

    status: str = ""


def _permission(told: Any) -> str | None:
    """Read one permission: a name, or an object with a filter."""
    named = told.get("permission") if isinstance(told, dict) else told
    return named if isinstance(named, str) else None


def _covers(held: str, wanted: str) -> bool:
    return fnmatchcase(wanted.lower(), held.lower())
