"""OpenSpiel's tree search as a player: strong, seeded, and only where it may look at everything."""

import asyncio

import pytest

from episodes.clock import Clock
from episodes.game import CloneableState
from episodes.games import load_game
from episodes.games.openspiel import load
from episodes.play import Match, play_episode
from episodes.player import Context
from episodes.players.bots import load_bot
from episodes.players.mcts import load_mcts
from models.errors import BadInput


def choice(name: str, moves: tuple[str, ...], seed: int, simulations: int = 60) -> str | None:
    game = load(name)
    state = game.initial_state(0)
    for move in moves:
        state.apply({state.to_act()[0]: move})
    seat = state.to_act()[0]
    assert isinstance(state, CloneableState)
    before = state.fingerprint()
    decision = asyncio.run(
        load_mcts(str(simulations)).act(state.observe(seat), Context(game, seat, seed, len(moves), state))
    )
    assert state.fingerprint() == before
    return decision.move


def test_it_wins_at_once_and_blocks_at_once() -> None:
    assert choice("tic_tac_toe", ("centre", "top-left", "top-right", "middle-left"), 1) == "bottom-left"
    assert choice("connect_four", ("column-4", "column-1") * 3, 1) == "column-4"
    assert choice("tic_tac_toe", ("centre", "top-left", "top-right"), 1, 200) == "bottom-left"


def test_the_same_seed_gives_the_same_move() -> None:
    openings = [choice("tic_tac_toe", (), seed, 12) for seed in range(8)]
    assert openings == [choice("tic_tac_toe", (), seed, 12) for seed in range(8)]
    assert len(set(openings)) > 1


def test_it_does_not_see_the_dice_that_the_seed_holds() -> None:
    game = load("pig(winscore=20,horizon=40)")
    moves = set()
    for seed in range(12):
        state = game.initial_state(seed)
        context = Context(game, 0, 5, 0, state)
        moves.add(asyncio.run(load_mcts("30").act(state.observe(0), context)).move)
    assert len(moves) == 1


def test_it_beats_a_random_player_under_other_words() -> None:
    game = load_game("openspiel:connect_four+renamed")
    players = (load_mcts("30"), load_bot("random"))
    scores = [asyncio.run(play_episode(Match(game, players, seed, Clock("paused")))).seats[0].score for seed in (1, 2)]
    assert scores == [1, 1]


@pytest.mark.parametrize("name", ["openspiel:kuhn_poker", "openspiel:matrix_rps", "duel"])
def test_other_games_are_refused(name: str) -> None:
    players = (load_mcts("5"), load_mcts("5"))
    with pytest.raises(BadInput, match=r"mcts:5 cannot play .* use search:N"):
        asyncio.run(play_episode(Match(load_game(name), players, 1, Clock("paused"))))


def test_budgets_are_checked() -> None:
    assert load_mcts("100").name == "mcts:100"
    for bad in ("", "0", "5ms", "-1"):
        with pytest.raises(BadInput, match="unknown number of simulations"):
            load_mcts(bad)
