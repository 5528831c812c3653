"""Rock-paper-scissors over many rounds, and the bots of the RoShamBo competitions as players of it."""

import asyncio
import ctypes
import random
from collections.abc import Sequence
from dataclasses import dataclass

import pytest

from episodes.clock import Clock
from episodes.contract import check_game
from episodes.fault import FaultPlace, GuestFault
from episodes.game import Move, Observation
from episodes.games import load_game
from episodes.games.openspiel import load
from episodes.games.openspiel.game import CloneableOpenSpielState
from episodes.pairs import play_matches
from episodes.play import Match, play_episode
from episodes.player import Context, Decision, Player
from episodes.players.bots import load_bot
from episodes.players.roshambo import load_roshambo, roshambo_bots
from episodes.record import EpisodeRecord
from episodes.replay import replay
from models.errors import BadInput

GAME = load("roshambo(rounds=12)")


def after(*rounds: str) -> CloneableOpenSpielState:
    """The state after rounds such as "rp": seat 0 rock, seat 1 paper."""
    words = {"r": "rock", "p": "paper", "s": "scissors"}
    state = GAME.initial_state(1)
    assert isinstance(state, CloneableOpenSpielState)
    for moves in rounds:
        state.apply({0: words[moves[0]], 1: words[moves[1]]})
    return state


@dataclass(frozen=True)
class Always:
    move: Move
    prompt_id: None = None

    @property
    def name(self) -> str:
        return f"always-{self.move}"

    model = name

    async def act(self, observation: Observation, context: Context) -> Decision:
        return Decision(self.move, self.move, 0.0)


def played(one: Player, two: Player, seed: int = 3, game: str = "openspiel:roshambo(rounds=12)") -> EpisodeRecord:
    return asyncio.run(play_episode(Match(load_game(game), (one, two), seed, Clock("paused"))))


def moves_of(record: EpisodeRecord, seat: int) -> list[Move | None]:
    return [turn.move for turn in record.turns if turn.seat == seat]


def test_the_game_keeps_its_contract_and_lasts_thirty_rounds() -> None:
    assert check_game(GAME) == []
    assert GAME.moves == ("rock", "paper", "scissors")
    assert len(played(Always("rock"), Always("rock"), game="openspiel:roshambo").turns) == 60
    with pytest.raises(BadInput, match="more than 500 rounds"):
        load("roshambo(rounds=501)")


def test_openspiel_s_own_name_is_the_same_game() -> None:
    same = load_game("openspiel:repeated_game(stage_game=matrix_rps(),num_repetitions=12)")
    assert (same.moves, same.features, same.rules) == (GAME.moves, GAME.features, GAME.rules)
    prisoners = load_game("openspiel:repeated_game(stage_game=matrix_pd(),num_repetitions=4)")
    assert prisoners.moves == ("cooperate", "defect")
    assert check_game(prisoners) == []


def test_features_of_a_seat_tell_what_the_opponent_does() -> None:
    state = after("rp", "rs", "pr", "rs", "pr")
    assert state.observe(0).situation == {
        "mine": "paper",
        "theirs": "rock",
        "before": "scissors",
        "favourite": "rock",  # as often as scissors, and later
        "after_theirs": "scissors",
        "after_mine": "scissors",
        "result": "won",
    }
    assert state.observe(1).situation["result"] == "lost"
    assert state.observe(1).situation["after_mine"] == "rock"
    assert set(after().observe(0).situation.values()) == {"none"}
    assert state.returns() == (3 / 12, -3 / 12)


def test_the_text_gives_the_rounds_and_the_counts() -> None:
    text = after("rp", "rs", "pr").observe(1).text
    assert "Round 4 of 12." in text
    assert "Points so far: you -1, the opponent +1." in text
    assert "1 paper rock; 2 scissors rock; 3 rock paper." in text
    assert "The opponent has played rock 2, paper 1, scissors 0." in text
    assert "After your rock it then played rock 0, paper 0, scissors 0." in text


def test_phrases_are_different_clauses() -> None:
    clauses = [GAME.phrase(feature, value) for feature, values in GAME.features.items() for value in values]
    assert len(set(clauses)) == len(clauses) == 28
    assert GAME.phrase("favourite", "rock") == "the opponent has played rock most often"


