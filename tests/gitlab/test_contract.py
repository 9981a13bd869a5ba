from __future__ import annotations

import pytest

from hub.testing.contract import SourceContract
from hub_gitlab.source import make_source
from hub_sandbox.gitlab_contract import GitlabContract
from tests.gitlab.server import SECRET, Desk, configure, content
from tests.jira.kit import Fault

ANSWERS = {
    "unauthorised": Fault(401, {"message": "401 Unauthorized"}),
    "forbidden": Fault(403, {"message": "403 Forbidden"}),
    "missing": Fault(404, {"message": "404 Project Not Found"}),
    "gone": Fault(410, {"message": "410 Gone"}),
    "busy": Fault(429, raw=b"Retry later\n", Retry_After="0"),
    "broken": Fault(503, {}),
    "cut": Fault(200, [], cut=True),
    "not_json": Fault(200, raw=b"<html>log in</html>"),
}


class TestGitlab(SourceContract):
    name = "gitlab"
    secrets = (SECRET,)

    @pytest.fixture(autouse=True)
    def gitlab(self, shared):
        check = GitlabContract(shared / "contracts" / "gitlab")
        self.server = Desk(content(3), observer=check)
        yield
        self.server.stop()
        if check.checked:
            check.verify()

    def make(self, context):
        return make_source(
            configure(url=self.server.url, projects=["example/shop/web-shop"], page_size=2, at_once=4), context
        )

    def make_faulty(self, fault, context):
        healthy = ("/user", "/personal_access_tokens/self") if fault != "unauthorised" else ()

        def spoil(request):
            return None if request.path.removeprefix("/api/v4") in healthy else ANSWERS[fault]

        self.server.spoil = spoil
        return self.make(context)

    def requests_seen(self):
        return [f"{each.method} {each.path}" for each in self.server.asked]


del SourceContract
