"""Turns a second of duel through ``play_episode``, against the bare engine stepping the very same games.

    python bench/duel.py [--episodes 60]

The players answer at once with a move drawn from the decision's seed. The bare loop applies the recorded moves at
their recorded ticks and looks at nothing; playing also asks, observes, fingerprints and records every turn.
"""

import argparse
import asyncio
import sys
import time
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from episodes.clock import Clock
from episodes.game import Observation
from episodes.games.duel import GAME
from episodes.play import Match, play_episode
from episodes.player import Context, Decision
from episodes.record import EpisodeRecord


@dataclass(frozen=True)
class Instant:
    name: str = "instant"
    model: str = "instant"
    prompt_id: None = None

    async def act(self, observation: Observation, context: Context) -> Decision:
        move = observation.legal_moves[context.seed % len(observation.legal_moves)]
        return Decision(move, move, 0.0)


def bare(record: EpisodeRecord) -> None:
    """The same game without anybody watching."""
    state = GAME.initial_state(record.seed)
    landings: dict[int, dict[int, str | None]] = {}
    ticks: dict[int, int] = {}
    for turn in record.turns:
        landings.setdefault(turn.order, {})[turn.seat] = turn.move
        ticks[turn.order] = turn.lands
    for order in sorted(landings):
        while state.tick < ticks[order]:
            state.advance(ticks[order] - state.tick)
        state.apply(landings[order])
    while not state.is_terminal():
        state.advance(60)
    assert state.fingerprint() == record.final_fingerprint, "the bare loop played another game"


def main() -> None:
    parser = argparse.ArgumentParser(description="Duel through play_episode against the bare engine.")
    parser.add_argument("--episodes", type=int, default=60)
    count = parser.parse_args().episodes
    played, engine, turns = float("inf"), float("inf"), 0
    for _ in range(3):  # the best of three each, taken in turn, so that a busy moment does not decide
        began = time.perf_counter()
        matches = [Match(GAME, (Instant(), Instant()), seed, Clock("paused")) for seed in range(count)]
        records = [asyncio.run(play_episode(match)) for match in matches]
        played = min(played, time.perf_counter() - began)
        began = time.perf_counter()
        for record in records:
            bare(record)
        engine = min(engine, time.perf_counter() - began)
        turns = sum(len(record.turns) for record in records)
    print(f"duel {turns / played:.0f} turns/s, bare engine {turns / engine:.0f} turns/s, ratio {engine / played:.2f}")


if __name__ == "__main__":
    main()
