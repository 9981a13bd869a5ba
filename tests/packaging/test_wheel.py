"""The wheels, installed where nothing of this folder can be seen, give a working command."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import sysconfig
import venv
import zipfile
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parents[2]

pytestmark = [pytest.mark.slow]


def call(*command: object, cwd: Path) -> str:
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "HUB_", "PIP_"))}
    done = subprocess.run(
        [str(word) for word in command],
        capture_output=True,
        text=True,
        check=False,
        cwd=cwd,
        env={**environment, "PIP_NO_INDEX": "1", "PIP_DISABLE_PIP_VERSION_CHECK": "1"},
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def wheels(tmp_path_factory) -> list[Path]:
    folder = tmp_path_factory.mktemp("wheels")
    for project in (PROJECT, PROJECT / "tests" / "sample_plugin"):
        call(
            sys.executable, "-m", "pip", "wheel", "--no-build-isolation", "--no-deps", "-w", folder, project, cwd=folder
        )
    return sorted(folder.glob("*.whl"))


@pytest.fixture(scope="module")
def scripts(wheels, tmp_path_factory) -> Path:
    """A clean environment with both wheels; their dependencies are lent by the one the tests run in."""
    home = tmp_path_factory.mktemp("clean") / "venv"
    venv.create(home, with_pip=True)
    python = home / "bin" / "python"
    call(python, "-m", "pip", "install", "--no-deps", *wheels, cwd=home)
    site = Path(call(python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))", cwd=home).strip())
    # named to come last: what the wheels installed is found first, and no .pth of the lender is read
    (site / "zz-lent.pth").write_text(sysconfig.get_path("purelib") + "\n", encoding="utf-8")
    return home / "bin"


def test_the_wheel_holds_packages_and_data_but_no_tests(wheels):
    names = [
        name for wheel in wheels if wheel.name.startswith("itsm_hub") for name in zipfile.ZipFile(wheel).namelist()
    ]
    assert {name.split("/")[0] for name in names if ".dist-info" not in name} >= {"hub", "hub_jira", "hub_register"}
    assert "hub/py.typed" in names
    assert "hub/cli/template/hub.toml" in names
    assert not [name for name in names if "test_" in name or name.startswith("tests/")]


def test_the_installed_command_knows_the_plugin_from_outside(scripts, tmp_path):
    where = call(scripts / "python", "-c", "import hub; print(hub.__file__)", cwd=tmp_path)
    assert where.startswith(str(scripts.parent))
    call(scripts / "hub", "init", ".", cwd=tmp_path)
    text = (tmp_path / "hub.toml").read_text(encoding="utf-8")
    (tmp_path / "hub.toml").write_text('plugins = ["sample"]\n' + text, encoding="utf-8")
    rows = {row["name"]: row for row in json.loads(call(scripts / "hub", "plugins", "--format", "json", cwd=tmp_path))}
    assert rows["sample"] == {
        "name": "sample",
        "distribution": "hub-sample",
        "version": "0.0.1",
        "enabled": True,
        "sources": ["sample"],
        "channels": ["sample-log"],
        "packs": [],
        "commands": ["guest"],
        "fault": "",
    }
    assert {"bs15000", "email", "jira", "register", "sandbox"} <= rows.keys()
    assert call(scripts / "hub", "guest", "greet", cwd=tmp_path) == "hello from outside\n"
