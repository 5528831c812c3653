"""Exact play: values that others have computed before us, and a player that nobody beats."""

import asyncio
import statistics

import pytest

from episodes.clock import Clock
from episodes.games import load_game
from episodes.games.openspiel import OpenSpielState, load
from episodes.games.openspiel.equilibrium import Equilibrium
from episodes.games.openspiel.exhaustion import Exhaustion
from episodes.games.openspiel.matrix import solve_matrix
from episodes.games.openspiel.oracle import best_moves, solved
from episodes.play import Match, play_episode
from episodes.player import Player
from episodes.players.bots import load_bot
from episodes.players.mcts import load_mcts
from episodes.players.oracle import OraclePlayer
from episodes.record import EpisodeRecord
from models.errors import BadInput

NIM = "nim(pile_sizes=3;4;5,is_misere=False)"
GOOFSPIEL = "goofspiel(num_cards=4,points_order=descending)"
OSHI_ZUMO = "oshi_zumo(coins=4,size=1,horizon=6)"
LIARS_DICE = "liars_dice(dice_sides=3)"


def exhaustion(name: str) -> Exhaustion:
    oracle = solved(load(name))
    assert isinstance(oracle, Exhaustion)
    return oracle


def equilibrium(name: str) -> Equilibrium:
    oracle = solved(load(name))
    assert isinstance(oracle, Equilibrium)
    return oracle


def after(name: str, *moves: str) -> OpenSpielState:
    state = load(name).initial_state(0)
    for move in moves:
        state.apply({state.to_act()[0]: move})
    return state


def played(name: str, players: tuple[Player, Player], seed: int) -> EpisodeRecord:
    return asyncio.run(play_episode(Match(load_game(f"openspiel:{name}"), players, seed, Clock("paused"))))


def test_tic_tac_toe_is_a_draw_and_has_5478_positions() -> None:
    oracle = exhaustion("tic_tac_toe")
    assert oracle.solve() == (0, 0)
    assert len(oracle.values) == 5478


def test_every_move_of_tic_tac_toe_has_its_value() -> None:
    oracle = exhaustion("tic_tac_toe")
    values = oracle.move_values(after("tic_tac_toe", "top-left"), 1)
    assert {move for move, value in values.items() if value == 0} == {"centre"}
    assert {value for move, value in values.items() if move != "centre"} == {-1}
    assert oracle.best(after("tic_tac_toe", "top-left"), 1) == {"centre": 1}
    assert len(oracle.best(after("tic_tac_toe"), 0)) == 9


def test_nim_is_won_by_the_first_player_and_the_winning_moves_make_the_nim_sum_zero() -> None:
    assert exhaustion(NIM).solve() == (1, -1)
    assert best_moves(after(NIM), 0) == {"pile-1-take-2": 1}  # 3, 4, 5 -> 1, 4, 5: 1 ^ 4 ^ 5 == 0


@pytest.mark.parametrize("opponent", [load_bot("random"), load_mcts("15")])
def test_the_oracle_wins_nim_from_the_first_seat(opponent: Player) -> None:
    for seed in range(5):
        assert [seat.score for seat in played(NIM, (OraclePlayer(), opponent), seed).seats] == [1, 0]


@pytest.mark.parametrize("name", [GOOFSPIEL, OSHI_ZUMO, "matrix_rps", "blotto(coins=5,fields=3)"])
def test_even_games_of_moves_made_at_once_are_worth_nothing(name: str) -> None:
    assert exhaustion(name).solve() == pytest.approx((0, 0), abs=1e-9)


def test_a_mix_is_as_good_as_each_move_it_holds() -> None:
    oracle, state = exhaustion(GOOFSPIEL), load(GOOFSPIEL).initial_state(0)
    values, mix = oracle.move_values(state, 1), oracle.best(state, 1)
    assert sum(mix.values()) == pytest.approx(1)
    assert all(values[move] == pytest.approx(0, abs=1e-7) for move, chance in mix.items() if chance > 1e-6)
    assert max(values.values()) < 1e-7


@pytest.mark.parametrize(
    ("payoffs", "value", "rows", "columns"),
    [
        ([[0, -1, 1], [1, 0, -1], [-1, 1, 0]], 0, [1 / 3] * 3, [1 / 3] * 3),
        ([[3, -1], [-2, 1]], 1 / 7, [3 / 7, 4 / 7], [2 / 7, 5 / 7]),
        ([[1, 2, -3]], -3, [1], [0, 0, 1]),
        ([[1], [4]], 4, [0, 1], [1]),
    ],
)
def test_matrix_games_are_solved(
    payoffs: list[list[float]], value: float, rows: list[float], columns: list[float]
) -> None:
    found = solve_matrix(payoffs)
    assert found[0] == pytest.approx(value)
    assert found[1] == pytest.approx(rows)
    assert found[2] == pytest.approx(columns)


