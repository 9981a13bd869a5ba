from __future__ import annotations

import csv
import hashlib
import io
import json
import re
import subprocess
import sys
from email import message_from_bytes, policy
from html.parser import HTMLParser

import msgspec
import pytest

from hub.conformance.answer import Subject
from hub.report.address import is_address
from hub.report.attachment import defuse
from hub.report.compile import compile_conformance
from hub.report.mail import lighten, render_mail
from hub.report.model import ReportModel, encode_model
from hub.report.plain import columns_of, wrap
from hub.report.wording import clean, safe_url, subject_line

HOST = "jira.example.test"
HOSTS = frozenset({HOST})
AS_OF = 1_793_692_800_000
EVIL = 'x"><script>alert(1)</script><img src=x onerror=a()>\r\nBcc: thief@example.test\u202etxt\x00'


def render(model: ReportModel):
    return render_mail(model, sender="hub@example.test", to=["alice@example.test", "bob@example.test"], hosts=HOSTS)


def parse(model: ReportModel):
    return message_from_bytes(render(model).eml, policy=policy.default)


class Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.names: set[str] = set()
        self.links: list[str] = []
        self.attributes: set[str] = set()

    def handle_starttag(self, tag, attrs):
        self.names.add(tag)
        self.attributes |= {name for name, _value in attrs}
        self.links += [value for name, value in attrs if name == "href"]


def tags_of(html: str) -> Tags:
    found = Tags()
    found.feed(html)
    return found


@pytest.fixture(scope="module")
def hostile(answers, first, make_identity) -> ReportModel:
    """A report in which every text of a tool is an attack."""

    def attack(value, field=""):
        if isinstance(value, msgspec.Struct):
            changed = {
                name: attack(getattr(value, name), name)
                for name in value.__struct_fields__
                if name not in ("requirement", "clause", "severity", "verdict", "state", "kind", "counts", "id")
            }
            return msgspec.structs.replace(value, **changed)
        if isinstance(value, list):
            return [attack(item, field) for item in value]
        if isinstance(value, str):
            return "javascript:alert(1)//" + EVIL if field == "url" else "=cmd() " + EVIL
        return value

    lists = ("requirements", "findings", "coming", "coverage", "waivers", "gaps")
    bad = msgspec.structs.replace(answers, **{name: attack(getattr(answers, name)) for name in lists})
    identity = msgspec.structs.replace(make_identity("2026-10", AS_OF), scope=EVIL, note=EVIL)
    return compile_conformance(bad, identity=identity, previous=first)


def test_same_report_gives_the_same_bytes(report):
    assert render(report) == render(report)
    program = (
        "import sys; from hub.report.mail import render_mail; from hub.report.model import decode_model;"
        "m = decode_model(sys.stdin.buffer.read());"
        "r = render_mail(m, sender='hub@example.test', to=['alice@example.test', 'bob@example.test'],"
        f" hosts=frozenset({{{HOST!r}}}));"
        "print(r.message_hash)"
    )
    again = subprocess.run([sys.executable, "-c", program], input=encode_model(report), capture_output=True, check=True)
    assert again.stdout.decode().strip() == render(report).message_hash


def test_headers(report):
    rendered, message = render(report), parse(report)
    assert message["Subject"] == (
        "[INCOMPLETE/RED] Example Organisation conformance 2026-10: 5 not met (2 critical), 1 not provable, SLA 0/0, due 3"
    )
    assert message["From"] == "hub@example.test"
    assert message["To"] == "alice@example.test, bob@example.test"
    assert message["Message-ID"] == "<sr-example-organisation-conformance-2026-10.r1@example.test>"
    assert message["Auto-Submitted"] == "auto-generated"
    assert message["X-Auto-Response-Suppress"] == "All"
    assert message["X-Conformance-Report"] == "SR-example-organisation-conformance-2026-10"
    assert message["X-Conformance-Revision"] == "1"
    assert message["X-Conformance-Hash"] == rendered.content_hash
    assert message["Date"] == "Tue, 03 Nov 2026 09:01:00 +0100", "the zone of the report's days"
    assert message["List-Id"] == "<sr-example-organisation-conformance.example.test>"
    assert message["References"] == message["In-Reply-To"] == "<sr-example-organisation-conformance@example.test>"
    assert message.get_content_type() == "multipart/mixed"
    assert [part.get_content_type() for part in message.walk() if not part.is_multipart()] == [
        "text/plain",
        "text/html",
        "text/csv",
        "application/json",
    ]
    assert max(len(line) for line in rendered.eml.split(b"\r\n")) <= 998
    assert b"\n" not in rendered.eml.replace(b"\r\n", b"")
    assert len(rendered.eml) < 200_000


def test_a_correction_answers_what_it_corrects(report):
    third = msgspec.structs.replace(report, identity=msgspec.structs.replace(report.identity, revision=3))
    message = parse(third)
    assert message["References"].split() == [
        "<sr-example-organisation-conformance@example.test>",
        "<sr-example-organisation-conformance-2026-10.r1@example.test>",
        "<sr-example-organisation-conformance-2026-10.r2@example.test>",
    ]
    assert message["In-Reply-To"] == "<sr-example-organisation-conformance-2026-10.r2@example.test>"


