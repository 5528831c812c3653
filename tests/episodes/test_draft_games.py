"""Following a human, tables of several seats, and the drafter that counts: what they see, score and cannot know."""

import asyncio
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any

import pytest
from made_drafts import write_drafts

from episodes.clock import Clock
from episodes.contract import check_game
from episodes.games import load_game
from episodes.games.draft.agreement import Answer, agreement, answers
from episodes.games.draft.counts import PickCounts
from episodes.games.draft.drafts import Draft, Pick
from episodes.games.draft.follow import FollowGame, questions
from episodes.games.draft.human import RecordedDrafter
from episodes.games.draft.split import is_unseen
from episodes.games.draft.table import DECK, TableGame, TableState, pool_value
from episodes.games.draft.view import View, came_back, listed, read_card, read_pool
from episodes.play import Match, play_episode
from episodes.player import Player
from episodes.players.bots import load_bot
from episodes.players.drafter import load_drafter
from episodes.record import EpisodeRecord
from episodes.replay import replay
from models.errors import BadInput


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Two made files of different sets, in the current folder."""
    found = tmp_path_factory.mktemp("drafts")
    write_drafts(found / "made.csv.gz", tables=420, cards=100, top=0.7)
    write_drafts(found / "other.csv.gz", tables=120, cards=100, code="OTHER", seed=2, top=0.9)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(found)
        yield found


@pytest.fixture
def game(folder: Path) -> FollowGame:
    found = load_game("draft:made.csv.gz")
    assert isinstance(found, FollowGame)
    return found


def table(seats: int) -> TableGame:
    found = load_game(f"draft:made.csv.gz(seats={seats})")
    assert isinstance(found, TableGame)
    return found


def play(game: Any, players: tuple[Player, ...], seed: int) -> EpisodeRecord:
    return asyncio.run(play_episode(Match(game, players, seed, Clock.parse("paused"))))


def pick(pack: str, taken: str, numbers: tuple[int, int] = (0, 0)) -> Pick:
    return Pick(*numbers, tuple(pack), tuple(taken))


def draft_of(*picks: Pick) -> Draft:
    return Draft("a", "2026-01-01 10:00:00", "MADE", "PremierDraft", "gold", 100, 0.6, picks)


@pytest.mark.parametrize("option", ["", "(split=train)", "(seats=2)", "(seats=5)"])
def test_draft_games_keep_the_contract(folder: Path, option: str) -> None:
    assert check_game(load_game(f"draft:made.csv.gz{option}")) == []


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("draft:", "cannot be read"),
        ("draft:none.csv", "there is no file none.csv"),
        ("draft:made.csv.gz(seats=9)", "a table has 2 to 8 seats"),
        ("draft:made.csv.gz(seats=two)", "a table has 2 to 8 seats"),
        ("draft:made.csv.gz(split=all)", r"there are \(split=train\)"),
        ("draft:made.csv.gz(colour=red)", r"there are \(split=train\)"),
        ("draft:made.csv.gz(seats=2", "cannot be read"),
    ],
)
def test_names_that_cannot_be_read(folder: Path, name: str, says: str) -> None:
    with pytest.raises(BadInput, match=says):
        load_game(name)


def test_a_side_without_drafts_and_a_table_without_packs(tmp_path: Path) -> None:
    path = tmp_path / "one.csv"
    write_drafts(path, tables=1, cards=30, top=1.0)
    with pytest.raises(BadInput, match=r"none of the top drafters' 2 drafts is held-out"):
        load_game(f"draft:{path}")
    write_drafts(path, tables=20, cards=30, top=1.0)
    with pytest.raises(BadInput, match=r"has only 4 held-out packs of 14 cards for round 1: too few for a table of 8"):
        load_game(f"draft:{path}(seats=8)").initial_state(1)


# Following a human.


def test_a_seat_sees_the_pack_and_the_human_pool_and_nothing_else(game: FollowGame) -> None:
    draft = game.draft(3)
    state = game.initial_state(3)
    for asked, question in enumerate(questions(draft)):
        seen = state.observe(0)
        assert state.to_act() == (0,)
        assert seen.legal_moves == question.view.choices
        assert f"The pack ({len(question.view.pack)} card" in seen.text
        taken = [card for one in draft.picks for card in one.taken][: len(question.view.pool)]
        assert question.view.pool == tuple(taken)
        known = {*question.view.pool, *question.view.pack}
        assert not [card for card in game.moves if card not in known and _named(card, seen.text, known)]
        state.apply({0: seen.legal_moves[asked % len(seen.legal_moves)]})
    assert state.is_terminal() and state.observe(0).legal_moves == ()


def _named(card: str, text: str, known: set[str]) -> bool:
    """Whether the text names a card other than as a part of a known one's name."""
    for name in sorted(known, key=len, reverse=True):
        text = text.replace(name, "")
    return re.search(rf"\b{re.escape(card)}\b", text) is not None


