"""The command `hub`: finds the module of a command, and turns expected faults into one line.

A command is a module `hub.cli.<name>` with `register(app)`; it is imported when it is called. Commands
of plugins come from the plugins the configuration enables.
"""

from __future__ import annotations

import atexit
import gc
import os
import sys
from collections.abc import Sequence
from importlib import import_module, metadata
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperCommand, TyperGroup

from hub.cli.ending import READER_LEFT, ending_clearly, reason_of
from hub.cli.option import CONFIG
from hub.errors import HubError, PluginError

__all__ = ["COMMANDS", "app", "main"]

COMMANDS = {
    "init": "Write a commented configuration to start from.",
    "check": "Try store, packs, sources and channels, and say what to do where one does not work.",
    "plugins": "List the installed plugins, what they offer, and why one cannot be loaded.",
    "sync": "Read what changed in the tools.",
    "derive": "Work out what is owed from the records that changed.",
    "findings": "List what was found not to be met, and open or close what changed.",
    "waive": "Accept an exception for a time, list those accepted, or end one.",
    "obligations": "List what was owed, by when, and whether it was met.",
    "explain": "Show how one verdict came about, down to the evidence; or draw the service level clocks of a ticket.",
    "sample": "Draw a random sample of what a requirement's units owed, met or not; the same seed draws the same again.",
    "diff": "List which verdicts of a month differ between what was known at two instants, and why.",
    "coverage": "Show what could be read, what requirements need, and what would make them provable.",
    "profile": "Show every parameter as shipped and as set: for whom, who set it, why, and by which key.",
    "sla": "Show how far service levels were kept, target by target, or ticket by ticket.",
    "calendar": "Draw a month of a calendar: open hours, holidays, days of 23 and 25 hours.",
    "report": "Make a report and hand it to its channels.",
    "publish": "Write an issued report as static pages: overview, clauses, requirements, findings, services, search.",
    "run": "Do everything that is due: sync, derive, findings, reports.",
    "verify": "Prove that no kept document was altered, removed or reordered, and no past state of a record rewritten.",
    "document": "Show a document as the tool gave it: body, hash, place in the chain of its source, when it was read.",
    "retention": "Dispose of what has served its time, erase persons, show who did and who read raw documents.",
    "db": "Look after the database: status, upgrade, backup, restore, move.",
    "demo": "Run the whole hub on a simulated organisation.",
}
"""Command -> the first line of its help, which `hub --help` shows without importing it."""


class LazyGroup(TyperGroup):
    """Knows the names of all commands and imports one when it is called."""

    def __init__(self, **attributes: Any) -> None:
        super().__init__(**attributes)
        for name, summary in COMMANDS.items():
            if find_spec(f"hub.cli.{name}"):
                self.commands[name] = TyperCommand(name, help=summary)

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Put the real command, of the hub or of a plugin, in the place of its name."""
        name = args[0]
        if name in COMMANDS:
            self.commands[name] = load_command(name)
        elif not name.startswith("-"):
            faults = self._mount(_config_in(args))
            if name not in self.commands and faults:
                raise faults[0]
        return super().resolve_command(ctx, args)

    def list_commands(self, ctx: Any) -> list[str]:
        """List the hub's own commands, then those of the enabled plugins."""
        self._mount(_config_in(()))
        return super().list_commands(ctx)

    def _mount(self, config: Path) -> list[PluginError]:
        """Add the commands of enabled plugins; a plugin that cannot be loaded does not stop the others."""
        if not config.exists():
            return []
        from hub.config.load import named_plugins
        from hub.registry import ALWAYS_ENABLED, Registry

        faults = []
        registry = Registry()
        names = {*named_plugins(config), *ALWAYS_ENABLED} & set(registry.installed)
        for name in sorted(names):
            try:
                registry.enable(name)
            except PluginError as error:
                faults.append(error)
        for word, group in registry.commands().items():
            if word not in COMMANDS:
                command = typer.main.get_command(group)
                command.name = word
                self.commands[word] = command
        return faults


def load_command(name: str) -> Any:
    """Import one command of the hub and return it."""
    holder = typer.Typer(add_completion=False)
    import_module(f"hub.cli.{name}").register(holder)
    return typer.main.get_group(holder).commands[name]


def _config_in(args: Sequence[str]) -> Path:
    """Find the configuration before options are parsed: plugins of the file bring commands."""
    for option, value in zip(args, [*args[1:], ""], strict=False):
        if option == "--config":
            return Path(value)
        if option.startswith("--config="):
            return Path(option.removeprefix("--config="))
    return Path(os.environ.get("HUB_CONFIG") or CONFIG)


app = typer.Typer(
    cls=LazyGroup,
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Example: hub init, then hub check, then hub run",
)


def _print_version(wanted: bool) -> None:  # noqa: FBT001 - typer calls it by position
    if wanted:
        typer.echo(f"hub {metadata.version('itsm-hub')}")
        raise typer.Exit


@app.callback()
def _root(
    *,
    _version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Show, from the tools an organisation already runs, whether its IT services are managed as ISO/IEC 20000 asks."""


def _collect_seldom() -> None:
    """Look through what importing leaves hardly ever: records come and go by the thousand, and few of them in cycles.

    It holds for the whole process, and is for one that ends with the command.
    """
    gc.set_threshold(500_000, 10, 50)
    atexit.register(gc.freeze)  # or Python looks through all there is once more, only to leave


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return 2 for a fault a person can mend, one line per fault on stderr.

    Success and wrong usage leave by SystemExit (0, 2); a defect of the hub keeps its traceback. What ends
    a command before its time stands in `hub.cli.ending`. Without `arguments` they are those of the process, which is
    the command's own.
    """
    if arguments is None:
        _collect_seldom()
    with ending_clearly():
        try:
            app(args=arguments, prog_name="hub")
        except HubError as error:
            from hub.cli.output import plain

            for line in (str(error) or type(error).__name__).split("\n"):
                sys.stderr.write(f"hub: {plain(line)}\n")
            return 2
        except (OSError, MemoryError, SystemError, ImportError, RuntimeError) as error:
            if (reason := reason_of(error)) is None:
                raise
            sys.stderr.write(f"hub: {reason}\n")
            return 2
        except SystemExit as leaving:
            if isinstance(leaving.__context__, BrokenPipeError):
                return READER_LEFT
            raise
        return 0
