import asyncio
import json
import math
from collections import defaultdict
from itertools import combinations

import numpy as np
import pytest

from episodes.clock import Clock
from episodes.games import load_game
from episodes.games.duel import GAME
from episodes.play import Match, play_episode
from episodes.players.bots import load_bot
from episodes.record import EpisodeRecord
from episodes.store.store import Store
from reflect.evidence import (
    GROUPS,
    LOOKAHEAD,
    Cell,
    Turns,
    between_variance,
    gather,
    load_turns,
    tabulate,
    turns_of,
)
from reflect.rows import TurnRow


def slow_rows(records: list[EpisodeRecord], player: str) -> list[tuple[int, dict[str, str], str | None, float, float]]:
    """(episode number, situation, move, gain, score) of every turn, in plain Python."""
    rows = []
    for number, record in enumerate(sorted(records, key=lambda r: r.id)):
        for seat in record.seats:
            if seat.player != player:
                continue
            turns = [turn for turn in record.turns if turn.seat == seat.seat]
            for at, turn in enumerate(turns):
                ahead = at + LOOKAHEAD
                later = turns[ahead].reward if ahead < len(turns) else 2 * seat.score - 1
                rows.append((number, turn.situation, turn.move, later - turn.reward, seat.score))
    return rows


def mean(values: list[float]) -> float:
    return sum(values) / len(values)


def slow_cell(rows: list, situation: dict[str, str], move: str, groups: int) -> dict[str, float]:  # type: ignore[type-arg]
    """One cell as its definition says."""
    here = [row for row in rows if row[2] is not None and all(row[1][f] == v for f, v in situation.items())]
    mine = [row for row in here if row[2] == move]
    others = [row for row in here if row[2] != move]
    a, b = mean([row[3] for row in mine]), mean([row[3] for row in others])
    parts: dict[int, float] = defaultdict(float)
    for row in mine:
        parts[row[0] % groups] += (row[3] - a) / len(mine)
    for row in others:
        parts[row[0] % groups] -= (row[3] - b) / len(others)
    error = math.sqrt(sum(part**2 for part in parts.values()) * groups / (groups - 1))
    return {
        "n": len(mine),
        "share": len(here) / sum(row[2] is not None for row in rows),
        "gain": a,
        "score": mean([row[4] for row in mine]),
        "advantage": a - b,
        "error": error,
    }


def test_the_table_equals_a_slow_computation(played: tuple[Store, list[str]]) -> None:
    store, episodes = played
    turns = load_turns(store, GAME, player="weak@base", episodes=episodes)
    cells = {(cell.situation, cell.move): cell for cell in tabulate(turns)}
    rows = slow_rows([store.episode(one) for one in episodes], "weak@base")
    assert len(rows) == len(turns)
    groups = min(GROUPS, len(episodes))
    wanted: list[dict[str, str]] = [{}]
    for count in (1, 2):
        for features in combinations(GAME.features, count):
            seen = sorted({tuple(row[1][f] for f in features) for row in rows})
            wanted += [dict(zip(features, values, strict=True)) for values in seen[:3]]
    checked = 0
    for situation in wanted:
        for move in GAME.moves:
            cell = cells.get((tuple(situation.items()), move))
            if cell is None:
                continue
            slow = slow_cell(rows, situation, move, groups)
            for name, value in slow.items():
                assert getattr(cell, name) == pytest.approx(value, abs=1e-12), (situation, move, name)
            checked += 1
    assert checked > 100


def test_shrinkage_lies_between_the_raw_advantage_and_the_moves_own(played: tuple[Store, list[str]]) -> None:
    store, episodes = played
    cells = tabulate(load_turns(store, GAME, player="weak@base", episodes=episodes))
    overall = {cell.move: cell for cell in cells if not cell.situation}
    assert len(overall) == len(GAME.moves)

    def keeps(cell: Cell) -> float:
        centre = overall[cell.move].advantage
        return (cell.shrunken - centre) / (cell.advantage - centre)

    single = [c for c in cells if len(c.situation) == 1 and abs(c.advantage - overall[c.move].advantage) > 1e-6]
    assert all(0 <= keeps(cell) < 1 and cell.low <= cell.shrunken <= cell.high for cell in single)
    by_error = sorted(single, key=lambda cell: cell.error)
    assert keeps(by_error[0]) >= keeps(by_error[-1])


def test_between_variance_is_found_again() -> None:
    draw = np.random.default_rng(1)
    errors = draw.uniform(0.05, 0.2, 4000)
    true = draw.normal(0, 0.1, 4000)
    assert between_variance(true + draw.normal(0, errors), errors) == pytest.approx(0.01, rel=0.1)
    assert between_variance(draw.normal(0, errors), errors) < 0.001
    assert between_variance(np.zeros(0), np.zeros(0)) == 0


