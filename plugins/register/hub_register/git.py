"""Reads a Git work tree without letting its configuration do anything.

Only `rev-parse`, `ls-tree`, `merge-base`, `log` and `cat-file` are run: no hook, pager, external diff,
signature check, file-system monitor or fetch (of a partial clone) is started, whatever the repository,
the user or the machine configured. Replaced and grafted commits are not followed.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import threading
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import IO, TYPE_CHECKING

from hub_register.reader import MAX_BYTES

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator, Sequence

__all__ = ["Commit", "GitFault", "WorkTree", "find_work_tree"]

_LONGEST_S = 300.0
_SETTINGS = {
    "core.hooksPath": os.devnull,
    "core.fsmonitor": "false",
    "core.attributesFile": os.devnull,
    "core.pager": "cat",
    "diff.external": "",
    "i18n.logOutputEncoding": "utf-8",
    "log.follow": "false",
    "log.mailmap": "false",
    "log.showSignature": "false",
    "protocol.allow": "never",
}
_ENVIRONMENT = {
    "GIT_ALLOW_PROTOCOL": "none",
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_GRAFT_FILE": os.devnull,
    "GIT_LITERAL_PATHSPECS": "1",
    "GIT_NO_LAZY_FETCH": "1",
    "GIT_NO_REPLACE_OBJECTS": "1",
    "GIT_OPTIONAL_LOCKS": "0",
    "GIT_TERMINAL_PROMPT": "0",
    "LC_ALL": "C",
}
_FORMAT = "%H%x1f%P%x1f%ct%x1f%ae"


class GitFault(Exception):
    """Why the history cannot be read, in words for a person."""


@dataclass(frozen=True, slots=True)
class Commit:
    """A commit that changed a file."""

    sha: str
    parents: tuple[str, ...]
    """The commits before it that changed the file, too; those in between are left out."""
    at: int
    """When it was committed, as the committer's clock says, UTC milliseconds."""
    mail: str
    """Author's address."""


def find_work_tree(folder: Path) -> Path | None:
    """Find the top of the Git work tree a folder lies in; None = in none. Runs nothing."""
    try:
        here = folder.resolve()
        return next((place for place in (here, *here.parents) if (place / ".git").exists()), None)
    except OSError:
        return None


