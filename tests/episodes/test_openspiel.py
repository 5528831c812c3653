"""Tic-tac-toe and Connect Four through OpenSpiel: rules, features, forfeits, and optimal play."""

import pytest

from episodes.games import load_game
from episodes.games.openspiel import OpenSpielState, load
from episodes.players.search import SearchPlayer
from models.errors import BadInput


def after(name: str, *moves: str) -> OpenSpielState:
    state = load(name).initial_state(0)
    for move in moves:
        state.apply({state.to_act()[0]: move})
    return state


def solve(state: OpenSpielState, known: dict[str, tuple[float, list[str]]]) -> tuple[float, list[str]]:
    """The value to seat 0 and the best moves, by exhaustion; positions are known by their board."""
    if state.is_terminal():
        return state.returns()[0], []
    board = str(state.state)
    if board not in known:
        seat = state.to_act()[0]
        sign = 1 - 2 * seat
        values = {}
        for move in state.legal_moves(seat):
            following = state.clone()
            following.apply({seat: move})
            values[move] = solve(following, known)[0]
        best = max(sign * value for value in values.values())
        known[board] = (sign * best, [move for move, value in values.items() if sign * value == best])
    return known[board]


@pytest.fixture(scope="module")
def solution() -> dict[str, tuple[float, list[str]]]:
    known: dict[str, tuple[float, list[str]]] = {}
    solve(after("tic_tac_toe"), known)
    return known


def test_tic_tac_toe_is_a_draw(solution: dict[str, tuple[float, list[str]]]) -> None:
    assert solve(after("tic_tac_toe"), solution)[0] == 0
    assert len(solution) == 4520  # of 5,478 positions 958 are ends


def never_loses(state: OpenSpielState, seat: int, choice: dict[str, str], player: SearchPlayer) -> bool:
    """Whether ``player`` in ``seat`` holds at least a draw against every possible opponent."""
    if state.is_terminal():
        return state.returns()[seat] >= 0
    turn = state.to_act()[0]
    moves = state.legal_moves(turn)
    if turn == seat:
        board = str(state.state)
        if board not in choice:
            choice[board] = player.choose(state, seat, seed=5)
        moves = (choice[board],)
    for move in moves:
        following = state.clone()
        following.apply({turn: move})
        if not never_loses(following, seat, choice, player):
            return False
    return True


@pytest.mark.slow
@pytest.mark.parametrize("seat", [0, 1])
def test_search_never_loses_tic_tac_toe(seat: int) -> None:
    assert never_loses(after("tic_tac_toe"), seat, {}, SearchPlayer(iterations=1200))


def test_search_wins_and_blocks_at_once_in_connect_four() -> None:
    threat = after("connect_four", "column-4", "column-1", "column-4", "column-1", "column-4")
    assert SearchPlayer(iterations=300).choose(threat, 1, seed=1) == "column-4"
    threat.apply({1: "column-2"})
    values = SearchPlayer(iterations=300).evaluate(threat, 0, seed=1)
    assert max(values, key=values.__getitem__) == "column-4"
    assert values["column-4"] == 1


def test_features_of_tic_tac_toe() -> None:
    state = after("tic_tac_toe", "centre", "top-left", "top-right")
    assert state.observe(1).situation == {
        "phase": "middle",
        "can_win": "no",
        "must_block": "yes",
        "centre": "theirs",
    }
    assert state.observe(0).situation["can_win"] == "yes"
    assert state.observe(0).legal_moves == ()
    assert "o.x" in state.observe(1).text
    state.apply({1: "bottom-left"})
    state.apply({0: "middle-left"})
    assert state.observe(0).situation["can_win"] == "yes"
    state.apply({1: "middle-right"})
    assert state.observe(1).situation["must_block"] == "no"


def test_features_of_connect_four_see_that_marks_fall() -> None:
    state = after("connect_four", "column-1", "column-2", "column-1", "column-2", "column-1")
    assert state.observe(1).situation["must_block"] == "yes"
    high = after("connect_four", "column-1", "column-7", "column-2", "column-7", "column-3", "column-6")
    assert high.observe(0).situation == {"phase": "opening", "can_win": "yes", "must_block": "no", "centre": "free"}


def test_a_decision_without_a_legal_move_forfeits() -> None:
    for bad in (None, "centre"):
        state = after("tic_tac_toe", "centre")
        state.apply({1: bad})
        assert state.is_terminal()
        assert state.returns() == (1.0, -1.0)
        assert state.to_act() == ()


def test_replies_are_read_by_the_move_named_last() -> None:
    game = load_game("openspiel:tic_tac_toe")
    observation = game.initial_state(0).observe(0)
    assert game.read_move("top-left looks weak, so: Centre.", observation) == "centre"
    assert game.read_move("I pass", observation) is None


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("nonsense", "OpenSpiel knows no game"),
        ("kuhn_poker", "without chance and hidden information"),
        ("backgammon", "without chance"),
    ],
)
def test_unplayable_games_are_refused(name: str, says: str) -> None:
    with pytest.raises(BadInput, match=says):
        load_game(f"openspiel:{name}")


def test_another_board_game_plays() -> None:
    state = load_game("openspiel:breakthrough(rows=4,columns=4)").initial_state(0)
    assert state.observe(0).legal_moves