def test_names_that_are_not_ascii_are_encoded(report):
    named = msgspec.structs.replace(report, identity=msgspec.structs.replace(report.identity, scope="Größe 数据"))
    eml = render_mail(
        named, sender="hub@example.test", to=["a@example.test"], hosts=HOSTS, sender_name='Prüfung "IT", \r\nBcc: x@y'
    ).eml
    assert eml.isascii()
    message = message_from_bytes(eml, policy=policy.default)
    assert "Größe 数据 conformance" in message["Subject"]
    (sender,) = message["From"].addresses
    assert sender.addr_spec == "hub@example.test"
    assert sender.display_name == 'Prüfung "IT", Bcc: x@y'
    assert "Bcc" not in message


def test_a_message_that_is_too_large_leaves_its_attachments_and_says_where_they_are(report):
    whole = render(report)
    light = lighten(whole, "https://reports.example.test/SR-x-r1.eml")
    message = message_from_bytes(light.eml, policy=policy.default)
    parts = [part for part in message.walk() if not part.is_multipart()]
    assert [part.get_content_type() for part in parts] == ["text/plain", "text/html", "text/plain"]
    assert "https://reports.example.test/SR-x-r1.eml" in parts[2].get_content()
    assert "findings.csv, evidence-manifest.json are left out" in parts[2].get_content()
    assert parts[2].get_content_disposition() == "inline"
    original = parse(report)
    assert message.get_body(("html",)).get_content() == original.get_body(("html",)).get_content()
    assert message["X-Conformance-Hash"] == original["X-Conformance-Hash"]
    assert message["Message-ID"] == whole.message_id
    assert light == lighten(whole, "https://reports.example.test/SR-x-r1.eml")
    assert b"\n" not in light.eml.replace(b"\r\n", b"")


def test_content_hash_binds_every_part(report):
    message = parse(report)
    bodies = [message.get_body((kind,)).get_content().replace("\r\n", "\n").encode() for kind in ("plain", "html")]
    files = [part.get_payload(decode=True) for part in message.iter_attachments()]
    digests = [hashlib.sha256(body).hexdigest() for body in bodies + files]
    assert hashlib.sha256("\n".join(digests).encode()).hexdigest() == message["X-Conformance-Hash"]
    for digest in digests[2:]:
        assert digest in bodies[0].decode()
        assert digest in bodies[1].decode()


@pytest.mark.parametrize("scope", ["Ä" * 200, "A\r\nBcc: thief@example.test", "工" * 90, ""])
@pytest.mark.parametrize("revision", [1, 12])
def test_subject_is_one_line_of_at_most_120(report, scope, revision):
    identity = msgspec.structs.replace(report.identity, scope=scope, revision=revision)
    model = msgspec.structs.replace(report, identity=identity)
    line = subject_line(model)
    assert len(line) <= 120
    assert line.startswith("[INCOMPLETE/RED] ")
    assert line.endswith("SLA 0/0, due 3" if revision == 1 else "SLA 0/0, due 3 rev 12")
    message = parse(model)
    assert message["Subject"] == line
    assert message["Bcc"] is None


def test_page_has_nothing_remote_and_no_script(report):
    html = render(report).html.decode()
    tags = tags_of(html)
    assert not tags.names & {"script", "img", "link", "iframe", "object", "form", "video"}
    assert not re.search(r"url\(|@import|src=", html)
    assert {link.split("/")[2] for link in tags.links if not link.startswith("#")} == {HOST}


def test_hostile_texts_stay_texts(hostile):
    message = parse(hostile)
    html = message.get_body(("html",)).get_content()
    tags = tags_of(html)
    assert "script" not in tags.names
    assert "img" not in tags.names
    assert not {name for name in tags.attributes if name.startswith("on")}
    assert all(link == "#do" or link.startswith(f"https://{HOST}/") for link in tags.links)
    assert "javascript:" not in html
    assert message["Bcc"] is None
    text = message.get_body(("plain",)).get_content()
    for char in ("\u202e", "\x00"):
        assert char not in html
        assert char not in text
    assert not re.search(r"^Bcc:", text, re.MULTILINE)


def test_every_cell_of_the_csv_is_harmless(hostile):
    file = next(part for part in parse(hostile).iter_attachments() if part.get_filename() == "findings.csv")
    rows = list(csv.reader(io.StringIO(file.get_payload(decode=True).decode("utf-8-sig"))))
    assert len(rows) > 10
    assert {len(row) for row in rows} == {len(rows[0])}
    cells = [cell for row in rows for cell in row]
    assert not [cell for cell in cells if cell.startswith(("=", "+", "-", "@", "\t", "\r"))]
    assert any(cell.startswith("'=cmd()") for cell in cells)


