"""The command line: one module per command."""

from hub.cli.app import main

__all__ = ["main"]
