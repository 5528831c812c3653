"""How a server wants to be asked, as far as it has said so: learnt from its complaints, for as long as a model is open.

Knows the fields that a request can do without, and nothing about the protocols.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from models.chat import Message
from models.complaints import about_a_model, about_a_value, about_roles, about_the_address, refused_field
from models.errors import Learnt, Unavailable
from models.folding import folded
from models.notes import Notes

ROLES = "roles"
ADDRESS = "address"
"""What is no field of a request, and learnt all the same: the roles of its messages, and that the API lies in /v1."""

OTHER_NAME = {"max_tokens": "max_completion_tokens", "max_completion_tokens": "max_tokens"}

LOST: Mapping[str, str] = {
    "temperature": "takes no such temperature: it is asked without one, and draws as it does by itself",
    "seed": "takes no such seed: it is asked without one, and its answers do not repeat",
    **dict.fromkeys(
        ("reasoning_effort", "reasoning", "thinking", "output_config"),
        "takes no such effort: it is asked without one, and thinks as much as it does by itself",
    ),
    **dict.fromkeys(
        ("response_format", "structured_outputs", "grammar"),
        "cannot be held to the moves: it is asked without, and its replies are read as they come",
    ),
    "stream": "does not stream: what it says is read when it is whole",
    ROLES: "knows no system role, or wants roles to take turns: what the system says is put before what the user says",
}
"""What a model goes without that shapes its answers, in words."""

ADJUSTABLE = frozenset({*OTHER_NAME, *LOST, "stream_options", "store", "cache_control"}) - {ROLES}
"""Fields that a request can do without, or with another name."""

NEVER_MATTERS = frozenset({"seed", "stream_options", "store", "cache_control"})
"""Fields whose value is ours alone: where the server does not like it, it is left out as well."""

MARKED = frozenset({"system", "messages"})
"""Fields that may hold what is marked to be cached."""

ADVICE = frozenset({400, 405, 406, 415, 422, 500, 501})
"""Statuses of answers that may say how the server wants to be asked. llama.cpp says it with a 500."""

CLOSED = frozenset({"cache_control"})
"""Fields that some say no to as if the account were not allowed them (403)."""


class Manner:
    """How the server of the model ``name`` wants to be asked; safe to use from many tasks and threads at once.

    ``model`` is what the server calls it.
    """

    def __init__(self, name: str, model: str, notes: Notes | None = None) -> None:
        self._name = name
        self._model = model
        self._notes = notes or Notes()
        self._lacks: frozenset[str] = frozenset()

    def takes(self, field: str) -> bool:
        """Whether ``field`` may be sent, as far as is known."""
        return field not in self._lacks

    def messages(self, messages: Sequence[Message]) -> tuple[Message, ...]:
        """``messages`` in the roles that the server knows."""
        return tuple(messages) if self.takes(ROLES) else folded(messages)

    def fitted(self, fields: Mapping[str, Any]) -> dict[str, Any]:
        """``fields`` without those that the server does not take, or with those by their other names."""
        fit: dict[str, Any] = {}
        for field, value in fields.items():
            other = OTHER_NAME.get(field)
            if self.takes(field) or (other and not self.takes(other)):
                fit[field] = value
            elif other:
                fit[other] = value
        return fit

    @contextmanager
    def learning(
        self, fields: Collection[str], messages: Sequence[Message], *, fixed: Collection[str] = (), chosen: bool = False
    ) -> Iterator[None]:
        """Inside, a request of ``fields`` and ``messages`` is made: ``Learnt`` is raised for one that is turned down
        and is now known how to make. ``fixed`` fields are the user's own, as is an effort where it is ``chosen``."""
        lesson = ""
        try:
            yield
        except Unavailable as refusal:
            lesson = self._lesson(refusal, set(fields), messages, fixed, chosen)
            if not lesson:
                raise
        if lesson:
            raise Learnt(f"{self._name}: the server does not take {lesson} so, and is asked in another way")

    def _lesson(
        self,
        refusal: Unavailable,
        fields: set[str],
        messages: Sequence[Message],
        fixed: Collection[str],
        chosen: bool,
    ) -> str:
        """What a refusal teaches, if anything: what to leave out the next time."""
        said, status = refusal.said, refusal.status
        if ADDRESS in fields and (status in (404, 405) or about_the_address(said)):
            return "" if about_a_model(said) else self._learn(ADDRESS)
        if status in ADVICE and about_roles(said) and folded(messages) != tuple(messages):
            return self._learn(ROLES)
        by_value = MARKED | NEVER_MATTERS | (frozenset() if chosen else {"reasoning_effort", "reasoning"})
        field = refused_field(said, fields, self._model, by_value=by_value)
        if field in MARKED and "cache_control" in fields:
            field = "cache_control"  # text was wanted, and came in parts of which one is marked
        neither = not self.takes(OTHER_NAME.get(field, ""))
        valued = chosen and "effort" in LOST.get(field, "") and about_a_value(said)
        adjustable = (status in ADVICE and field in ADJUSTABLE) or (status == 403 and field in CLOSED)
        return self._learn(field) if adjustable and not (neither or valued or field in fixed) else ""

    def _learn(self, lesson: str) -> str:
        self._lacks |= {lesson}
        if lesson in LOST:
            self._notes.tell(self._name, f"without {lesson}", f"the server {LOST[lesson]}")
        return lesson
