"""Any game of OpenSpiel as a turn-based game: seats that act in turn or at once, and chance drawn from the seed.

An illegal decision, or none, forfeits the game for its seat. Knows nothing about how a game is told to its players.
"""

import hashlib
import random
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from episodes.game import Capabilities, Game, Move, Observation, State
from episodes.games.openspiel.belief import Imagining, imagined
from episodes.games.openspiel.telling import Telling
from episodes.games.variants import beneath
from models.ids import hash64

_WORD = re.compile(r"[\w-]+")


@dataclass(frozen=True, eq=False)
class OpenSpielGame:
    """One game of OpenSpiel.

    ``name`` is as it was typed; ``spiel`` is ``pyspiel``'s own object; ``words[seat]`` name the seat's actions in
    order, no word twice. ``imagine`` is how what is hidden from a seat is drawn anew: nothing is hidden in ``open``
    games, and where there is no way (``None``) states cannot be copied, so that nobody may look at what is hidden.
    """

    name: str
    spiel: Any = field(repr=False)
    telling: Telling = field(repr=False)
    words: tuple[tuple[Move, ...], ...] = field(repr=False)
    imagine: Imagining | None = "open"

    tick_rate = None

    @cached_property
    def capabilities(self) -> Capabilities:
        return Capabilities(clone=self.imagine is not None, terms=self.telling.terms)

    @property
    def seats(self) -> int:
        return len(self.words)

    @cached_property
    def moves(self) -> tuple[Move, ...]:
        return tuple(dict.fromkeys(word for words in self.words for word in words))

    @cached_property
    def actions(self) -> tuple[Mapping[Move, int], ...]:
        """OpenSpiel's action for each of a seat's words, by seat."""
        return tuple({word: action for action, word in enumerate(words)} for words in self.words)

    @cached_property
    def _lower(self) -> Mapping[str, Move]:
        return {move.lower(): move for move in self.moves}

    @property
    def features(self) -> Mapping[str, tuple[str, ...]]:
        return self.telling.features

    @property
    def rules(self) -> str:
        return self.telling.rules

    @cached_property
    def scale(self) -> float:
        """What a utility is divided by to lie in [-1, 1]; 0 and the sign stay."""
        return max(abs(self.spiel.min_utility()), abs(self.spiel.max_utility())) or 1.0

    @cached_property
    def has_chance(self) -> bool:
        """Whether OpenSpiel draws anything."""
        import pyspiel

        return bool(self.spiel.get_type().chance_mode != pyspiel.GameType.ChanceMode.DETERMINISTIC)

    @cached_property
    def together(self) -> bool:
        """Whether seats ever act at once."""
        import pyspiel

        return bool(self.spiel.get_type().dynamics == pyspiel.GameType.Dynamics.SIMULTANEOUS)

    @cached_property
    def pays_on_the_way(self) -> bool:
        """Whether returns are known before the end."""
        import pyspiel

        return bool(self.spiel.get_type().reward_model == pyspiel.GameType.RewardModel.REWARDS)

    def initial_state(self, seed: int) -> "OpenSpielState":
        """The start, after what chance does first; the same for every seed in a game without chance."""
        kind = CloneableOpenSpielState if self.capabilities.clone else OpenSpielState
        return kind(self, self.spiel.new_initial_state(), seed)

    def phrase(self, feature: str, value: str) -> str:
        return self.telling.phrase(feature, value)

    def read_move(self, reply: str, observation: Observation) -> Move | None:
        """The move named last: a word of the reply, case ignored. One with hyphens is one word."""
        words = (found.strip("-") for found in _WORD.findall(reply.lower()))
        return next((self._lower[word] for word in reversed(list(words)) if word in self._lower), None)


