"""The reference of all commands, written from their own help: ``python -m cornerman.reference docs/commands.md``.

A test compares the page with what this writes.
"""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import typer

from cornerman.cli import app
from cornerman.commands import GROUPS, SINGLE
from models.files import write_whole

WIDTH = 100
HEAD = """\
# Commands

Written by `make docs` from the commands' own help. Every command takes `--json` (one object on standard output,
everything else on standard error) and `--db`; exit code 0 means done, 1 the work failed, 2 wrong usage or bad input,
130 stopped by Ctrl-C.
"""


def reference() -> str:
    """The whole page."""
    root = typer.main.get_command(app)
    parts = [HEAD]
    for path, command in _commands(root):
        context = typer.Context(command, info_name="cornerman " + " ".join(path), terminal_width=WIDTH)
        parts += [f"## cornerman {' '.join(path)}\n", f"```text\n{command.get_help(context).strip()}\n```\n"]
    return "\n".join(parts)


def _commands(root: Any) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Every command with its words, in the order of the program's own list."""
    for name in SINGLE:
        yield (name,), root.commands[name]
    for noun, (_, verbs) in GROUPS.items():
        for verb in verbs:
            yield (noun, verb), root.commands[noun].commands[verb]


if __name__ == "__main__":
    write_whole(Path(sys.argv[1]), reference())
