"""Writes docs/command.md from the commands' own help: `make docs`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from hub.cli.app import COMMANDS, app, load_command

PAGE = Path(__file__).resolve().parents[2] / "docs" / "command.md"


def command_page() -> str:
    """Return the page: one section a command, one a subcommand, with arguments, options and examples."""
    lines = ["# Commands", "", "Written by `make docs` from `--help`; do not edit.", ""]
    lines += [f"Every command is `hub COMMAND`; `hub --version` prints the version. {app.info.epilog}.", ""]
    for name in COMMANDS:
        lines += command_section(f"hub {name}", load_command(name))
    return "\n".join(lines)


def command_section(path: str, command: Any) -> list[str]:
    """Return the lines of a command, or of all commands of a group."""
    if hasattr(command, "commands"):
        lines = []
        for name, sub in command.commands.items():
            lines += command_section(f"{path} {name}", sub)
        return lines
    lines = [f"## `{path}`", "", (command.help or "").strip(), ""]
    for parameter in command.params:
        if getattr(parameter, "hidden", False):
            continue
        names = ", ".join(f"`{name}`" for name in [*parameter.opts, *parameter.secondary_opts])
        if parameter.param_type_name == "argument":
            names = f"`{parameter.metavar or parameter.name.upper()}`"
        lines.append(f"* {names}: {(getattr(parameter, 'help', '') or '').strip()}")
    epilog = [line.strip() for line in (command.epilog or "").splitlines() if line.strip()]
    return [*lines, "", "```console", *(f"$ {line}" for line in epilog[1:]), "```", ""]


if __name__ == "__main__":
    PAGE.write_text(command_page(), encoding="utf-8")
