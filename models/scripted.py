"""The shipped fake: a model that answers from a script. It is no language model and says so in its name.

For tests, rehearsals and recorded answers. The file form is JSON lines, one reply a line:

    {"match": "distance=far", "reply": "fireball"}       a regular expression, searched in the last user message
    {"reply": "guard"}                                   no ``match``: the next in turn, each given once, in order

Patterns are tried in the order of the file, before the replies given in turn.
"""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from models.chat import ChatRequest, Completion, FinishReason, Message, Usage, given_whole
from models.endpoint import Endpoint
from models.errors import BadInput
from models.weights import file_digest

Answer = Callable[[Sequence[Message], Sequence[str] | None], str]


class ScriptedModel:
    """Answers from ``script``: replies in turn, a function of messages and choices, or patterns with their replies.

    Input for which there is no reply raises ``BadInput`` and says how to add one: a fake that made something up
    would make a test pass by accident. Tokens are counted as words.
    """

    streams = False

    def __init__(
        self, script: Sequence[str] | Mapping[str, str] | Answer, *, name: str = "scripted", source: str = "the script"
    ) -> None:
        self.name = name
        self.endpoint = Endpoint("scripted")
        self.requests: list[tuple[Message, ...]] = []
        self._source = source
        self._function = script if callable(script) else None
        self._patterns: list[tuple[re.Pattern[str], str]] = []
        self._turns: list[str] = []
        if isinstance(script, Mapping):
            self._patterns = [(_pattern(pattern, source), reply) for pattern, reply in script.items()]
        elif not callable(script):
            self._turns = list(script)
        self._next = 0

    @classmethod
    def from_file(cls, path: Path) -> "ScriptedModel":
        """Read a file of JSON lines; raises ``BadInput`` that names the line at fault."""
        try:
            text = path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise BadInput(f"scripted: {path} cannot be read ({error})") from None
        model = cls([], name=f"scripted:{path}", source=str(path))
        model.endpoint = Endpoint("scripted", weights=file_digest(path))
        for number, line in enumerate(text.splitlines(), start=1):
            if not line.strip():
                continue
            where = f"{path}:{number}"
            try:
                entry = json.loads(line)
            except json.JSONDecodeError as error:
                raise BadInput(f"scripted: {where} is not JSON ({error.msg})") from None
            strings = isinstance(entry, dict) and all(isinstance(value, str) for value in entry.values())
            if not strings or not {"reply"} <= set(entry) <= {"match", "reply"}:
                raise BadInput(f'scripted: {where} must be {{"reply": "…"}} or {{"match": "…", "reply": "…"}}')
            if "match" in entry:
                model._patterns.append((_pattern(entry["match"], where), entry["reply"]))
            else:
                model._turns.append(entry["reply"])
        return model

    def __repr__(self) -> str:
        return f"ScriptedModel({self.name!r})"

    async def complete(self, request: ChatRequest) -> Completion:
        self.requests.append(request.messages)
        words, most = self._reply(request.messages, request.choices).split(" "), request.max_tokens
        usage = Usage(sum(len(message.content.split()) for message in request.messages), min(len(words), most))
        finish: FinishReason = "length" if len(words) > most else "stop"
        return given_whole(request, Completion(" ".join(words[:most]), usage, latency=0.0, finish_reason=finish))

    def _reply(self, messages: Sequence[Message], choices: Sequence[str] | None) -> str:
        if self._function is not None:
            return self._function(messages, choices)
        last = next((message.content for message in reversed(messages) if message.role == "user"), "")
        for pattern, reply in self._patterns:
            if pattern.search(last):
                return reply
        if self._next < len(self._turns):
            self._next += 1
            return self._turns[self._next - 1]
        start = json.dumps(re.escape(last[:60]))
        raise BadInput(
            f'scripted: no reply for this message; add a line like {{"match": {start}, "reply": "…"}} to {self._source}'
        )

    async def close(self) -> None:
        """Nothing to release."""


def _pattern(text: str, where: str) -> re.Pattern[str]:
    try:
        return re.compile(text, re.DOTALL)
    except re.error as error:
        raise BadInput(f"scripted: {where}: {text!r} is not a regular expression ({error})") from None
