"""A student plays and its teacher writes beside each of its decisions what it would have done.

A student that only ever saw its teacher's own games does not know what to do in the positions that its own mistakes
lead to. Labelling the positions that the student itself reaches is DAgger (Ross, Gordon and Bagnell 2011). The move
that is played is the student's, so the episode replays; the teacher's move, with its values, is the stored reply.
Knows nothing about training.
"""

import random
import time
from dataclasses import dataclass, replace

from episodes.game import Observation
from episodes.player import Context, Decision, Player, ReplyClass
from episodes.players.values import read_values, write_values

OVER = " over "
EXPLORE = 0.1
"""Share of decisions in which any legal move is played: a student that decides greedily visits too few positions."""


def shadow_name(teacher: str, student: str) -> str:
    """The player's name, e.g. ``search:200 over student:9f3c``."""
    return f"{teacher}{OVER}{student}"


def is_shadow(player: str, teacher: str) -> bool:
    """Whether ``player`` is some student with ``teacher`` looking over its shoulder."""
    return player.startswith(teacher + OVER)


@dataclass(frozen=True, slots=True)
class ShadowPlayer:
    """``student`` decides, or now and then chance; ``teacher`` comments on the same observation, with the same seed."""

    teacher: Player
    student: Player
    prompt_id: str | None = None

    @property
    def name(self) -> str:
        return shadow_name(self.teacher.name, self.student.name)

    @property
    def model(self) -> str:
        return self.name

    async def act(self, observation: Observation, context: Context) -> Decision:
        """The decision played; ``raw`` is what the teacher would have decided, empty if that is no legal move."""
        began = time.perf_counter()
        advice = await self.teacher.act(observation, context)
        comment = ""
        if advice.move in observation.legal_moves:
            comment = write_values(advice.move, read_values(advice.raw) or {advice.move: 0.0})
        draw = random.Random(f"explore {context.seed}")
        if draw.random() < EXPLORE:
            spent = time.perf_counter() - began
            return Decision(draw.choice(observation.legal_moves), comment, spent, ReplyClass.MOVE, advice.usage)
        played = await self.student.act(observation, context)
        spent = time.perf_counter() - began
        return replace(played, raw=comment, latency=spent, cost=played.cost + advice.cost, messages=())
