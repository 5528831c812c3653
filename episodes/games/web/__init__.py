"""``web:TASK``: tasks of MiniWoB++ in a real headless Chromium. Needs the extra ``web`` and Debian's browser."""

import difflib

from episodes.games.web.browser import find_browser
from episodes.games.web.game import WebGame
from episodes.games.web.page import task_folder
from models.errors import BadInput

NAMES = ("click-test-2", "click-checkboxes", "choose-list", "enter-text", "login-user")
"""A few tasks that between them need every kind of action."""

_BY_HAND = (
    "bisect-angle",
    "chase-circle",
    "circle-center",
    "drag-",
    "draw-",
    "find-midpoint",
    "highlight-text",
    "hover-shape",
    "moving-items",
    "resize-textarea",
    "right-angle",
    "use-slider",
    "use-colorwheel",
)
"""Tasks, by the start of their names, that are done by dragging or by pointing at a place that is no element."""


def task_names() -> list[str]:
    """All tasks of MiniWoB++ that can be done by clicking, typing and selecting."""
    return sorted(page.stem for page in task_folder().glob("*.html") if not page.stem.startswith(_BY_HAND))


def load(task: str) -> WebGame:
    """The game ``web:TASK``; raises ``BadInput`` for an unknown task and where the browser is missing."""
    names = task_names()
    if task not in names:
        if task.startswith(_BY_HAND) and (task_folder() / f"{task}.html").is_file():
            raise BadInput(f"web:{task} is done by dragging or pointing, and players can only click, type and select")
        near = difflib.get_close_matches(task, names, n=3) or ["click-test-2", "enter-text"]
        raise BadInput(f"MiniWoB++ has no task {task!r}: try {', '.join(f'web:{name}' for name in near)}")
    find_browser()
    return WebGame(task)
