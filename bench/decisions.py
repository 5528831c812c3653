"""Decisions a second of a model in this process through ``LocalModel``, against bare loops of transformers.

    python bench/decisions.py [--model rookie|smollm2|PATH] [--batch 32] [--seconds 3] [--device auto]

The bare loops are what one would write by hand, on the same device and but for the rookie in the same precision, with
prompts tokenised beforehand. Where each choice is one token (the rookie): whole prompts, padded, in float32, one pass a
batch and the likeliest legal move. Where choices have several: the shared system prompt computed beforehand, a pass
over the questions, and a pass over all choices from copies of what the questions left. ``LocalModel`` also renders,
tokenises, samples and answers each caller.

For a student (the short prompt) it is also said what one decision takes, against one bare pass over its prompt.
"""

import argparse
import asyncio
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from random import Random
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer, DynamicCache
from transformers.utils import logging

from distill.judged import student_base
from distill.rookie.check import draw_prompt
from distill.rookie.lessons import CANONICAL, DUEL
from episodes.games.duel import GAME
from episodes.games.duel.words import MOVES
from models.chat import ChatRequest, Message
from models.hub import model_folder
from models.local import LocalModel
from prompts.prompt import Prompt
from prompts.rule import situation_line

Conversation = list[Message]
Loop = Callable[[], object]


def conversations(count: int) -> list[Conversation]:
    """``count`` turns under prompts of eight rules, twelve turns a prompt."""
    draw = Random(1)
    found: list[Conversation] = []
    while len(found) < count:
        lesson = draw_prompt(draw, 8, CANONICAL)
        system = Message("system", lesson.system)
        found += [[system, Message("user", situation_line(DUEL, turn.situation))] for turn in lesson.turns]
    return found[:count]


def rates(loops: dict[str, Loop], done: int, seconds: float) -> dict[str, float]:
    """Decisions a second of each loop, which makes ``done`` of them: the best of what it did, in turns, in its time."""
    best = dict.fromkeys(loops, 0.0)
    for loop in loops.values():
        loop()
    until = time.perf_counter() + seconds * len(loops)
    while time.perf_counter() < until:
        for name, loop in loops.items():
            began = time.perf_counter()
            loop()
            best[name] = max(best[name], done / (time.perf_counter() - began))
    return best


