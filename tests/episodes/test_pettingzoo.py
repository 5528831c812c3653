"""PettingZoo: the classic games in words, other people's environments, forfeits, missing actions, replays, copies."""

import asyncio
import re
from collections.abc import Mapping
from typing import Any

import pettingzoo
import pytest
import zoo_meadow
import zoo_pile
from pettingzoo.test import api_test, parallel_api_test, parallel_seed_test, seed_test

from episodes.clock import Clock
from episodes.contract import check_game
from episodes.game import CloneableState
from episodes.games import load_game
from episodes.games.pettingzoo import NAMES, load
from episodes.games.pettingzoo.chess import all_moves
from episodes.games.pettingzoo.state import AecState, ParallelState, PettingZooState
from episodes.play import Match, play_episode
from episodes.players.bots import load_bot
from episodes.players.search import SearchPlayer
from episodes.record import EpisodeRecord
from episodes.replay import replay
from models.errors import BadInput, GameFault

LONGER = ("chess_v6(turns=24)", "go_v5(board_size=9,turns=30)", "rps_v2(num_actions=5,max_cycles=4)")
CARDS = ("leduc_holdem_v4", "texas_holdem_v4", "texas_holdem_no_limit_v6", "texas_holdem_v4(num_players=3)")


def after(name: str, *moves: str, seed: int = 0) -> Any:
    state = load(name).initial_state(seed)
    for move in moves:
        state.apply({state.to_act()[0]: move})
    return state


def play(name: str, seed: int = 1) -> EpisodeRecord:
    game = load_game(name)
    bots = tuple(load_bot("random") for _ in range(game.seats))
    return asyncio.run(play_episode(Match(game, bots, seed, Clock.parse("paused"))))


@pytest.mark.filterwarnings("ignore::UserWarning")  # PettingZoo's advice on how spaces should look
def test_our_environments_pass_pettingzoos_own_tests() -> None:
    api_test(zoo_pile.env(), num_cycles=200)
    seed_test(zoo_pile.env, num_cycles=50)
    parallel_api_test(zoo_meadow.parallel_env(), num_cycles=200)
    parallel_seed_test(zoo_meadow.parallel_env, num_cycles=50)


@pytest.mark.parametrize(
    "name",
    [*NAMES, *LONGER, "zoo_pile", "zoo_meadow"],
)
def test_the_games_keep_the_contract(name: str) -> None:
    assert check_game(load(name)) == []


@pytest.mark.parametrize("name", ["texas_holdem_v4", "rps_v2", "go_v5(board_size=5)", "zoo_pile", "zoo_meadow"])
def test_an_episode_plays_again(name: str) -> None:
    record = play(f"pettingzoo:{name}", seed=7)
    assert len(record.turns) > 2
    assert replay(record, load_game(f"pettingzoo:{name}")) == []


def test_an_illegal_move_costs_what_the_other_wins() -> None:
    """PettingZoo itself gives the loser -1 and the winner 0."""
    env = pettingzoo.make("aec", "classic/tictactoe-v3")
    env.reset(seed=1)
    env.step(4)
    env.step(4)
    assert env.rewards == {"player_1": 0, "player_2": -1.0}
    for bad in (None, "centre", "bottom-up"):
        state = after("tictactoe_v3", "centre")
        assert not state.accepts(1, "centre")
        state.apply({1: bad})
        assert state.is_terminal()
        assert state.returns() == (1.0, -1.0)
        assert state.to_act() == ()
        assert state.observe(1).legal_moves == ()
    pile = load("zoo_pile").initial_state(1)
    pile.apply({0: None})
    assert pile.returns() == (-1.0, 0.5, 0.5)


def test_a_missing_action_is_the_declared_default() -> None:
    env = zoo_meadow.parallel_env()
    env.reset(seed=3)
    with pytest.raises(KeyError):
        env.step({"sheep_0": 0, "sheep_1": 1})
    game = load("zoo_meadow")
    assert game.default == "stay"
    assert "Whoever gives no legal move plays stay." in game.rules
    state = game.initial_state(3)
    with pytest.raises(ValueError, match=r"\(0, 1, 2\) are to act"):
        state.apply({0: "left", 1: "left"})
    state.apply({0: "right", 1: "left", 2: None})
    assert [entry.move for entry in state.log] == ["right", "left", "stay"]
    assert "right" not in state.legal_moves(0)
    state.apply({0: "right", 1: "left", 2: "nowhere"})
    assert [entry.move for entry in state.log[3:]] == ["stay", "left", "stay"]
    other = load("zoo_meadow(default=left)").initial_state(3)
    other.apply({0: None, 1: "stay", 2: "stay"})
    assert other.log[0].move == "left"
    assert load("rps_v2").default == "rock"