class WorkTree:
    """The work tree around a folder, as it was when it was first asked; make another for the next run."""

    def __init__(self, folder: Path, top: Path) -> None:
        self._folder = folder.resolve()
        self._top = top
        self._ancestors: dict[tuple[str, str], bool] = {}

    @cached_property
    def head(self) -> str | None:
        """The commit that is checked out; None = there is none yet. Raises GitFault."""
        return self._facts[0]

    @property
    def is_shallow(self) -> bool:
        """Older commits were left out when it was cloned. Raises GitFault."""
        return self._facts[1]

    @cached_property
    def tracked(self) -> frozenset[str]:
        """Names in the folder that the commit checked out holds. Raises GitFault."""
        if self.head is None:
            return frozenset()
        listed = self._run("ls-tree", "-z", "--name-only", self.head).decode("utf-8", "replace")
        return frozenset(listed.split("\0"))

    def log(self, name: str, *, after: str | None = None) -> list[Commit]:
        """List the commits that changed a file of the folder, parents first; only those since `after`. Raises GitFault."""
        revisions = [self.head or "HEAD", *([f"^{after}"] if after else [])]
        asked = ("log", "--topo-order", "--reverse", "--parents", "--no-ext-diff", "--no-textconv", "--no-patch")
        lines = self._run(*asked, f"--format={_FORMAT}", *revisions, "--", name).decode("utf-8", "replace")
        return [_commit(line) for line in lines.splitlines() if line]

    def descends_from(self, ancestor: str) -> bool:
        """Tell whether the commit checked out grew out of another one. Raises GitFault."""
        key = (ancestor, self.head or "")
        if key not in self._ancestors:
            asked = ("merge-base", "--is-ancestor", ancestor, self.head or "HEAD")
            self._ancestors[key] = self._call(*asked).returncode == 0  # unknown commits are no ancestors either
        return self._ancestors[key]

    def contents(self, name: str, commits: Sequence[str]) -> Generator[bytes | None, None, None]:
        """Yield what a file of the folder held in each commit; None = it was not there, or is too large.

        One process for all of them. Raises GitFault.
        """
        prefix = self._facts[2]
        if "\n" in prefix or "\n" in name:
            raise GitFault("the name of the folder holds a line break")
        with self._batch() as (asks, answers):
            for commit in commits:
                asks.write(f"{commit}:{prefix}{name}\n".encode())
                asks.flush()
                yield _answer(answers)

    @cached_property
    def _facts(self) -> tuple[str | None, bool, str]:
        """Ask for (commit checked out, shallow, path of the folder below the top)."""
        asked = ("rev-parse", "--is-shallow-repository", "--show-prefix")
        head = self._call(*asked, "HEAD")
        if head.returncode == 0:
            shallow, prefix, sha = head.stdout.decode("utf-8", "replace").split("\n")[:3]
            return sha, shallow == "true", prefix
        shallow, prefix = self._run(*asked).decode("utf-8", "replace").split("\n")[:2]
        return None, shallow == "true", prefix

    def _run(self, *words: str) -> bytes:
        done = self._call(*words)
        if done.returncode:
            said = done.stderr.decode("utf-8", "replace").strip().splitlines()
            raise GitFault(f"git {words[0]} failed: {said[0] if said else f'exit code {done.returncode}'}")
        return done.stdout

    def _call(self, *words: str) -> subprocess.CompletedProcess[bytes]:
        try:
            return subprocess.run(  # noqa: S603 - fixed words, names from our own table, ids of commits
                self._command(*words),
                cwd=self._folder,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=_LONGEST_S,
                check=False,
            )
        except OSError as error:
            raise GitFault(f"git cannot be run: {error.strerror}") from error
        except subprocess.TimeoutExpired as error:
            raise GitFault(f"git {words[0]} took longer than {_LONGEST_S:.0f} s") from error

    @contextmanager
    def _batch(self) -> Iterator[tuple[IO[bytes], IO[bytes]]]:
        try:
            process = subprocess.Popen(  # noqa: S603 - as above
                self._command("cat-file", "--batch"),
                cwd=self._folder,
                env=self._environment,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
            )
        except OSError as error:
            raise GitFault(f"git cannot be run: {error.strerror}") from error
        assert process.stdin is not None  # noqa: S101 - asked for above
        assert process.stdout is not None  # noqa: S101 - the same
        watch = threading.Timer(_LONGEST_S, process.kill)
        try:
            watch.start()
            yield process.stdin, process.stdout
        except BrokenPipeError as error:
            raise GitFault("git cat-file ended early") from error
        finally:
            watch.cancel()
            process.kill()
            with suppress(BrokenPipeError):  # what was still to be asked is of no interest any more
                process.stdin.close()
            process.stdout.close()
            process.wait()

    @cached_property
    def _executable(self) -> str:
        found = shutil.which("git")
        if found is None:
            raise GitFault("git is not installed")
        return found

    @cached_property
    def _environment(self) -> dict[str, str]:
        kept = {name: os.environ[name] for name in ("PATH", "SYSTEMROOT") if name in os.environ}
        return {**kept, **_ENVIRONMENT, "HOME": os.devnull, "GIT_CEILING_DIRECTORIES": str(self._top.parent)}

    def _command(self, *words: str) -> list[str]:
        settings = {**_SETTINGS, "safe.directory": str(self._top)}
        pairs = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
        return [self._executable, "--no-pager", *pairs, *words]


def _commit(line: str) -> Commit:
    sha, parents, at, mail = line.split("\x1f", 3)
    return Commit(sha, tuple(parents.split()), int(at) * 1000, mail)


def _answer(answers: IO[bytes]) -> bytes | None:
    head = answers.readline()
    if not head.endswith(b"\n"):
        raise GitFault("git cat-file ended early")
    words = head.split()
    if words[-1] in (b"missing", b"ambiguous"):
        return None
    kind, size = words[-2], int(words[-1])
    kept = kind == b"blob" and size <= MAX_BYTES
    content = bytearray()
    left = size + 1  # a line break follows
    while left:
        chunk = answers.read(min(left, 1_000_000))
        if not chunk:
            raise GitFault("git cat-file ended early")
        left -= len(chunk)
        if kept:
            content += chunk
    return bytes(content[:-1]) if kept else None
