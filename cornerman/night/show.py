"""A night on the terminal: its story line by line, and one bar for the stage that is running."""

import sys
from types import TracebackType
from typing import Self

from cornerman.terminal import clean, console


class Terminal:
    """A ``Watcher`` for standard error. Without a terminal there is no bar, only the story."""

    def __init__(self) -> None:
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

        self._progress = Progress(
            TextColumn("  {task.description}", markup=False),
            BarColumn(bar_width=30),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            console=console(),
            transient=True,
            disable=not sys.stderr.isatty(),
        )
        self._task = self._progress.add_task("", total=None, visible=False)

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._progress.stop()

    def stage(self, title: str) -> None:
        self._progress.console.print(clean(f"- {title}"))
        self._progress.reset(self._task, total=None, description="", visible=False)

    def progress(self, done: int, total: int, detail: str = "") -> None:
        self._progress.update(self._task, completed=done, total=total, description=clean(detail), visible=True)

    def say(self, line: str) -> None:
        self._progress.console.print(clean(f"    {line}"))