class Bare:
    """Loops written by hand."""

    def __init__(self, folder: Path, device: str, precision: torch.dtype) -> None:
        logging.disable_progress_bar()
        self.tokenizer = AutoTokenizer.from_pretrained(str(folder))
        self.model = AutoModelForCausalLM.from_pretrained(str(folder), dtype=precision).to(device).eval()
        self.device = device
        self.choices = [self.tokenizer(move, add_special_tokens=False).input_ids for move in MOVES]

    def tokens(self, messages: Sequence[Message]) -> list[int]:
        chat = [{"role": one.role, "content": one.content} for one in messages]
        ids: list[int] = self.tokenizer.apply_chat_template(chat, add_generation_prompt=True, return_dict=False)
        return ids

    def first_tokens(self, asked: Sequence[Conversation]) -> Loop:
        """Whole prompts in one pass; the likeliest of the choices' first tokens."""
        prompts = [self.tokens(messages) for messages in asked]
        ids, mask = self._padded(prompts)
        moves = torch.tensor([choice[0] for choice in self.choices], device=self.device)

        def once() -> object:
            with torch.inference_mode():
                places = (mask.cumsum(-1) - 1).clamp(min=0)
                logits = self.model(
                    ids, attention_mask=mask, position_ids=places, use_cache=False, logits_to_keep=1
                ).logits[:, -1]
                return logits[:, moves].argmax(-1).tolist()

        return once

    def whole_choices(self, asked: Sequence[Conversation]) -> Loop:
        """Prefix and questions computed once; the likeliest of all choices with an end after them."""
        groups: dict[tuple[int, ...], list[list[int]]] = {}
        for messages in asked:
            tokens = self.tokens(messages)
            other = self.tokens([messages[0], Message("user", "0 1")])
            shared = next(at for at, (one, two) in enumerate(zip(tokens, other, strict=False)) if one != two)
            groups.setdefault(tuple(tokens[:shared]), []).append(tokens[shared:])
        with torch.inference_mode():
            prefixes = {prefix: self._computed(prefix) for prefix in groups}

        def once() -> object:
            with torch.inference_mode():
                return [self._scored(prefixes[prefix], questions) for prefix, questions in groups.items()]

        return once

    def _computed(self, prefix: tuple[int, ...]) -> list[tuple[torch.Tensor, torch.Tensor]]:
        past = DynamicCache()
        self.model(torch.tensor([prefix], device=self.device), past_key_values=past, use_cache=True, logits_to_keep=1)
        return [(layer.keys, layer.values) for layer in past.layers]

    def _scored(self, prefix: list[tuple[torch.Tensor, torch.Tensor]], questions: list[list[int]]) -> object:
        rows, many, end = len(questions), len(self.choices), self.tokenizer.eos_token_id
        past = DynamicCache(
            [(keys.expand(rows, -1, -1, -1), values.expand(rows, -1, -1, -1)) for keys, values in prefix]
        )
        before = prefix[0][0].shape[2]
        ids, mask = self._padded(questions)
        mask = torch.cat([torch.ones(rows, before, dtype=mask.dtype, device=self.device), mask], 1)
        first = self._logs(ids, mask, past)[:, -1:]
        past.batch_repeat_interleave(many)
        width = max(map(len, self.choices))
        padded = [[*choice, end, *[0] * (width - len(choice))] for choice in self.choices]
        wanted = torch.tensor(padded, device=self.device).repeat(rows, 1)
        counts = torch.tensor([[n <= len(choice) for n in range(width + 1)] for choice in self.choices])
        mask = torch.cat([mask.repeat_interleave(many, 0), torch.ones_like(wanted[:, :-1])], 1)
        logs = torch.cat([first.repeat_interleave(many, 0), self._logs(wanted[:, :-1], mask, past, width)], 1)
        steps = logs.gather(-1, wanted[..., None])[..., 0] * counts.to(self.device).repeat(rows, 1)
        return steps.sum(-1).view(rows, many).argmax(-1).tolist()

    def _logs(self, ids: torch.Tensor, mask: torch.Tensor, past: DynamicCache, keep: int = 1) -> torch.Tensor:
        places = (mask.cumsum(-1) - 1).clamp(min=0)[:, -ids.shape[1] :]
        logits: torch.Tensor = self.model(
            ids, attention_mask=mask, position_ids=places, past_key_values=past, use_cache=True, logits_to_keep=keep
        ).logits
        return logits.float().log_softmax(-1)

    def _padded(self, rows: Sequence[Sequence[int]]) -> tuple[torch.Tensor, torch.Tensor]:
        width = max(map(len, rows))
        ids = torch.tensor([[0] * (width - len(row)) + list(row) for row in rows], device=self.device)
        mask = torch.tensor([[0] * (width - len(row)) + [1] * len(row) for row in rows], device=self.device)
        return ids, mask


def ours(model: LocalModel, asked: Sequence[Conversation]) -> Loop:
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
    parser.add_argument("--model", default="rookie")
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--seconds", type=float, default=3.0)
    parser.add_argument("--device", default="auto")
    options = parser.parse_args()
    if options.model == "rookie":
        torch.set_num_threads(1)
    folder = model_folder(options.model)
    model = LocalModel(folder, name=options.model, device=options.device)
    device, precision = model.place
    exact = precision == "float64"
    bare = Bare(folder, device, torch.float32 if exact else getattr(torch, precision))
    asked = conversations(options.batch)
    by_hand = bare.first_tokens if all(len(choice) == 1 for choice in bare.choices) else bare.whole_choices
    found = rates({"bare": by_hand(asked), "ours": ours(model, asked)}, options.batch, options.seconds)
    print(
        f"decisions a second, batch {options.batch}, {device} in {precision}: {options.model} {found['ours']:.1f}, "
        f"bare {found['bare']:.1f}, ratio {found['ours'] / found['bare']:.2f}"
    )
    system = Message("system", Prompt(student_base(GAME)).render(GAME))
    alone: list[Any] = [[system, messages[1]] for messages in asked[:1]]
    found = rates({"bare": bare.first_tokens(alone), "ours": ours(model, alone)}, 1, options.seconds)
    print(
        f"one decision of a student: {1e3 / found['ours']:.1f} ms, {found['bare'] / found['ours']:.2f} bare passes "
        "over its prompt"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