class OpenSpielState:
    """One position.

    ``seed`` decides what chance will do; ``forfeited`` are the seats that lost by giving no legal move.
    """

    __slots__ = ("draws", "forfeited", "game", "seed", "state")

    def __init__(
        self, game: OpenSpielGame, state: Any, seed: int, draws: int = 0, forfeited: tuple[int, ...] = ()
    ) -> None:
        self.game = game
        self.state = state
        self.seed = seed
        self.draws = draws
        self.forfeited = forfeited
        if game.has_chance:
            self._let_chance_play()

    def _let_chance_play(self) -> None:
        """Chance plays until a seat is to act or the game is over; each draw has a number of its own."""
        while self.state.is_chance_node():
            outcomes = self.state.chance_outcomes()
            left = _fraction(self.seed, self.draws) * sum(chance for _, chance in outcomes)
            self.draws += 1
            chosen = outcomes[-1][0]
            for action, chance in outcomes:
                left -= chance
                if left < 0:
                    chosen = action
                    break
            self.state.apply_action(chosen)

    def to_act(self) -> tuple[int, ...]:
        if self.is_terminal():
            return ()
        if self.game.together and self.state.is_simultaneous_node():
            return tuple(seat for seat in range(self.game.seats) if self.state.legal_actions(seat))
        return (self.state.current_player(),)

    def observe(self, seat: int) -> Observation:
        over = self.is_terminal()
        lines = self.game.telling.lines(self.state, seat, over)
        acting = self.to_act()
        if over:
            lines.append("The game is over.")
        elif seat not in acting:
            lines.append(
                "It is the opponent's turn." if self.game.seats == 2 else f"Player {acting[0] + 1} is to move."
            )
        else:
            lines.append("It is your turn." if len(acting) == 1 else "Choose your move; the others choose at once.")
        situation = self.game.telling.situation(self.state, seat, over)
        return Observation("\n".join(lines), situation, self.legal_moves(seat))

    def legal_moves(self, seat: int) -> tuple[Move, ...]:
        """None for a seat that is not to act."""
        if seat not in self.to_act():
            return ()
        words = self.game.words[seat]
        return tuple(words[action] for action in self.state.legal_actions(seat))

    def accepts(self, seat: int, move: Move) -> bool:
        return move in self.legal_moves(seat)

    def apply(self, moves: Mapping[int, Move | None]) -> None:
        """Play all decisions owed; who gives an illegal one or none forfeits. Raises ``ValueError`` for wrong seats."""
        acting = self.to_act()
        if set(moves) != set(acting):
            raise ValueError(f"seats {acting} are to act, not {tuple(moves)}")
        given = {seat: move for seat, move in moves.items() if move is not None and self.accepts(seat, move)}
        if len(given) < len(moves):
            self.forfeited = tuple(seat for seat in acting if seat not in given)
            return
        actions = {seat: self.game.actions[seat][move] for seat, move in given.items()}
        if self.state.is_simultaneous_node():
            self.state.apply_actions([actions.get(seat, 0) for seat in range(self.game.seats)])
        else:
            self.state.apply_action(actions[acting[0]])
        if self.game.has_chance:
            self._let_chance_play()

    def is_terminal(self) -> bool:
        return bool(self.forfeited) or bool(self.state.is_terminal())

    def returns(self) -> tuple[float, ...]:
        """OpenSpiel's returns over the largest possible; after a forfeit -1, shared by the others as gains."""
        if self.forfeited:
            return forfeit_returns(self.game.seats, self.forfeited)
        if not (self.game.pays_on_the_way or self.state.is_terminal()):
            return (0.0,) * self.game.seats
        return tuple(max(-1.0, min(1.0, value / self.game.scale)) for value in self.state.returns())


class CloneableOpenSpielState(OpenSpielState):
    """One position of a game in which what a seat cannot see can be drawn anew."""

    __slots__ = ()

    def clone(self) -> "CloneableOpenSpielState":
        return CloneableOpenSpielState(self.game, self.state.clone(), self.seed, self.draws, self.forfeited)

    def fingerprint(self) -> str:
        """From the moves so far and, where chance has a say, its seed: they decide everything."""
        decided = f"{self.state.history()} {' '.join(map(str, self.forfeited)) or None}"
        if self.game.has_chance:
            decided += f" {self.seed} {self.draws}"
        return hashlib.blake2b(decided.encode(), digest_size=12).hexdigest()

    def belief(self, seat: int, seed: int) -> "CloneableOpenSpielState":
        """What is hidden from ``seat``, and what is still to be drawn, is drawn from ``seed``."""
        if self.is_terminal():
            return self.clone()
        state = imagined(self.state, seat, self.game.imagine or "open", random.Random(seed))
        return CloneableOpenSpielState(self.game, state, seed)


def _fraction(seed: int, draw: int) -> float:
    """A number in [0, 1) for one draw of chance."""
    return (hash64(f"chance {seed} {draw}") >> 11) / 2**53


def forfeit_returns(seats: int, forfeited: tuple[int, ...]) -> tuple[float, ...]:
    """The returns after ``forfeited`` gave no legal move at the same moment: -1 for one alone, and 0 in sum."""
    others = seats - len(forfeited)
    if seats == 1:
        return (-1.0,)
    stake = min(len(forfeited), others)
    return tuple(-stake / len(forfeited) if seat in forfeited else stake / others for seat in range(seats))


def undressed(game: Game, state: State) -> tuple[OpenSpielGame, OpenSpielState] | None:
    """The game and the state of OpenSpiel beneath any variants; ``None`` where it is another game."""
    game, state = beneath(game, state)
    return (game, state) if isinstance(game, OpenSpielGame) and isinstance(state, OpenSpielState) else None
