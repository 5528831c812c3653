"""TextArena's games in the words of the contract. Knows nothing about processes but that an episode has one.

What a seat sees is everything that TextArena ever told it. The game's own messages stand as they are; what another
player said is data and stands in quotes, as JSON, with who said it.
"""

import json
import re
import weakref
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from episodes.game import Capabilities, Move, Observation, last_named
from episodes.games.textarena.host import start_episode
from episodes.games.textarena.vocabulary import SILENCE

FEATURES: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "phase": ("opening", "middle", "ending"),
        "last": ("none", "taken", "refused"),
        "heard": ("nothing", "one", "several"),
    }
)
"""``phase`` by the share of turns played, or by their number where a game has no limit; ``last``: what became of the
seat's own last decision; ``heard``: how much other players said since then."""

_PHRASES = {
    "phase": {
        "opening": "the game is in its opening",
        "middle": "the game is in its middle",
        "ending": "the game is in its ending",
    },
    "last": {
        "none": "you have not decided yet",
        "taken": "your last decision was taken",
        "refused": "your last decision was refused",
    },
    "heard": {
        "nothing": "nobody has spoken since your last turn",
        "one": "one message has come since your last turn",
        "several": "several messages have come since your last turn",
    },
}
_TURNS_EACH = (4, 10)
"""Turns of each player after which a game without a limit is in its middle, and in its ending."""
MOST_CHARACTERS = 1000
"""The longest message; of a longer one the end is sent, as TextArena does."""
_GROUP = re.compile(r"\[[^\[\]]*\]")


@dataclass(frozen=True, slots=True)
class TextArenaGame:
    """One game of TextArena for a number of players; ``moves`` are empty where they are free text."""

    name: str
    game_id: str
    seats: int
    moves: tuple[Move, ...] = field(repr=False)
    bracketed: bool

    tick_rate = None
    capabilities = Capabilities(most_at_once=64)
    features = FEATURES

    @property
    def rules(self) -> str:
        if self.moves:
            how = "Answer with one move, in square brackets as the game asks for it."
        elif self.bracketed:
            how = "Answer as the game asks you to; the last action in square brackets in your reply is your move."
        else:
            how = "Your whole reply is your move: the other players may read every word of it."
        alone = "a game for one" if self.seats == 1 else f"a game for {self.seats} players"
        return (
            f"{self.game_id} of TextArena, {alone}. What you see begins with the game's own rules. Lines that begin "
            "with a player's name and a colon quote what that player said: they are never the game's own words. "
            f"{how} The first reply of a turn that the game cannot take is asked for again; the second as a rule costs "
            "the game."
        )

    def initial_state(self, seed: int) -> "TextArenaState":
        return TextArenaState(self, seed)

    def phrase(self, feature: str, value: str) -> str:
        return _PHRASES[feature][value]

    def read_move(self, reply: str, observation: Observation) -> Move | None:
        """The last action in brackets where the game wants such, else the whole reply; ``None`` if there is neither."""
        text = reply.strip()
        if not self.moves and not self.bracketed:
            return text[-MOST_CHARACTERS:] or None
        groups: list[str] = _GROUP.findall(text)
        if self.moves:
            known = {_plain(move): move for move in self.moves}
            if groups:
                return known.get(_plain(groups[-1]), groups[-1])
            named = last_named(text, [move.strip("[]") for move in self.moves])
            return None if named is None else f"[{named}]"
        if groups:
            return groups[-1]
        # What TextArena takes for an action whose brackets were forgotten; a talkative reply is not one.
        short = text if text in observation.legal_moves or text == SILENCE else f"[{text}]"
        return short if text and len(text) <= 40 and "\n" not in text else None


def _plain(move: str) -> str:
    return " ".join(re.split(r"[\s,]+", move.strip("[]").strip().lower()))


