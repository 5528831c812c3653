"""The arithmetic of a language model in this process: scoring choices and generating, many requests in one pass.

A decision must not depend on which others shared its batch, yet the order in which a matrix product is summed changes
with the batch's shape. Small models on a CPU therefore compute in float64, where such differences are about 1e-15, and
log-probabilities are rounded to a grid of 1e-6 before anything is decided: two batches disagree only if a value lies
within 1e-15 of the middle between two grid points, and even then by 1e-6 in probability. Larger models compute in
float32 there, with differences of 1e-5 on a grid of 1e-3: the same holds nearly always, not surely. On a GPU, in
bfloat16, differences are larger than the grid, and what is nearly equal may be decided either way.

Knows nothing about messages, templates or events.
"""

import math
import sys
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from models import sizes
from models.choices import Tokens, Tree, log_sum, rows_of, tree_of
from models.errors import BadInput
from models.ids import hash64
from models.masked import Pen
from models.sizes import all_threads, keep_float64, kept_of_a_token, seen_whole

if TYPE_CHECKING:
    import torch

    Cached = tuple[tuple[torch.Tensor, torch.Tensor], ...]

Question = tuple[Tokens, tuple[Tokens, ...]]
"""What comes after the shared prefix, and the choices."""

NUMBERS_CPU, NUMBERS_GPU = 1 << 28, 1 << 30
"""How many numbers the keys, values and logits of one pass may be, so that it takes a gigabyte or two."""


@dataclass(frozen=True, slots=True)
class Ask:
    """One request in tokens.

    ``tokens`` is the whole prompt; its first ``shared`` tokens are worth keeping for later requests. With ``choices``
    (each a tuple of tokens) one of them is drawn, otherwise up to ``max_tokens`` are generated: with ``pen``, which
    makes one for so many tokens, only those that it allows.
    """

    tokens: tuple[int, ...]
    shared: int
    choices: tuple[tuple[int, ...], ...] | None
    max_tokens: int
    temperature: float
    seed: int
    pen: Callable[[int], Pen] | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """``choice`` is the index of the choice drawn, ``-1`` for free text; ``tokens`` those generated; ``scores`` the
    log-probabilities of the choices on the grid; ``ended`` whether the model itself ended the text."""

    choice: int
    tokens: tuple[int, ...]
    scores: tuple[float, ...] = ()
    ended: bool = True


def uniform(seed: int, step: int) -> float:
    """A number in [0, 1) that depends on ``seed`` and ``step`` only."""
    return hash64(f"sample {seed} {step}") / 2**64


def draw(scores: Sequence[float], temperature: float, at: float) -> int:
    """Index drawn from softmax(scores / temperature) by inverse CDF at ``at`` in [0, 1), in the order given.

    Temperature 0 takes the largest, the first of equals.
    """
    top = max(scores)
    if temperature <= 0:
        return scores.index(top)
    weights = [math.exp((score - top) / temperature) for score in scores]
    left = at * math.fsum(weights)
    for index, weight in enumerate(weights):
        left -= weight
        if left < 0:
            return index
    return max(index for index, weight in enumerate(weights) if weight > 0)


