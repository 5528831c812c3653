"""A tokenizer's chat template, asked in one way in play and in training, so that a student is asked what it learned.

Models without a role of the system get its words with the user's. Knows nothing about weights.
"""

import re
from collections.abc import Collection, Sequence
from typing import Any

from models.chat import Message
from models.errors import BadInput
from models.folding import folded

SWITCHES = ("enable_thinking", "thinking")
"""Variables with which templates that know thoughts turn them on and off."""
PROBE = (Message("system", "First, a rule."), Message("user", "Then, a question."))
ANSWER = "an answer"


class ChatTemplate:
    """Renders messages up to where an answer begins.

    ``name`` is the model's, for errors. ``thinking`` false turns thoughts off where the template has a switch. Raises
    ``BadInput`` for a template that has no use for a rule and a question.
    """

    def __init__(self, tokenizer: Any, name: str, *, thinking: bool = True) -> None:
        self._tokenizer = tokenizer
        self._name = name
        self._switches: dict[str, bool] = {} if thinking else dict.fromkeys(SWITCHES, False)
        if tokenizer.chat_template is None:
            raise BadInput(f"{name} has no chat template (chat_template.jinja): not a chat model")
        self.folds = not self._keeps(PROBE)
        if self.folds and not self._keeps(folded(PROBE)):
            raise BadInput(
                f"{name}: {self._fault(folded(PROBE)) or 'its chat template leaves out what it is told'}; use another "
                "model, or mend its chat_template.jinja"
            )

    def tokens(self, messages: Sequence[Message]) -> tuple[int, ...]:
        """Token ids of ``messages`` up to where the answer begins; raises ``BadInput`` if the template refuses them."""
        for form in (messages, folded(messages))[self.folds :]:
            try:
                return tuple(self._applied(form, tokenize=True, return_dict=False))
            except _faults() as problem:
                fault = problem
        raise BadInput(f"{self._name}: the chat template refuses these messages: {fault}") from None

    def end(self, ends: Collection[int]) -> int:
        """The one of the model's end tokens that closes an answer; raises ``BadInput`` where it has none."""
        eos = self._tokenizer.eos_token_id
        known = [*ends, *([] if eos is None else [eos])]
        if not known:
            raise BadInput(f"{self._name}: the tokenizer has no end token, so an answer would never end")
        chat = (*(folded(PROBE) if self.folds else PROBE), Message("assistant", ANSWER))
        try:
            closing = self._applied(chat, tokenize=False, open_answer=False).rpartition(ANSWER)[2]
        except _faults():
            closing = ""
        ids: list[int] = self._tokenizer(closing, add_special_tokens=False).input_ids
        return next((token for token in ids if token in known), known[0])

    def _keeps(self, messages: Sequence[Message]) -> bool:
        """Whether everything that ``messages`` say is in what the template makes of them."""
        try:
            text = self._applied(messages, tokenize=False)
        except _faults():
            return False
        return all(part.content in text for part in messages)

    def _fault(self, messages: Sequence[Message]) -> str:
        try:
            self._applied(messages, tokenize=False)
        except _faults() as problem:
            return f"the chat template refuses a question: {problem}"
        return ""

    def _applied(self, messages: Sequence[Message], *, tokenize: bool, open_answer: bool = True, **options: Any) -> Any:
        chat = [{"role": message.role, "content": message.content} for message in messages]
        options |= self._switches
        return self._tokenizer.apply_chat_template(
            chat, add_generation_prompt=open_answer, tokenize=tokenize, **options
        )


def without_thoughts(template: str) -> str:
    """``template`` with its switches off, whatever it is asked for: for those who ask without naming them."""
    found = [name for name in SWITCHES if re.search(rf"\b{name}\b", template)]
    return "".join(f"{{% set {name} = false %}}" for name in found) + template


def _faults() -> tuple[type[Exception], ...]:
    """What rendering raises where a template does not want what it is given."""
    from jinja2 import TemplateError

    return TemplateError, TypeError, ValueError, KeyError
