"""Turns as tokens: what a student learns from, laid out so that it learns exactly what it will be asked.

In play a student sees one system and one user message. Here many such turns share one sequence: the system prompt is
written once, a user message once however many answers it has, and an attention mask lets every turn see the system
prompt and itself, every answer its own question. So nothing leaks between turns, positions are those of play, and a
turn costs only its own tokens. Learned are the answers and the token that ends them, nothing else.
Knows nothing about where turns come from.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any

from models.chat import Message
from models.errors import BadInput
from models.templates import ChatTemplate

IGNORED = -100
"""The label of a token that is not learned."""
ALL = -1
"""The turn, or answer, of a token that belongs to all of them."""


@dataclass(frozen=True, slots=True)
class Example:
    """One answer to one question, and how much it counts (> 0)."""

    system: str
    user: str
    answer: str
    weight: float


@dataclass(slots=True)
class TokenSequence:
    """Many turns under one system prompt, as parallel lists with one entry a token.

    ``positions``: places as the model counts them; ``turns`` and ``answers``: what the token belongs to, or ``ALL``;
    ``labels``: the token itself where it is learned; ``weights``: how much that counts, else 0.
    """

    ids: list[int] = field(default_factory=list)
    positions: list[int] = field(default_factory=list)
    turns: list[int] = field(default_factory=list)
    answers: list[int] = field(default_factory=list)
    labels: list[int] = field(default_factory=list)
    weights: list[float] = field(default_factory=list)

    def extend(self, ids: Sequence[int], position: int, turn: int, answer: int) -> None:
        """Append tokens that are not learned."""
        self.ids += ids
        self.positions += range(position, position + len(ids))
        self.turns += [turn] * len(ids)
        self.answers += [answer] * len(ids)
        self.labels += [IGNORED] * len(ids)
        self.weights += [0.0] * len(ids)


@dataclass(frozen=True, slots=True)
class _Turn:
    """A question and its answers in tokens; the question's last token is where an answer begins."""

    question: tuple[int, ...]
    answers: tuple[tuple[tuple[int, ...], float], ...]

    def size(self, shared: int) -> int:
        return len(self.question) - 1 - shared + sum(1 + len(answer) for answer, _ in self.answers)


class Encoder:
    """Renders turns as they are asked in play. ``room`` is the most tokens of one turn; ``ends`` the model's own end
    tokens. Raises ``BadInput`` for a chat template that cannot be asked."""

    def __init__(self, tokenizer: Any, room: int, ends: Iterable[int] = ()) -> None:
        self._tokenizer = tokenizer
        self._room = room
        self._template = ChatTemplate(tokenizer, "the base model", thinking=False)
        self.end = self._template.end(tuple(ends))

    def question(self, system: str, user: str) -> tuple[int, ...]:
        """Tokens up to where the answer begins."""
        return self._template.tokens((Message("system", system), Message("user", user)))

    def answer(self, question: tuple[int, ...], example: Example) -> tuple[int, ...]:
        """Tokens of the answer and the end token; raises ``BadInput`` where it has none or they do not fit.

        They are those that are scored in play. What else a template writes into finished answers, as an empty thought,
        is nothing that a student will be asked after.
        """
        own = tuple(self._tokenizer(example.answer, add_special_tokens=False).input_ids)
        if not own:
            raise BadInput(f"the answer {example.answer!r} has no tokens of its own in this model's vocabulary")
        tokens = (*own, self.end)
        if len(question) + len(tokens) > self._room:
            raise BadInput(
                f"a turn has {len(question) + len(tokens)} tokens and the model's context holds {self._room}: "
                "use a shorter prompt; turns are never cut"
            )
        return tokens

    def sequences(self, examples: Sequence[Example], *, length: int, seed: int) -> list[TokenSequence]:
        """Every example in exactly one sequence of about ``length`` tokens (more where one turn is longer).

        The same answer to the same question is written once with the sum of the weights: the loss is the same. Turns
        are shuffled by ``seed``, so that a sequence is a fair sample.
        """
        found = []
        for system, turns in self._turns(examples).items():
            shared = _common(turns)
            Random(f"{seed} {system}").shuffle(turns)
            head = turns[0].question[:shared]
            open_sequence: TokenSequence | None = None
            for turn in turns:
                if open_sequence is None or len(open_sequence.ids) + turn.size(shared) > length:
                    open_sequence = TokenSequence()
                    open_sequence.extend(head, 0, ALL, ALL)
                    found.append(open_sequence)
                _write(open_sequence, turn, shared)
        return found

    def _turns(self, examples: Sequence[Example]) -> dict[str, list[_Turn]]:
        """Turns by system prompt, in the order of first appearance."""
        merged: dict[str, dict[str, dict[str, float]]] = {}
        for example in examples:
            answers = merged.setdefault(example.system, {}).setdefault(example.user, {})
            answers[example.answer] = answers.get(example.answer, 0.0) + example.weight
        turns: dict[str, list[_Turn]] = {}
        for system, questions in merged.items():
            for user, answers in questions.items():
                question = self.question(system, user)
                tokens = tuple(
                    (self.answer(question, Example(system, user, answer, weight)), weight)
                    for answer, weight in answers.items()
                )
                turns.setdefault(system, []).append(_Turn(question, tokens))
        return turns


def _common(turns: Sequence[_Turn]) -> int:
    """How many first tokens all questions share, always leaving at least one to the question itself."""
    first, last = min(turn.question for turn in turns), max(turn.question for turn in turns)
    shortest = min(len(turn.question) for turn in turns) - 1
    same = next((at for at, (one, other) in enumerate(zip(first, last, strict=False)) if one != other), shortest)
    return min(same, shortest)


def _write(sequence: TokenSequence, turn: _Turn, shared: int) -> None:
    """Append a turn: its question but for the last token, then for each answer that token and the answer."""
    number = max(sequence.turns, default=ALL) + 1
    last = len(turn.question) - 1
    sequence.extend(turn.question[shared:last], shared, number, ALL)
    for index, (answer, weight) in enumerate(turn.answers):
        sequence.extend((turn.question[last], *answer), last, number, index)
        sequence.labels[-len(answer) :] = answer
        sequence.weights[-len(answer) :] = [weight] * len(answer)


def check_learned(sequences: Sequence[TokenSequence], ends: Iterable[int]) -> None:
    """Raise ``BadInput`` unless every sequence teaches something and an end token is among what is learned."""
    known = set(ends)
    if not sequences:
        raise BadInput("the dataset has no turns to learn from")
    for sequence in sequences:
        learned = {label for label, weight in zip(sequence.labels, sequence.weights, strict=True) if weight > 0}
        if not learned - {IGNORED}:
            raise BadInput("a training sequence has no answer tokens with a weight: nothing would be learned from it")
        if not learned & known:
            raise BadInput("a training sequence teaches no end token: the student would never stop")


def balanced(sequences: Sequence[TokenSequence]) -> list[TokenSequence]:
    """``sequences`` with weights scaled so that a sequence holds 1 on average: the loss is then a weighted mean."""
    total = sum(sum(sequence.weights) for sequence in sequences)
    scale = len(sequences) / total
    return [
        TokenSequence(
            one.ids, one.positions, one.turns, one.answers, one.labels, [weight * scale for weight in one.weights]
        )
        for one in sequences
    ]
