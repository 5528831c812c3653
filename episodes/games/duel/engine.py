"""Duel's engine as players and runners use it: decisions in, observations and results out.

Swapping the seats of a state and their decisions swaps the outcome exactly. Knows nothing about players.
"""

from collections.abc import Mapping

from episodes.game import Input, Move, Observation
from episodes.games.duel import observe
from episodes.games.duel.belief import believe
from episodes.games.duel.fighter import IDLE
from episodes.games.duel.motion import PASS, Motion
from episodes.games.duel.plans import Step, parse_plan
from episodes.games.duel.position import Rules

__all__ = ["DuelState", "Rules"]


class DuelState(Motion):
    """One position of one fight, played on by its decisions."""

    __slots__ = ()

    def observe(self, seat: int) -> Observation:
        return Observation(observe.text(self, seat), observe.situation(self, seat), self.legal_moves(seat))

    def accepts(self, seat: int, move: Move) -> bool:
        """A legal move, or a plan whose steps are all moves of the game and whose unconditional start is legal."""
        steps = parse_plan(move)
        if steps is None or not self._allowed(steps):
            return False
        return steps[0].condition is not None or self.possible(self.fighters[seat], steps[0].move)

    def _allowed(self, steps: tuple[Step, ...] | None) -> bool:
        return steps is not None and all(step.move in self.rules.moves for step in steps)

    def apply(self, moves: Mapping[int, Move | None]) -> None:
        """New decisions take the place of what is left of the old plans; a move under way is finished first.

        A fighter that owes a decision starts at once. A step that cannot be done at its moment is skipped, so what was
        legal when it was asked for is taken even if it no longer is. Raises ``ValueError`` for words that are no plan,
        and once the fight is over.
        """
        plans = {seat: None if move is None else parse_plan(move) for seat, move in moves.items()}
        for seat, move in moves.items():
            if self.over or (move is not None and not self._allowed(plans[seat])):
                raise ValueError(f"seat {seat} cannot decide {move!r} at tick {self.tick}")
        for seat, steps in plans.items():
            fighter = self.fighters[seat]
            self.settle(fighter, "superseded")
            if steps is None:
                fighter.plan = ((PASS, None, -1),)
            else:
                first = len(self.given)
                self.given.extend((seat, fighter.decisions, str(step), "waiting", self.tick) for step in steps)
                fighter.plan = tuple((step.move, step.condition, first + n) for n, step in enumerate(steps))
            fighter.decisions += 1
            if fighter.act == IDLE and not self.start_next(seat):
                self.begin(fighter, PASS)

    def inputs(self) -> tuple[Input, ...]:
        return tuple(Input(*row) for row in self.given)

    def belief(self, seat: int, seed: int) -> "DuelState":
        """See ``episodes.games.duel.belief``: the other's last ticks are guessed and its plan is forgotten."""
        return believe(self, seat, seed)
