"""What came of a request, taken apart by the protocol that it came by, and the completion that it makes.

Knows nothing about protocols: whoever speaks one fills in the fields.
"""

from dataclasses import dataclass

from models.boundary import Boundary
from models.chat import ChatRequest, Completion
from models.counting import counted
from models.endings import ending


@dataclass(slots=True)
class Answer:
    """What was said, thought and refused; why the server ended it, and what it counted, as they came."""

    text: str = ""
    thought: str = ""
    refusal: str = ""
    finish: object = None
    usage: object = None

    def completion(self, request: ChatRequest, boundary: Boundary, *, apart: bool = False) -> Completion:
        """The completion for ``request``, without its latency; raises ``Unavailable`` for one that a fault ended.

        ``apart``: tokens of the provider's cache are counted apart from the others.
        """
        reason = "refusal" if self.refusal else ending(self.finish, self.text or self.thought)
        if reason is None:
            raise boundary.cut(f"it ended with {self.finish!r}")
        written = self.text + self.refusal + self.thought
        usage = counted(request.messages, request.max_tokens, written, self.usage, apart=apart)
        if usage.estimated and reason == "stop" and not written:
            raise boundary.cut("nothing is in it, and nothing was counted")
        return Completion(self.text or self.refusal, usage, 0.0, reason, thought=self.thought)
