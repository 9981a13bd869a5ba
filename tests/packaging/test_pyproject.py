"""Folders, entry points, extras and package lists say the same."""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parents[2]
FOR_TESTS = {"contract_check.py": {"openapi_schema_validator"}}
"""Modules only tests import, and what of the extra `dev` (here by way of openapi-core) they may use."""

CALLED = {"python_gitlab": "gitlab"}
"""What a distribution is imported by, where that is another name."""


@pytest.fixture(scope="module")
def pyproject():
    return tomllib.loads((PROJECT / "pyproject.toml").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def plugins():
    found = {path.parent.name: path.name for path in (PROJECT / "plugins").glob("*/hub_*") if path.is_dir()}
    assert found == {name: f"hub_{name}" for name in found}
    return found


def test_each_folder_is_an_entry_point(pyproject, plugins):
    assert pyproject["project"]["entry-points"]["hub.plugins"] == plugins


def test_each_folder_is_packed_found_and_checked(pyproject, plugins):
    folders = [f"plugins/{name}" for name in sorted(plugins)]
    tool = pyproject["tool"]
    assert tool["hatch"]["build"]["targets"]["wheel"]["packages"] == [
        "hub",
        *(f"plugins/{name}/{plugins[name]}" for name in sorted(plugins)),
    ]
    assert tool["hatch"]["build"]["dev-mode-dirs"] == [".", *folders]
    assert tool["mypy"]["mypy_path"] == folders
    assert tool["ruff"]["src"] == [".", *folders]


def test_import_contracts_know_each_plugin(pyproject, plugins):
    packages = sorted(plugins.values())
    linter = pyproject["tool"]["importlinter"]
    assert linter["root_packages"] == ["hub", *packages]
    contracts = {contract["name"]: contract for contract in linter["contracts"]}
    assert contracts["plugins do not know each other"]["modules"] == packages
    forbidden = contracts["the hub knows no plugin and no tool's library"]["forbidden_modules"]
    assert set(packages) <= set(forbidden)


def test_each_extra_is_a_plugin_or_known(pyproject, plugins):
    extras = set(pyproject["project"]["optional-dependencies"])
    assert extras - set(plugins) == {"postgres", "dev", "fuzz"}


def top_names(module):
    """First names of everything a module imports."""
    names = set()
    for node in ast.walk(ast.parse(module.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.add(node.module.split(".")[0])
    return names


def test_each_plugin_imports_only_what_is_declared(pyproject, plugins):
    def names(requirements):
        found = {re.split(r"[\[>=<~! ]", requirement)[0].lower().replace("-", "_") for requirement in requirements}
        return {CALLED.get(name, name) for name in found}

    always = names(pyproject["project"]["dependencies"]) | {"yaml"}
    for name, package in plugins.items():
        allowed = always | names(pyproject["project"]["optional-dependencies"].get(name, [])) | {"hub", package}
        for module in (PROJECT / "plugins" / name / package).rglob("*.py"):
            imported = top_names(module)
            foreign = imported - allowed - sys.stdlib_module_names - FOR_TESTS.get(module.name, set())
            assert not foreign, f"{module} imports {foreign}, which pyproject.toml does not declare for it"