def test_the_score_is_the_share_of_agreement(game: FollowGame) -> None:
    perfect = play(game, (RecordedDrafter(),), 5)
    assert perfect.seats[0].score == 1.0 and replay(perfect, game) == []
    state = game.initial_state(5)
    total = len(perfect.turns)
    for n in range(total):
        state.apply({0: state.wanted[0] if n % 3 == 0 else None})
    agreed = len(range(0, total, 3))
    assert state.returns() == pytest.approx(((2 * agreed - total) / total,))
    with pytest.raises(ValueError, match="is not in the pack"):
        game.initial_state(5).apply({0: "No Such Card"})


def test_seeds_draw_every_draft_once_before_any_twice(game: FollowGame) -> None:
    ids = [game.draft(seed).id for seed in range(game.drafts)]
    assert len(set(ids)) == game.drafts
    assert game.draft(game.drafts + 2).id == ids[2] == game.draft(2).id


def test_training_drafts_are_others_and_hold_no_held_out_card(game: FollowGame) -> None:
    training = load_game("draft:made.csv.gz(split=train)")
    assert isinstance(training, FollowGame)
    held_out = {game.draft(seed).id for seed in range(game.drafts)}
    hidden = [card for card in game.moves if is_unseen(card)]
    assert hidden
    for seed in range(30):
        assert training.draft(seed).id not in held_out
        state = training.initial_state(seed)
        while not state.is_terminal():
            seen = state.observe(0)
            assert not any(card in seen.legal_moves or f"{card};" in seen.text for card in hidden)
            state.apply({0: None})
    offered = [card for seed in range(20) for q in questions(game.draft(seed)) for card in q.view.choices]
    assert set(hidden) & set(offered)


def test_what_is_no_choice_is_not_asked_and_two_picks_are_two_questions() -> None:
    asked = questions(draft_of(pick("AABC", "AB"), pick("AC", "CA", (0, 1)), pick("BB", "B", (1, 0))))
    assert [(question.view.pack, question.wanted) for question in asked] == [
        (("A", "A", "B", "C"), ("A", "B")),
        (("A", "B", "C"), ("B",)),
        (("A", "C"), ("C", "A")),
    ]
    assert asked[1].view.pool == ("A",) and asked[2].view.pool == ("A", "B")


def test_features_say_what_a_seat_knows() -> None:
    view = View(1, 9, ("A", "B", "C", "C"), ("C", "D"), True)
    assert view.situation() == {"round": "second", "phase": "late", "offered": "few", "back": "yes", "copies": "yes"}
    assert View(0, 3, tuple("ABCDEFGHIJ"), (), False).situation()["offered"] == "many"
    assert came_back(("A", "B"), [("A", "C"), ("A", "B", "B")])
    assert not came_back(("A", "A"), [("A", "B", "C")]) and not came_back(("A",), [("A",)])
    pool = ("A, the Bold", "B (x)", "A, the Bold")
    assert listed(pool) == "A, the Bold (x2); B (x)"
    assert read_pool(View(0, 0, ("A",), pool, False).observation().text) == ("A, the Bold", "A, the Bold", "B (x)")
    assert read_pool(View(0, 0, ("A",), (), False).observation().text) == () and read_pool("A fight.") is None


