"""How fast mailboxes are read, from a real Dovecot through the real mapping, and how much memory that takes.

python -m tests.bench.mail

CPU seconds of the reader (its peak memory is that of a process of its own), and of Dovecot's processes; a
machine with one core would take their sum. Fails where memory grows with the folder.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from hub.clock import FixedClock, parse_instant
from hub.store.store import Store
from hub.sync.runner import SourceJob, sync_source
from hub.sync.source import SourceContext
from hub_email.settings import ImapSettings
from hub_email.source import ImapSource, make_imap_source

__all__: list[str] = []

SHARED = Path(os.environ.get("HUB_SHARED") or Path(__file__).resolve().parents[3] / "shared")
USER, FOLDER = "alice@example.test", "Bench"
MOST_MB = 64
"""A page and what is made of it take less, whatever the folder holds."""
NOW = parse_instant("2026-11-03T08:00:00Z")
RULES = [
    {"name": "desk", "to": ["desk@example.test"], "becomes": "incident"},
    {"name": "nagios", "sender": ["nagios@example.test"], "becomes": "alert", "product": "nagios"},
]
WORDS = [
    "the",
    "order",
    "page",
    "shows",
    "an",
    "error",
    "since",
    "this",
    "morning",
    "when",
    "customers",
    "pay",
    "please",
    "look",
    "at",
    "it",
    "soon",
    "thank",
    "you",
]


def letter(number: int, draw: random.Random) -> bytes:
    """Write a mail of the usual mixture: text, text and page, a file now and then."""
    text = "\r\n".join(" ".join(draw.choices(WORDS, k=12)) for _ in range(draw.randrange(3, 40)))
    head = (
        f"Return-Path: <bob{number % 50}@customer.example>\r\n"
        f"Received: from mx.example.test (mx.example.test [10.0.0.2]) by mail.example.test with ESMTPS id q{number};\r\n"
        f"\tMon, 5 Oct 2026 08:{number % 60:02}:00 +0200\r\n"
        "Authentication-Results: mail.example.test; dkim=pass header.d=customer.example\r\n"
        f"DKIM-Signature: v=1; a=rsa-sha256; d=customer.example; s=a; h=from:to; bh=x; b={'y' * 340}\r\n"
        f"Message-ID: <{number}.bench@customer.example>\r\nDate: Mon, 5 Oct 2026 08:{number % 60:02}:00 +0200\r\n"
        f"From: =?utf-8?q?B=C3=B6b?= <bob{number % 50}@customer.example>\r\nTo: desk@example.test\r\n"
        f"References: <{number - number % 5}.bench@customer.example>\r\nSubject: Order page {number}\r\nMIME-Version: 1.0\r\n"
    )
    if number % 3 == 0:
        body = f"Content-Type: text/plain; charset=utf-8\r\n\r\n{text}\r\n"
        return (head + body).encode()
    parts = f"--b\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n{text}\r\n--b\r\nContent-Type: text/html\r\n\r\n<p>{text}</p>\r\n"
    if number % 10 == 1:
        packed = "\r\n".join("QUJD" * 19 for _ in range(400))
        parts += (
            f"--b\r\nContent-Type: application/pdf; name=a.pdf\r\nContent-Transfer-Encoding: base64\r\n\r\n{packed}\r\n"
        )
    return f"{head}Content-Type: multipart/mixed; boundary=b\r\n\r\n{parts}--b--\r\n".encode()


def fill(facts: dict[str, Any], count: int) -> float:
    """Put mails into the folder, as a delivery would; return their mean size."""
    draw = random.Random(1)
    home = Path(facts["maildirs"].replace("USER", USER))
    place = home / f".{FOLDER}"
    for name in ("cur", "new", "tmp"):
        (place / name).mkdir(parents=True, exist_ok=True)
    total = 0
    for number in range(count):
        body = letter(number, draw)
        total += len(body)
        (place / "new" / f"{1_791_000_000 + number}.M{number}.bench").write_bytes(body)
    owner = home.parent.stat()
    for path in (home, *home.rglob("*")):
        os.chown(path, owner.st_uid, owner.st_gid)
    return total / count


def make(facts: dict[str, Any]) -> ImapSource:
    """Make the source as users do."""
    settings = ImapSettings.model_validate(
        {
            "plugin": "imap",
            "host": "127.0.0.1",
            "port": facts["imaps_port"],
            "ca_bundle": facts["ca_file"],
            "mailboxes": [{"user": USER, "password": facts["users"][USER], "folders": [FOLDER]}],
            "rules": RULES,
        }
    )
    context = SourceContext("mail", Path.cwd(), "Europe/Berlin", FixedClock(NOW), lambda request: request())
    return make_imap_source(settings, context)


def read(facts: dict[str, Any], how: str) -> dict[str, Any]:
    """Read the folder in this process; return what it took."""
    source = make(facts)
    (part,) = source.slices()
    base = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    began, server = time.process_time(), _dovecot(facts)
    mails = records = requests = 0
    if how == "store":
        with tempfile.TemporaryDirectory() as folder:
            store = Store.open("sqlite:///mail.db", base_dir=Path(folder), create=True)
            began = time.process_time()
            summary = sync_source(store, SourceJob("mail", source), clock=FixedClock(NOW), census=False)
            store.close()
            mails, records, requests = summary.documents, summary.records, summary.requests
    elif how == "census":
        (census,) = source.census(part)
        mails = len(census.native_ids)
    else:
        for page in source.fetch(part, None):
            mails += len(page.documents)
            requests += page.requests
            records += sum(len(source.normalise(document).records) for document in page.documents)
    return {
        "mails": mails,
        "records": records,
        "requests": requests,
        "cpu_s": time.process_time() - began,
        "server_s": _dovecot(facts) - server,
        "grown_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024 - base,
    }


def _dovecot(facts: dict[str, Any]) -> float:
    """Sum the CPU seconds of Dovecot's processes; those that ended are counted by their parent."""
    ticks, master = os.sysconf("SC_CLK_TCK"), facts["dovecot"]
    total = 0.0
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(stat.parent.name) == master:
            total += sum(int(fields[place]) for place in (11, 12, 13, 14)) / ticks
        elif int(fields[1]) == master:
            total += (int(fields[11]) + int(fields[12])) / ticks
    return total


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--mails", type=int, nargs="*", default=[2_000, 8_000])
    parser.add_argument("--flat", type=int, default=100_000, help="A folder of so many mails is read too, not stored.")
    parser.add_argument("--read", nargs=2, metavar=("FACTS", "HOW"), help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.read:
        print(json.dumps(read(json.loads(given.read[0]), given.read[1])))
        return
    print("| mails | mean kB | what | mails a CPU second | with Dovecot's | memory grown MB | requests |")
    print("|---|---|---|---|---|---|---|")
    grown = []
    for count in dict.fromkeys([*given.mails, given.flat]):
        place = tempfile.mkdtemp(dir="/tmp", prefix="hub-mail-")
        Path(place).chmod(0o755)
        peer = [sys.executable, "-B", str(SHARED / "peers" / "mail.py")]
        try:
            started = subprocess.run(
                [*peer, "up", place, "--python", sys.executable], capture_output=True, text=True, check=True
            )
            facts = json.loads(started.stdout.splitlines()[-1])
            facts["dovecot"] = int((Path(place) / "dovecot.pid").read_text().split()[0])
            mean = fill(facts, count)
            for how in ("reading and mapping", "census", *(["store"] if count in given.mails else [])):
                told = subprocess.run(
                    [sys.executable, "-m", "tests.bench.mail", "--read", json.dumps(facts), how],
                    capture_output=True,
                    text=True,
                    check=True,
                )
                one = json.loads(told.stdout.splitlines()[-1])
                both = one["cpu_s"] + one["server_s"]
                grown.append((one["grown_mb"], count, how))
                print(
                    f"| {one['mails']:,} | {mean / 1000:.1f} | {how} | {one['mails'] / one['cpu_s']:,.0f} | "
                    f"{one['mails'] / both:,.0f} | {one['grown_mb']:.0f} | {one['requests']} |",
                    flush=True,
                )
        finally:
            subprocess.run([*peer, "down", place], capture_output=True, check=False)
            shutil.rmtree(place, ignore_errors=True)
    if most := [
        f"{how} of {count:,} mails by {mb:.0f} MB" for mb, count, how in grown if mb > MOST_MB and how != "store"
    ]:
        sys.exit(f"memory grew with the folder: {', '.join(most)}")


if __name__ == "__main__":
    main()