def test_an_environment_that_breaks_in_the_middle_voids_its_game(monkeypatch: pytest.MonkeyPatch) -> None:
    game = load("zoo_meadow")

    def stumbles(self: object, actions: object) -> None:
        raise LookupError("no berry")

    monkeypatch.setattr(zoo_meadow.Meadow, "step", stumbles)
    with pytest.raises(GameFault, match=r"in step: LookupError: no berry \(test_pettingzoo.py, line "):
        asyncio.run(play_episode(Match(game, (load_bot("random"),) * 3, 1, Clock("paused"))))


def test_seats_that_leave_early_are_not_asked_again() -> None:
    meadow = load("zoo_meadow(rounds=3)").initial_state(1)
    assert isinstance(meadow, ParallelState)
    for seats in ((0, 1, 2), (0, 1, 2), (0, 1)):
        assert meadow.to_act() == seats
        meadow.apply(dict.fromkeys(seats, "left"))
    assert meadow.is_terminal()
    assert "observation: 2 " in meadow.observe(2).text
    pile = load("zoo_pile").initial_state(1)
    assert isinstance(pile, AecState)
    out: set[int] = set()
    while not pile.is_terminal():
        (seat,) = pile.to_act()
        assert seat not in out
        pile.apply({seat: "action-1"})
        out |= {one for one in range(3) if pile.env.possible_agents[one] not in pile.env.agents}
        assert pile.observe(0).text
    assert sorted(pile.totals) in ([-1.0, -0.5, 1.5], [-1.0, -1.0 + 0.5, 1.5])
    assert sum(pile.returns()) == pytest.approx(0)
    assert max(pile.returns()) == 0.75


def test_tic_tac_toe_in_words() -> None:
    state = after("tictactoe_v3", "centre", "top-left", "top-right")
    seen = state.observe(1)
    assert "You are o. The board:\no . x\n. x .\n. . .\nMoves so far: centre, top-left, top-right." in seen.text
    assert seen.situation == {"phase": "middle", "can_win": "no", "must_block": "yes"}
    assert state.observe(0).situation["can_win"] == "yes"
    state.apply({1: "bottom-left"})
    state.apply({0: "middle-left"})
    state.apply({1: "middle-right"})
    state.apply({0: "top-middle"})
    state.apply({1: "bottom-middle"})
    assert state.observe(0).text.count("x") >= 4
    won = after("tictactoe_v3", "centre", "top-left", "top-right", "top-middle", "bottom-left")
    assert won.returns() == (1.0, -1.0)
    assert "o o x\n. x .\nx . ." in won.observe(0).text


def test_connect_four_in_words() -> None:
    state = after("connect_four_v3", *["column-4", "column-1"] * 3)
    assert "o . . x . . ." in state.observe(1).text
    assert state.observe(0).situation["can_win"] == "yes"
    assert SearchPlayer(iterations=200).choose(load("connect_four_v3"), state, 0, seed=1) == "column-4"
    state.apply({0: "column-4"})
    assert state.returns() == (1.0, -1.0)
    full = after("connect_four_v3", *["column-2"] * 6)
    assert "column-2" not in full.legal_moves(0)


def test_rock_paper_scissors_in_words() -> None:
    state = load("rps_v2(max_cycles=2)").initial_state(1)
    assert state.to_act() == (0, 1)
    state.apply({0: "rock", 1: "paper"})
    assert "Round 1: you rock, the other paper: lost." in state.observe(0).text
    assert state.observe(1).situation == {"last": "won", "score": "ahead"}
    state.apply({0: "rock", 1: "paper"})
    assert state.returns() == (-1.0, 1.0)
    five = load("rps_v2(num_actions=5,max_cycles=9)")
    assert "spock beats rock and scissors" in five.rules.lower()
    state = five.initial_state(1)
    pairs = [(one, two) for one in five.moves for two in five.moves][:9]
    for one, two in pairs:
        state.apply({0: one, 1: two})
    outcomes = re.findall(r": (won|lost|drew)\.", state.observe(0).text)
    assert state.totals[0] == outcomes.count("won") - outcomes.count("lost")