def test_a_reply_is_read_with_the_pack_in_mind(game: FollowGame) -> None:
    seen = game.initial_state(2).observe(0)
    first, second, *_ = seen.legal_moves
    outside = next(card for card in game.moves if card not in seen.legal_moves)
    assert game.read_move(f" {first.upper()}. ", seen) == first
    assert game.read_move(f"Not {first}: I take {second}.", seen) == second
    assert game.read_move(f"{first} beats {outside}", seen) == first
    assert game.read_move(f"I want {outside}!", seen) == outside
    assert game.read_move("no idea", seen) is None


CARDS = ("Fire // Ice", "Fire Imp", "Jötun Grunt", "Lim-Dûl's Vault", "Urza's Bauble", "Wear // Tear", "Wear // Down",
         "Æther Vial", "Commit // Memory", "Commit")  # fmt: skip


@pytest.mark.parametrize(
    ("reply", "card"),
    [
        ("Urza\u2019s Bauble", "Urza's Bauble"),
        ("I take Urza\u02bcs Bauble.", "Urza's Bauble"),
        ("\u201cJotun Grunt\u201d", "Jötun Grunt"),
        ("not the JOTUN GRUNT but the aether vial", "Æther Vial"),
        ("Lim-Dul\u2019s Vault", "Lim-Dûl's Vault"),
        ("Lim\u2011Du\u0302l's Vault", "Lim-Dûl's Vault"),
        ("Fire", "Fire // Ice"),
        ("Fire // Ice", "Fire // Ice"),
        ("I pick Fire/Ice", "Fire // Ice"),
        ("**Fire Imp**", "Fire Imp"),
        ("rather Fire than Fire Imp", "Fire Imp"),
        ("rather Fire Imp than Fire", "Fire // Ice"),
        ("Wear // Tear", "Wear // Tear"),
        ("Wear", None),
        ("Commit", "Commit"),
        ("Commit // Memory", "Commit // Memory"),
        ("firefly", None),
    ],
)
def test_a_card_is_found_however_its_name_is_written(reply: str, card: str | None) -> None:
    assert read_card(reply, CARDS, CARDS) == card
    assert read_card(f"Reasons first.\n{reply}", CARDS, CARDS) == card


# Tables.


def test_a_table_passes_left_then_right_and_deals_every_card_once(folder: Path) -> None:
    game = table(4)
    state = game.initial_state(1)
    opened = [list(packs) for packs in state.rounds]
    assert all(len(pack) == 14 for packs in opened for pack in packs)
    draw = Random(1)
    before = list(state.packs)
    for turn in range(3):
        moves = {seat: draw.choice(before[seat]) for seat in range(4)}
        state.apply(dict(moves))
        step = 1
        for seat in range(4):
            passed = Counter(before[seat]) - Counter([moves[seat]])
            assert Counter(state.packs[(seat + step) % 4]) == passed, turn
        before = list(state.packs)
    while state.number == 0:
        state.apply({seat: state.observe(seat).legal_moves[0] for seat in state.to_act()})
    assert [len(pool) for pool in state.pools] == [14] * 4
    first = list(state.packs)
    assert first == opened[1]
    state.apply({seat: first[seat][0] for seat in range(4)})
    assert state.packs[3] == first[0][1:]
    assert state.observe(3).situation["round"] == "second"
    while not state.is_terminal():
        state.apply({seat: state.observe(seat).legal_moves[0] for seat in state.to_act()})
    assert Counter(card for pool in state.pools for card in pool) == Counter(
        card for packs in opened for pack in packs for card in pack
    )
    assert sum(state.returns()) == pytest.approx(0.0)


