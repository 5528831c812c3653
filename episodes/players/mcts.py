"""OpenSpiel's own Monte Carlo tree search as a player, ``mcts:N``: N simulations a decision, rolled out at random.

A yardstick that we did not write, beside ``search:N``. It plays OpenSpiel's games of perfect information in which one
seat acts at a time; it draws chance anew, and never sees the draws that the episode's seed holds.
"""

import re
import time
from dataclasses import dataclass

from episodes.game import Move, Observation
from episodes.games.openspiel.game import OpenSpielState, undressed
from episodes.player import Context, Decision
from models.errors import BadInput

EXPLORATION = 2.0
"""The weight of the confidence bound, in utilities that lie in [-1, 1]: what OpenSpiel's own examples use."""


@dataclass(frozen=True, slots=True)
class MctsPlayer:
    """``simulations`` a decision."""

    simulations: int
    prompt_id: str | None = None

    @property
    def name(self) -> str:
        return f"mcts:{self.simulations}"

    @property
    def model(self) -> str:
        return self.name

    async def act(self, observation: Observation, context: Context) -> Decision:
        """Raises ``BadInput`` in a game that is none of OpenSpiel's, hides something or has moves made at once."""
        started = time.perf_counter()
        found = undressed(context.game, context.state)
        if found is None or found[0].together or found[0].imagine != "open":
            raise BadInput(
                f"{self.name} cannot play {context.game.name}: it plays OpenSpiel's turn-based games in which nothing "
                "is hidden; use search:N"
            )
        game, state = found
        move = context.game.moves[game.moves.index(self._choose(state, context))]
        return Decision(move, move, time.perf_counter() - started)

    def _choose(self, state: OpenSpielState, context: Context) -> Move:
        import numpy as np
        from open_spiel.python.algorithms import mcts

        rng = np.random.RandomState(context.seed & 0xFFFFFFFF)
        bot = mcts.MCTSBot(
            state.game.spiel,
            uct_c=EXPLORATION * state.game.scale,
            max_simulations=self.simulations,
            evaluator=mcts.RandomRolloutEvaluator(random_state=rng),
            solve=True,
            random_state=rng,
        )
        return state.game.words[context.seat][int(bot.step(state.state))]


def load_mcts(budget: str) -> MctsPlayer:
    """The player of ``mcts:N``; raises ``BadInput``."""
    if not re.fullmatch(r"[1-9]\d{0,6}", budget):
        raise BadInput(f"unknown number of simulations {budget!r}: use mcts:100")
    return MctsPlayer(int(budget))
