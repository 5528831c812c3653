"""Exact play where nothing is hidden: every position is valued once, from the ends of the game backwards.

Where seats act in turn the one to act takes what is best for it. Where two act at once for a zero sum they play a
matrix game of the values that follow, each with its best mix. Chance is averaged over.
"""

from dataclasses import dataclass, field
from typing import Any

from episodes.game import Move
from episodes.games.openspiel.game import OpenSpielGame, OpenSpielState
from episodes.games.openspiel.matrix import solve_matrix
from episodes.games.openspiel.rounds import RoundsTelling
from models.errors import BadInput

MOST_POSITIONS = 100_000
"""Positions that an exhaustion may look at."""
MOST_DEPTH = 400
TINY = 1e-7
"""Values closer than this are the same."""

Key = tuple[str, int, int]
Mixes = tuple[dict[int, float], dict[int, float]]


@dataclass(eq=False)
class Exhaustion:
    """All positions of ``rules``, OpenSpiel's game, each with its value: a return in [-1, 1] for each seat.

    ``rules`` is ``game``'s own, or one round of it where rounds are alike and only their points add up.
    """

    game: OpenSpielGame
    rules: Any = field(repr=False)
    values: dict[Key, tuple[float, ...]] = field(default_factory=dict, repr=False)
    mixes: dict[Key, Mixes] = field(default_factory=dict, repr=False)
    """What both seats do where they act at once: how likely each action is."""

    def solve(self) -> tuple[float, ...]:
        """The value of the start to each seat; raises ``BadInput`` where the game is too large."""
        return self._value(self.rules.new_initial_state())

    def move_values(self, state: OpenSpielState, seat: int) -> dict[Move, float]:
        """What ``seat``, which is to act, gets after each of its moves if all play best otherwise."""
        here, words = self._here(state), self.game.words[seat]
        if not here.is_simultaneous_node():
            return {words[action]: self._value(here.child(action))[seat] for action in here.legal_actions()}
        self._value(here)
        other = self.mixes[_key(here)][1 - seat]
        return {
            words[mine]: sum(
                chance * self._value(_together(here, (mine, theirs) if seat == 0 else (theirs, mine)))[seat]
                for theirs, chance in other.items()
                if chance > 0
            )
            for mine in here.legal_actions(seat)
        }

    def best(self, state: OpenSpielState, seat: int) -> dict[Move, float]:
        """How likely exact play chooses each move: evenly the best ones, or a best mix where seats act at once."""
        here = self._here(state)
        if here.is_simultaneous_node():
            self._value(here)
            return {self.game.words[seat][action]: p for action, p in self.mixes[_key(here)][seat].items()}
        values = self.move_values(state, seat)
        moves = [move for move, value in values.items() if value > max(values.values()) - TINY]
        return {move: 1 / len(moves) for move in moves}

    def _here(self, state: OpenSpielState) -> Any:
        return self.rules.new_initial_state() if isinstance(self.game.telling, RoundsTelling) else state.state

    def _value(self, state: Any) -> tuple[float, ...]:
        key = _key(state)
        found = self.values.get(key)
        if found is None:
            found = self._computed(state, key)
            if len(self.values) >= MOST_POSITIONS:
                raise too_large(self.game, f"more than {MOST_POSITIONS} positions")
            self.values[key] = found
        return found

    def _computed(self, state: Any, key: Key) -> tuple[float, ...]:
        if state.is_terminal():
            return tuple(value / self.game.scale for value in state.returns())
        if state.is_chance_node():
            outcomes = [(chance, self._value(state.child(action))) for action, chance in state.chance_outcomes()]
            seats = range(self.game.seats)
            return tuple(sum(chance * values[seat] for chance, values in outcomes) for seat in seats)
        if state.is_simultaneous_node():
            rows, columns = state.legal_actions(0), state.legal_actions(1)
            table = [[self._value(_together(state, (row, column)))[0] for column in columns] for row in rows]
            value, mine, theirs = solve_matrix(table)
            self.mixes[key] = (dict(zip(rows, mine, strict=True)), dict(zip(columns, theirs, strict=True)))
            return (value, 0.0 - value)
        seat = state.current_player()
        return max((self._value(state.child(action)) for action in state.legal_actions()), key=lambda of: of[seat])


def _key(state: Any) -> Key:
    """OpenSpiel's text of a state leaves out how long a game has lasted, which may end it."""
    return str(state), state.current_player(), state.move_number()


def _together(state: Any, actions: tuple[int, int]) -> Any:
    child = state.clone()
    child.apply_actions(list(actions))
    return child


def exhausted(game: OpenSpielGame, rules: Any) -> Exhaustion:
    """``rules`` solved; raises ``BadInput`` for a game that is too large."""
    if rules.max_game_length() > MOST_DEPTH:
        raise too_large(game, f"games of up to {rules.max_game_length()} moves")
    oracle = Exhaustion(game, rules)
    oracle.solve()
    return oracle


def too_large(game: OpenSpielGame, size: str) -> BadInput:
    """The refusal of a game of that ``size``."""
    return BadInput(f"{game.name} is too large to solve exactly: {size}; try a smaller one, or search:N")