def test_packs_of_a_table_are_real_and_held_out(folder: Path, game: FollowGame) -> None:
    real = {one.pack for seed in range(game.drafts) for one in game.draft(seed).picks if one.pick_number == 0}
    state = table(8).initial_state(4)
    dealt = [pack for packs in state.rounds for pack in packs]
    assert len(dealt) == 24 and set(dealt) <= real
    assert table(8).initial_state(4).rounds == state.rounds != table(8).initial_state(5).rounds


def test_who_names_no_card_gets_the_worst(folder: Path) -> None:
    game = table(2)
    state = game.initial_state(1)
    pack = state.packs[0]
    state.apply({0: None, 1: state.packs[1][0]})
    assert state.pools[0] == (min(pack, key=lambda card: game.values[card]),)
    with pytest.raises(ValueError, match="is not in the pack of seat 1"):
        state.apply({0: state.packs[0][0], 1: "No Such Card"})


def test_values_follow_how_early_top_drafters_take_a_card(folder: Path) -> None:
    counts = PickCounts.empty(("A", "B", "C"))
    index = {"A": 0, "B": 1, "C": 2}
    for _ in range(40):
        draft = draft_of(pick("ABC", "A"), pick("BC", "B", (0, 1)), pick("C", "C", (0, 2)))
        counts.add(draft, index)
        counts.add_pairs(draft, index)
    values = counts.values()
    assert values[0] > values[1] > values[2] >= 0 and values[0] <= 1
    assert counts.expected.tolist() == pytest.approx([40 / 3, 40 / 3 + 20, 40 / 3 + 20 + 40])
    assert counts.taken_with[1, 0] == 40 and counts.expected_with[1, 0] == pytest.approx(20)
    assert counts.taken_with[0].sum() == 0
    twice = PickCounts.empty(("A", "B", "C"))
    twice.add_pairs(draft_of(pick("AAB", "AA"), pick("BC", "C", (0, 1))), index)
    assert twice.taken_with[2, 0] == 2 and twice.expected_with[1, 0] == twice.expected_with[2, 0] == 1.0
    best = tuple(f"{n}" for n in range(DECK + 2))
    assert pool_value(best, {card: float(int(card) >= 2) for card in best}) == 1.0


# The drafter, and what generalises.


def measured(player: Any, game: FollowGame, drafts: int) -> list[list[Answer]]:
    seeds = range(min(drafts, game.drafts))
    return [answers(questions(game.draft(seed)), play(game, (player,), seed)) for seed in seeds]


def test_counting_beats_chance_on_held_out_drafts_and_not_on_held_out_cards(folder: Path, game: FollowGame) -> None:
    found = measured(load_drafter("made.csv.gz"), game, 60)
    everything = agreement(found)
    assert (
        everything.low is not None
        and everything.low > 0.55
        and everything.chance is not None
        and everything.chance < 0.25
    )
    blind = agreement(measured(load_bot("random"), game, 30))
    assert blind.low is not None and blind.high is not None and blind.low < (blind.chance or 0) < blind.high
    taken = agreement(found, lambda answer: answer.kind == "taken")
    assert taken.picks > 40 and taken.share is not None and taken.chance is not None
    # Of a card that training never saw it knows nothing; it may even shun it for those that it knows to be good.
    assert taken.share < taken.chance + 0.15
    offered = agreement(found, lambda answer: answer.kind == "offered")
    assert offered.share is not None and offered.share > 0.5


def test_counts_of_one_set_say_nothing_about_another(folder: Path) -> None:
    other = load_game("draft:other.csv.gz")
    assert isinstance(other, FollowGame)
    known = [card for card in other.moves if card in load_game("draft:made.csv.gz").moves]
    at_home = agreement(measured(load_drafter("other.csv.gz"), other, 12))
    abroad = agreement(measured(load_drafter("made.csv.gz"), other, 12))
    assert len(known) < 50
    assert at_home.low is not None and at_home.low > 0.45
    assert abroad.share is not None and abroad.share < (abroad.chance or 0) + 0.12


