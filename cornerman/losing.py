"""What is said of the decisions that a player lost, and of what it is held to so that it loses none.

The same words on the screen and on pages. Knows nothing about where the figures come from.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from cornerman.format import number
from cornerman.result import HIDDEN, Result
from episodes.game import Game
from episodes.guest_player import GuestPlayer
from episodes.player import Player
from episodes.players.model import Held, ModelPlayer
from episodes.store.lost import Lost

MANY = 0.1
"""The share of lost decisions above which something is the matter that can be mended."""

HELD: Mapping[Held, str] = {"moves": "held to legal moves", "plans": "held to plans", "free": "free text"}

KINDS: Mapping[str, str] = {
    "illegal": "illegal",
    "unparsable": "unreadable",
    "empty": "empty",
    "truncated": "truncated",
    "refused": "refused",
    "timeouts": "late",
    "faulted": "to faults of the player's own code",
}
"""The fields of ``Lost`` in words."""

HINTS: Mapping[str, str] = {
    "illegal": "show it the legal moves: {legal} belongs into the turn template of its base text (docs/prompts.md)",
    "unparsable": "say in its base text how an answer looks, or take a model that can be held (docs/models.md)",
    "empty": "raise max_tokens, for a thought may have taken all of it, or ask for less of it (effort)",
    "truncated": "raise max_tokens, or let it think less (effort)",
    "refused": "say in its base text that this is a game, or take another model",
    "timeouts": "raise time_limit, or ask for shorter answers (max_tokens, effort)",
    "faulted": "`cornerman episodes show EPISODE` says what its code raised",
}
"""What mends each kind, for one who lost most of its decisions so."""

HOLD = "let it be held to moves or plans: leave out --free and free = true"
"""What mends unreadable and illegal answers of a model that was asked for free text and can be held."""


@dataclass(frozen=True, slots=True)
class Answers(Result):
    """A player's lost decisions, and what it is held to; ``None`` for one that is no model.

    ``can`` is what it would be held to by itself.
    """

    held: Held | None
    lost: Lost
    can: Held | None = field(default=None, metadata=HIDDEN)

    @property
    def hint(self) -> str:
        """The way out where more than a tenth is lost: it fits what is lost most. Empty elsewhere."""
        if self.lost.all <= MANY * self.lost.turns:
            return ""
        kind = max(KINDS, key=lambda one: int(getattr(self.lost, one)))
        if kind in ("illegal", "unparsable") and self.held == "free" and self.can not in (None, "free"):
            return HOLD
        return HINTS[kind]


UNASKED = Answers(None, Lost())
"""Of one who was not asked at all."""


def answers(player: Player, game: Game, lost: Lost) -> Answers:
    """How ``player`` answers in ``game``, where it lost so much."""
    known = _model_player(player)
    return Answers(known.held_in(game), lost, known.could_be_held_in(game)) if known else Answers(None, lost)


def held(player: Player, game: Game) -> Held | None:
    """What ``player`` is held to in ``game``; ``None`` for one that is no model."""
    known = _model_player(player)
    return known.held_in(game) if known else None


def _model_player(player: Player) -> ModelPlayer | None:
    known = player.player if isinstance(player, GuestPlayer) else player
    return known if isinstance(known, ModelPlayer) else None


def lost_words(lost: Lost) -> str:
    """E.g. ``3 illegal and 2 truncated``, or ``none``."""
    found = ((words, int(getattr(lost, kind))) for kind, words in KINDS.items())
    return " and ".join(f"{number(n)} {words}" for words, n in found if n) or "none"


def lines(found: Sequence[tuple[str, Answers]]) -> Iterator[str]:
    """What is said of some players by their names: what each is held to and what it lost, with a hint if it is much."""
    models = [f"{name} {HELD[one.held]}" for name, one in found if one.held is not None]
    if models:
        yield f"asked: {', '.join(models)}"
    yield f"lost decisions: {', '.join(f'{name} {lost_words(one.lost)}' for name, one in found)}"
    for name, one in found:
        if one.hint:
            yield f"{name} lost {number(one.lost.all)} of {number(one.lost.turns)} decisions: {one.hint}"
