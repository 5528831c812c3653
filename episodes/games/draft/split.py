"""Who is evaluated on what, settled before anything is trained: pure functions of a draft's and a card's own names.

**Top drafters.** The file does not say who drafted, but how often that person wins and how much they played. The picks
of those who win often enough over enough games are the truth here; nothing else is made of their wins.

**Held-out drafts.** A whole hour of a file is on one side: two people of the file may have sat at one table, and then
saw the same packs, so drafts that began together must not be parted. A draft without a time goes by its id.

**Held-out cards.** One card in sixteen is never seen in training: it is taken out of the packs and pools of training
drafts, and picks of it are left out of them. What a drafter does with such cards shows what it knows of drafting rather
than of a pick order.
"""

import re
from dataclasses import replace
from typing import Literal

from episodes.games.draft.drafts import Card, Draft, Pick
from models.ids import hash64, seed63

Side = Literal["train", "held-out"]

TOP_WIN_RATE = 0.60
TOP_GAMES = 100
HELD_OUT_HOURS = 8
"""One hour in so many is held out."""
HELD_OUT_CARDS = 16
"""One card in so many is held out."""
_HOUR = re.compile(r"\d{4}-\d\d-\d\d[ T]\d\d")


def is_top(games: int | None, win_rate: float | None) -> bool:
    """Whether a person with these two buckets counts as a top drafter."""
    return games is not None and games >= TOP_GAMES and win_rate is not None and win_rate >= TOP_WIN_RATE


def side_of(draft: Draft) -> Side:
    """The side of a draft, by the hour in which it began."""
    hour = _HOUR.match(draft.time)
    name = f"hour {hour[0].replace('T', ' ')}" if hour else f"draft {draft.id}"
    return "held-out" if hash64(name) % HELD_OUT_HOURS == 0 else "train"


def is_unseen(card: Card) -> bool:
    """Whether a card is held out."""
    return hash64(f"card {card}") % HELD_OUT_CARDS == 0


def order_of(draft: Draft) -> int:
    """Where a draft stands among others: as good as random, and always the same. 63 bits."""
    return seed63(f"order {draft.id}")


def without_unseen(draft: Draft) -> Draft:
    """The draft as training may see it."""
    picks = []
    for pick in draft.picks:
        taken = tuple(card for card in pick.taken if not is_unseen(card))
        if taken:
            pack = tuple(card for card in pick.pack if not is_unseen(card))
            picks.append(Pick(pick.pack_number, pick.pick_number, pack, taken))
    return replace(draft, picks=tuple(picks))
