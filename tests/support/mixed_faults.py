"""A server behind which somebody plays, and which gets a share of its answers wrong: every fault that a call can have.

What goes wrong is drawn from what is asked, how often it was asked before, and a seed: the same games meet the same
faults. The faults are the provider's alone; a player must not lose a decision by any of them. Its answers follow the
rules of the prompt where one fits, and are a legal move in any case.

``python -m tests.support.mixed_faults SHARE`` serves until it is stopped, and says then what went wrong.
"""

import json
import re
import sys
import threading
from collections import Counter
from typing import Any

from faulty_server import FaultyServer

from models.ids import hash64

Body = dict[str, Any]

WHOLE = ("broken", "busy-at-once", "limited-at-once", "hangup", "truncated", "garbled", "late")
"""Before an answer."""
FORMS = (
    "error-end",
    "abort",
    "no-choices",
    "error-body",
    "silent-refusal",
    "no-counts",
    "odd-counts",
    "parts",
    "thinks",
)
"""In a whole answer; the last four are sound, and only look otherwise."""
STREAMED = ("cut", "overloaded", "noise", "unfinished", "silent")
"""In a stream."""
SAYS: dict[str, tuple[int, str]] = {
    "busy-at-once": (503, "no room"),
    "limited-at-once": (429, "too many requests"),
    "late": (504, "upstream timed out"),
    "silent-refusal": (500, "internal error"),
}
LEGAL = re.compile(r"^Legal moves: (.+)$", re.M)
RULE = re.compile(r"^- (?:When (?P<when>.+), use|Always use) (?P<move>[^.]+)\.", re.M)


class MixedServer(FaultyServer):
    """``share`` of all calls go wrong; ``met`` counts how, ``asked`` counts the calls."""

    def __init__(self, share: float, seed: int = 1) -> None:
        super().__init__()
        self.share = share
        self.seed = seed
        self.asked = 0
        self.met: Counter[str] = Counter()
        self._times: Counter[str] = Counter()
        self._lock = threading.Lock()
        self.objects = self._goes_wrong
        self.changes = self._changed

    def _goes_wrong(self, request: Body, path: str) -> tuple[int, Body] | None:
        self.requests.clear()  # a night asks tens of thousands of times
        body = json.dumps(request, sort_keys=True)
        with self._lock:
            self.asked += 1
            self._times[body] += 1
            drawn = hash64(f"{self.seed} {self._times[body]} {body}")
        request["model"] = "ok"
        if drawn % 10_000 >= self.share * 10_000:
            return None
        kinds = WHOLE + (STREAMED if request.get("stream") else FORMS)
        fault = kinds[drawn // 10_000 % len(kinds)]
        with self._lock:
            self.met[fault] += 1
        if fault in SAYS:
            status, said = SAYS[fault]
            return status, {"error": {"message": said}}
        request["model"] = fault
        return None

    def _changed(self, answer: Body, request: Body) -> Body:
        """An answer, or an event, with what is played in place of what the faulty server says."""
        move, fault = played(request), request["model"]
        for choice in answer.get("choices") or ():
            said = choice.get("message") or choice.get("delta") or {}
            if said.get("content"):
                said["content"] = {"j": move, "a": "", "b": ""}.get(said["content"], move)
            if choice.get("message") and fault == "parts":
                said["content"] = [{"type": "thinking", "thinking": "hm"}, {"type": "text", "text": move}]
            if choice.get("finish_reason") and fault in ("error-end", "abort"):
                choice["finish_reason"], said["content"] = fault.removesuffix("-end"), None
        if answer.get("usage"):
            words = sum(len(message["content"]) for message in request["messages"]) // 4
            answer["usage"] = {"prompt_tokens": words, "completion_tokens": len(move) // 4 + 1}
        if fault == "no-choices":
            answer["choices"] = []
        elif fault == "error-body":
            answer = {"error": {"message": "upstream failed", "code": 502}}
        elif fault == "no-counts":
            answer.pop("usage", None)
        elif fault == "odd-counts":
            answer["usage"] = {"prompt_tokens": -7, "completion_tokens": 10**15}
        return answer


def played(request: Body) -> str:
    """The move: what the first rule of the prompt that fits says, or one drawn from what is asked."""
    system = " ".join(message["content"] for message in request["messages"] if message["role"] == "system")
    asked = str(request["messages"][-1]["content"])
    found = LEGAL.search(asked)
    legal = found[1].split(", ") if found else ["guard"]
    for rule in RULE.finditer(system):
        clauses = re.split(r" and |, ", rule["when"] or "")
        fits = all(re.search(rf"\b{re.escape(clause.split()[-1])}\b", asked) for clause in clauses if clause)
        if fits and rule["move"] in legal:
            return rule["move"]
    return legal[hash64(f"{request.get('seed')} {asked}") % len(legal)]


if __name__ == "__main__":
    with MixedServer(float(sys.argv[1])) as server:
        print(server.url, flush=True)
        sys.stdin.read()
        print(json.dumps({"asked": server.asked, "wrong": sum(server.met.values()), "met": server.met}))
