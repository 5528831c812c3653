"""A person at the terminal as a player: the observation is shown, a move is typed."""

import asyncio
import time
from dataclasses import dataclass

from cornerman.terminal import note
from episodes.game import Observation
from episodes.player import Context, Decision, ReplyClass
from models.errors import BadInput


@dataclass(frozen=True, slots=True)
class HumanPlayer:
    """Reads standard input; the number of a move will do. What cannot be read costs the decision, as for a model."""

    name: str = "human"
    model: str = "human"
    prompt_id: str | None = None

    async def act(self, observation: Observation, context: Context) -> Decision:
        """Raises ``BadInput`` when standard input ends."""
        note(f"\nseat {context.seat}, decision {context.turn}\n{observation.text}")
        note("  ".join(f"{n}:{move}" for n, move in enumerate(observation.legal_moves, start=1)))
        started = time.perf_counter()
        try:
            typed = (await asyncio.to_thread(input)).strip()
        except EOFError:
            raise BadInput("standard input ended before the game did: a human needs a terminal") from None
        latency = time.perf_counter() - started
        if typed.isdecimal() and 0 < int(typed) <= len(observation.legal_moves):
            typed = observation.legal_moves[int(typed) - 1]
        move = context.game.read_move(typed, observation)
        if move is None:
            kind = ReplyClass.UNPARSABLE if typed else ReplyClass.EMPTY
            return Decision(None, typed, latency, kind)
        if not context.state.accepts(context.seat, move):
            return Decision(None, typed, latency, ReplyClass.ILLEGAL)
        return Decision(move, typed, latency)