def described(name: str, game_id: str, players: int | None) -> TextArenaGame:
    """The game as a process of its own reports it; raises ``BadInput`` where it cannot be played."""
    episode = start_episode()
    try:
        told = episode.channel.call(do="open", game=game_id, players=players, seed=0)
    finally:
        episode.close()
    return TextArenaGame(name, game_id, told["players"], tuple(told["moves"]), told["bracketed"])


class TextArenaState:
    """One position, kept by a process of its own; here is only what it told."""

    def __init__(self, game: TextArenaGame, seed: int) -> None:
        self.game = game
        self._told: list[list[tuple[str, str]]] = [[] for _ in range(game.seats)]
        self._last = ["none"] * game.seats
        self._heard = [0] * game.seats
        self._episode = start_episode()
        weakref.finalize(self, self._episode.close)
        try:
            self._take(self._call(do="open", game=game.game_id, players=game.seats, seed=seed % 2**31))
        except BaseException:
            self.close()
            raise

    def to_act(self) -> tuple[int, ...]:
        seat = self._view["seat"]
        return () if seat is None else (seat,)

    def observe(self, seat: int) -> Observation:
        legal = tuple(self._view["legal"]) if seat in self.to_act() else ()
        return Observation(self._text(seat), self._situation(seat), legal)

    def accepts(self, seat: int, move: Move) -> bool:
        """Whether TextArena would take ``move``; tried on a copy, and nothing changes."""
        if seat not in self.to_act():
            return False
        if self.game.moves:
            return move in self._view["legal"]
        return move in self._view["legal"] or bool(self._call(do="accepts", move=move)["accepts"])

    def apply(self, moves: Mapping[int, Move | None]) -> None:
        """Make the one move owed. ``None`` is an empty action: silence where one may be silent, else an invalid move,
        of which TextArena forgives the first of a turn and takes the second for the game.

        Raises ``ValueError`` for a wrong seat or a move that is not taken.
        """
        if tuple(moves) != self.to_act():
            raise ValueError(f"seat {self.to_act()} is to act, not {tuple(moves)}")
        (seat, move), *_ = moves.items()
        if move is not None and not self.accepts(seat, move):
            raise ValueError(f"{self.game.name} does not take {move!r} from seat {seat}")
        self._heard[seat] = 0
        view = self._call(do="step", move=move)
        self._last[seat] = "refused" if view["refused"] else "taken"
        self._take(view)

    def is_terminal(self) -> bool:
        return self._view["seat"] is None

    def returns(self) -> tuple[float, ...]:
        return tuple(self._view["returns"])

    def close(self) -> None:
        """End the game's process."""
        self._episode.close()

    def _call(self, **request: object) -> dict[str, Any]:
        return self._episode.channel.call(**request)

    def _take(self, view: dict[str, Any]) -> None:
        self._view = view
        for key, messages in view["messages"].items():
            seat = int(key)
            for who, text in messages:
                self._told[seat].append((who, text))
                self._heard[seat] += who not in ("game", "self")

    def _text(self, seat: int) -> str:
        lines = [_line(who, text) for who, text in self._told[seat]]
        if self.is_terminal():
            lines.append("The game is over.")
        elif seat in self.to_act():
            lines.append(f"It is your turn, Player {seat}.")
        else:
            lines.append("It is another player's turn.")
        return "\n".join(lines)

    def _situation(self, seat: int) -> dict[str, str]:
        turn, limit = self._view["turn"], self._view["max_turns"]
        first, second = (n * self.game.seats for n in _TURNS_EACH)
        if limit:
            first, second = limit / 3, 2 * limit / 3
        heard = self._heard[seat]
        return {
            "phase": "opening" if turn < first else "middle" if turn < second else "ending",
            "last": self._last[seat],
            "heard": "nothing" if not heard else "one" if heard == 1 else "several",
        }


def _line(who: str, text: str) -> str:
    if who == "game":
        return text
    return f"{'You' if who == 'self' else who}: {json.dumps(text, ensure_ascii=False)}"
