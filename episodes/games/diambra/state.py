"""One DIAMBRA fight in time: who does what at which tick, and what became of every input.

The emulator moves only when it is stepped, by ``step_ratio`` frames at a time, so a decision takes effect at the first
step that begins at or after its tick, and time does not depend on this machine's load. A step is taken only when its
last frame is reached: what a seat sees is never from the future. Knows nothing about processes.
"""

import weakref
from collections.abc import Mapping
from dataclasses import dataclass, field

from episodes.game import Fate, Input, Move, Observation
from episodes.games.diambra.engines import give_back, take
from episodes.games.diambra.moves import ARCADES, IDLE, SUPER, steps_of
from episodes.games.diambra.observe import Fight
from episodes.games.diambra.setup import Setup

PASS = "(pass)"
PASS_TICKS = 18
"""How long a fighter guards when its decision was no acceptable move."""
BATCH = 60
"""Steps that are asked for at once at most."""


@dataclass(slots=True)
class _Hands:
    """What one seat's hands do: the steps left of the move under way, and the moves to come with their inputs."""

    under_way: list[tuple[int, int]] = field(default_factory=list)
    plan: list[tuple[Move, int]] = field(default_factory=list)
    decisions: int = 0

    @property
    def free(self) -> bool:
        return not self.under_way and not self.plan


