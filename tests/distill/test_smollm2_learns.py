"""A real language model learns a short lesson for real, and plays what it learned."""

import asyncio
from dataclasses import replace
from pathlib import Path

from distill.base import parameters
from distill.encode import Example
from distill.method import Method
from distill.train import lesson_of, train
from episodes.games.duel.words import FEATURES, MOVES
from models.chat import ChatRequest, Message
from models.local import LocalModel
from models.together import together


def lesson() -> list[Example]:
    """Six situations, in each of which another move is right."""
    situations = [
        " ".join(values[(n // 4 + n * at) % len(values)] for at, values in enumerate(FEATURES.values()))
        for n in range(6)
    ]
    return [Example("Duel.", one, move, 1.0) for one, move in zip(situations, MOVES, strict=False)]


def test_smollm2_learns_a_lesson_and_plays_it(smollm2: Path, tmp_path: Path) -> None:
    """By chance one answer of ten is right, and all six once in a million times."""
    rows = lesson()
    suited = Method.suited(parameters(smollm2), lesson_of(smollm2, rows))
    method = replace(suited, epochs=10, rate=3e-3)
    trained = train(smollm2, rows, rows, method, tmp_path / "adapter")
    assert trained.before.agreement == 0.0, "it never says a move of duel and nothing else by itself"
    assert trained.after.agreement == 1.0
    assert trained.curve[-1].loss < trained.curve[0].loss
    model = LocalModel(smollm2, adapter=trained.adapter, name="student:made", kind="student")

    async def play() -> list[str]:
        found = await together(
            model.complete(
                ChatRequest(
                    (Message("system", row.system), Message("user", row.user)), MOVES, max_tokens=8, temperature=0.0
                )
            )
            for row in rows
        )
        await model.close()
        return [completion.text for completion in found]

    assert sum(said == row.answer for said, row in zip(asyncio.run(play()), rows, strict=True)) == 6