def test_chess_in_words() -> None:
    mate = after("chess_v6", "f2f3", "e7e5", "g2g4", "d8h4")
    assert mate.is_terminal()
    assert mate.returns() == (-1.0, 1.0)
    check = after("chess_v6", "e2e4", "f7f6", "d1h5")
    assert check.observe(1).situation == {"phase": "opening", "check": "yes", "material": "even"}
    assert check.legal_moves(1) == ("g7g6",)
    assert "As FEN: rnbqkbnr/ppppp1pp/5p2/7Q/4P3/8/PPPP1PPP/RNB1KBNR b KQkq - 1 2" in check.observe(1).text
    promoted = after("chess_v6", *["a2a4", "b7b5", "a4b5", "a7a6", "b5a6", "c8b7", "a6b7", "h7h6"])
    assert {"b7a8q", "b7a8n", "b7b8q"} - set(promoted.legal_moves(0)) == {"b7b8q"}
    promoted.apply({0: "b7a8n"})
    assert promoted.observe(0).situation["material"] == "ahead"
    castled = after("chess_v6", *["e2e4", "e7e5", "g1f3", "g8f6", "f1c4", "f8c5", "e1g1"])
    assert "RNBQ1RK1" in castled.observe(1).text
    assert "e8g8" in castled.legal_moves(1)
    assert len(all_moves()) == 1968
    game = load("chess_v6")
    assert game.read_move("After 1.e4 I play E7E5, better than e7e6: e7e5.", castled.observe(1)) == "e7e5"
    assert game.read_move("Nf6", castled.observe(1)) is None


def test_go_in_words_on_boards_of_two_sizes_at_once() -> None:
    small, large = after("go_v5(board_size=5)"), after("go_v5(board_size=9)")
    for one, two in (("A1", "J9"), ("B1", "H9"), ("C5", "A1")):
        small.apply({small.to_act()[0]: one})
        large.apply({large.to_act()[0]: two})
    assert " 1 X O . . .\n" in small.observe(1).text
    assert " 9 . . . . . . . O X\n" in large.observe(0).text
    assert small.observe(1).situation["theirs_in_atari"] == "yes"
    small.apply({1: "A2"})
    assert " 2 O . . . .\n 1 . O . . .\n" in small.observe(0).text
    assert "A1" not in small.legal_moves(0)
    small.apply({0: "pass"})
    assert small.observe(1).situation["last"] == "pass"
    small.apply({1: "pass"})
    assert small.returns() == (-1.0, 1.0)
    counted = after("go_v5(board_size=9,turns=2,komi=0.5)", "E5", "pass")
    assert counted.is_terminal()
    assert counted.returns() == (1.0, -1.0)


@pytest.mark.parametrize("name", CARDS)
def test_a_seat_sees_nothing_of_what_is_hidden(name: str) -> None:
    """Whatever cards the others hold and the deck brings, the text, the situation and the moves stay the same."""
    seen_by_seat = 0
    for seed in range(3):
        state = load(name).initial_state(seed)
        random_moves = iter(range(100))
        while not state.is_terminal():
            for seat in range(state.setup.seats):
                observations = {str(state.observe(seat))}
                hands = set()
                for draw in range(5):
                    assert isinstance(state, CloneableState)
                    believed = state.belief(seat, draw)
                    assert isinstance(believed, PettingZooState)
                    observations.add(str(believed.observe(seat)))
                    hands.add(believed.setup.wording.secret(believed.env))
                assert len(observations) == 1
                assert len(hands) > 1
                seen_by_seat += 1
            (seat,) = state.to_act()
            legal = [move for move in state.legal_moves(seat) if move != "fold"]
            state.apply({seat: legal[(seed + next(random_moves)) % len(legal)]})
        cards = [re.findall(r"You hold the (.*)\.", state.observe(seat).text)[0] for seat in range(state.setup.seats)]
        for seat in range(state.setup.seats):
            text = state.observe(seat).text
            assert all(
                theirs not in text for other, theirs in enumerate(cards) if theirs != cards[seat] and other != seat
            )
    assert seen_by_seat > 10


