"""TRL's trainer with what it refuses: a weight for every token, and turns that see only themselves.

Imports torch, transformers and trl: import it where training happens.
"""

from collections.abc import Callable, Sequence
from typing import Any

import torch
from transformers import TrainerCallback
from trl import SFTTrainer

from distill.encode import ALL, IGNORED, TokenSequence

PADDING = -2
"""The turn of a padding token: only padding sees it."""


def collate(sequences: Sequence[dict[str, Any]], pad: int) -> dict[str, torch.Tensor]:
    """Sequences as tensors, padded on the right.

    ``input_ids``, ``position_ids``, ``labels``, ``token_weights``: (B, T); ``attention_mask``: (B, 1, T, T), true
    where a token may look.
    """
    width = max(len(one["ids"]) for one in sequences)

    def padded(name: str, value: float, dtype: torch.dtype = torch.long) -> torch.Tensor:
        return torch.tensor([[*one[name], *[value] * (width - len(one[name]))] for one in sequences], dtype=dtype)

    turns, answers = padded("turns", PADDING), padded("answers", ALL)
    return {
        "input_ids": padded("ids", pad),
        "position_ids": padded("positions", 0),
        "labels": padded("labels", IGNORED),
        "token_weights": padded("weights", 0.0, torch.float),
        "attention_mask": mask_of(turns, answers),
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


class WeightedTrainer(SFTTrainer):  # type: ignore[misc]
    """Minimises the weighted negative log-likelihood of the answers.

    With ``balanced`` sequences the loss of a whole dataset is sum(weight * nll) / sum(weight). With ``muon`` the
    adapter's matrices, which are all that is trained, learn by Muon (Jordan et al. 2024) and not by AdamW.
    """

    def __init__(self, *, muon: bool, **arguments: Any) -> None:
        self._muon = muon
        super().__init__(**arguments)
        # The loss is a mean over sequences, not over a token count that the caller gathers.
        self.model_accepts_loss_kwargs = False

    def compute_loss(
        self, model: Any, inputs: dict[str, torch.Tensor], return_outputs: bool = False, num_items_in_batch: Any = None
    ) -> Any:
        """Mean over the batch's sequences of their weighted negative log-likelihoods."""
        weights = inputs["token_weights"]
        rest = {name: value for name, value in inputs.items() if name != "token_weights"}
        outputs = model(**rest, use_cache=False, fused_lm_head=True)
        loss = -(outputs.log_probs * weights[:, 1:]).sum() / weights.shape[0]
        return (loss, outputs) if return_outputs else loss

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
    """Passes every logged loss on: ``report(step, steps, values)``."""

    def __init__(self, report: Callable[[int, int, dict[str, float]], None]) -> None:
        self._report = report

    def on_log(self, args: Any, state: Any, control: Any, logs: dict[str, float] | None = None, **_: Any) -> None:
        self._report(state.global_step, state.max_steps, dict(logs or {}))


@torch.no_grad()
def measure(model: Any, sequences: Sequence[TokenSequence], pad: int, batch: int) -> tuple[float, float]:
    """Weighted mean negative log-likelihood an answer token, and how often the best answer comes greedily.

    The best answer to a question is the one with the largest weight; it comes greedily if each of its tokens is the
    likeliest. Questions count by the weight of all their answers. ``model`` has TRL's fused head.
    """
    model.eval()
    loss = weight = right = 0.0
    for start in range(0, len(sequences), batch):
        part = sequences[start : start + batch]
        inputs = collate([columns(one) for one in part], pad)
        weights = inputs.pop("token_weights")[:, 1:].to(model.device)
        inputs = {name: value.to(model.device) for name, value in inputs.items()}
        outputs = model(**inputs, use_cache=False, fused_lm_head=True)
        loss -= (outputs.log_probs.float() * weights).sum().item()
        weight += weights.sum().item()
        right += sum(
            agreed_weight(one, likeliest) for one, likeliest in zip(part, outputs.is_top1.tolist(), strict=True)
        )
    answers = sum(weight for one in sequences for weight, _ in _answers(one, [False] * len(one.ids)).values())
    return loss / weight, right / answers


def agreed_weight(sequence: TokenSequence, likeliest: Sequence[float]) -> float:
    """The weight of the questions whose best answer comes greedily."""
    questions: dict[int, list[tuple[float, bool]]] = {}
    for (turn, _), answer in _answers(sequence, likeliest).items():
        questions.setdefault(turn, []).append(answer)
    return sum(sum(weight for weight, _ in answers) for answers in questions.values() if max(answers)[1])


def _answers(sequence: TokenSequence, likeliest: Sequence[float]) -> dict[tuple[int, int], tuple[float, bool]]:
    """Each answer's weight and whether all its tokens are the likeliest; ``likeliest[n]`` is about token n + 1."""
    found: dict[tuple[int, int], tuple[float, bool]] = {}
    for place, label in enumerate(sequence.labels):
        if label != IGNORED:
            name = (sequence.turns[place], sequence.answers[place])
            so_far = found.get(name, (0.0, True))[1]
            found[name] = (sequence.weights[place], so_far and bool(likeliest[place - 1]))
    return found