@pytest.mark.parametrize("start", ["=1", "+1", "-1", "@a", "\t=", "\r="])
def test_defuse(start):
    assert defuse(start) == f"'{start}"
    assert defuse(f"a{start}") == f"a{start}"


@pytest.mark.parametrize("name", ["report", "hostile", "first"])
def test_text_keeps_72_columns(request, name):
    text = parse(request.getfixturevalue(name)).get_body(("plain",)).get_content()
    long = [line for line in text.splitlines() if columns_of(line) > 72]
    assert not [line for line in long if not re.fullmatch(r"\s*https?://\S+", line)]


def test_text_says_what_the_page_says(report):
    text = " ".join(parse(report).get_body(("plain",)).get_content().split())
    for said in (
        "INCOMPLETE/RED: Example Organisation",
        "Of 12 requirements judged, 5 not met (2 critical) and 1 not provable.",
        "8 new, 1 resolved, 4 continuing (4 of them worse)",
        "Not or only partly read: service-desk / SEC.",
        "As of 3 Nov 2026, 09:00 CET (3 Nov 2026, 08:00 UTC)",
        "266 requirements of the catalogue not judged by any enabled pack",
        f"https://{HOST}/browse/CHG-401",
        "… and 3 more, see findings.csv",
        "Remedy: fields.customfield_10080",
        "End of report SR-example-organisation-conformance-2026-10 revision 1.",
    ):
        assert said in text


@pytest.mark.parametrize(("lost", "told"), [(0, ""), (1, "1 message of the hub"), (2, "2 messages of the hub")])
def test_mail_of_the_hub_that_did_not_arrive_is_counted(report, lost: int, told: str):
    message = parse(msgspec.structs.replace(report, lost=lost))
    for kind in ("plain", "html"):
        text = message.get_body((kind,)).get_content()
        assert (told and told in text) or "hub check" not in text


def test_the_data_days_were_counted_with_is_named(report):
    for kind in ("plain", "html"):
        text = " ".join(parse(report).get_body((kind,)).get_content().split())
        assert "time-zone data 2026a, holidays 0.99" in text


def test_wrap_counts_wide_characters_and_breaks_long_words():
    lines = wrap("工" * 100 + " " + "x" * 100, "- ", "  ")
    assert all(columns_of(line) <= 72 for line in lines)
    assert "".join(lines).replace("- ", "").replace(" ", "") == "工" * 100 + "x" * 100


@pytest.mark.parametrize(
    ("url", "kept"),
    [
        (f"https://{HOST}/browse/A-1", True),
        (f"http://{HOST.upper()}:8080/x", True),
        ("https://elsewhere.test/x", False),
        (f"https://{HOST}@elsewhere.test/", False),
        (f"https://elsewhere.test\\@{HOST}/", False),
        (f"javascript://{HOST}/%0aalert(1)", False),
        (f"https://{HOST}/a b", False),
        (f"https://{HOST}/\r\nx", False),
        (f"//{HOST}/x", False),
        ("https://[broken", False),
        (f"https://{HOST}:port/", False),
        ("", False),
    ],
)
def test_links_lead_to_configured_hosts_only(url, kept):
    assert safe_url(url, HOSTS) == (url if kept else "")


def test_clean_keeps_text_and_drops_tricks():
    assert clean("a\r\n\tb\u202ec\x1b[1m  工 é") == "a bc[1m 工 é"


@pytest.mark.parametrize(
    ("text", "good"),
    [
        ("a.b+c@example.test", True),
        ("a@b\r\nBcc: c@d", False),
        ("A <a@example.test>", False),
        ("a@example.test,b@example.test", False),
        ("a@", False),
        ("", False),
    ],
)
def test_is_address(text, good):
    assert is_address(text) is good


def test_manifest_names_records_and_documents(report):
    file = next(p for p in parse(report).iter_attachments() if p.get_filename() == "evidence-manifest.json")
    manifest = json.loads(file.get_payload(decode=True))
    assert manifest["report"] == "SR-example-organisation-conformance-2026-10"
    url = f"https://{HOST}/browse/CHG-401"
    assert {"record": "service-desk:issue/CHG-401", "url": url, "document_sha256": "ab" * 32} in [
        proof for finding in manifest["findings"] for proof in finding["evidence"]
    ]
    assert manifest["coverage"][-1] == {
        "source": "service-desk",
        "scope": "SEC",
        "kind": "incident",
        "through": None,
        "reason": "no permission to browse the project",
        "records": 0,
    }


def test_a_thousand_findings_stay_readable(answers, first, make_identity, make_finding):
    many = [
        make_finding(n, "8.2-c", Subject(id=f"d:issue/{n}", kind="change", key=f"CHG-{n}"), "register:people/clara")
        for n in range(1000)
    ]
    model = compile_conformance(
        msgspec.structs.replace(answers, findings=many), identity=make_identity("2026-10", AS_OF), previous=first
    )
    rendered = render(model)
    assert "… and 995 more, see findings.csv" in rendered.html.decode()
    assert len(rendered.html) < 60_000
    assert len(rendered.eml) < 2_000_000
