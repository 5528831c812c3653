"""What comes before lessons: repetition, then recall. Batches drawn from a source of randomness, and their losses.

Repetition teaches the model to look back for a match and copy what followed; recall puts ever more words between a
match and what is copied, until it looks like a rule and a question. Each stage is learned in some fifty steps after
the one before and not at all without it.
"""

from dataclasses import dataclass
from itertools import combinations
from random import Random
from typing import TYPE_CHECKING

import torch

from distill.rookie.vocabulary import ASSISTANT, BEGIN, END, SPECIAL, SYSTEM, USER, lesson_words, vocabulary
from episodes.games.duel.words import FEATURES, MOVES

if TYPE_CHECKING:
    from transformers import LlamaForCausalLM


def repetition(draw: Random, rows: int) -> tuple[torch.Tensor, int]:
    """Random token sequences, each four times over: (rows, up to 64) token ids, and the period.

    Short periods, no word twice in one, and few words make copying appear soonest. The words are those of lessons,
    marks included: a word that the warm-up never shows is one that it learns never to expect, like all such words.
    """
    length = draw.randint(8, 16)
    words = range(2, len(lesson_words()))  # all but padding and unknown
    return torch.tensor([draw.sample(words, length) for _ in range(rows)]).repeat(1, 4), length


def repetition_loss(model: "LlamaForCausalLM", ids: torch.Tensor, period: int) -> tuple[torch.Tensor, float]:
    """Cross-entropy over everything after the first repetition, and the share of it that is right."""
    hidden = model.model(ids, use_cache=False).last_hidden_state[:, period - 1 : -1]
    logits = model.lm_head(hidden).float().flatten(0, 1)
    wanted = ids[:, period:].flatten()
    right = (logits.detach().argmax(-1) == wanted).float().mean().item()
    return torch.nn.functional.cross_entropy(logits, wanted), right


@dataclass(frozen=True, slots=True)
class Recall:
    """A stage between repetition and lessons: lines to remember, each some keys and a word, then questions.

    ``keys`` of each line, and of the question; with two of them other lines have one in common with it. ``filler``: at
    most so many words of sentences before, between and after the keys of a line, so that no fixed distance tells them.
    ``between``: what stands before the word to recall; ``marked``: whether the question ends with the assistant's mark;
    ``others``: how many other words stand in the question.
    """

    between: tuple[str, ...]
    marked: bool
    filler: int = 0
    keys: int = 1
    others: int = 0


RECALLS = (
    Recall((), False),
    Recall((), True),
    Recall((":",), True),
    Recall((",", "use"), True),
    Recall((",", "use"), True, filler=2),
    Recall((",", "use"), True, filler=3, others=3),
    Recall((",", "use"), True, keys=2),
    Recall((",", "use"), True, filler=1, keys=2, others=2),
    Recall((",", "use"), True, filler=3, keys=2, others=5),
)


def recall(draw: Random, rows: int, stage: Recall, questions: int = 14) -> tuple[torch.Tensor, torch.Tensor]:
    """Token ids (rows, T), and for each row the places (rows, questions) of the words to be recalled."""
    ids = vocabulary()
    seen = [*MOVES, *(value for values in FEATURES.values() for value in values)]
    said = [word for word in lesson_words()[len(SPECIAL) + len(seen) :] if word.isalpha() and word != "use"]
    found: list[list[int]] = []
    places: list[list[int]] = []
    for _ in range(rows):
        lines = draw.randint(2, 6)
        pool = draw.sample(seen, 4 if stage.keys == 2 else lines)
        keys = draw.sample(list(combinations(pool, stage.keys)), lines)
        values = draw.sample([word for word in seen if word not in pool], lines)
        rest = [word for word in seen if word not in pool and word not in values]
        row = [BEGIN, SYSTEM]
        for line, value in zip(keys, values, strict=True):
            row.append("-")
            for key in draw.sample(line, stage.keys):
                row += [*draw.sample(said, draw.randint(0, stage.filler)), key]
            row += [*draw.sample(said, draw.randint(0, stage.filler)), *stage.between, value, "."]
        row.append(END)
        asked = []
        for _ in range(questions):
            which = draw.randrange(lines)
            question = [*draw.sample(rest, stage.others), *keys[which]]
            draw.shuffle(question)
            row += [USER, *question, *([ASSISTANT] if stage.marked else []), values[which], END]
            asked.append(len(row) - 2)
        found.append([ids[word] for word in row])
        places.append(asked)
    width = max(len(row) for row in found)
    return torch.tensor([row + [0] * (width - len(row)) for row in found]), torch.tensor(places)


def recall_loss(model: "LlamaForCausalLM", ids: torch.Tensor, places: torch.Tensor) -> tuple[torch.Tensor, float]:
    """Cross-entropy of the recalled words, and the share of them that is right."""
    row = torch.arange(len(ids))[:, None]
    hidden = model.model(ids, use_cache=False).last_hidden_state[row, places - 1]
    logits = model.lm_head(hidden).float().flatten(0, 1)
    wanted = ids[row, places].flatten()
    right = (logits.detach().argmax(-1) == wanted).float().mean().item()
    return torch.nn.functional.cross_entropy(logits, wanted), right
