"""Games of OpenSpiel: the boards with features of their own, and those of every other kind."""

import asyncio

import pytest

from episodes.clock import Clock
from episodes.contract import check_game
from episodes.games import load_game
from episodes.games.openspiel import OpenSpielGame, load
from episodes.games.openspiel.game import CloneableOpenSpielState, forfeit_returns
from episodes.play import Match, play_episode
from episodes.players.bots import load_bot
from episodes.players.search import SearchPlayer
from episodes.replay import replay
from models.errors import BadInput


def copied(name: str, seed: int) -> CloneableOpenSpielState:
    state = load(name).initial_state(seed)
    assert isinstance(state, CloneableOpenSpielState)
    return state


def after(name: str, *moves: str) -> CloneableOpenSpielState:
    state = copied(name, 0)
    for move in moves:
        state.apply({state.to_act()[0]: move})
    return state


def solve(state: CloneableOpenSpielState, known: dict[str, tuple[float, list[str]]]) -> tuple[float, list[str]]:
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


def never_loses(state: CloneableOpenSpielState, seat: int, choice: dict[str, str], player: SearchPlayer) -> bool:
    """Whether ``player`` in ``seat`` holds at least a draw against every possible opponent."""
    if state.is_terminal():
        return state.returns()[seat] >= 0
    turn = state.to_act()[0]
    moves = state.legal_moves(turn)
    if turn == seat:
        board = str(state.state)
        if board not in choice:
            choice[board] = player.choose(state.game, state, seat, seed=5)
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
    assert SearchPlayer(iterations=300).choose(threat.game, threat, 1, seed=1) == "column-4"
    threat.apply({1: "column-2"})
    values = SearchPlayer(iterations=300).evaluate(threat.game, threat, 0, seed=1)
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
        ("nonsense", "OpenSpiel knows no game 'nonsense'"),
        ("tic_tac_toe(x=1)", "cannot load 'tic_tac_toe.x=1.': Unknown parameter 'x'"),
        ("mfg_crowd_modelling", "has a crowd"),
        ("python_iterated_prisoners_dilemma", "no text of what a single player may know"),
        ("colored_trails", "93123 different actions"),
        ("crossword", "0 different actions"),
        ("stones_and_gems", "draws its chance in secret"),
    ],
)
def test_unplayable_games_are_refused_in_one_line(name: str, says: str, capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(BadInput, match=says) as refused:
        load_game(f"openspiel:{name}")
    assert "\n" not in str(refused.value)
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize(
    ("name", "imagine"),
    [
        ("breakthrough(rows=4,columns=4)", "open"),
        ("nim(pile_sizes=3;4;5,is_misere=False)", "open"),
        ("oshi_zumo(coins=4,size=1,horizon=6)", "open"),
        ("goofspiel(num_cards=4,points_order=descending)", "open"),
        ("goofspiel(num_cards=4,imp_info=True)", "replay"),
        ("pig(winscore=15)", "open"),
        ("blotto", "open"),
        ("matching_pennies_3p", "open"),
        ("kuhn_poker(players=3)", "resample"),
        ("leduc_poker", "resample"),
        ("liars_dice", "replay"),
        ("phantom_ttt", "replay"),
        ("dark_hex", "replay"),
        ("hearts", "resample"),
        ("skat", None),
        ("2048", "open"),
        ("catch", "open"),
    ],
)
def test_games_of_every_kind_keep_the_contract(name: str, imagine: str | None) -> None:
    game = load_game(f"openspiel:{name}")
    assert [problem for problem in check_game(game) if not problem.startswith("name ")] == []
    assert isinstance(game, OpenSpielGame)
    assert game.imagine == imagine


def test_chance_is_drawn_from_the_seed_and_a_clone_draws_the_same() -> None:
    game = load("kuhn_poker")
    deals = [tuple(game.initial_state(seed).state.history()) for seed in range(400)]
    assert deals == [tuple(game.initial_state(seed).state.history()) for seed in range(400)]
    assert len(set(deals)) == 6
    assert min(deals.count(deal) for deal in set(deals)) > 40  # 67 on average
    pig = copied("pig(winscore=30)", 5)
    copy = pig.clone()
    for _ in range(6):
        for state in (pig, copy):
            state.apply({state.to_act()[0]: "roll"})
    assert str(pig.state) == str(copy.state)


def test_a_belief_knows_neither_the_hidden_card_nor_the_next_die() -> None:
    state = copied("kuhn_poker", 1)
    assert len({state.belief(0, seed).state.history()[1] for seed in range(20)}) == 2
    assert {state.belief(0, seed).state.history()[0] for seed in range(20)} == {state.state.history()[0]}
    pig = copied("pig(winscore=30)", 5)
    after = []
    for seed in range(20):
        belief = pig.belief(0, seed)
        belief.apply({0: "roll"})
        after.append(str(belief.state))
    assert len(set(after)) > 3


def test_returns_are_scaled_and_shares_of_a_forfeit_sum_to_zero() -> None:
    state = load("kuhn_poker").initial_state(1)
    state.apply({0: "bet"})
    state.apply({1: "bet"})
    assert sorted(state.returns()) == [-1, 1]
    passed = load("kuhn_poker").initial_state(1)
    passed.apply({0: "bet"})
    passed.apply({1: "pass"})
    assert passed.returns() == (0.5, -0.5)
    three = load("kuhn_poker(players=3)").initial_state(1)
    three.apply({0: None})
    assert three.returns() == (-1, 0.5, 0.5)
    assert forfeit_returns(3, (0, 1)) == (-0.5, -0.5, 1)
    alone = load("catch").initial_state(1)
    alone.apply({0: "jump"})
    assert alone.returns() == (-1,)


def test_names_of_moves_are_words_or_the_text_says_what_they_mean() -> None:
    assert load("nim(pile_sizes=3;4;5,is_misere=False)").moves[0] == "pile-1-take-1"
    assert load("kuhn_poker").moves == ("pass", "bet")
    assert set(load("phantom_ttt").words[1]) == {f"o-{row}-{column}" for row in range(3) for column in range(3)}
    chess = load("chess").initial_state(1)
    observation = chess.observe(1)  # in OpenSpiel's chess player 1 is white
    assert len(observation.legal_moves) == 20
    named = dict(part.split(" is ") for part in observation.text.split("Here ")[1].split(".\n")[0].split("; "))
    assert set(named) == set(observation.legal_moves)
    assert "Nf3" in named.values()
    knight = next(move for move, name in named.items() if name == "Nf3")
    chess.apply({1: knight})
    assert str(chess.state).startswith("rnbqkbnr/pppppppp/8/8/8/5N2")


def test_replies_are_read_whole_words_only() -> None:
    hex_board = load("hex(board_size=3)")
    observation = hex_board.initial_state(0).observe(0)
    assert hex_board.read_move("not a1 but B2.", observation) == "b2"
    nim = load("nim(pile_sizes=3;4;5,is_misere=False)")
    assert nim.read_move("I say pile-2-take-3", nim.initial_state(0).observe(0)) == "pile-2-take-3"


def test_a_game_of_three_with_chance_is_replayed_from_its_record() -> None:
    game = load("kuhn_poker(players=3)")
    players = (load_bot("random"), load_bot("random"), load_bot("random"))
    for seed in range(5):
        record = asyncio.run(play_episode(Match(game, players, seed, Clock("paused"))))
        assert record.ended_by == "result"
        assert replay(record, game) == []


def test_search_plays_games_with_chance_hidden_cards_and_moves_at_once() -> None:
    search = SearchPlayer(iterations=60)
    for name in ("kuhn_poker", "liars_dice", "goofspiel(num_cards=4,imp_info=True)", "pig(winscore=10)", "blotto"):
        record = asyncio.run(play_episode(Match(load(name), (search, load_bot("random")), 2, Clock("paused"))))
        assert record.ended_by == "result"
    with pytest.raises(BadInput, match="states cannot be copied"):
        asyncio.run(play_episode(Match(load("skat"), (search,) * 3, 2, Clock("paused"))))
