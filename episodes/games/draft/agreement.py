"""How often a player takes what top drafters took, on which kinds of picks, and how sure that is.

Kinds, by what training never saw (``split``): ``familiar`` picks offer known cards only, ``offered`` ones have a
held-out card among them that the human left, ``taken`` ones are those where the human took a held-out card.
Knows nothing about players and stores.
"""

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

from episodes.games.draft.follow import Question
from episodes.games.draft.split import is_unseen
from episodes.record import EpisodeRecord
from models.errors import BadInput

Kind = Literal["familiar", "offered", "taken"]
KINDS: tuple[Kind, ...] = ("familiar", "offered", "taken")


@dataclass(frozen=True, slots=True)
class Answer:
    """One question answered. ``chance``: the share of the pack's different cards that would have agreed."""

    kind: Kind
    phase: str
    agreed: bool
    chance: float


@dataclass(frozen=True, slots=True)
class Agreement:
    """``share`` of ``picks`` agreed, its 95 % interval, and what drawing from the packs would give."""

    picks: int
    share: float | None
    low: float | None
    high: float | None
    chance: float | None


def answers(asked: Sequence[Question], record: EpisodeRecord) -> list[Answer]:
    """The questions of one draft, and whether its episode agreed with the human on each.

    The returns tell, so it does not matter under which words the game was played. Raises ``BadInput`` for an episode
    of another draft.
    """
    turns = record.turns
    if len(asked) != len(turns):
        raise BadInput(
            f"episode {record.id} has {len(turns)} turns and its draft asks {len(asked)} times: the file has changed "
            "since; use another --db"
        )
    returns = [*(turn.reward for turn in turns), record.seats[0].result]
    return [
        _answer(question, after > before) for question, (before, after) in zip(asked, pairwise(returns), strict=True)
    ]


def _answer(question: Question, agreed: bool) -> Answer:
    view, wanted = question.view, set(question.wanted)
    taken = any(is_unseen(card) for card in wanted)
    offered = any(is_unseen(card) for card in view.pack)
    kind: Kind = "taken" if taken else "offered" if offered else "familiar"
    return Answer(kind, view.situation()["phase"], agreed, len(wanted) / len(view.choices))


def agreement(drafts: Iterable[Sequence[Answer]], which: Callable[[Answer], bool] = lambda answer: True) -> Agreement:
    """The agreement over the answers that count, one sequence a draft.

    A draft's picks hang together, so drafts are what is sampled: the interval is that of a ratio of two means over
    drafts (Cochran 1977, Sampling Techniques, 2.11), held within [0, 1]. With fewer than two drafts there is none.
    """
    chosen = [[answer for answer in draft if which(answer)] for draft in drafts]
    groups = [draft for draft in chosen if draft]
    picks = sum(map(len, groups))
    if not picks:
        return Agreement(0, None, None, None, None)
    share = sum(answer.agreed for draft in groups for answer in draft) / picks
    chance = math.fsum(answer.chance for draft in groups for answer in draft) / picks
    n = len(groups)
    if n < 2:
        return Agreement(picks, share, None, None, chance)
    residuals = [sum(answer.agreed for answer in draft) - share * len(draft) for draft in groups]
    error = math.sqrt(math.fsum(one * one for one in residuals) * n / (n - 1)) / picks
    return Agreement(picks, share, max(0.0, share - 1.96 * error), min(1.0, share + 1.96 * error), chance)
