"""``cornerman oracle``: blunders, regret and exploitability of stored play, from the store alone."""

import asyncio
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from cornerman.cli import app
from episodes.clock import Clock
from episodes.game import Move, Observation
from episodes.games import load_game
from episodes.play import Match, play_episode
from episodes.player import Context, Decision, Player, ReplyClass
from episodes.players.bots import load_bot
from episodes.players.oracle import OraclePlayer
from episodes.store.store import Store

LOSING = {"x": ("centre", "top-left", "bottom-left", "top-right"), "o": ("top-middle", "bottom-right", "middle-left")}


@dataclass(frozen=True)
class Scripted:
    name: str
    moves: tuple[Move | None, ...]
    model: str = "scripted"
    prompt_id: None = None

    async def act(self, observation: Observation, context: Context) -> Decision:
        move = self.moves[context.turn]
        return Decision(move, move or "", 0.0, ReplyClass.MOVE if move else ReplyClass.EMPTY)


def keep(game: str, players: tuple[Player, Player], seeds: range = range(1)) -> list[str]:
    """Play and store; the ids."""
    ids = []
    with Store.open(Path("games.db")) as store:
        for seed in seeds:
            record = asyncio.run(play_episode(Match(load_game(game), players, seed, Clock("paused"))))
            store.save(record)
            ids.append(record.id)
    return ids


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def run(*words: str, code: int = 0) -> Any:
    result = CliRunner().invoke(app, ["oracle", *words, "--db", "games.db"])
    assert result.exit_code == code, result.output
    return result


def judged(*words: str) -> dict[str, Any]:
    found = json.loads(run(*words, "--json").stdout)
    assert isinstance(found, dict)
    return found


def rows(found: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {row["player"]: row for row in found["players"]}


@pytest.mark.parametrize("game", ["openspiel:tic_tac_toe", "openspiel:tic_tac_toe+renamed"])
def test_the_one_blunder_of_a_lost_game_is_found(game: str) -> None:
    plain, played = load_game("openspiel:tic_tac_toe"), load_game(game)
    said = dict(zip(plain.moves, played.moves, strict=True))
    one, two = (Scripted(name, tuple(said[move] for move in moves)) for name, moves in LOSING.items())
    (episode,) = keep(game, (one, two))
    found = judged(episode)
    assert (found["game"], found["kind"], found["value"], found["episodes"]) == (game, "positions", [0, 0], 1)
    winner, loser = rows(found)["x"], rows(found)["o"]
    assert (winner["moves"], winner["blunders"], winner["mean_regret"]) == (4, 0, 0)
    assert (loser["moves"], loser["blunders"], loser["mean_regret"]) == (3, 1, pytest.approx(1 / 3))


def test_a_forfeit_costs_what_losing_does() -> None:
    keep("openspiel:tic_tac_toe", (Scripted("mute", (None,)), Scripted("o", ())))
    row = rows(judged("--game", "openspiel:tic_tac_toe"))["mute"]
    assert (row["moves"], row["blunders"], row["illegal"], row["mean_regret"]) == (1, 1, 1, 1)


def test_exact_play_has_no_regret_and_random_play_has() -> None:
    keep("openspiel:nim(pile_sizes=3;4;5,is_misere=False)", (OraclePlayer(), load_bot("random")), range(4))
    found = rows(judged("--game", "openspiel:nim(pile_sizes=3;4;5,is_misere=False)"))
    assert found["oracle"]["blunders"] == 0
    assert found["bot:random"]["mean_regret"] == 0  # every position that it is left is lost already
    keep("openspiel:nim(pile_sizes=3;4;5,is_misere=False)", (load_bot("random"), OraclePlayer()), range(4))
    found = rows(judged("--game", "openspiel:nim(pile_sizes=3;4;5,is_misere=False)"))
    assert found["bot:random"]["blunders"] >= 3
    assert found["oracle"]["blunders"] == 0


def test_exploitability_comes_near_the_truth_with_many_games() -> None:
    game = "openspiel:kuhn_poker"
    keep(game, (load_bot("random"), load_bot("random")), range(400))
    keep(game, (OraclePlayer(), OraclePlayer()), range(400))
    found = judged("--game", game)
    assert found["kind"] == "policies"
    assert found["exploitability_uniform"] == pytest.approx(0.916667 / 2 / 2, abs=1e-5)
    assert found["exploitability_equilibrium"] < 1e-3
    by_player = rows(found)
    assert by_player["bot:random"]["exploitability"] == pytest.approx(found["exploitability_uniform"], abs=0.06)
    assert by_player["oracle"]["exploitability"] < 0.06
    assert by_player["bot:random"]["states_seen"] == by_player["bot:random"]["states"] == 12
    alone = judged("--game", game, "--player", "oracle")
    assert alone["players"] == [by_player["oracle"]]
    shown = run("--game", game).stdout
    assert "a best response wins on average" in shown
    assert "uniformly" in shown


def test_what_cannot_be_judged_is_refused_in_one_line() -> None:
    (episode,) = keep("openspiel:tic_tac_toe", (load_bot("random"), load_bot("random")))
    for words, says in (
        (("--game", "openspiel:chess"), "openspiel:chess is too large to solve exactly"),
        (("--game", "duel"), "solves small games of OpenSpiel only, not duel"),
        (("--game", "openspiel:kuhn_poker"), "no decision in openspiel:kuhn_poker is stored"),
        (("--game", "openspiel:tic_tac_toe", "--player", "nobody"), "no decision of nobody in openspiel:tic_tac_toe"),
        ((episode, "--game", "openspiel:nim"), f"episode {episode} is of openspiel:tic_tac_toe, not of openspiel:nim"),
    ):
        result = run(*words, code=2)
        assert says in result.stderr
        assert len(result.stderr.strip().splitlines()) == 1
