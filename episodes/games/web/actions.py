"""What a player can do to a page, as text: reading it from a reply, writing it, and which of it the page offers."""

import json
import re
from dataclasses import dataclass
from typing import Literal

from episodes.game import Move
from episodes.games.web.page import Element, View

Kind = Literal["click", "type", "select", "wait"]

_STRING = r'"(?:[^"\\\n]|\\.)*"'
_ACTION = re.compile(rf"\b(?:(click)\s+\[?(\d+)\]?|(type|select)\s+\[?(\d+)\]?\s+({_STRING})|(wait)\b)", re.IGNORECASE)
_QUOTED = re.compile(r'"([^"]+)"')


@dataclass(frozen=True, slots=True)
class Action:
    """``click 3``, ``type 2 "text"``, ``select 4 "option"`` or ``wait``; ``text`` is for the middle two."""

    kind: Kind
    ref: int = 0
    text: str = ""

    def __str__(self) -> str:
        if self.kind == "wait":
            return "wait"
        words = f" {json.dumps(self.text, ensure_ascii=False)}" if self.kind in ("type", "select") else ""
        return f"{self.kind} {self.ref}{words}"


def last_action(reply: str) -> Action | None:
    """The action named last: people and models reason first and decide last. A text is a JSON string."""
    found: Action | None = None
    for match in _ACTION.finditer(reply):
        click, click_ref, kind, ref, quoted, wait = match.groups()
        if click:
            found = Action("click", int(click_ref))
        elif wait:
            found = Action("wait")
        else:
            try:
                text = json.loads(quoted)
            except ValueError:  # a backslash that JSON does not know
                continue
            found = Action("type" if kind.lower() == "type" else "select", int(ref), text)
    return found


def parse(move: Move) -> Action | None:
    """``move`` if it is one action written as ``str`` writes it."""
    action = last_action(move)
    return action if action is not None and str(action) == move else None


def fits(action: Action, view: View) -> bool:
    """Whether the page has that element, and it is one for this kind of action. It may still fail when tried."""
    if action.kind == "wait":
        return True
    element = view.element(action.ref)
    if element is None:
        return False
    if action.kind == "type":
        return element.takes_text
    if action.kind == "select":
        return element.options is not None and action.text in element.options
    return True


def examples(view: View) -> tuple[Move, ...]:
    """Actions that the page takes now: every click on a control, every option, and what the task quotes into fields.

    Not all there are: any other text may be typed too.
    """
    actions = [Action("click", element.ref) for element in view.elements if _clickable(element)]
    quoted = list(dict.fromkeys(_QUOTED.findall(view.utterance)))
    for element in view.elements:
        actions += [Action("select", element.ref, option) for option in dict.fromkeys(element.options or ())]
        if element.takes_text:
            actions += [Action("type", element.ref, text) for text in quoted]
    return tuple(str(action) for action in [*actions, Action("wait")])


def _clickable(element: Element) -> bool:
    return element.control and not element.disabled and element.options is None
