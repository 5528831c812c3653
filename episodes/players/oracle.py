"""Exact play of OpenSpiel's small games as a player, ``oracle``: a best move, or a move of an equilibrium by chance."""

import random
import time
from dataclasses import dataclass

from episodes.game import Observation
from episodes.games.openspiel.game import undressed
from episodes.games.openspiel.oracle import best_moves
from episodes.player import Context, Decision
from models.errors import BadInput


@dataclass(frozen=True, slots=True)
class OraclePlayer:
    """Draws from the best moves with the decision's seed. It looks at what its seat may know, and at nothing else."""

    name: str = "oracle"
    prompt_id: str | None = None

    @property
    def model(self) -> str:
        return self.name

    async def act(self, observation: Observation, context: Context) -> Decision:
        """Raises ``BadInput`` in a game that is none of OpenSpiel's or cannot be solved."""
        started = time.perf_counter()
        found = undressed(context.game, context.state)
        if found is None:
            raise BadInput(f"{self.name} plays OpenSpiel's games only, not {context.game.name}")
        game, state = found
        chances = best_moves(state, context.seat)
        moves = list(chances)
        drawn = random.Random(context.seed).choices(moves, [chances[move] for move in moves])[0]
        move = context.game.moves[game.moves.index(drawn)]
        return Decision(move, move, time.perf_counter() - started)
