"""Small words: keys of other tools, accounts, times and paths as GitLab writes them."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from hub_gitlab.mapping_settings import MappingSettings
from hub_gitlab.moment import UnreadableTimeError, instant_of
from hub_gitlab.reference import KeyFinder
from hub_gitlab.vocabulary import fits
from tests.gitlab.mapping_kit import (
    at,
    commit,
    first,
    merge_request,
    only,
    read,
    user,
)


def test_keys_in_branch_title_trailers_and_description():
    commits = [commit("ann@example.net", message="Disk\n\nRefs: CHG-9\nChangelog: added")]
    links = first("merge_request", merge_request(commits=commits)).links
    assert [(each.type, each.target) for each in links] == [
        ("closes", "git:issue/70"),
        ("implements", "desk:key/CHG-7"),
        ("implements", "desk:key/CHG-9"),
        ("relates", "desk:key/OPS-3"),
    ]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("OPS-12", {"OPS-12"}),
        ("(OPS-12), CHG-3: OPS-12", {"OPS-12", "CHG-3"}),
        ("https://jira.example.net/browse/OPS-12", {"OPS-12"}),
        ("ops-12", set()),
        ("note-1 CVE-2026 UTF-8 SHA-256", set()),
        ("XOPS-1 A-OPS-1 OPS-0 OPS-01 OPS-", set()),
        ("OPS-1.2 OPS-1-beta OPS-1x", set()),
        ("OPS-1. OPS-2, done", {"OPS-1", "OPS-2"}),
        ("```\nOPS-1\n```\nOPS-2\n~~~~\n```\nOPS-3\n~~~~", {"OPS-2"}),
        ("修复OPS-12磁盘", {"OPS-12"}),
        ("OPS-" + "9" * 500, set()),
    ],
)
def test_what_is_a_key_in_a_text(text, found):
    assert {key for _, key in KeyFinder({"desk": ["OPS", "CHG"]}).in_text(text)} == found


@pytest.mark.parametrize(
    ("branch", "found"),
    [("ops-12-disk", "OPS-12"), ("feature/OPS-12_disk", "OPS-12"), ("fix-ops-12", "OPS-12"), ("drops-12", None)],
)
def test_what_is_a_key_in_a_branch(branch, found):
    assert {key for _, key in KeyFinder({"desk": ["OPS"]}).in_branch(branch)} == ({found} if found else set())


def test_a_key_of_two_sources_is_refused():
    with pytest.raises(ValidationError, match="the key OPS stands for two sources, a and b"):
        MappingSettings.model_validate({"jira": {"a": ["OPS"], "b": ["OPS"]}})


def test_accounts_keep_their_number_whatever_they_are_called():
    people = {
        each.id: each for each in only("person", read("user", {"user": user(9, "dora", public_email="D@x.test")}))
    }
    assert people["git:user/9"].same_as == ["register:people/dora"]
    assert (people["git:user/9"].key, people["git:user/9"].aliases) == ("9", ["dora"])
    assert people["git:address/d@x.test"].same_as == ["git:user/9"]
    assert people["git:address/d@x.test"].key == "d@x.test"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-03-01T10:00:00.123Z", "2026-03-01T10:00:00.123Z"),
        ("2026-03-01T10:00:00+02:00", "2026-03-01T08:00:00Z"),
        ("2026-03-01 10:00:00 UTC", "2026-03-01T10:00:00Z"),
        ("2026-03-01 10:00:00 +0200", "2026-03-01T08:00:00Z"),
        ("2026-03-01T10:00:00.000+0800", "2026-03-01T02:00:00Z"),
        ("1969-12-31T23:59:59Z", "1969-12-31T23:59:59Z"),
        ("2400-02-29T00:00:00Z", "2400-02-29T00:00:00Z"),
    ],
)
def test_times_as_gitlab_writes_them(text, expected):
    assert instant_of(text) == at(expected)


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ("2026-03-01T10:00:00", "time without zone"),
        ("2026-03-01", "day without time"),
        ("2026-02-30T00:00:00Z", "impossible time"),
        ("yesterday", "impossible time"),
        ("9" * 100, "not a time"),
        (1772355600, "not a time"),
        (None, "not a time"),
    ],
)
def test_times_that_say_no_instant(value, reason):
    with pytest.raises(UnreadableTimeError, match=reason):
        instant_of(value)


@pytest.mark.parametrize(
    ("path", "pattern", "expected"),
    [
        ("policies/a.md", "policies/*.md", True),
        ("policies/it/a.md", "policies/*.md", False),
        ("policies/it/a.md", "policies/**/*.md", True),
        ("policies/a.md", "policies/**/*.md", True),
        ("a.md", "**", True),
        ("a/b.txt", "**/*.md", False),
    ],
)
def test_which_paths_fit(path, pattern, expected):
    assert fits(path, pattern) is expected
