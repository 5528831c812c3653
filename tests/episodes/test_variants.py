"""Variants: the same game in another dress, move for move."""

import asyncio
import random
from dataclasses import dataclass, replace

import pytest
from small_games import Heap, Rope, TinyChat, Told, drawn

from episodes.clock import Clock
from episodes.contract import check_game
from episodes.game import Capabilities, grammar_game, plan_game, real_time
from episodes.games import load_game
from episodes.games.variants import dressed
from episodes.play import Match, play_episode
from episodes.players.bots import load_bot
from episodes.players.model import ModelPlayer
from episodes.players.search import SearchPlayer
from episodes.replay import replay
from models.errors import BadInput
from models.grammar import Walker

NAMES = ("duel+renamed", "duel+unlisted", "duel+unlisted+renamed")


@pytest.mark.parametrize("name", NAMES)
def test_a_dressed_game_keeps_the_contract(name: str) -> None:
    game = load_game(name)
    assert game.name == name
    assert check_game(game) == []


def test_capabilities_are_those_of_the_game_beneath() -> None:
    duel = load_game("duel").capabilities
    assert duel.terms
    assert load_game("duel+unlisted").capabilities == duel
    for name in ("duel+renamed", "duel+renamed+unlisted", "duel+unlisted+renamed"):
        assert load_game(name).capabilities == replace(duel, terms=None)
    heap = dressed(Heap(), ["unlisted"])
    assert (heap.capabilities, heap.tick_rate) == (Capabilities(clone=True), None)
    assert not hasattr(heap, "first_move")
    assert not hasattr(heap.initial_state(1), "tick")
    assert not hasattr(dressed(Heap(Capabilities()), ["unlisted"]).initial_state(1), "clone")


def test_the_same_fight_under_other_words() -> None:
    plain, renamed = load_game("duel"), load_game("duel+renamed")
    word = dict(zip(plain.moves, renamed.moves, strict=True))
    one, two = real_time(plain, plain.initial_state(4)), real_time(renamed, renamed.initial_state(4))
    assert one is not None
    assert two is not None
    rng = random.Random(1)
    while not one.is_terminal():
        moves = {seat: rng.choice(one.observe(seat).legal_moves) for seat in one.to_act()}
        for seat in moves:
            seen, dressed_up = one.observe(seat), two.observe(seat)
            assert dressed_up.legal_moves == tuple(word[move] for move in seen.legal_moves)
            assert dressed_up.situation == seen.situation
        one.apply(moves)
        two.apply({seat: word[move] for seat, move in moves.items()})
        assert one.advance(1000) == two.advance(1000)
    assert one.returns() == two.returns()
    assert [word[given.move] for given in one.inputs()] == [given.move for given in two.inputs()]


def test_nothing_gives_a_renamed_game_away() -> None:
    plain, renamed = load_game("duel"), load_game("duel+renamed")
    state = renamed.initial_state(4)
    shown = " ".join([renamed.rules, *renamed.moves, state.observe(0).text, renamed.phrase("shot", "incoming")]).lower()
    for word in (*plain.moves, *(plain.capabilities.terms or ())):
        assert f" {word.lower()} " not in shown.replace(".", " ").replace(",", " ").replace(":", " ")


def test_old_words_are_no_moves() -> None:
    """Who answers from memory answers wrongly."""
    renamed = load_game("duel+renamed")
    state = renamed.initial_state(4)
    seen = state.observe(0)
    assert renamed.read_move("jab", seen) is None
    assert not state.accepts(0, "jab")
    jab, heavy = renamed.moves[0], renamed.moves[1]
    assert renamed.read_move(f"{jab.upper()}; {heavy} if landed", seen) == f"{jab}; {heavy} if landed"
    planned = plan_game(renamed)
    assert planned is not None
    assert planned.first_move(f"{jab}; {heavy}") == jab
    assert planned.rest_of(f"{jab}; {heavy}") == heavy
    written = grammar_game(renamed)
    assert written is not None
    walker = Walker(written.plan_grammar(seen))
    assert walker.knows(f"{jab}; {heavy} if landed") and not walker.knows("jab; heavy if landed")


def test_moves_are_put_to_the_game_as_it_spells_them() -> None:
    """Several words, capitals and marks; the longer name counts where one is the beginning of another."""
    game = dressed(Cards(), ["renamed"])
    assert len(set(game.moves)) == len(game.moves)
    inner = [game.dress.move_in(move) for move in game.moves]  # type: ignore[attr-defined]
    assert inner == list(Cards().moves)
    assert [game.dress.move_in(move.upper()) for move in game.moves] == inner  # type: ignore[attr-defined]


@dataclass(frozen=True)
class Cards(Heap):
    moves: tuple[str, ...] = ("Ash Sage", "Ash Sage of Fire", "O-Ring, the Third")
    capabilities: Capabilities = Capabilities(clone=True, terms=("Card",))


def test_the_words_are_the_same_every_time_and_all_different() -> None:
    one, two = load_game("duel+renamed"), load_game("duel+renamed")
    assert one.moves == two.moves
    assert len(set(one.moves)) == len(one.moves)


def test_unlisted_moves_are_neither_shown_nor_enforced() -> None:
    chat, other = TinyChat(["push"]), TinyChat(["push"])
    for game, asked in ((dressed(Rope(), ["unlisted"]), chat), (Rope(), other)):
        player = ModelPlayer("tiny@base", asked, "rules", "{text} Legal: {legal}", constrained=True)
        record = asyncio.run(play_episode(Match(game, (player, Told("b", drawn)), 1, Clock("paused"))))
        assert record.game == game.name
        assert record.turns[0].legal_moves == ("push", "wait")
    assert "push" not in chat.requests[0].messages[1].content
    assert chat.requests[0].choices is None
    assert other.requests[0].choices == ("push", "wait")


def test_bots_and_search_play_in_any_dress_and_the_game_replays() -> None:
    for name in ("duel+renamed", "openspiel:tic_tac_toe+renamed"):
        game = load_game(name)
        players = (load_bot("random"), SearchPlayer(iterations=4))
        record = asyncio.run(play_episode(Match(game, players, 5, Clock("paused"))))
        assert record.game == name
        assert replay(record, game) == []
        assert replay(replace(record, seed=6, game=name), game) != [] or name.startswith("openspiel")


@pytest.mark.parametrize(
    ("name", "says"),
    [("duel+blue", "no variant 'blue'"), ("duel+renamed+renamed", "no variant"), ("duel+", "no variant ''")],
)
def test_what_is_no_variant(name: str, says: str) -> None:
    with pytest.raises(BadInput, match=says):
        load_game(name)


def test_a_game_that_declares_no_words_cannot_be_renamed() -> None:
    with pytest.raises(BadInput, match="heap cannot be renamed"):
        dressed(Heap(), ["renamed"])