def test_intervals_hold_when_games_are_correlated() -> None:
    """Moves drawn at random within games whose level differs: the true advantage is 0 and 95 % intervals cover it."""
    situation = json.dumps(dict(zip(GAME.features, (v[0] for v in GAME.features.values()), strict=True)))
    legal = json.dumps(GAME.moves)
    covered = total = 0
    for run in range(60):
        draw = np.random.default_rng(run)
        rows = []
        for episode in range(60):
            style = draw.choice(["jab", "guard"], p=[0.8, 0.2] if draw.random() < 0.5 else [0.2, 0.8])
            score = float(draw.integers(0, 2))
            for n in range(10):
                move = str(style) if draw.random() < 0.7 else "heavy"
                rows.append(TurnRow(f"{episode:03}", n, 0, situation, move, legal, 0.0, score, 2 * score - 1, None))
        turns = gather(GAME, rows, lambda text: text)
        for cell in tabulate(turns):
            if not cell.situation:
                total += 1
                covered += abs(cell.advantage) <= 1.96 * cell.error
    assert covered / total > 0.9


def test_turns_of_records_equal_those_of_the_store(played: tuple[Store, list[str]]) -> None:
    store, episodes = played
    stored = load_turns(store, GAME, player="weak@base", episodes=episodes)
    pairs = []
    for one in sorted(episodes):
        record = store.episode(one)
        pairs.append((record, next(seat.seat for seat in record.seats if seat.player == "weak@base")))
    direct = turns_of(GAME, pairs)
    for name in ("values", "moves", "legal", "gains", "scores", "swings", "episodes", "ns"):
        assert np.array_equal(getattr(stored, name), getattr(direct, name)), name
    assert stored.episode_ids == direct.episode_ids and stored.prompt_ids == direct.prompt_ids
    assert stored.situation(5) == dict(pairs[0][0].turns[int(stored.ns[5])].situation)


def test_filters(played: tuple[Store, list[str]]) -> None:
    store, episodes = played
    everything = load_turns(store, GAME)
    assert len(load_turns(store, GAME, player="weak@base")) < len(everything)
    assert len(load_turns(store, GAME, episodes=episodes[:1]).episode_ids) == 1
    assert len(load_turns(store, GAME, model="stand-in", purpose="play")) == len(
        load_turns(store, GAME, player="weak@base")
    )
    assert len(load_turns(store, GAME, purpose="gate")) == len(load_turns(store, GAME, player="nobody")) == 0
    assert tabulate(load_turns(store, GAME, player="nobody")) == []


def games_of(name: str, games: int, seats: tuple[int, ...] = (0,)) -> Turns:
    """The turns of random players in some games of OpenSpiel, of the seats asked for."""
    game, bots = load_game(f"openspiel:{name}"), (load_bot("random"), load_bot("random"))
    records = [asyncio.run(play_episode(Match(game, bots, seed, Clock("paused")))) for seed in range(games)]
    return turns_of(game, [(record, seat) for record in records for seat in seats])


@pytest.mark.parametrize("name", ["tic_tac_toe", "connect_four", "kuhn_poker"])
@pytest.mark.parametrize("seats", [(0,), (0, 1)])
def test_a_game_that_pays_at_its_end_is_judged_by_its_scores(name: str, seats: tuple[int, ...]) -> None:
    """However many games there are, and whether a player had one seat of a game or both."""
    turns = games_of(name, 12, seats)
    assert np.any(turns.gains[:-LOOKAHEAD] != 0), "the ends of the games before the last are in the table"
    assert turns.outcome == "score"
    for cell in tabulate(turns, least=1):
        if not cell.situation:
            mine = turns.moves == turns.game.moves.index(cell.move)
            lead = turns.scores[mine].mean() - turns.scores[~mine & (turns.moves >= 0)].mean()
            assert cell.advantage == pytest.approx(lead), cell.move


def test_a_game_that_pays_on_the_way_is_judged_by_its_gains() -> None:
    for seats in ((0,), (0, 1)):
        assert games_of("roshambo(rounds=12)", 3, seats).outcome == "gain"


def test_the_outcome_is_by_seat_and_game() -> None:
    """Gains by hand: only what is paid before a seat's last four decisions of a game is paid on the way."""
    game = load_game("openspiel:tic_tac_toe")

    def row(episode: str, n: int, seat: int, reward: float, result: float) -> TurnRow:
        situation = json.dumps({name: values[0] for name, values in game.features.items()})
        return TurnRow(episode, n, seat, situation, game.moves[0], "[]", reward, (1 + result) / 2, result, None)

    def outcome(*rewards: tuple[str, int, list[float]]) -> str:
        rows = [
            row(episode, 2 * n + seat, seat, reward, 1.0)
            for episode, seat, of_seat in rewards
            for n, reward in enumerate(of_seat)
        ]
        return gather(game, rows, lambda text: text).outcome

    assert outcome(("a", 0, [0.0] * 5), ("a", 1, [0.0] * 5), ("b", 0, [0.0] * 6)) == "score"
    assert outcome(("a", 0, [0.0] * 4 + [0.5]), ("b", 0, [0.0] * 6)) == "gain"
    assert outcome(("a", 0, [0.0] * 6), ("b", 0, [0.0, 0.0, 0.0, 0.5])) == "score"
    assert outcome(("a", 0, [0.0]), ("b", 0, [0.0]), ("c", 0, [0.0])) == "score"
    assert outcome() == "score"