class DiambraState:
    """A fight on an engine of its own."""

    def __init__(self, setup: Setup, seed: int) -> None:
        self.setup = setup
        self.tick = 0
        self._stepped = 0
        self._over = False
        self._hands = (_Hands(), _Hands())
        self._given: list[tuple[int, int, Move, Fate, int]] = []
        self._begun: tuple[list[Move], list[Move]] = ([], [])
        self._engine = take((setup.game_id, setup.step_ratio))
        self._give_back = weakref.finalize(self, give_back, self._engine)
        assert self._engine.client is not None, "an engine is taken with its client"
        self._channel = self._engine.client.channel
        try:
            told = self._channel.call(
                do="open",
                address=self._engine.address,
                game=setup.game_id,
                step_ratio=setup.step_ratio,
                character=setup.character,
                seed=seed % 2**31,
            )
        except BaseException:
            self.close()
            raise
        arcade = ARCADES[setup.game_id]
        self._fight = Fight(arcade.title, arcade.rounds, told["characters"], told["bounds"], told["seen"])

    # What players and runners use.

    def to_act(self) -> tuple[int, ...]:
        return () if self._over else tuple(seat for seat, hands in enumerate(self._hands) if hands.free)

    def observe(self, seat: int) -> Observation:
        situation = self._fight.situation(seat, self._begun)
        return Observation(self._fight.text(seat, self._begun), situation, self._legal(seat))

    def accepts(self, seat: int, move: Move) -> bool:
        """A legal move, or a plan whose moves are all of the game and whose first is legal."""
        steps = self.setup.plans.parse(move)
        return steps is not None and self._possible(seat, steps[0])

    def apply(self, moves: Mapping[int, Move | None]) -> None:
        """New decisions take the place of what is left of the old plans; a move under way is finished first.

        A move that cannot be done at its moment is skipped, so what was legal when it was asked for is taken even if it
        no longer is. Raises ``ValueError`` for words that are no plan, and once the fight is over.
        """
        plans = {seat: None if move is None else self.setup.plans.parse(move) for seat, move in moves.items()}
        for seat, move in moves.items():
            if self._over or (move is not None and plans[seat] is None):
                raise ValueError(f"seat {seat} cannot decide {move!r} at tick {self.tick}")
        for seat, steps in plans.items():
            hands = self._hands[seat]
            self._settle(hands, "superseded")
            if steps is None:
                hands.plan = [(PASS, -1)]
            else:
                first = len(self._given)
                self._given += [(seat, hands.decisions, step, "waiting", self.tick) for step in steps]
                hands.plan = [(step, first + n) for n, step in enumerate(steps)]
            hands.decisions += 1
        self._begin_due()

    def advance(self, ticks: int) -> int:
        """See ``RealTimeState``; waits for the engine."""
        start, end, ratio = self.tick, self.tick + ticks, self.setup.step_ratio
        while not self._over and self._stepped + ratio <= end:
            busy = [hands for hands in self._hands if not hands.free]
            # A plan that has not begun does so when this step has been taken.
            count = min([(end - self._stepped) // ratio, BATCH, *(max(len(hands.under_way), 1) for hands in busy)])
            self._step(count)
            self._begin_due()
            if self._over or any(hands.free for hands in busy):
                return self.tick - start
        if not self._over:
            self.tick = end
        return self.tick - start

    def ready_in(self, seat: int) -> int:
        hands, ratio = self._hands[seat], self.setup.step_ratio
        if hands.free:
            return 0
        steps = len(hands.under_way) + sum(len(self._steps(move)) for move, _ in hands.plan)
        # Between two steps a plan that has not begun waits for the next one.
        waits = 1 if not hands.under_way and self.tick > self._stepped else 0
        return (steps + waits) * ratio - (self.tick - self._stepped)

    def inputs(self) -> tuple[Input, ...]:
        return tuple(Input(*row) for row in self._given)

    def is_terminal(self) -> bool:
        return self._over

    def returns(self) -> tuple[float, float]:
        """Once over 1, -1 or 0 by rounds won; before that the lead in rounds and health, as a share of the game."""
        fight = self._fight
        lead = fight.rounds[0] - fight.rounds[1]
        if self._over:
            value = float((lead > 0) - (lead < 0))
        else:
            value = max(-1.0, min(1.0, (lead + fight.health(0) - fight.health(1)) / (fight.to_win + 1)))
        return (value, -value)

    def close(self) -> None:
        """Let another fight have the engine; its client goes on."""
        self._give_back()

    # From one move to the next.

    def _legal(self, seat: int) -> tuple[Move, ...]:
        return tuple(move for move in self.setup.moves if self._possible(seat, move))

    def _possible(self, seat: int, move: Move) -> bool:
        return move != SUPER or self._fight.full_bar(seat)

    def _steps(self, move: Move) -> list[tuple[int, int]]:
        ratio = self.setup.step_ratio
        if move == PASS:
            return [IDLE[:2]] * -(-PASS_TICKS // ratio)
        return steps_of(self.setup.inputs[move], ratio)

    def _begin_due(self) -> None:
        """Begin the next move of every seat whose hands are empty, if a step begins now."""
        if self._over or self.tick > self._stepped:
            return
        for seat, hands in enumerate(self._hands):
            while hands.plan and not hands.under_way:
                (move, row), *hands.plan = hands.plan
                if move == PASS or self._possible(seat, move):
                    hands.under_way = self._steps(move)
                    self._close_row(row, "played")
                    if move != PASS:
                        self._begun[seat].append(move)
                else:
                    self._close_row(row, "skipped")

    def _step(self, count: int) -> None:
        """Take ``count`` steps, or fewer if the fight ends."""
        pads = [
            [hands.under_way[n] if n < len(hands.under_way) else IDLE[:2] for hands in self._hands]
            for n in range(count)
        ]
        told = self._channel.call(do="steps", pads=pads)
        for hands in self._hands:
            del hands.under_way[: told["steps"]]
        self._stepped += told["steps"] * self.setup.step_ratio
        self.tick = self._stepped
        self._fight.seen = told["seen"]
        for ended in told["rounds"]:
            self._fight.end_round(ended)
        if told["done"]:
            self._over = True
            for hands in self._hands:
                self._settle(hands, "late")

    def _settle(self, hands: _Hands, fate: Fate) -> None:
        """Close every input still waiting in the plan."""
        for _, row in hands.plan:
            self._close_row(row, fate)
        hands.plan = []

    def _close_row(self, row: int, fate: Fate) -> None:
        if row >= 0:
            seat, decision, move, _, _ = self._given[row]
            self._given[row] = (seat, decision, move, fate, self.tick)
