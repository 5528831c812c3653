"""What the program prints: results on standard output, everything else on standard error.

Knows nothing about what it prints, except that text from models, opponents and files is not to be trusted.
"""

import json
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from cornerman.format import count
from cornerman.result import as_json

if TYPE_CHECKING:
    from _typeshed import DataclassInstance
    from rich.console import Console

CONTROLS = re.compile(
    r"\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)?"  # operating system commands: titles, links, the clipboard
    r"|\x1b\[[0-?]*[ -/]*[@-~]"  # cursor movement and colours
    r"|\x1b[@-Z\\^_a-z0-9]?"
    r"|[\x00-\x08\x0b-\x1f\x7f-\x9f]"  # every other control code but tab and newline
    r"|[\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]"  # invisible and direction-changing characters
)


def clean(text: str) -> str:
    """``text`` without anything that a terminal would obey rather than show."""
    return CONTROLS.sub("", text.replace("\r\n", "\n"))


def console(*, stderr: bool = True) -> "Console":
    """A console that shows the text it is given as it is: no markup, and ``bot:turtle:`` is no picture of a turtle."""
    from rich.console import Console

    return Console(stderr=stderr, markup=False, emoji=False, highlight=False, soft_wrap=True)


def note(text: str) -> None:
    """One line about what is going on, on standard error."""
    print(clean(text), file=sys.stderr, flush=True)


@contextmanager
def live(first: str) -> Iterator[Callable[[str], None]]:
    """A line on standard error that changes in place; where that is no terminal, one line after the other."""
    if not sys.stderr.isatty():
        yield note
        return
    from rich.text import Text

    with console().status(Text(clean(first))) as status:
        yield lambda line: status.update(Text(clean(line)))


def emit(result: "DataclassInstance") -> None:
    """A result as one JSON object on standard output."""
    print(json.dumps(as_json(result), ensure_ascii=False, allow_nan=False))


def say_checked(name: str, problems: Sequence[str]) -> None:
    """What a check of a contract found, on standard output."""
    for problem in problems:
        say(f"- {problem}")
    say(f"{name}: " + (count(len(problems), "problem") if problems else "keeps the contract"))


def say(text: str) -> None:
    """A line of the result, for people, on standard output."""
    print(clean(text))


def table(columns: Sequence[str], rows: Iterable[Sequence[object]], *, title: str = "") -> None:
    """A table for people on standard output; cells are plain text whatever they contain."""
    from rich.table import Table
    from rich.text import Text

    drawn = Table(title=Text(title) if title else None, title_justify="left", box=None, pad_edge=False)
    for column in columns:
        drawn.add_column(column, overflow="fold")
    for row in rows:
        drawn.add_row(*(Text(clean(show(cell))) for cell in row))
    out = console(stderr=False)
    if not sys.stdout.isatty():
        out.width = 200
    out.print(drawn)


def show(value: object) -> str:
    """A value as a table cell: nothing for ``None``; figures come as text (``cornerman.format``)."""
    return "" if value is None else str(value)
