"""OPRO: a language model reads past prompts with their scores and writes better ones.

Yang et al., "Large Language Models as Optimizers" (ICLR 2024), https://arxiv.org/abs/2309.03409: up to 20 past prompts
in ascending order of score, scores bucketed to whole numbers from 0 to 100, 8 candidates a step, each from its own call
at temperature 1. Differences: a candidate is a list of structured rules, held to the game's vocabulary and the token
budget; and its score never decides anything here, since the gate does. Knows nothing about stored games.
"""

import asyncio
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass

from models.chat import ChatModel, ChatRequest, Message
from models.errors import BadInput, BudgetExhausted, ModelError
from models.thoughts import apart
from optimize.arena import first_of
from optimize.proposal import Items, Proposal, Refusal, Scored, Workshop
from optimize.seeds import derive
from prompts.prompt import GuidanceItem, Prompt
from prompts.rule import MAX_CONDITIONS, Rule

PAST_PROMPTS = 20
CANDIDATES = 8
TEMPERATURE = 1.0
MAX_TOKENS = 2000
_KEYS = {"when", "use", "remark"}
_ARRAY = re.compile(r"\[\s*\{")
MOST_ARRAYS = 100
"""Of an answer that is nothing but brackets no more are tried."""

_SYSTEM = """You improve the tactical guidance of a player of a game. The guidance is an ordered list of rules; the
first rule whose conditions all hold decides the move. Answer with a JSON array of rules and nothing else:
[{{"when": {{"FEATURE": "VALUE"}}, "use": "MOVE", "remark": "optional, one short sentence"}}]
At most {items} rules, each with at most {conditions} conditions; "when": {{}} holds always.

The game:
{rules}

Features and their values:
{features}

Moves: {moves}"""

_ASK = """Below are lists of rules with their scores, worst first. A score is the percentage of points won against the
same opponent and ranges from 0 to 100.

{past}

Write a list of rules that is different from all of the above and has a higher score."""


@dataclass(frozen=True, slots=True)
class Opro:
    """The proposer. ``model`` should be a strong one; the prompt it improves may be a weak model's.

    ``max_tokens`` is the longest answer, thoughts included where the model thinks.
    """

    model: ChatModel
    workshop: Workshop
    max_tokens: int = MAX_TOKENS
    temperature: float = TEMPERATURE

    async def propose(self, past: Sequence[Scored], seed: int, count: int = CANDIDATES) -> Proposal:
        """``count`` calls, each for one candidate. Malformed, over-long and repeated ones are refused, with the reason.

        A call that fails gives a refusal too; ``BudgetExhausted`` is raised.
        """
        messages = self.messages(past)
        try:
            async with asyncio.TaskGroup() as group:
                calls = [group.create_task(self._ask(messages, derive("opro", seed, n))) for n in range(count)]
        except BaseExceptionGroup as failures:
            raise first_of(failures) from None
        answers = [call.result() for call in calls]
        texts = [answer for answer in answers if isinstance(answer, str)]
        sifted = self.workshop.sift(texts, self.read, [scored.prompt.id for scored in past])
        failed = [answer for answer in answers if isinstance(answer, Refusal)]
        return Proposal(sifted.candidates, (*sifted.refused, *failed))

    async def _ask(self, messages: Sequence[Message], seed: int) -> str | Refusal:
        try:
            request = ChatRequest(tuple(messages), max_tokens=self.max_tokens, temperature=self.temperature, seed=seed)
            answer = await self.model.complete(request)
        except BudgetExhausted:
            raise
        except ModelError as error:
            return Refusal("", f"{type(error).__name__}: {error}")
        if answer.finish_reason != "stop":
            return Refusal(answer.text, f"the answer did not end by itself ({answer.finish_reason})")
        return answer.text

    def messages(self, past: Sequence[Scored]) -> list[Message]:
        """What the model is asked: the game's vocabulary, then the best ``PAST_PROMPTS`` of ``past``, worst first."""
        game = self.workshop.game
        best = sorted(past, key=lambda scored: scored.score)[-PAST_PROMPTS:]
        shown = [f"rules: {rules_json(scored.prompt)}\nscore: {round(100 * scored.score)}" for scored in best]
        system = _SYSTEM.format(
            items=self.workshop.budget.items,
            conditions=MAX_CONDITIONS,
            rules=game.rules.strip(),
            features="\n".join(f"{name}: {', '.join(values)}" for name, values in game.features.items()),
            moves=", ".join(game.moves),
        )
        return [Message("system", system), Message("user", _ASK.format(past="\n\n".join(shown) or "(none yet)"))]

    def read(self, answer: str) -> Items:
        """The items that an answer states; raises ``BadInput`` that says what is wrong with it.

        Reasoning around the array, brackets in it, and a code fence are allowed; of several arrays the last counts, and
        what stands in a thought does not. Words of the game's own only.
        """
        said, _ = apart(answer)
        rules = _last_array(said)
        if rules is None:
            start, end = said.find("["), said.rfind("]")
            try:
                rules = json.loads(said[start : end + 1]) if 0 <= start < end else None
            except (json.JSONDecodeError, RecursionError) as error:
                raise BadInput(f"the answer holds no readable JSON array: {error}") from None
        if not isinstance(rules, list) or not rules:
            raise BadInput("the answer holds no JSON array of rules")
        return tuple(self._item(rule) for rule in rules)

    def _item(self, rule: object) -> GuidanceItem:
        if not isinstance(rule, dict) or not {"when", "use"} <= rule.keys() <= _KEYS:
            raise BadInput("a rule has the keys when, use and, if wanted, remark, and no others")
        when, use, remark = rule["when"], rule["use"], rule.get("remark", "")
        words = [use, remark, *when.values()] if isinstance(when, dict) else [None]
        if not all(isinstance(word, str) for word in words):
            raise BadInput('in a rule "when" is an object of texts, and "use" and "remark" are texts')
        return GuidanceItem(Rule.of(self.workshop.game, when, use), remark, origin=self.model.name)


def _last_array(text: str) -> list[object] | None:
    """The last JSON array in ``text`` that begins with an object."""
    decoder = json.JSONDecoder()
    for start in [found.start() for found in _ARRAY.finditer(text)][: -MOST_ARRAYS - 1 : -1]:
        try:
            found, _ = decoder.raw_decode(text, start)
        except (json.JSONDecodeError, RecursionError):
            continue
        return list(found)
    return None


def rules_json(prompt: Prompt) -> str:
    """The guidance of a prompt in the form in which candidates are asked for."""
    rules = []
    for item in prompt.items:
        if item.rule is not None:
            rule = {"when": dict(item.rule.conditions), "use": item.rule.move}
            rules.append(rule | ({"remark": item.remark} if item.remark else {}))
    return json.dumps(rules)
