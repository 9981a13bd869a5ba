"""Coverage-guided search for inputs that fall: `python -m tests.hostile.fuzz mapping --seconds 180`.

Needs atheris (`pip install 'itsm-hub[fuzz]'`). What falls is written to `crash-…` in the folder `--keep`;
mend it, then name the input in tests/hostile/test_target.py.
"""

from __future__ import annotations

import argparse
import logging
import sys
import tempfile
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["hub", "hub_gitlab", "hub_jira", "hub_register", "hub_email"]):
    from tests.hostile.gitlab_payload import HEADS, OWN
    from tests.hostile.payload import NAMED, body
    from tests.hostile.target import STREAMS, TARGETS
    from tests.hostile.test_register import BROKEN

PROJECT = Path(__file__).resolve().parent.parent.parent
LARGEST_SEED = 8_000


def seeds(target: str) -> list[bytes]:
    """Start from what is known to be odd, so that the search does not have to find the language first."""
    if target == "config":
        files = [*(PROJECT / "tests/config/museum").glob("*.toml"), PROJECT / "config/hub.toml"]
        return [path.read_bytes() for path in files]
    if target == "register":
        texts = [text.encode("utf-8", "replace") if isinstance(text, str) else text for text, _ in BROKEN.values()]
        return [bytes([n]) + text for n in range(12) for text in texts]
    if target == "gitlab":
        heads = [head.encode("utf-8", "surrogatepass") for head in HEADS.values()]
        streams = [(STREAMS.index(stream), make()) for stream, faults in OWN.items() for make in faults.values()]
        whole = [bytes([n, 0, 0]) + (one if isinstance(one, bytes) else body(one)) for n, one in streams]
        return whole + [bytes([STREAMS.index("document"), 0, 0]) + head for head in heads]
    made = [one if isinstance(one, bytes) else body(one) for one in (make() for make in NAMED.values())]
    if target == "mapping":
        return [b"\x00\x00\x20" + one for one in made] + made
    return [
        b"\xff".join(part.encode("utf-8", "surrogatepass") for part in ("=cmd()", "<script>", "\r\nBcc: x@y", "\ud800"))
    ]


def main() -> None:
    """Run one target for some seconds; leaves with 77 where an input fell."""
    parser = argparse.ArgumentParser(description="Search for inputs that fall.")
    parser.add_argument("target", choices=sorted(TARGETS))
    parser.add_argument("--seconds", type=int, default=180)
    parser.add_argument("--keep", type=Path, default=Path(tempfile.gettempdir()))
    chosen = parser.parse_args()
    logging.disable(logging.CRITICAL)
    with tempfile.TemporaryDirectory(prefix="hub-seeds-") as corpus:
        for number, seed in enumerate(seeds(chosen.target)):
            if len(seed) <= LARGEST_SEED:
                (Path(corpus) / f"{number:04d}").write_bytes(seed)
        options = [
            f"-max_total_time={chosen.seconds}",
            f"-artifact_prefix={chosen.keep}/{chosen.target}-",
            "-timeout=60",
        ]
        atheris.Setup([sys.argv[0], *options, "-rss_limit_mb=2048", "-max_len=16384", corpus], TARGETS[chosen.target])
        atheris.Fuzz()


if __name__ == "__main__":
    main()
