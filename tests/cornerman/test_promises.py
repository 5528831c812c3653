"""What a colosseum of language models must not get wrong, each a test.

A peer that was run unmodified lost the first input of nearly every plan, never asked the model when it ran without a
screen, let the host's load set the game's time, saved no game when told to, asked again after refusals without saying
so, and did not swap sides.
"""

import asyncio
import json
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from episodes.clock import Clock
from episodes.game import Move
from episodes.games.duel import GAME, Duel
from episodes.games.duel.engine import DuelState
from episodes.play import Match, play_episode
from episodes.player import Context, Decision, ReplyClass
from episodes.players.bots import load_bot
from episodes.players.model import ModelPlayer
from episodes.record import EpisodeRecord
from episodes.replay import fates_of, replay
from episodes.store.store import Store
from models.scripted import ScriptedModel

ROOT = Path(__file__).parents[2]


class Planner:
    """A slow player that always answers with a plan of three moves."""

    name = model = "planner"
    prompt_id = None

    def __init__(self, latency: float) -> None:
        self.latency = latency

    async def act(self, observation: object, context: Context) -> Decision:
        plan = "jab; heavy if landed; guard" if context.turn % 2 else "throw; advance; jab"
        return Decision(plan, plan, self.latency)


def fight(*players: object, clock: str = "measured", game: Duel = GAME) -> EpisodeRecord:
    record = asyncio.run(play_episode(Match(game, players, 11, Clock.parse(clock))))  # type: ignore[arg-type]
    assert replay(record, game) == []
    return record


def test_the_first_input_of_a_plan_is_never_lost() -> None:
    """It starts at the tick at which its decision takes effect, or when the fighter's body is next free."""
    record = fight(Planner(0.4), Planner(0.15))
    fates = fates_of(record)
    landed = [turn for turn in record.turns if turn.order >= 0]
    assert len(landed) > 20
    for turn in landed:
        first = fates[turn.n][0]
        assert turn.move is not None
        assert turn.move.startswith(first.move)
        assert first.fate == "played" or record.ticks - first.tick < 60, turn


def test_every_input_is_accounted_for() -> None:
    record = fight(Planner(0.4), load_bot("rushdown"))
    planned = sum(len(turn.move.split(";")) for turn in record.turns if turn.move and turn.order >= 0)
    assert len(record.inputs) == planned
    assert {given.fate for given in record.inputs} <= {"played", "late", "superseded", "skipped"}


def test_without_a_screen_the_model_is_asked(tmp_path: Path) -> None:
    script = tmp_path / "replies.jsonl"
    script.write_text("\n".join(json.dumps({"reply": f"I think {n}, so: guard"}) for n in range(500)))
    command = [
        sys.executable,
        "-c",
        "from cornerman.cli import main; main()",
        "play",
        f"scripted:{script}",
        "bot:turtle",
    ]
    done = subprocess.run(
        [*command, "--episodes", "1", "--json"],
        cwd=tmp_path,
        env={"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    # And a saved game is there: another process reads it whole.
    with Store.open(tmp_path / "cornerman.db", write=False) as store:
        (episode,) = store.episode_ids()
        turns = [turn for turn in store.episode(episode).turns if turn.seat == 0]
    assert len(turns) > 10
    assert [turn.reply for turn in turns] == [f"I think {n}, so: guard" for n in range(len(turns))]
    assert all(turn.messages for turn in turns)


def test_game_time_does_not_depend_on_the_hosts_load() -> None:
    """A host so busy that the engine crawls plays the same fight: only thinking is charged."""

    class Crawling(DuelState):
        __slots__ = ()

        def advance(self, ticks: int) -> int:
            time.sleep(0.002)
            return super().advance(ticks)

        def apply(self, moves: Mapping[int, Move | None]) -> None:
            time.sleep(0.002)
            super().apply(moves)

    class Busy(Duel):
        def initial_state(self, seed: int) -> DuelState:
            state = Duel.initial_state(self, seed)
            state.__class__ = Crawling
            return state

    quick = fight(Planner(0.3), Planner(0.05))
    slow = fight(Planner(0.3), Planner(0.05), game=Busy())
    assert slow.seconds > quick.seconds + 0.2
    assert replace(slow, started="", seconds=0.0) == replace(quick, started="", seconds=0.0)


def test_a_refusal_is_recorded_and_not_asked_again(tmp_path: Path) -> None:
    chat = ScriptedModel(lambda messages, choices: "I'm sorry, I can't take part in violence.")
    player = ModelPlayer("polite@base", chat, "Fight.", "{text}")
    record = fight(player, load_bot("rushdown"), clock="paused")
    mine = [turn for turn in record.turns if turn.seat == 0]
    assert len(chat.requests) == len(mine) > 5
    assert {turn.reply_class for turn in mine} == {ReplyClass.REFUSED}
    assert {turn.move for turn in mine} == {None}
    with Store.open(tmp_path / "s.db") as store:
        store.save(record)
        assert store.summary(record.id).seats[0].refused == len(mine)


def test_sides_are_swapped_on_the_same_start(tmp_path: Path) -> None:
    command = [sys.executable, "-c", "from cornerman.cli import main; main()", "play", "bot:zoner", "bot:grappler"]
    subprocess.run(
        [*command, "--episodes", "6", "--json"], cwd=tmp_path, env={"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin"},
        capture_output=True, timeout=120, check=True,
    )  # fmt: skip
    with Store.open(tmp_path / "cornerman.db", write=False) as store:
        games = [store.summary(episode) for episode in store.episode_ids()]
    pairs: dict[str | None, list[tuple[int, list[str]]]] = {}
    for game in games:
        pairs.setdefault(game.pair_id, []).append((game.seed, [seat.player for seat in game.seats]))
    assert len(pairs) == 3
    for one, two in pairs.values():
        assert one[0] == two[0]
        assert one[1] == two[1][::-1]