class Engine:
    """A causal language model of transformers, used by one thread at a time."""

    def __init__(self, model: Any, *, end_tokens: Sequence[int], name: str, most: int, prefixes: int) -> None:
        import torch

        self._torch = torch
        all_threads()
        self._name = name
        self._ends = tuple(end_tokens)
        self._most = most
        self._prefixes = prefixes
        self._cache: OrderedDict[tuple[int, ...], Cached] = OrderedDict()
        self._device = model.device
        small = model.num_parameters() < sizes.SMALL and self._device.type == "cpu"
        self._digits = 6 if small else 3
        self._threads = 1 if model.num_parameters() < 10_000_000 else all_threads()
        self.model = model.double() if small else model
        if small:
            keep_float64(self.model)
        self.model.eval()
        config = model.config.get_text_config()
        self.context: int = getattr(config, "max_position_embeddings", sys.maxsize)
        self._vocabulary: int = config.vocab_size
        self._a_token = kept_of_a_token(config)
        self._window = seen_whole(model)

    @property
    def device(self) -> str:
        """Where it computes: ``cpu``, ``cuda:0``."""
        return str(self._device)

    @property
    def precision(self) -> str:
        """What it computes in: ``float64``, ``bfloat16``."""
        return str(self.model.dtype).removeprefix("torch.")

    def answer(self, asks: Sequence[Ask]) -> list[Answer]:
        """Answers in the order of ``asks``, independent of how they are grouped."""
        self._torch.set_num_threads(self._threads)
        answers: dict[int, Answer] = {}
        with self._torch.inference_mode():
            for scored, places in self._groups(asks):
                group = [asks[place] for place in places]
                done = self._choose(group) if scored else self._generate(group)
                answers.update(zip(places, done, strict=True))
        return [answers[place] for place in range(len(asks))]

    def _groups(self, asks: Sequence[Ask]) -> list[tuple[bool, list[int]]]:
        """Places of requests that can share passes, by their prefix: those with choices, then all others."""
        scored: dict[tuple[int, ...], list[int]] = {}
        free: dict[tuple[int, ...], list[int]] = {}
        for place, ask in enumerate(asks):
            (free if ask.choices is None else scored).setdefault(ask.tokens[: ask.shared], []).append(place)
        return [(True, places) for places in scored.values()] + [(False, places) for places in free.values()]

    def _choose(self, asks: Sequence[Ask]) -> list[Answer]:
        """Score every choice of requests with one prefix."""
        prefix = asks[0].tokens[: asks[0].shared]
        # Requests that differ in their seeds only are computed once.
        questions: dict[tuple[tuple[int, ...], tuple[tuple[int, ...], ...]], list[float]] = {}
        for ask in asks:
            assert ask.choices is not None
            questions[ask.tokens[ask.shared :], ask.choices] = []
        single = [one for one in questions if all(len(choice) == 1 for choice in one[1])]
        whole = [one for one in questions if any(len(choice) > 1 for choice in one[1])]
        for group, scored in ((single, self._first_tokens), (whole, self._whole_choices)):
            questions.update(zip(group, scored(prefix, group), strict=True))
        answers = []
        for ask in asks:
            assert ask.choices is not None
            scores = [round(score, self._digits) for score in questions[ask.tokens[ask.shared :], ask.choices]]
            choice = draw(scores, ask.temperature, uniform(ask.seed, 0))
            answers.append(Answer(choice, ask.choices[choice], tuple(scores)))
        return answers

    def _first_tokens(self, prefix: Tokens, asked: Sequence[Question]) -> list[list[float]]:
        """Log-probabilities of choices of one token each, by the question's last place."""
        logs = self._log_probabilities(prefix, [(suffix, 1) for suffix, _ in asked])
        return [
            log[0, [choice[0] for choice in choices]].tolist() for log, (_, choices) in zip(logs, asked, strict=True)
        ]

    def _whole_choices(self, prefix: Tokens, asked: Sequence[Question]) -> list[list[float]]:
        """Log-probabilities of whole choices and of an end after them."""
        trees = [(suffix, tree_of(choices, self._ends)) for suffix, choices in asked]
        longest = len(prefix) + max((len(suffix) + len(tree.tokens) for suffix, tree in trees), default=0)
        if self._window is None or longest > self._window:
            return self._spelled_out(prefix, asked)
        return self._in_trees(prefix, trees)

    def _in_trees(self, prefix: Tokens, asked: Sequence[tuple[Tokens, Tree]]) -> list[list[float]]:
        """Each question and all its choices in one row."""
        cached = self._prefix(prefix)
        found: dict[int, list[float]] = {}
        by_length = sorted(range(len(asked)), key=lambda at: len(asked[at][0]))
        size = max((len(tree.tokens) for _, tree in asked), default=0) + 1
        while by_length:
            width = len(prefix) + len(asked[by_length[-1]][0]) + size
            places = by_length[-self._most_rows(width, size) :]
            del by_length[-len(places) :]
            rows = rows_of(len(prefix), [asked[place] for place in places])
            logits = self.model(
                rows.tokens.to(self._device),
                position_ids=rows.positions.to(self._device),
                attention_mask=self._as_bias(rows.seen),
                past_key_values=self._expanded(cached, len(places)) if cached else None,
                use_cache=bool(cached),
                logits_to_keep=rows.tokens.shape[1] - rows.start,
            ).logits
            found.update(zip(places, self._walked(logits, [asked[place][1] for place in places]), strict=True))
        return [found[place] for place in range(len(asked))]

    def _as_bias(self, seen: "torch.Tensor") -> "torch.Tensor":
        """What is added before the softmax of attention: of all kinds of masks, the one that every attention takes."""
        seen = seen.to(self._device)
        bias = self._torch.zeros(seen.shape, dtype=self.model.dtype, device=self._device)
        return bias.masked_fill_(~seen, self._torch.finfo(bias.dtype).min)

    def _walked(self, logits: "torch.Tensor", trees: Sequence[Tree]) -> list[list[float]]:
        """The sum of each choice's steps; ``logits`` are of the places of the trees (rows, places, vocabulary)."""
        steps = [
            (row, step.place, token)
            for row, tree in enumerate(trees)
            for steps in tree.choices
            for step in steps
            for token in step.tokens
        ]
        at = tuple(self._torch.tensor(steps, device=self._device).T)
        logits = logits.double() if logits.dtype == self._torch.double else logits.float()
        logs = iter((logits[at] - logits.logsumexp(-1)[at[:2]]).tolist())
        return [
            [sum(log_sum([next(logs) for _ in step.tokens]) for step in steps) for steps in tree.choices]
            for tree in trees
        ]

    def _spelled_out(self, prefix: Tokens, asked: Sequence[Question]) -> list[list[float]]:
        """A row for each choice, for models whose attention takes no mask of ours."""
        rows = [(suffix + choice, len(choice) + 1) for suffix, choices in asked for choice in choices]
        logs = iter(self._log_probabilities(prefix, rows))
        return [[self._spelled(next(logs), choice) for choice in choices] for _, choices in asked]

    def _spelled(self, logs: "torch.Tensor", choice: Tokens) -> float:
        steps = logs[range(len(choice)), choice].tolist()
        return float(sum([*steps, log_sum(logs[-1, list(self._ends)].tolist())]))

    def _most_rows(self, width: int, kept: int) -> int:
        """How many rows go through one pass: of ``width`` places, of which ``kept`` give logits."""
        numbers = NUMBERS_GPU if self._device.type == "cuda" else NUMBERS_CPU
        return max(1, min(self._most, numbers // (width * self._a_token + kept * self._vocabulary)))

    def _log_probabilities(self, prefix: Tokens, rows: Sequence[tuple[Sequence[int], int]]) -> list[Any]:
        """For each row (tokens after the prefix, how many last places count): log-probabilities (places, vocabulary).

        Rows are padded on the right: in a causal model nothing looks at what comes after it, so no mask is needed.
        """
        torch = self._torch
        cached = self._prefix(prefix)
        found: list[Any] = []
        longest = max((len(tokens) for tokens, _ in rows), default=0)
        most = self._most_rows(len(prefix) + longest, max((count for _, count in rows), default=1))
        for start in range(0, len(rows), most):
            part = rows[start : start + most]
            width = max(len(tokens) for tokens, _ in part)
            kept = width - min(len(tokens) - count for tokens, count in part)
            ids = torch.tensor([[*tokens, *[0] * (width - len(tokens))] for tokens, _ in part], device=self._device)
            past = self._expanded(cached, len(part)) if cached else None
            if prefix and not cached:
                head = torch.tensor([prefix], device=self._device).expand(len(part), -1)
                ids = torch.cat([head, ids], 1)
            logits = self.model(ids, past_key_values=past, use_cache=past is not None, logits_to_keep=kept).logits
            logs = logits.double().log_softmax(-1)
            for index, (tokens, count) in enumerate(part):
                last = len(tokens) - (width - kept)
                found.append(logs[index, last - count : last])
        return found

    def _prefix(self, tokens: tuple[int, ...]) -> "Cached | None":
        """Keys and values of a shared prefix, computed once; ``None`` where the model keeps other things."""
        from transformers import DynamicCache

        if not tokens or self._window is None:
            return None
        if tokens not in self._cache:
            past = DynamicCache()
            self.model(
                self._torch.tensor([tokens], device=self._device),
                past_key_values=past,
                use_cache=True,
                logits_to_keep=1,
            )
            self._cache[tokens] = tuple((layer.keys, layer.values) for layer in past.layers)
            while len(self._cache) > self._prefixes:
                self._cache.popitem(last=False)
        self._cache.move_to_end(tokens)
        return self._cache[tokens]

    def _expanded(self, cached: "Cached", rows: int) -> Any:
        """A cache for ``rows`` rows that share the prefix's memory."""
        from transformers import DynamicCache
        from transformers.cache_utils import DynamicLayer

        past = DynamicCache()
        for keys, values in cached:
            layer = DynamicLayer()
            layer.lazy_initialization(keys, values)
            layer.keys, layer.values = keys.expand(rows, -1, -1, -1), values.expand(rows, -1, -1, -1)
            past.layers.append(layer)
        return past

    def _generate(self, asks: Sequence[Ask]) -> list[Answer]:
        """Sample token by token with a key-value cache, for requests with one prefix; what follows it is padded on the
        left."""
        from transformers import DynamicCache

        torch = self._torch
        limits = [min(ask.max_tokens, self.context - len(ask.tokens)) for ask in asks]
        longest = max(len(ask.tokens) + limit for ask, limit in zip(asks, limits, strict=True))
        seen_whole = self._window is not None and longest <= self._window
        cached = self._prefix(asks[0].tokens[: asks[0].shared]) if seen_whole else None
        known = asks[0].shared if cached else 0
        width = max(len(ask.tokens) for ask in asks)
        blank = [width - len(ask.tokens) for ask in asks]
        ids = torch.tensor([[0] * pad + list(ask.tokens[known:]) for pad, ask in zip(blank, asks, strict=True)])
        mask = torch.tensor([[1] * known + [0] * pad + [1] * (width - pad - known) for pad in blank])
        ids, mask = ids.to(self._device), mask.to(self._device)
        past = self._expanded(cached, len(asks)) if cached else DynamicCache(config=self.model.config)
        written: list[list[int]] = [[] for _ in asks]
        ended = [False] * len(asks)
        pens = [ask.pen(limit) if ask.pen else None for ask, limit in zip(asks, limits, strict=True)]
        while True:
            places = (mask.cumsum(-1) - 1).clamp(min=0)[:, -ids.shape[1] :]
            logits = self.model(
                ids, attention_mask=mask, position_ids=places, past_key_values=past, use_cache=True, logits_to_keep=1
            ).logits[:, -1]
            logs = logits.double().log_softmax(-1)
            latest = [0] * len(asks)
            for row, (ask, pen) in enumerate(zip(asks, pens, strict=True)):
                if ended[row] or len(written[row]) >= limits[row]:
                    continue
                latest[row] = self._sample(logs[row], ask.temperature, uniform(ask.seed, len(written[row])), pen)
                written[row].append(latest[row])
                ended[row] = latest[row] in self._ends if pen is None else pen.finished
            if all(done or len(text) >= limit for done, text, limit in zip(ended, written, limits, strict=True)):
                break
            ids = torch.tensor(latest, device=self._device)[:, None]
            mask = torch.cat([mask, torch.ones_like(mask[:, :1])], 1)
        return [Answer(-1, tuple(text), ended=done) for text, done in zip(written, ended, strict=True)]

    def _sample(self, logs: "torch.Tensor", temperature: float, at: float, pen: Pen | None) -> int:
        """One token from softmax(logs / temperature), on the grid; see ``draw``. With ``pen`` one that it allows."""
        allowed = pen.allowed() if pen else None
        if allowed is not None and not allowed:
            raise BadInput(f"{self._name}: its tokens cannot spell the answers that it is held to; ask for free text")
        token = self._drawn(logs if allowed is None else logs[list(allowed)], temperature, at)
        token = token if allowed is None else allowed[token]
        if pen:
            pen.wrote(token)
        return token

    def _drawn(self, logs: "torch.Tensor", temperature: float, at: float) -> int:
        """The place of one of ``logs``."""
        rounded = logs.round(decimals=self._digits)
        if temperature <= 0:
            return int(rounded.argmax())
        total = ((rounded - rounded.max()) / temperature).exp().cumsum(0)
        return min(int(self._torch.searchsorted(total, at * total[-1], right=True)), len(total) - 1)

    def check_room(self, tokens: Sequence[int]) -> None:
        """Raise ``BadInput`` for a prompt that does not fit into the model's context."""
        if len(tokens) > self.context:
            raise BadInput(
                f"{self._name}: the prompt has {len(tokens)} tokens and the model's context holds {self.context}; "
                "use a shorter prompt"
            )
