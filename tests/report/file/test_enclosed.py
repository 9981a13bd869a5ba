from __future__ import annotations

import hashlib
import json
import re
from dataclasses import replace
from email import message_from_bytes, policy

import pytest

from hub.report.file.chart import charts
from hub.report.file.enclosed import enclosed, with_charts
from hub.report.mail import lighten, render_mail
from hub.report.model import encode_model

HOSTS = frozenset({"jira.example.test"})
ALL = ("charts", "pdf", "xlsx")


@pytest.fixture(scope="module")
def rendered(report):
    return render_mail(report, sender="hub@example.test", to=["a@example.test"], hosts=HOSTS, enclose=ALL)


@pytest.fixture(scope="module")
def message(rendered):
    return message_from_bytes(rendered.eml, policy=policy.default)


@pytest.fixture(scope="module")
def files(message) -> dict[str, bytes]:
    return {part.get_filename(): part.get_payload(decode=True) for part in message.walk() if part.get_filename()}


def test_the_mail_carries_what_is_wanted_and_names_every_hash(message, files):
    names = [part.get_filename() for part in message.iter_attachments()]
    assert names == ["report.pdf", "report.xlsx", "findings.csv", "evidence-manifest.json"]
    assert files["report.pdf"].startswith(b"%PDF-")
    assert files["report.xlsx"].startswith(b"PK")
    for kind in ("plain", "html"):
        body = message.get_body((kind,)).get_content()
        assert all(hashlib.sha256(files[name]).hexdigest() in body for name in names)


def test_charts_stand_in_the_page_with_their_words_and_nothing_is_loaded(message, files):
    page = message.get_body(("html",)).get_content()
    images = re.findall(r'<img src="([^"]*)"[^>]*alt="([^"]*)"', page)
    assert [source for source, _ in images] == [
        "cid:conformance-rate.png@sr-example-organisation-conformance-2026-10.r1"
    ]
    assert images[0][1] == "Conformance rate by period: 2026-10 30.00 %."
    related = next(part for part in message.walk() if part.get_content_type() == "multipart/related")
    kinds = [(part.get_content_type(), part["Content-ID"]) for part in related.iter_parts()]
    assert kinds[1] == ("image/png", f"<{images[0][0].removeprefix('cid:')}>")
    assert files["conformance-rate.png"].startswith(b"\x89PNG")


def test_the_manifest_seals_the_other_files_and_can_be_checked_without_a_store(files, report):
    manifest = json.loads(files["evidence-manifest.json"])
    others = {name: hashlib.sha256(body).hexdigest() for name, body in files.items() if "manifest" not in name}
    assert manifest["files"] == others
    assert manifest["report_sha256"] == hashlib.sha256(encode_model(report)).hexdigest()
    assert {"as_of", "known_at", "catalogue_version", "profile_version", "tz_version"} <= manifest.keys()
    [finding] = [one for one in manifest["findings"] if one["finding"] == report.nonconformities[0].key]
    assert finding["url"].startswith("https://jira.example.test/browse/")
    assert finding["evidence"][0]["url"] == finding["url"]
    assert finding["evidence"][0]["document_sha256"] in manifest["documents"]


def test_addresses_of_other_hosts_stay_out_of_the_manifest(report):
    body = enclosed(report, frozenset(), ())["evidence-manifest.json"]
    assert b"jira.example.test" not in body


def test_same_report_same_message(report, rendered):
    again = render_mail(report, sender="hub@example.test", to=["a@example.test"], hosts=HOSTS, enclose=ALL)
    assert again.eml == rendered.eml


def test_a_light_message_keeps_its_pictures_and_leaves_out_the_files(rendered):
    light = message_from_bytes(lighten(rendered, "").eml, policy=policy.default)
    assert [part.get_filename() for part in light.walk() if part.get_filename()] == ["conformance-rate.png"]


def test_words_of_a_tool_stay_words_in_the_alternative_text(report):
    evil = [replace(one, alt='"><script>alert(1)</script>', legend="<script>") for one in charts(report)]
    page = with_charts("<!--charts-->x", evil, report.identity)
    assert "<script>" not in page
    assert page.endswith("</td></tr>\nx")


def test_charts_stand_behind_what_changed(rendered, report):
    page = message_from_bytes(rendered.eml, policy=policy.default).get_body(("html",)).get_content()
    order = ["Since the last mail", "Counts (in brackets", "<img src=", "What you must do"]
    assert [*sorted(order, key=page.index)] == order
    bare = render_mail(report, sender="hub@example.test", to=[], hosts=HOSTS)
    assert "charts" not in message_from_bytes(bare.eml, policy=policy.default).get_body(("html",)).get_content()
