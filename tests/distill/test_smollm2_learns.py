"""A real language model learns a short lesson for real, and plays what it learned."""

import asyncio
from dataclasses import replace
from pathlib import Path

from distill.base import parameters
from distill.encode import Example
from distill.merge import write_merged
from distill.method import Method
from distill.train import lesson_of, train
from episodes.games.duel.words import FEATURES, MOVES
from models.chat import ChatRequest, Message
from models.local import LocalModel
from models.together import together


def lesson() -> list[Example]:
    """Ten situations, in each of which another move is right."""
    situations = [
        " ".join(values[(n // 4 + n * at) % len(values)] for at, values in enumerate(FEATURES.values()))
        for n in range(len(MOVES))
    ]
    return [Example("Duel.", one, move, 1.0) for one, move in zip(situations, MOVES, strict=True)]


def test_smollm2_learns_a_lesson_and_plays_it(smollm2: Path, tmp_path: Path) -> None:
    """By chance one answer of ten is right, and nine or more once in ten billion times."""
    rows = lesson()
    suited = Method.suited(parameters(smollm2), lesson_of(smollm2, rows))
    method = replace(suited, epochs=12, rate=3e-3)
    trained = train(smollm2, rows, rows, method, tmp_path / "adapter")
    assert trained.before.agreement == 0.0, "it never says a move of duel and nothing else by itself"
    assert trained.after.agreement >= 0.9
    assert trained.curve[-1].loss < trained.curve[0].loss
    write_merged(smollm2, trained.adapter, tmp_path / "model", temperature=0.0)
    model = LocalModel(tmp_path / "model", name="student:made", kind="student")

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

    assert sum(said == row.answer for said, row in zip(asyncio.run(play()), rows, strict=True)) >= 9
