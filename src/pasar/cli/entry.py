"""
The command `pasar`: what runs for long is started without the library that reads command lines.

Typer loads pydantic to read a single word: 10 MiB of each process, and a fifth of a second of its
start. What has options, and every question for help, goes through it in `main.py`.
"""

import sys
from importlib import import_module
from typing import Final

from pasar.cli import variables

RUNNING: Final = ("up", "store", "payment")
PARTS: Final = ("prepare", "store-web", "store-worker")  # of `up` and `store`; nobody types it


def main() -> None:
    """Do what the words of the command line say."""
    name, *words = sys.argv[1:] or [""]
    if name in PARTS or (name in RUNNING and not words):
        variables.log_for_commands()
        import_module(f"pasar.cli.{name.replace('-', '_')}").run(*words)
    else:
        import_module("pasar.cli.main").app()