def test_a_missing_move_forfeits_and_both_missing_is_a_draw() -> None:
    state = after("rp")
    state.apply({0: None, 1: "rock"})
    assert state.is_terminal()
    assert state.returns() == (-1, 1)
    both = after("rp")
    both.apply({0: None, 1: "well"})
    assert both.returns() == (0, 0)


def test_paper_beats_rockbot_and_knowing_the_cycle_beats_rotatebot() -> None:
    record = played(Always("paper"), load_roshambo("rockbot"))
    assert moves_of(record, 1) == ["rock"] * 12
    assert [seat.score for seat in record.seats] == [1, 0]
    assert moves_of(played(load_roshambo("rotatebot"), Always("rock")), 0) == ["rock", "paper", "scissors"] * 4


def test_copybot_plays_what_beats_the_last_move() -> None:
    record = played(load_bot("random"), load_roshambo("copybot"))
    beats = {"rock": "paper", "paper": "scissors", "scissors": "rock"}
    mine, theirs = moves_of(record, 0), moves_of(record, 1)
    assert theirs[1:] == [beats[str(move)] for move in mine[:-1]]


@pytest.mark.parametrize("bot", roshambo_bots())
def test_every_bot_plays_either_seat_and_its_games_come_out_again(bot: str) -> None:
    player, opponent = load_roshambo(bot), load_bot("random")
    for one, two in ((player, opponent), (opponent, player)):
        first, again = played(one, two, seed=11), played(one, two, seed=11)
        assert [turn.move for turn in first.turns] == [turn.move for turn in again.turns]
        assert first.ended_by == "result"
        assert replay(first, GAME) == []


def test_there_are_43_bots_and_seeds_matter() -> None:
    assert len(roshambo_bots()) == 43
    rounds = {tuple(moves_of(played(load_roshambo("randbot"), Always("rock"), seed), 0)) for seed in range(20)}
    assert len(rounds) == 20


def test_one_player_serves_many_episodes_at_once() -> None:
    class Kept(dict[str, EpisodeRecord]):
        def scores(self, episode_id: str) -> None:
            return None

        def save(self, record: EpisodeRecord) -> None:
            self[record.id] = record

        def save_faults(self, place: FaultPlace, faults: Sequence[GuestFault]) -> None:
            raise AssertionError(f"nobody here is a guest: {faults}")

    players = (load_roshambo("switchbot"), load_roshambo("iocainebot"))
    matches = [Match(GAME, players, seed, Clock("paused")) for seed in range(8)]
    together = Kept()
    asyncio.run(play_matches(iter(matches), together, concurrency=8, on_result=lambda match, outcome: None))
    for match in matches:
        alone = asyncio.run(play_episode(match))
        assert [turn.move for turn in together[match.id].turns] == [turn.move for turn in alone.turns]


def test_the_process_s_own_random_numbers_are_left_alone() -> None:
    libc = ctypes.CDLL(None)
    libc.srandom(5)
    expected = [libc.random() for _ in range(4)]
    libc.srandom(5)
    drawn = [libc.random(), libc.random()]
    played(load_roshambo("randbot"), Always("rock"))
    assert [*drawn, libc.random(), libc.random()] == expected


def test_the_bots_do_not_look_at_the_round_being_played() -> None:
    rng = random.Random(4)
    for bot in ("greenberg", "phasenbott", "biopic"):
        player = load_roshambo(bot)
        history = [rng.choice("rps") + rng.choice("rps") for _ in range(9)]
        asked = [
            asyncio.run(player.act(state.observe(0), Context(GAME, 0, 77, 9, state))).move
            for state in (after(*history), after(*history).clone())
        ]
        assert asked[0] == asked[1]


def test_the_bots_play_the_game_under_other_words_too() -> None:
    renamed = load_game("openspiel:roshambo(rounds=12)+renamed")
    record = asyncio.run(play_episode(Match(renamed, (load_roshambo("rockbot"),) * 2, 1, Clock("paused"))))
    assert set(moves_of(record, 0)) == {renamed.moves[0]}
    assert renamed.moves[0] != "rock"


def test_other_games_and_other_names_are_refused() -> None:
    with pytest.raises(BadInput, match="plays openspiel:roshambo only"):
        played(load_roshambo("rockbot"), load_bot("random"), game="openspiel:tic_tac_toe")
    with pytest.raises(BadInput, match="no RoShamBo bot 'paperbot': use actr_lag2_decay"):
        load_roshambo("paperbot")
