"""TRL's trainer with what it refuses: a weight for every token, and turns that see only themselves.

Imports torch, transformers and trl: import it where training happens.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from itertools import repeat
from typing import Any

import torch
from transformers import TrainerCallback
from trl import SFTTrainer

from distill.encode import ALL, IGNORED, TokenSequence
from distill.scales import Scale, gains_of, mean_and_error

PADDING = -2
"""The turn of a padding token: only padding sees it."""


def collate(sequences: Sequence[dict[str, Any]], pad: int) -> dict[str, torch.Tensor]:
    """Sequences as tensors, padded on the right.

    ``input_ids``, ``position_ids``: (B, T); ``attention_mask``: (B, 1, T, T), true where a token may look; of the K
    learned tokens ``places``: (K), where each is predicted from, as an index into B x T; ``targets``: (K), the tokens
    themselves; ``token_weights``: (K).
    """
    width = max(len(one["ids"]) for one in sequences)

    def padded(name: str, value: int) -> torch.Tensor:
        return torch.tensor([[*one[name], *[value] * (width - len(one[name]))] for one in sequences])

    turns, answers = padded("turns", PADDING), padded("answers", ALL)
    learned = [
        (row * width + place - 1, label, one["weights"][place])
        for row, one in enumerate(sequences)
        for place, label in enumerate(one["labels"])
        if label != IGNORED
    ]
    places, targets, weights = zip(*learned, strict=True)
    return {
        "input_ids": padded("ids", pad),
        "position_ids": padded("positions", 0),
        "attention_mask": mask_of(turns, answers),
        "places": torch.tensor(places),
        "targets": torch.tensor(targets),
        "token_weights": torch.tensor(weights, dtype=torch.float),
    }


def mask_of(turns: torch.Tensor, answers: torch.Tensor) -> torch.Tensor:
    """(B, 1, T, T): row q may see column k if k is not later and belongs to q's own turn and answer, or to all."""
    width = turns.shape[1]
    earlier = torch.ones(width, width, dtype=torch.bool).tril()
    same_turn = (turns[:, None, :] == turns[:, :, None]) | (turns[:, None, :] == ALL)
    same_answer = (answers[:, None, :] == answers[:, :, None]) | (answers[:, None, :] == ALL)
    return (earlier & same_turn & same_answer)[:, None]


def columns(sequence: TokenSequence) -> dict[str, list[int] | list[float]]:
    """A sequence as a row of a ``datasets.Dataset``."""
    return {
        "ids": sequence.ids,
        "positions": sequence.positions,
        "turns": sequence.turns,
        "answers": sequence.answers,
        "labels": sequence.labels,
        "weights": sequence.weights,
    }


class LearnedPlaces:
    """Shows a model's head the places that are learned and no others: a hook on what comes before the head.

    On a CPU TRL's fused head scores every place, which is a third of all work where the vocabulary is large.
    """

    def __init__(self, causal: Any) -> None:
        self._places: torch.Tensor | None = None
        causal.base_model.register_forward_hook(self._pick)

    def score(self, model: Any, inputs: dict[str, torch.Tensor]) -> Any:
        """TRL's output for a batch of ``collate``, with (1, K) values. ``model`` has TRL's fused head."""
        self._places = inputs["places"]
        seen = {name: inputs[name] for name in ("input_ids", "position_ids", "attention_mask")}
        try:
            return model(**seen, shift_labels=inputs["targets"][None], use_cache=False, fused_lm_head=True)
        finally:
            self._places = None

    def _pick(self, module: Any, arguments: Any, output: Any) -> Any:
        if self._places is not None:
            output.last_hidden_state = output.last_hidden_state.flatten(0, 1)[self._places][None]
        return output


class WeightedTrainer(SFTTrainer):  # type: ignore[misc]
    """Minimises the weighted negative log-likelihood of the answers.

    With ``balanced`` sequences the loss of a whole dataset is sum(weight * nll) / sum(weight). With ``muon`` the
    adapter's matrices, which are all that is trained, learn by Muon (Jordan et al. 2024) and not by AdamW. ``held_out``
    sequences are what it evaluates on: their loss, and the agreement with them; and ``scales``, where there are any.
    """

    def __init__(
        self, *, muon: bool, held_out: Sequence[TokenSequence], scales: Sequence[Scale], pad: int, **arguments: Any
    ) -> None:
        self._muon = muon
        self._held_out = held_out
        self._scales = scales
        self._pad = pad
        super().__init__(**arguments)
        self._learned = LearnedPlaces(self.model.get_base_model())
        # The loss is a mean over sequences, not over a token count that the caller gathers.
        self.model_accepts_loss_kwargs = False

    def compute_loss(
        self, model: Any, inputs: dict[str, torch.Tensor], return_outputs: bool = False, num_items_in_batch: Any = None
    ) -> Any:
        """Mean over the batch's sequences of their weighted negative log-likelihoods."""
        outputs = self._learned.score(model, inputs)
        loss = -(outputs.log_probs[0] * inputs["token_weights"]).sum() / inputs["input_ids"].shape[0]
        return (loss, outputs) if return_outputs else loss

    def fit(self, sequences: Sequence[TokenSequence]) -> tuple[float, float]:
        """See ``measure``."""
        with self._precision():
            return measure(self.model, self._learned, sequences, self._pad, self.args.per_device_eval_batch_size)

    def _precision(self) -> Any:
        """The precision of the base, to measure in."""
        return torch.autocast(self.model.device.type, torch.bfloat16, enabled=self.model.dtype.itemsize == 2)

    def evaluate(self, *_: Any, **__: Any) -> dict[str, float]:
        """The held-out loss, agreement and worth, logged and told to callbacks as TRL does.

        ``eval_standing``, by which the state to keep is chosen, is the step as long as the worth is within a standard
        error of the best so far, else 0: the longest trained of those that are as good as the best (the
        one-standard-error rule of Breiman et al. 1984). Held-out turns are few and each is mostly luck, so the very
        best is an accident, and training goes on while they do not say that it does harm. Where nothing is known of
        the worth of moves, agreement takes its place.
        """
        loss, agreement = self.fit(self._held_out)
        found = {"eval_loss": loss, "eval_agreement": agreement}
        judged, error = agreement, standard_error(self._held_out, agreement)
        if self._scales:
            with self._precision():
                judged, error = weigh_model(
                    self.model, self._learned, self._scales, self._pad, self.args.per_device_eval_batch_size
                )
            found["eval_worth"] = judged
        best = max((entry["eval_least"] for entry in self.state.log_history if "eval_least" in entry), default=-2.0)
        found |= {
            "eval_least": judged - error,
            "eval_standing": float(self.state.global_step if judged >= best else 0),
        }
        self.log(found)
        self.control: Any = self.callback_handler.on_evaluate(self.args, self.state, self.control, found)
        return found

    def create_optimizer(self, *arguments: Any, **named: Any) -> Any:
        """Muon's updates are scaled as AdamW's are (Liu et al. 2025), so the rate means the same."""
        if not self._muon:
            return super().create_optimizer(*arguments, **named)
        if getattr(self, "optimizer", None) is None:
            trained = [weight for weight in self.model.parameters() if weight.requires_grad]
            self.optimizer = torch.optim.Muon(
                trained, lr=self.args.learning_rate, weight_decay=0.0, adjust_lr_fn="match_rms_adamw"
            )
        return self.optimizer

    def _set_signature_columns_if_needed(self) -> None:
        self._signature_columns = list(columns(TokenSequence()))

    def create_model_card(self, *arguments: Any, **named: Any) -> None:
        """Nothing: the card is written once, at export, with measured figures."""


