"""A player that knows a few web tasks by heart and sees nothing but the text of the observation."""

import re
from collections.abc import Callable
from dataclasses import dataclass

from episodes.game import Observation
from episodes.player import Context, Decision

Solver = Callable[[str, str], str]


def _ref(page: str, tag: str, words: str = "") -> int:
    """The number of the element with that tag and these words."""
    found = re.search(rf'^\[(\d+)\] {tag}.*?"{re.escape(words)}', page, re.M)
    assert found, (tag, words, page)
    return int(found[1])


def click_button(task: str, page: str) -> str:
    """Click button ONE."""
    wanted = re.search(r"button (\w+)", task)
    assert wanted
    return f"click {_ref(page, 'button', wanted[1])}"


def tick_boxes(task: str, page: str) -> str:
    """Select A, B and click Submit: the boxes that are not ticked yet, then the button."""
    wanted = re.search(r"Select (.*) and click", task)
    assert wanted
    for name in wanted[1].split(", "):
        box = re.search(rf'^\[(\d+)\] input checkbox "{re.escape(name)}" not checked', page, re.M)
        if box:
            return f"click {box[1]}"
    return f"click {_ref(page, 'button', 'Submit')}"


def choose(task: str, page: str) -> str:
    """Select X from the list and click Submit."""
    wanted = re.search(r"Select (.*) from the list", task)
    assert wanted
    if f'selected "{wanted[1]}"' in page:
        return f"click {_ref(page, 'button', 'Submit')}"
    return f'select {_ref(page, "select")} "{wanted[1]}"'


def log_in(task: str, page: str) -> str:
    """Enter the username "u" and the password "p" and press login."""
    user, password = re.findall(r'"(\w+)"', task)
    if f'value "{user}"' not in page:
        return f'type {_ref(page, "input text")} "{user}"'
    if f'value "{password}"' not in page:
        return f'type {_ref(page, "input password")} "{password}"'
    return f"click {_ref(page, 'button', 'Login')}"


SOLVERS: dict[str, Solver] = {
    "click-test-2": click_button,
    "click-checkboxes": tick_boxes,
    "choose-list": choose,
    "login-user": log_in,
}


@dataclass(frozen=True)
class WebExpert:
    """Solves the tasks of ``SOLVERS``; with ``careless`` it presses the last button first."""

    careless: bool = False

    name = "web-expert"
    model = "web-expert"
    prompt_id = None

    async def act(self, observation: Observation, context: Context) -> Decision:
        assert observation.text.startswith("Task: ")
        task = observation.text.splitlines()[0].removeprefix("Task: ").replace('\\"', '"').strip('"')
        page = observation.text.partition("\nThe page:\n")[2]
        if self.careless:
            buttons = re.findall(r"^\[(\d+)\] button", page, re.M)
            reply = f"click {buttons[-1]}"
        else:
            reply = SOLVERS[context.game.name.removeprefix("web:")](task, page)
        move = context.game.read_move(f"I think that is best.\n{reply}", observation)
        assert move is not None
        assert context.state.accepts(context.seat, move)
        return Decision(move, reply, 0.0)
