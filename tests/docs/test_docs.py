"""The documentation tells the truth: commands, keys, hooks, dependencies."""

from __future__ import annotations

import inspect
import re
import shlex
import tomllib
from pathlib import Path

import msgspec
import pytest

from hub import hookspecs
from hub.cli import coverage, derive, diff, findings, obligations, profile, run, sample, sync, waive
from hub.cli.app import COMMANDS, load_command
from hub.conformance.demand import EvidenceKind, Read, Setting
from hub.conformance.explain import Explanation, PartExplanation
from tests.docs.command_page import PAGE, command_page

PROJECT = Path(__file__).resolve().parents[2]
README = (PROJECT / "README.md").read_text(encoding="utf-8")
INTERFACE = (PROJECT / "docs" / "interface.md").read_text(encoding="utf-8")


def console_lines(text: str) -> list[str]:
    blocks = re.findall(r"```console\n(.*?)```", text, flags=re.DOTALL)
    return [
        line[2:].split("  #")[0].strip() for block in blocks for line in block.splitlines() if line.startswith("$ ")
    ]


def test_the_page_of_commands_is_what_the_commands_say():
    assert PAGE.read_text(encoding="utf-8") == command_page()


@pytest.mark.parametrize("line", console_lines(README))
def test_every_command_of_the_readme_exists(line):
    words = shlex.split(line)
    if words[0] == "make":
        makefile = (PROJECT / "Makefile").read_text(encoding="utf-8")
        assert re.search(rf"^{words[1]}:", makefile, flags=re.MULTILINE)
        return
    assert Path(words[0]).name == "hub"
    assert words[1] in COMMANDS
    command = load_command(words[1])
    rest = words[2:]
    while rest and rest[0] in getattr(command, "commands", {}):
        command, rest = command.commands[rest[0]], rest[1:]
    known = {name for parameter in command.params for name in (*parameter.opts, *parameter.secondary_opts)}
    assert {word for word in rest if word.startswith("--")} <= known


def test_the_readme_begins_with_the_two_commands():
    assert console_lines(README)[:2] == ["make demo", "make test"]


def section(title: str) -> str:
    return INTERFACE.split(f"## `{title}`")[1].split("\n## ")[0]


@pytest.mark.parametrize(
    ("title", "keys"),
    [
        ("hub sync", sync._TOLD),
        ("hub derive", derive._COLUMNS),
        ("hub obligations", obligations._TOLD),
        ("hub findings", findings._TOLD),
        ("hub sample", (*sample._TOLD, *sample._WRITTEN, *sample._PROVEN)),
        ("hub coverage", (*coverage._READ, *coverage._GAPS, *coverage._JUDGED, *coverage._STEPS, *coverage._NEEDS)),
        ("hub diff", diff._TOLD),
        ("hub profile", profile._COLUMNS),
        ("hub waive", (*waive._LISTED, *waive._WRITTEN)),
        ("hub run", run._COLUMNS),
        (
            "hub explain",
            [
                field.name
                for struct in (Explanation, PartExplanation, Setting, Read, EvidenceKind)
                for field in msgspec.structs.fields(struct)
            ],
        ),
    ],
)
def test_the_interface_names_every_key(title, keys):
    told = set(re.findall(r"`([a-z_0-9]+)`", section(title)))
    assert set(keys) <= told


def test_the_hooks_are_documented_with_their_arguments():
    page = (PROJECT / "docs" / "plugin.md").read_text(encoding="utf-8")
    told = dict(re.findall(r"^\| `(hub_\w+)` \| `(\w+)` \|", page, flags=re.MULTILINE))
    hooks = {name: hook for name, hook in vars(hookspecs).items() if name.startswith("hub_")}
    assert told == {name: ", ".join(inspect.signature(hook).parameters) for name, hook in hooks.items()}
    assert len(hooks) <= 6
    assert all(re.fullmatch(r"hub_(register|observe)_[a-z]+", name) for name in hooks)


def test_each_dependency_has_its_reason():
    project = tomllib.loads((PROJECT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    wanted = [*project["dependencies"], *(d for extra in project["optional-dependencies"].values() for d in extra)]
    names = {re.split(r"[><=\[;]", one)[0].strip() for one in wanted}
    page = (PROJECT / "docs" / "architecture.md").read_text(encoding="utf-8").split("## Dependencies")[1]
    missing = {name for name in names if not re.search(rf"(?<![\w-]){re.escape(name)}(?![\w-])", page)}
    assert missing == set()


def test_the_pins_name_no_host():
    for path in (PROJECT / "requirements").glob("*.txt"):
        text = path.read_text(encoding="utf-8")
        assert "://" not in text
        assert "--hash=sha256:" in text


def test_the_rooms_of_the_architecture_exist():
    page = (PROJECT / "docs" / "architecture.md").read_text(encoding="utf-8")
    for path in re.findall(r"`((?:hub|plugins|tests|config)/[\w/.]+)`", page):
        assert (PROJECT / path).exists(), path
