from __future__ import annotations

import pytest

from hub.testing.contract import SourceContract
from hub_jira.source import make_source
from tests.jira.kit import SECRET, Fault, Jira, configure, entry, issue, item, user

ANSWERS = {
    "unauthorised": Fault(401, {"errorMessages": ["no"]}),
    "forbidden": Fault(403, {"errorMessages": ["no"]}),
    "missing": Fault(404, {"errorMessages": ["no"]}),
    "gone": Fault(410, {"errorMessages": ["removed"]}),
    "busy": Fault(429, {}, Retry_After="0"),
    "broken": Fault(503, {}),
    "cut": Fault(200, {"issues": []}, cut=True),
    "not_json": Fault(200, raw=b"<html>log in</html>"),
}
WHEN = "2026-01-06T10:00:00.000+0100"
STEP = {
    "id": "1",
    "name": "CAB",
    "createdDate": {"jira": WHEN},
    "completedDate": {"jira": WHEN},
    "approvers": [{"approver": user("bob"), "approverDecision": "approved"}],
}


def shelf() -> list[dict]:
    histories = [entry(WHEN, item("status", "Open", "Work", ids=("1", "2")))]
    comment = {"total": 1, "comments": [{"id": "1", "created": WHEN, "author": user("bob"), "jsdPublic": True}]}
    change = issue("Change", histories=histories, customfield_10045=[STEP], customfield_10080=WHEN, comment=comment)
    return [{**change, "id": str(n), "key": f"OPS-{n}"} for n in range(1, 6)]


class JiraContract(SourceContract):
    secrets = (SECRET,)
    reads_by_post = (r"/rest/api/3/changelog/bulkfetch",)
    flavour = "cloud"
    api = "/rest/api/3"

    @pytest.fixture(autouse=True)
    def jira(self):
        self.server = Jira()
        self.server.answers |= {
            f"{self.api}/project/OPS": {"id": "1", "key": "OPS"},
            f"{self.api}/project/OPS/versions": [{"id": "70", "name": "1.0", "releaseDate": "2026-03-31"}],
            f"{self.api}/search/jql": self.cloud,
            f"{self.api}/search": self.center,
            f"{self.api}/field": [],
            f"{self.api}/status": [],
            f"{self.api}/issuetype": [],
        }
        self.healthy = dict(self.server.answers)
        yield
        self.server.stop()

    def cloud(self, query):
        start = int(query.get("nextPageToken", "0"))
        page = shelf()[start : start + int(query["maxResults"])]
        end = start + len(page)
        return {"issues": page, **({"nextPageToken": str(end)} if end < len(shelf()) else {})}

    def center(self, query):
        start = int(query["startAt"])
        return {"issues": shelf()[start : start + int(query["maxResults"])], "total": len(shelf()), "startAt": start}

    def make(self, context):
        user = "hub@example.net" if self.flavour == "cloud" else None
        return make_source(configure(url=self.server.url, flavour=self.flavour, user=user, page_size=2), context)

    def make_faulty(self, fault, context):
        self.server.answers = dict(self.healthy)
        healthy = {f"{self.api}/myself", f"{self.api}/field"} if fault != "unauthorised" else set()
        for path in set(self.server.answers) - healthy:
            self.server.answers[path] = ANSWERS[fault]
        return self.make(context)

    def requests_seen(self):
        return [f"{each.method} {each.path}" for each in self.server.asked]


class TestJiraCloud(JiraContract):
    pass


class TestJiraDataCenter(JiraContract):
    flavour = "data_center"
    api = "/rest/api/2"


del JiraContract, SourceContract
