"""Repeated matrix games, rock-paper-scissors above all: the rounds so far as counts and habits.

Both seats choose at the same moment and see every choice afterwards. The features are what a player needs to find out
how its opponent can be beaten: the last moves, the favourite, and what mostly follows what.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from episodes.game import Move
from episodes.games.openspiel.telling import ANSWER

_NONE = "none"
_MOVE_PHRASES = {
    "mine": ("you last played {}", "you have not played yet"),
    "theirs": ("the opponent last played {}", "the opponent has not played yet"),
    "before": ("the opponent played {} in the round before the last", "fewer than two rounds are over"),
    "favourite": ("the opponent has played {} most often", "the opponent has no favourite yet"),
    "after_theirs": (
        "the opponent mostly plays {} after its own last move",
        "nothing is known of what follows the opponent's last move",
    ),
    "after_mine": (
        "the opponent mostly plays {} after your last move",
        "nothing is known of what follows your last move",
    ),
}
"""Features whose values are moves: the clause for a move, and the clause for none."""
_RESULTS = {
    _NONE: "no round is over yet",
    "won": "you won the last round",
    "lost": "you lost the last round",
    "drawn": "the last round was even",
}
SHOWN = 100
"""Rounds of the history that the text lists, the latest."""


@dataclass(frozen=True, slots=True)
class RoundsTelling:
    """``rounds`` rounds of a matrix game. ``words`` name each seat's actions in order; ``payoffs[a][b]`` are the two
    seats' points where seat 0 chose ``a`` and seat 1 ``b``.
    """

    title: str
    words: tuple[tuple[Move, ...], tuple[Move, ...]]
    payoffs: tuple[tuple[tuple[float, float], ...], ...]
    rounds: int

    @property
    def features(self) -> Mapping[str, tuple[str, ...]]:
        every = (_NONE, *dict.fromkeys((*self.words[0], *self.words[1])))
        return {**dict.fromkeys(_MOVE_PHRASES, every), "result": tuple(_RESULTS)}

    @property
    def rules(self) -> str:
        table = "; ".join(
            f"{mine} against {theirs} {self.payoffs[a][b][0]:+g} and {self.payoffs[a][b][1]:+g}"
            for a, mine in enumerate(self.words[0])
            for b, theirs in enumerate(self.words[1])
        )
        return (
            f"{self.title}: {self.rounds} rounds between two players. In every round both choose a move at the same "
            "moment, and then see both choices. The points of a round for the first and the second player: "
            f"{table}. Whoever has more points after all rounds wins. Opponents may have habits: find and use them. "
            f"{ANSWER}"
        )

    @property
    def terms(self) -> tuple[str, ...]:
        return (self.title,)

    def phrase(self, feature: str, value: str) -> str:
        if feature == "result":
            return _RESULTS[value]
        clause, none = _MOVE_PHRASES[feature]
        return none if value == _NONE else clause.format(value)

    def lines(self, state: Any, seat: int, over: bool) -> list[str]:
        played = self._played(state, seat)
        points = [float(value) for value in state.returns()]
        begun = len(played) if over else len(played) + 1
        first = max(len(played) - SHOWN, 0)
        rounds = [f"{first + n + 1} {mine} {theirs}" for n, (mine, theirs) in enumerate(played[first:])]
        lines = [
            f"You are player {seat + 1} of 2. Round {begun} of {self.rounds}.",
            f"Points so far: you {points[seat]:+g}, the opponent {points[1 - seat]:+g}.",
            f"Rounds so far (number, your move, the opponent's move): {'; '.join(rounds) or 'none'}.",
        ]
        if not played:
            return lines
        mine, theirs = played[-1]
        return [
            *lines,
            f"The opponent has played {self._counts(seat, [other for _, other in played])}.",
            f"After its own {theirs} it then played {self._counts(seat, _after(played, 1, theirs))}.",
            f"After your {mine} it then played {self._counts(seat, _after(played, 0, mine))}.",
        ]

    def situation(self, state: Any, seat: int, over: bool) -> dict[str, str]:
        played = self._played(state, seat)
        mine, theirs = played[-1] if played else (_NONE, _NONE)
        return {
            "mine": mine,
            "theirs": theirs,
            "before": played[-2][1] if len(played) > 1 else _NONE,
            "favourite": _most([other for _, other in played]),
            "after_theirs": _most(_after(played, 1, theirs)),
            "after_mine": _most(_after(played, 0, mine)),
            "result": self._result(state, seat),
        }

    def _played(self, state: Any, seat: int) -> list[tuple[Move, Move]]:
        """The rounds so far: what ``seat`` chose and what the other did."""
        actions = state.history()
        both = zip(actions[::2], actions[1::2], strict=True)
        rounds = ((self.words[0][one], self.words[1][two]) for one, two in both)
        return [(one, two) if seat == 0 else (two, one) for one, two in rounds]

    def _result(self, state: Any, seat: int) -> str:
        actions = state.history()
        if not actions:
            return _NONE
        points = self.payoffs[actions[-2]][actions[-1]]
        lead = points[seat] - points[1 - seat]
        return "won" if lead > 0 else "lost" if lead < 0 else "drawn"

    def _counts(self, seat: int, moves: Sequence[Move]) -> str:
        """How often each move of the opponent of ``seat`` is among ``moves``."""
        return ", ".join(f"{word} {moves.count(word)}" for word in self.words[1 - seat])


def _after(played: Sequence[tuple[Move, Move]], whose: int, move: Move) -> list[Move]:
    """What the opponent played in the rounds after those in which ``whose`` (0: mine, 1: theirs) move was ``move``."""
    return [later[1] for earlier, later in pairwise(played) if earlier[whose] == move]


def _most(moves: Sequence[Move]) -> Move:
    """The most frequent of ``moves``, of equally frequent ones that which came last."""
    return max(reversed(moves), key=Counter(moves).__getitem__) if moves else _NONE


def rounds_telling(spiel: Any) -> RoundsTelling | None:
    """The telling of OpenSpiel's ``repeated_game`` where its stage is a matrix game for two; otherwise ``None``."""
    import pyspiel

    parameters = spiel.get_parameters()
    stage = parameters.get("stage_game")
    if spiel.get_type().short_name != "repeated_game" or not stage:
        return None
    matrix = pyspiel.load_game(stage["name"], {key: value for key, value in stage.items() if key != "name"})
    if not isinstance(matrix, pyspiel.MatrixGame):
        return None
    words = (
        tuple(matrix.row_action_name(a).lower() for a in range(matrix.num_rows())),
        tuple(matrix.col_action_name(b).lower() for b in range(matrix.num_cols())),
    )
    payoffs = tuple(
        tuple((matrix.row_utility(a, b), matrix.col_utility(a, b)) for b in range(matrix.num_cols()))
        for a in range(matrix.num_rows())
    )
    return RoundsTelling(matrix.get_type().long_name, words, payoffs, int(parameters["num_repetitions"]))
