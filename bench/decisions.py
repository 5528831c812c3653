"""Decisions a second of the rookie through ``LocalModel``, against a bare batched forward pass.

    python bench/decisions.py [--batch 32] [--seconds 3]

The bare loop is what one would write by hand: the same prompts, tokenised beforehand, whole, padded, in float32, one
forward pass of transformers a batch and the likeliest legal move. ``LocalModel`` also renders, tokenises, samples,
computes in float64 and answers each caller, but computes the shared system prompt once.
"""

import argparse
import asyncio
import sys
import time
from collections.abc import Callable
from pathlib import Path
from random import Random

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer
from transformers.utils import logging

from distill.rookie.check import draw_prompt
from distill.rookie.lessons import CANONICAL, DUEL
from episodes.games.duel.words import MOVES
from models.chat import ChatRequest, Message
from models.hub import ROOKIE
from models.local import LocalModel
from prompts.rule import situation_line


def conversations(count: int) -> list[list[Message]]:
    """``count`` turns under prompts of eight rules, twelve turns a prompt."""
    draw = Random(1)
    found: list[list[Message]] = []
    while len(found) < count:
        lesson = draw_prompt(draw, 8, CANONICAL)
        system = Message("system", lesson.system)
        found += [[system, Message("user", situation_line(DUEL, turn.situation))] for turn in lesson.turns]
    return found[:count]


def rate(batch: int, seconds: float, once: Callable[[], object]) -> float:
    """Decisions a second of ``once``, which makes ``batch`` of them."""
    once()
    began, done = time.perf_counter(), 0
    while time.perf_counter() - began < seconds:
        once()
        done += batch
    return done / (time.perf_counter() - began)


def bare(asked: list[list[Message]]) -> Callable[[], object]:
    logging.disable_progress_bar()
    tokenizer = AutoTokenizer.from_pretrained(str(ROOKIE))
    model = AutoModelForCausalLM.from_pretrained(str(ROOKIE)).eval()
    texts = [
        tokenizer.apply_chat_template(
            [{"role": one.role, "content": one.content} for one in messages], add_generation_prompt=True, tokenize=False
        )
        for messages in asked
    ]
    inputs = tokenizer(texts, return_tensors="pt", padding=True)
    moves = torch.tensor(tokenizer.convert_tokens_to_ids(list(MOVES)))

    def once() -> object:
        with torch.inference_mode():
            logits = model(**inputs, use_cache=False, logits_to_keep=1).logits[:, -1]
            return logits[:, moves].argmax(-1).tolist()

    return once


def ours(asked: list[list[Message]]) -> Callable[[], object]:
    model = LocalModel(ROOKIE, name="rookie")
    runner = asyncio.Runner()

    async def all_at_once() -> object:
        calls = (
            model.complete(ChatRequest(tuple(messages), MOVES, temperature=1.0, seed=seed))
            for seed, messages in enumerate(asked)
        )
        return await asyncio.gather(*calls)

    return lambda: runner.run(all_at_once())


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--seconds", type=float, default=3.0)
    options = parser.parse_args()
    torch.set_num_threads(1)
    asked = conversations(options.batch)
    ratios = {
        name: rate(options.batch, options.seconds, make(asked)) for name, make in (("bare", bare), ("ours", ours))
    }
    print(
        f"decisions a second, batch {options.batch}: rookie {ratios['ours']:.0f}, bare {ratios['bare']:.0f}, "
        f"ratio {ratios['ours'] / ratios['bare']:.2f}"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
