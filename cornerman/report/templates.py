"""The environment of the pages' templates: every value is escaped and cleaned, figures are written as everywhere."""

from pathlib import Path
from typing import TYPE_CHECKING

from cornerman import format as figures
from cornerman.terminal import clean

if TYPE_CHECKING:
    from jinja2 import Environment

FIGURES = ("count", "elo", "elo_interval", "fixed", "milliseconds", "number", "percent", "signed", "usd")
"""The functions of ``cornerman.format`` that templates call."""


def environment(*folders: Path) -> "Environment":
    """Templates from ``folders``; a name that a template does not know is an error."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    made = Environment(
        loader=FileSystemLoader(folders),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=lambda value: clean(value) if type(value) is str else value,
    )
    made.globals |= {name: getattr(figures, name) for name in FIGURES}
    return made
