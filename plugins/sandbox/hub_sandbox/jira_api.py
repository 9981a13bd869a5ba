"""What Jira answers: paths, queries and bodies in, statuses and JSON out; knows no sockets."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

import msgspec

from hub_sandbox.exchange import Answer, Request
from hub_sandbox.jira_account import AccountBook
from hub_sandbox.jira_field import list_fields
from hub_sandbox.jira_page import collect_histories, read_token, search_fields, write_token
from hub_sandbox.jira_person import show_person
from hub_sandbox.jira_sight import Sight
from hub_sandbox.jira_text import show_time
from hub_sandbox.jira_view import JiraView
from hub_sandbox.jql import JqlError
from hub_sandbox.people import READER
from hub_sandbox.vocabulary import ISSUE_TYPES, LINK_TYPES, PROJECTS, STATUSES

if TYPE_CHECKING:
    from hub_sandbox.jira_person import Flavour
    from hub_sandbox.organisation import Organisation
    from hub_sandbox.timeline import Issue

__all__ = ["JiraApi"]

_REMOVED = (
    "The requested API has been removed. Please migrate to the /rest/api/3/search/jql API. "
    "A full migration guideline is available at https://developer.atlassian.com/changelog/#CHANGE-2046"
)
_NO_ISSUE = "Issue does not exist or you do not have permission to see it."
_FULL_PAGE = 100
_ID_PAGE = 5000


class JiraApi:
    """The endpoints of one flavour over an organisation at a movable instant."""

    def __init__(self, organisation: Organisation, flavour: Flavour, *, user: str, token: str, clock_ms: int) -> None:
        self.organisation = organisation
        self.flavour: Flavour = flavour
        self.token_expired = False
        self.base = ""
        self.accounts = AccountBook(flavour)
        self._sight = Sight(organisation, clock_ms, {"SEC"})
        self._secret = (
            f"Basic {base64.b64encode(f'{user}:{token}'.encode()).decode()}"
            if flavour == "cloud"
            else f"Bearer {token}"
        )
        self._view: JiraView | None = None
        prefix = r"/rest/api/(?:3|latest)" if flavour == "cloud" else r"/rest/api/(?:2|latest)"
        common: list[tuple[str, str, Callable[..., Answer]]] = [
            ("GET", "/myself", self._myself),
            ("GET", "/mypermissions", self.accounts.permissions),
            ("GET", "/serverInfo", self._server_info),
            ("GET", "/project", self._projects),
            ("GET", "/project/([^/]+)", self._project),
            ("GET", "/project/([^/]+)/versions", self._versions),
            ("GET", "/field", self._fields),
            ("GET", "/status", self._statuses),
            ("GET", "/issuetype", self._issue_types),
            ("GET", "/issueLinkType", self._link_types),
            ("GET", "/issue/([^/]+)", self._issue),
            ("GET", "/issue/([^/]+)/comment", self._comments),
        ]
        cloud: list[tuple[str, str, Callable[..., Answer]]] = [
            ("GET", "/project/search", self._project_search),
            ("GET|POST", "/search/jql", self._search_jql),
            ("POST", "/changelog/bulkfetch", self._bulk_changelog),
            ("POST", "/issue/bulkfetch", self._bulk_issues),
            ("GET", "/issue/([^/]+)/changelog", self._changelog),
            ("GET", "/user/bulk", lambda request: self.accounts.bulk(request, self.base, self.clock_ms)),
        ]
        data_center: list[tuple[str, str, Callable[..., Answer]]] = [
            ("GET|POST", "/search", self._search),
            ("GET", "/user", lambda request: self.accounts.one(request, self.base, self.clock_ms)),
        ]
        routes = [*cloud, *common] if flavour == "cloud" else [*data_center, *common]
        self._routes = [(re.compile(methods), re.compile(prefix + path), handler) for methods, path, handler in routes]

    @property
    def clock_ms(self) -> int:
        """Return the virtual instant."""
        return self._sight.now_ms

    @clock_ms.setter
    def clock_ms(self, instant_ms: int) -> None:
        self._sight.now_ms = instant_ms

    @property
    def hidden_projects(self) -> set[str]:
        """Return the projects the token may not browse; call `refresh` after changing it."""
        return self._sight.hidden_projects

    @property
    def secret_issues(self) -> set[int]:
        """Return the ids of issues a security level hides from the token; call `refresh` after changing it."""
        return self._sight.secret_issues

    @property
    def view(self) -> JiraView:
        """Return how everything looks now; made anew after `refresh`."""
        if self._view is None:
            self._view = JiraView(self.flavour, self.base, self.clock_ms, self._sight.visible, ended=self.accounts.left)
        return self._view

    def refresh(self) -> None:
        """Forget encoded state: the clock moved, or something changed."""
        self._view = None
        self._sight.forget()

    def find(self, ref: str) -> Issue | None:
        """Return a visible issue by id, key or former key."""
        return self._sight.find(ref)

    def answer(self, request: Request) -> Answer:
        """Answer a request."""
        if self.flavour == "cloud" and re.fullmatch(r"/rest/api/(2|3|latest)/search", request.path):
            return Answer.error(410, _REMOVED)
        known = not self.token_expired and request.headers.get("authorization") == self._secret
        for methods, path, handler in self._routes:
            found = path.fullmatch(request.path)
            if found:
                if not methods.fullmatch(request.method):
                    return Answer.error(405, "Method Not Allowed")
                if not known:
                    refusal = self._anonymous(request, handler)
                    if refusal is not None:
                        return refusal
                return handler(request, *(unquote(part) for part in found.groups()))
        return Answer.error(404, "null for uri: " + request.path)

    def _anonymous(self, request: Request, handler: Callable[..., Answer]) -> Answer | None:
        if handler == self._server_info:
            return None
        if self.flavour == "data_center" or handler in (self._myself, self._fields, self._bulk_changelog):
            return Answer.json(
                {"message": "Client must be authenticated to access this resource.", "status-code": 401}, 401
            )
        if handler == self._search_jql:
            return Answer.json({"issues": [], "isLast": True})
        if handler in (self._projects, self._statuses, self._issue_types):
            return Answer.json([])
        if handler == self._project_search:
            return Answer.json({"maxResults": 50, "startAt": 0, "total": 0, "isLast": True, "values": []})
        return Answer.error(404, _NO_ISSUE if "/issue/" in request.path else "No project could be found.")

    def _myself(self, _request: Request) -> Answer:
        return Answer.json(show_person(READER.id, self.flavour, self.base, self.clock_ms) | {"locale": "en_US"})

    def _server_info(self, _request: Request) -> Answer:
        cloud = self.flavour == "cloud"
        return Answer.json(
            {
                "baseUrl": self.base, "version": "1001.0.0-SNAPSHOT" if cloud else "10.3.12",
                "versionNumbers": [1001, 0, 0] if cloud else [10, 3, 12], "deploymentType": "Cloud" if cloud else "Server",
                "buildNumber": 100_000, "serverTime": show_time(self.clock_ms), "serverTitle": "Jira of the Example Organisation",
                **({"serverTimeZone": "Europe/Berlin"} if cloud else {}),
            }
        )  # fmt: skip

    def _projects(self, _request: Request) -> Answer:
        return Answer.json([self.view.projects[key] for key in self._sight.projects()])

    def _project_search(self, request: Request) -> Answer:
        start, most = request.number("startAt", 0), request.number("maxResults", 50)
        keys = self._sight.projects()
        part = [self.view.projects[key] for key in keys[start : start + most]]
        return Answer.json(
            {
                "maxResults": most,
                "startAt": start,
                "total": len(keys),
                "isLast": start + most >= len(keys),
                "values": part,
            }
        )

    def _project(self, _request: Request, ref: str) -> Answer:
        for key in self._sight.projects():
            if ref in {key, str(PROJECTS[key].id)}:
                shown = self.view.project(key)
                if self.flavour == "cloud":
                    shown["issueTypes"] = [self.view.types[name] for name in PROJECTS[key].types]
                return Answer.json(shown)
        return Answer.error(404, f"No project could be found with key '{ref}'.")

    def _versions(self, request: Request, ref: str) -> Answer:
        project = self._project(request, ref)
        return Answer.json([]) if project.status == 200 else project  # noqa: PLR2004 - HTTP

    def _fields(self, _request: Request) -> Answer:
        return Answer.json(list_fields(cloud=self.flavour == "cloud"))

    def _statuses(self, _request: Request) -> Answer:
        return Answer.json([self.view.statuses[name] for name in STATUSES])

    def _issue_types(self, _request: Request) -> Answer:
        return Answer.json([self.view.types[name] for name in ISSUE_TYPES])

    def _link_types(self, _request: Request) -> Answer:
        shown = [
            {
                "id": str(kind.id),
                "name": kind.name,
                "inward": kind.inward,
                "outward": kind.outward,
                "self": f"{self.view.api}/issueLinkType/{kind.id}",
            }
            for kind in LINK_TYPES.values()
        ]
        return Answer.json({"issueLinkTypes": shown})

    def _issue(self, request: Request, ref: str) -> Answer:
        issue = self.find(ref)
        if issue is None:
            return Answer.error(404, _NO_ISSUE)
        fields = search_fields(request.query.get("fields"), default=None)
        return Answer(
            200,
            bytes(
                self.view.issue(issue, fields, changelog="changelog" in (request.first("expand") or ""), capped=False)
            ),
        )

    def _comments(self, request: Request, ref: str) -> Answer:
        issue = self.find(ref)
        if issue is None:
            return Answer.error(404, _NO_ISSUE)
        start, most = request.number("startAt", 0), request.number("maxResults", 100)
        comments = self.view.comments(issue)
        return Answer.json(
            {"startAt": start, "maxResults": most, "total": len(comments), "comments": comments[start : start + most]}
        )

    def _changelog(self, request: Request, ref: str) -> Answer:
        issue = self.find(ref)
        if issue is None:
            return Answer.error(404, _NO_ISSUE)
        start, most = request.number("startAt", 0), min(100, request.number("maxResults", 100))
        entries = self.view.histories(issue)
        shown: dict[str, Any] = {
            "self": f"{self.view.api}/issue/{issue.id}/changelog",
            "startAt": start,
            "maxResults": most,
            "total": len(entries),
        }
        return Answer.json(shown | {"isLast": start + most >= len(entries), "values": entries[start : start + most]})

    def _bulk_changelog(self, request: Request) -> Answer:
        body = _decode(request.body)
        refs = body.get("issueIdsOrKeys") if body else None
        field_ids = (body or {}).get("fieldIds") or []
        if not body or not refs or len(refs) > 1000 or len(field_ids) > 10:  # noqa: PLR2004 - documented limits
            return Answer.error(400, "issueIdsOrKeys takes 1 to 1000 issues, fieldIds at most 10 fields.")
        start = read_token(body.get("nextPageToken"))
        if start is None:
            return Answer.error(400, "The provided next page token is invalid.")
        issues = [issue for ref in refs if (issue := self.find(str(ref))) is not None]
        return Answer.json(
            collect_histories(self.view, issues, set(field_ids), start, int(body.get("maxResults") or 1000))
        )

    def _bulk_issues(self, request: Request) -> Answer:
        body = _decode(request.body)
        refs = body.get("issueIdsOrKeys") if body else None
        if not body or not refs or len(refs) > _FULL_PAGE:
            return Answer.error(400, "issueIdsOrKeys takes 1 to 100 issues.")
        fields = search_fields(body.get("fields"), default=None)
        changelog = "changelog" in (body.get("expand") or [])
        issues = {issue.id: issue for ref in refs if (issue := self.find(str(ref))) is not None}
        shown = [self.view.issue(issues[each], fields, changelog=changelog) for each in sorted(issues)]
        return Answer.json({"issues": shown, "issueErrors": []})

    def _search_jql(self, request: Request) -> Answer:
        asked = self._asked(request)
        if asked is None:
            return Answer.error(400, "Invalid request payload. Refer to the REST API documentation and try again.")
        fields = search_fields(asked.get("fields"), default=())
        start = read_token(asked.get("nextPageToken"))
        if start is None:
            return Answer.error(400, "The provided next page token is invalid.")
        try:
            found = self._sight.search(str(asked.get("jql") or ""), unbounded=False)
        except JqlError as error:
            return Answer.error(400, str(error))
        changelog = "changelog" in str(asked.get("expand") or "")
        most = max(
            1, min(int(asked.get("maxResults") or 50), _ID_PAGE if fields == () and not changelog else _FULL_PAGE)
        )
        page: dict[str, Any] = {
            "issues": [self.view.issue(issue, fields, changelog=changelog) for issue in found[start : start + most]]
        }
        if start + most >= len(found):
            return Answer.json(page | {"isLast": True})
        return Answer.json(page | {"isLast": False, "nextPageToken": write_token(start + most)})

    def _search(self, request: Request) -> Answer:
        asked = self._asked(request)
        if asked is None:
            return Answer.error(400, "Unexpected character in the request body.")
        try:
            validate = str(asked.get("validateQuery", True)).casefold() != "false"
            found = self._sight.search(str(asked.get("jql") or ""), validate=validate)
        except JqlError as error:
            return Answer.error(400, str(error))
        fields = search_fields(asked.get("fields"), default=None)
        start = max(0, int(asked.get("startAt") or 0))
        most = max(0, min(int(asked["maxResults"]) if asked.get("maxResults") is not None else 50, 1000))
        changelog = "changelog" in str(asked.get("expand") or "")
        issues = [self.view.issue(issue, fields, changelog=changelog) for issue in found[start : start + most]]
        return Answer.json(
            {"expand": "schema,names", "startAt": start, "maxResults": most, "total": len(found), "issues": issues}
        )

    def _asked(self, request: Request) -> dict[str, Any] | None:
        if request.method == "POST":
            return _decode(request.body)
        asked: dict[str, Any] = {name: values[0] for name, values in request.query.items()}
        if "fields" in request.query:
            asked["fields"] = request.query["fields"]
        return asked


def _decode(body: bytes) -> dict[str, Any] | None:
    try:
        return msgspec.json.decode(body, type=dict[str, Any])
    except (msgspec.MsgspecError, binascii.Error):
        return None