def test_chance_is_averaged_over() -> None:
    # A roll wins at once unless it is a 1, which passes the turn: p = 5/6 + (1 - p) / 6, so p = 6/7.
    assert exhaustion("pig(winscore=2,horizon=100)").solve() == pytest.approx((5 / 7, -5 / 7))


@pytest.mark.parametrize(
    ("name", "nash_conv"), [("leduc_poker", 4.747222), (LIARS_DICE, 1.111111), ("kuhn_poker", 0.916667)]
)
def test_uniform_play_is_as_exploitable_as_it_is_known_to_be(name: str, nash_conv: float) -> None:
    oracle = equilibrium(name)
    assert oracle.nash_conv(oracle.uniform) == pytest.approx(nash_conv, abs=1e-5)
    assert oracle.nash_conv(oracle.empirical({})) == pytest.approx(nash_conv, abs=1e-5)


def test_the_equilibrium_of_kuhn_poker_is_worth_minus_an_eighteenth_to_the_first_player() -> None:
    oracle = equilibrium("kuhn_poker")
    assert oracle.value()[0] * oracle.game.scale == pytest.approx(-1 / 18, abs=1e-3)
    assert oracle.exploitability(oracle.policy) < 1e-3
    assert len(oracle.information_states) == 12


def test_kuhn_poker_between_equilibrium_players_comes_to_minus_an_eighteenth() -> None:
    game, players = load("kuhn_poker"), (OraclePlayer(), OraclePlayer())

    async def play() -> list[float]:
        returns = []
        for seed in range(3000):
            record = await play_episode(Match(game, players, seed, Clock("paused")))
            state = game.initial_state(seed)
            for landing in record.landings():
                state.apply(landing.moves)
            returns.append(state.returns()[0] * game.scale)
        return returns

    found = asyncio.run(play())
    half = 3 * statistics.stdev(found) / len(found) ** 0.5
    assert abs(statistics.fmean(found) + 1 / 18) < half
    assert half < 0.08


def test_a_dealt_king_always_bets_in_the_end_and_a_jack_never_calls() -> None:
    game, oracle = load("kuhn_poker"), equilibrium("kuhn_poker")
    for seed in range(20):
        state = game.initial_state(seed)
        card = state.state.history()[1]
        state.apply({0: "bet"})
        expected = {0: 0.0, 1: 1 / 3, 2: 1.0}[card]
        assert oracle.best(state, 1)["bet"] == pytest.approx(expected, abs=0.05)


def test_the_oracle_reads_hidden_bids_and_rounds_right() -> None:
    hidden = "goofspiel(num_cards=3,imp_info=True,points_order=descending)"
    record = played(hidden, (OraclePlayer(), OraclePlayer()), 1)
    assert record.ended_by == "result"
    state = load("roshambo").initial_state(1)
    state.apply({0: "rock", 1: "paper"})
    assert best_moves(state, 1) == pytest.approx({"rock": 1 / 3, "paper": 1 / 3, "scissors": 1 / 3})


def test_the_oracle_is_seeded_and_plays_under_other_words() -> None:
    one, two = (played("kuhn_poker", (OraclePlayer(), OraclePlayer()), 7) for _ in range(2))
    assert [turn.move for turn in one.turns] == [turn.move for turn in two.turns]
    renamed = played("tic_tac_toe+renamed", (OraclePlayer(), load_bot("random")), 3)
    assert renamed.ended_by == "result"
    assert renamed.seats[0].score >= 0.5


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("chess", "too large to solve exactly: games of up to 17695 moves"),
        ("breakthrough", "more than 100000 positions"),
        ("liars_dice", "more than 30000 histories"),
        ("kuhn_poker(players=3)", "takes two seats and a zero sum"),
        ("matrix_pd", "takes two seats and a zero sum"),
    ],
)
def test_games_without_an_oracle_are_refused(name: str, says: str) -> None:
    with pytest.raises(BadInput, match=says):
        solved(load(name))


def test_the_oracle_refuses_games_that_are_not_openspiel_s() -> None:
    players = (OraclePlayer(), load_bot("random"))
    with pytest.raises(BadInput, match="plays OpenSpiel's games only, not duel"):
        asyncio.run(play_episode(Match(load_game("duel"), players, 1, Clock("paused"))))