def test_a_belief_deals_only_cards_that_may_be_there() -> None:
    state = after("leduc_holdem_v4", seed=3)
    own = state.observe(0).text.splitlines()[1]
    assert own == "You hold the queen of hearts."
    dealt = [str(state.belief(0, draw).env.unwrapped.env.game.players[1].hand) for draw in range(400)]
    counts = {rank: sum(one[0] == rank for one in dealt) for rank in "JQK"}
    # Five cards are unseen: one queen, two jacks, two kings.
    assert 50 < counts["Q"] < 115
    assert min(counts["J"], counts["K"]) > 120
    assert state.fingerprint() == state.clone().fingerprint()


def test_poker_in_words_and_its_bounds() -> None:
    state = after("leduc_holdem_v4", "raise", "raise", "call", "raise", "raise", "call", seed=3)
    assert state.is_terminal()
    assert sorted(state.returns()) in ([-1.0, 1.0], [0.0, 0.0])
    assert "Chips in the pot: you 14, player 2 14." in state.observe(0).text
    limit = after("texas_holdem_v4", "raise", "raise", "raise", "raise", "call", seed=3)
    assert limit.observe(0).situation == {"round": "flop", "made": "pair", "facing": "nothing"}
    for _ in range(3):
        for move in ("raise", "raise", "raise", "raise", "call"):
            limit.apply({limit.to_act()[0]: move})
    assert limit.is_terminal()
    assert sorted(limit.returns()) == [-1.0, 1.0]
    all_in = after("texas_holdem_no_limit_v6", "all-in", "check-or-call", seed=3)
    assert sorted(all_in.returns()) == [-1.0, 1.0]
    assert after("texas_holdem_no_limit_v6", "all-in", "fold", seed=3).returns() == (0.02, -0.02)


def test_copies_are_faithful_where_deepcopy_is_not() -> None:
    import copy

    state = after("connect_four_v3", "column-4", "column-4")
    assert sum(state.env.unwrapped.board) == 3
    assert sum(copy.deepcopy(state.env).unwrapped.board) == 0
    other = state.clone()
    other.apply({0: "column-1"})
    assert sum(state.env.unwrapped.board) == 3
    assert sum(other.env.unwrapped.board) == 4
    assert not load("zoo_pile").capabilities.clone
    assert not isinstance(load("zoo_pile").initial_state(1), Mapping)
    assert not hasattr(PettingZooState, "clone")


def test_games_can_be_renamed_where_their_rules_explain_the_moves() -> None:
    game = load_game("pettingzoo:leduc_holdem_v4+renamed")
    seen = game.initial_state(1).observe(0).text + game.rules
    assert not re.search(r"\b(leduc|fold|raise|king|call|check)\b", seen, re.IGNORECASE)
    assert all(move in game.rules for move in game.moves)
    assert all(move in load("tictactoe_v3").rules for move in load("tictactoe_v3").moves)
    for name in ("chess_v6", "go_v5(board_size=5)", "zoo_pile"):
        with pytest.raises(BadInput, match="cannot be renamed"):
            load_game(f"pettingzoo:{name}+renamed")


def test_other_peoples_environments_in_words() -> None:
    game = load("zoo_pile")
    assert game.moves == ("action-0", "action-1")
    assert game.bound == 2
    assert game.rules.startswith("Take one or two stones from a pile. Answer with one legal move")
    seen = game.initial_state(4).observe(0)
    assert re.search(r"observation: \d 3\nIt is your turn\.", seen.text)
    assert seen.situation == {"phase": "opening"}
    meadow = load("zoo_meadow").initial_state(1).observe(2)
    assert re.search(r"observation: 0 \d \d", meadow.text)
    assert "action_mask" not in meadow.text
    assert load("zoo_pile(bound=8)").bound == 8


def test_what_cannot_be_played_says_why() -> None:
    for name, why in {
        "no_such_game": "none of the classic games (tictactoe_v3",
        "json": "the module json has neither parallel_env() nor env()",
        "zoo pile": "is no name of a game",
        "../zoo_pile": "write the name of a classic game",
        "tictactoe_v3(colour=3)": "cannot be made",
        "zoo_meadow(default=up)": "no move 'up' to be the default: use one of left, right, stay",
        "zoo_pile(bound=x)": "bound=x: give a number",
        "pettingzoo.classic.connect_four_v9": "cannot be imported",
    }.items():
        with pytest.raises(BadInput, match=re.escape(why)):
            load(name)