def test_the_drafter_wins_a_table_and_keeps_its_seed(folder: Path) -> None:
    game, drafter = table(4), load_drafter("made.csv.gz")
    records = [
        play(game, (load_bot("random"), drafter, load_bot("random"), load_bot("random")), seed) for seed in (1, 2)
    ]
    assert all(record.seats[1].score == 1.0 and record.seats[0].score == 0.0 for record in records)
    again = play(game, (load_bot("random"), drafter, load_bot("random"), load_bot("random")), 1)
    assert [turn.move for turn in again.turns] == [turn.move for turn in records[0].turns]
    assert replay(again, game) == []


def test_the_drafter_needs_no_list_of_moves_and_knows_cards_by_name(folder: Path, game: FollowGame) -> None:
    drafter = load_drafter("made.csv.gz")
    shown = play(game, (drafter,), 3)
    assert play(load_game("draft:made.csv.gz+unlisted"), (drafter,), 3).seats[0].score == shown.seats[0].score > 0.4


def test_the_drafter_plays_drafts_only(folder: Path) -> None:
    drafter = load_drafter("made.csv.gz")
    with pytest.raises(BadInput, match="duel is no draft"):
        play(load_game("duel"), (drafter, drafter), 1)
    with pytest.raises(BadInput, match="names no file"):
        load_drafter("")
    with pytest.raises(BadInput, match="plays recorded drafts only"):
        play(table(2), (RecordedDrafter(), RecordedDrafter()), 1)


def test_an_episode_of_another_draft_is_not_judged(game: FollowGame) -> None:
    record = play(game, (RecordedDrafter(),), 1)
    with pytest.raises(BadInput, match="the file has changed since"):
        answers(questions(game.draft(1))[:-1], record)
    assert all(answer.agreed for answer in answers(questions(game.draft(1)), record))


def test_the_interval_covers_the_truth_as_often_as_it_says() -> None:
    draw = Random(7)
    covered = 0
    for _ in range(400):
        drafts = []
        for _ in range(40):
            skill = draw.betavariate(6, 4)  # drafts differ: their picks hang together
            drafts.append(
                [Answer("familiar", "early", draw.random() < skill, 0.2) for _ in range(draw.choice((20, 40)))]
            )
        found = agreement(drafts)
        assert found.low is not None and found.high is not None
        covered += found.low <= 0.6 <= found.high
    assert 0.91 < covered / 400 < 0.98
    assert agreement([]).share is None and agreement([drafts[0]]).low is None


def test_a_table_of_two_picks_a_pack_passes_after_both(folder: Path) -> None:
    game = table(2)
    pairs = replace(game.prepared.facts, takes=2)
    state = TableState(
        replace(game, prepared=type(game.prepared)(game.prepared.path, pairs)), game.initial_state(1).rounds
    )
    mine, theirs = state.packs
    state.apply({0: mine[0], 1: theirs[0]})
    assert state.packs == [mine[1:], theirs[1:]] and state.observe(0).text.startswith("Pack 1, pick 1.")
    state.apply({0: mine[1], 1: theirs[1]})
    assert state.packs == [theirs[2:], mine[2:]] and state.observe(0).text.startswith("Pack 1, pick 2.")


def test_kinds_of_picks(game: FollowGame) -> None:
    kinds = Counter[str]()
    for seed in range(8):
        asked = questions(game.draft(seed))
        for question, answer in zip(asked, answers(asked, play(game, (RecordedDrafter(),), seed)), strict=True):
            new = {card for card in question.view.pack if is_unseen(card)}
            assert (answer.kind == "familiar") == (not new)
            assert (answer.kind == "taken") == bool(new & set(question.wanted))
            assert answer.chance == pytest.approx(len(set(question.wanted)) / len(question.view.choices))
            kinds[answer.kind] += 1
    assert len(kinds) == 3