class Reporter(TrainerCallback):  # type: ignore[misc]
    """Passes every step and every logged loss on: ``report(step, steps, values)``."""

    def __init__(self, report: Callable[[int, int, dict[str, float]], None]) -> None:
        self._report = report

    def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        self._report(state.global_step, state.max_steps, {})

    def on_log(self, args: Any, state: Any, control: Any, logs: dict[str, float] | None = None, **_: Any) -> None:
        self._report(state.global_step, state.max_steps, dict(logs or {}))


@torch.no_grad()
def measure(
    model: Any, learned: LearnedPlaces, sequences: Sequence[TokenSequence], pad: int, batch: int
) -> tuple[float, float]:
    """Weighted mean negative log-likelihood an answer token, and how often the best answer comes greedily.

    The best answer to a question is the one with the largest weight; it comes greedily if each of its tokens is the
    likeliest. Questions count by the weight of all their answers. ``model`` has TRL's fused head.
    """
    model.eval()
    loss = weight = right = 0.0
    for start in range(0, len(sequences), batch):
        part = sequences[start : start + batch]
        inputs = {name: value.to(model.device) for name, value in collate([columns(one) for one in part], pad).items()}
        outputs = learned.score(model, inputs)
        loss -= (outputs.log_probs[0].float() * inputs["token_weights"]).sum().item()
        weight += inputs["token_weights"].sum().item()
        likeliest = iter(outputs.is_top1[0].tolist())
        right += sum(agreed_weight(one, likeliest) for one in part)
    return loss / weight, right / sum(map(sum, map(_question_weights, sequences)))


@torch.no_grad()
def weigh_model(
    model: Any, learned: LearnedPlaces, scales: Sequence[Scale], pad: int, batch: int
) -> tuple[float, float]:
    """What the model's likeliest legal moves gained on the turns of ``scales``, and its standard error."""
    model.eval()
    gains: list[float] = []
    for start in range(0, len(scales), batch):
        part = scales[start : start + batch]
        inputs = collate([columns(one.sequence) for one in part], pad)
        outputs = learned.score(model, {name: value.to(model.device) for name, value in inputs.items()})
        log_probs = iter(outputs.log_probs[0].float().tolist())
        for one in part:
            gains += gains_of(one, log_probs)
    return mean_and_error(gains)


def standard_error(sequences: Sequence[TokenSequence], agreement: float) -> float:
    """Of an ``agreement`` measured on ``sequences``, whose questions count by their weights."""
    weights = [weight for one in sequences for weight in _question_weights(one)]
    return math.sqrt(agreement * (1 - agreement) * math.fsum(weight**2 for weight in weights)) / math.fsum(weights)


def agreed_weight(sequence: TokenSequence, likeliest: Iterator[float]) -> float:
    """The weight of the questions whose best answer comes greedily; takes from ``likeliest`` one value for each learned
    token of the sequence."""
    agreed = _by_question(sequence, likeliest)
    return sum(sum(weight for weight, _ in answers) for answers in agreed if max(answers)[1])


def _question_weights(sequence: TokenSequence) -> list[float]:
    """What each question counts: the weight of all its answers."""
    return [sum(weight for weight, _ in answers) for answers in _by_question(sequence, repeat(0.0))]


def _by_question(sequence: TokenSequence, likeliest: Iterator[float]) -> list[list[tuple[float, bool]]]:
    """Of each question's answers the weight, and whether all its tokens are the likeliest."""
    found: dict[int, dict[int, tuple[float, bool]]] = {}
    for place, label in enumerate(sequence.labels):
        if label != IGNORED:
            answers = found.setdefault(sequence.turns[place], {})
            _, so_far = answers.get(sequence.answers[place], (0.0, True))
            answers[sequence.answers[place]] = (sequence.weights[place], bool(next(likeliest)) and so_far)
    return [list(answers.values()) for answers in found.values()]
