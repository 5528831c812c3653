"""Playing many pairs: bounded, in order, resumable; a provider's fault voids its pair and nothing else."""

import asyncio
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
from small_games import Alone, Heap, Rope, Told, Trio, drawn

from episodes.clock import Clock
from episodes.fault import FaultPlace, GuestFault
from episodes.game import Observation
from episodes.pairs import (
    EpisodeSink,
    PairResult,
    Setting,
    pair_matches,
    pair_points,
    play_matches,
    play_pairs,
    void_pair,
)
from episodes.player import Context, Decision, Player
from episodes.record import EpisodeRecord
from episodes.store.store import Store
from models.errors import BadInput, BudgetExhausted, GameFault, ModelError, RateLimited, Unavailable


@dataclass
class Memory:
    """A sink in memory."""

    kept: dict[str, EpisodeRecord] = field(default_factory=dict)

    def scores(self, episode_id: str) -> tuple[float, ...] | None:
        record = self.kept.get(episode_id)
        return tuple(seat.score for seat in record.seats) if record else None

    def save(self, record: EpisodeRecord) -> None:
        assert record.id not in self.kept, "an episode was played twice"
        self.kept[record.id] = record

    def save_faults(self, place: FaultPlace, faults: Sequence[GuestFault]) -> None:
        raise AssertionError(f"nobody here is a guest: {faults}")


@dataclass
class Faulty(Told):
    """Fails with ``error`` in its episodes on the seeds in ``bad``, told by their heap of stones."""

    error: ModelError = field(default_factory=lambda: Unavailable("down"))
    bad: Callable[[str], bool] = lambda text: False

    async def act(self, observation: Observation, context: Context) -> Decision:
        if self.bad(observation.text):
            raise self.error
        return await super().act(observation, context)


def test_a_void_pair_names_the_episode_in_which_its_game_broke() -> None:
    first, second = pair_matches(setting(Memory()), Told("a", drawn), Told("b", drawn), 1)
    ids, fine = (first.id, second.id), (1.0, 0.0)
    for outcomes, broke in (
        ((fine, GameFault("in apply")), second.id),
        ((GameFault("in apply"), fine), first.id),
        ((GameFault("in apply"), Unavailable("down")), ""),
    ):
        assert void_pair(first, ids, outcomes).broke == broke


def setting(sink: EpisodeSink, **changes: Any) -> Setting:
    return replace(Setting(Heap(), Clock("paused"), "play", sink), **changes)


def run(where: Setting, a: Player, b: Player, seeds: list[int], **more: object) -> list[PairResult]:
    return asyncio.run(play_pairs(where, a, b, seeds, **more))  # type: ignore[arg-type]


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store.open(tmp_path / "s.db") as opened:
        yield opened


def perfect(observation: Observation, context: Context) -> str:
    """Leave a multiple of four: wins any heap that is not one."""
    return f"take-{max(1, int(observation.text.split()[0]) % 4)}"


def test_a_pair_is_one_seed_with_the_sides_swapped(store: Store) -> None:
    a, b = Told("a", perfect), Told("b", perfect)
    results = run(setting(store), a, b, [1, 2, 3])
    # Heaps of 6, 7 and 8: whoever starts wins the first two, and loses the last, so every pair is even.
    assert [result.k for result in results] == [2, 2, 2]
    for result in results:
        first, second = (store.episode(episode_id) for episode_id in result.episodes)
        assert [seat.player for seat in first.seats] == ["a", "b"]
        assert [seat.player for seat in second.seats] == ["b", "a"]
        assert first.seed == second.seed == result.seed
        assert first.pair_id == second.pair_id == result.pair_id
        assert first.turns[0].fingerprint == second.turns[0].fingerprint


@pytest.mark.parametrize(("a", "b", "k"), [(perfect, lambda *_: None, 4), (lambda *_: None, perfect, 0)])
def test_k_is_the_first_players(a: Callable[..., str], b: Callable[..., str], k: int) -> None:
    assert [result.k for result in run(setting(Memory()), Told("a", a), Told("b", b), [1, 2])] == [k, k]


def test_draws_count_half() -> None:
    where = setting(Memory(), game=Rope())
    (result,) = run(where, Told("a", lambda *_: "push"), Told("b", lambda *_: "push"), [1])
    assert result.k == 2
    (result,) = run(where, Told("c", lambda *_: "push"), Told("d", lambda *_: "push"), [2])  # it drifts to seat 0
    assert result.k == 2


def test_results_are_in_the_order_of_the_seeds_and_told_as_they_finish() -> None:
    seeds = [4, 1, 3, 2, 8, 5]
    told: list[int] = []
    results = run(setting(Memory()), Told("a", drawn), Told("b", drawn), seeds, on_pair=lambda p: told.append(p.seed))
    assert [result.seed for result in results] == seeds
    assert sorted(told) == sorted(seeds)


def test_what_is_stored_is_not_played_again(store: Store) -> None:
    a, b = Told("a", drawn), Told("b", drawn)
    before = run(setting(store), a, b, [1, 2])
    calls = a.calls
    again = run(setting(store), a, b, [2, 1, 3])
    assert again[:2] == before[::-1]
    new = sum(len(store.episode(episode_id).turns) for episode_id in again[2].episodes)
    assert a.calls + b.calls - 2 * calls <= new + abs(a.calls - b.calls)
    assert len(store.episode_ids()) == 6
    other = run(setting(store, scope="another night"), a, b, [1])
    assert other[0].episodes != before[0].episodes


def test_half_a_pair_is_completed(store: Store) -> None:
    a, b = Told("a", drawn), Told("b", drawn)
    whole = run(setting(Memory()), a, b, [7])
    first, _ = pair_matches(setting(store), a, b, 7)
    asyncio.run(play_matches([first], store, concurrency=1, on_result=lambda match, outcome: None))
    calls = a.calls + b.calls
    assert run(setting(store), a, b, [7]) == whole
    assert a.calls + b.calls - calls == len(store.episode(whole[0].episodes[1]).turns)


@pytest.mark.parametrize("error", [Unavailable("down"), RateLimited("slow down")])
def test_a_fault_voids_its_pair_only(store: Store, error: ModelError) -> None:
    bad = Faulty("a", perfect, error=error, bad=lambda text: text.startswith("7"))  # the heap of seed 2
    results = run(setting(store), bad, Told("b", lambda *_: None), [1, 2, 3])
    assert [result.k for result in results] == [4, None, 4]
    assert results[1].fault == f"{type(error).__name__}: {error}"
    assert results[0].fault == ""
    # The half in which the other seat began ended before the fault, and is kept for the next try.
    assert [store.scores(episode_id) for episode_id in results[1].episodes] == [None, (0.0, 1.0)]
    bad.bad = lambda text: False
    assert [result.k for result in run(setting(store), bad, Told("b", lambda *_: None), [1, 2, 3])] == [4, 4, 4]


def test_an_exhausted_budget_stops_everything(store: Store) -> None:
    out = Faulty("a", drawn, error=BudgetExhausted("the night's 2 dollars are used"), bad=lambda text: text[0] == "7")
    with pytest.raises(BudgetExhausted, match="2 dollars"):
        run(setting(store, concurrency=1), out, Told("b", drawn), [1, 2, 3, 4])
    kept = {store.summary(episode_id).seed for episode_id in store.episode_ids()}
    assert kept == {1}  # finished before; nothing after it is begun


@pytest.mark.parametrize(("width", "most"), [(1, 1), (3, 3), (0, 8)])
def test_concurrency_is_bounded(width: int, most: int) -> None:
    a, b = Told("a", drawn), Told("b", drawn)
    both = Told("both", drawn)
    run(setting(Memory(), concurrency=width), both, both, [1, 2, 3, 4])
    assert both.most == most
    assert max(a.most, b.most) == 0


def test_one_episode_at_a_time_where_latency_is_real() -> None:
    assert setting(Memory(), clock=Clock("measured")).width == 1
    assert setting(Memory()).width == 64
    assert setting(Memory(), concurrency=5, clock=Clock("measured")).width == 5


def test_concurrency_changes_no_result() -> None:
    def outcomes(width: int) -> list[PairResult]:
        where = setting(Memory(), game=Rope(), clock=Clock("simulated", 150, 70), concurrency=width)
        return run(where, Told("a", drawn), Told("b", drawn), list(range(12)))

    assert outcomes(1) == outcomes(5) == outcomes(64)


def test_ids_tell_pairs_apart() -> None:
    base = setting(Memory())
    a, b = Told("a", drawn), Told("b", drawn)
    settings = [base, replace(base, scope="s"), replace(base, purpose="gate"), replace(base, clock=Clock("measured"))]
    ids = {pair_matches(where, a, b, 1)[0].pair_id for where in settings}
    ids |= {pair_matches(base, b, a, 1)[0].pair_id, pair_matches(base, a, b, 2)[0].pair_id}
    ids |= {pair_matches(base, replace(a, model="m"), b, 1)[0].pair_id}
    assert len(ids) == 7


def test_a_mistake_in_a_player_is_raised_as_it_is() -> None:
    def broken(observation: Observation, context: Context) -> str:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        run(setting(Memory()), Told("a", broken), Told("b", drawn), [1, 2])


def test_in_a_game_of_one_seat_a_pair_is_the_same_task_for_both() -> None:
    where = setting(Memory(), game=Alone())
    good, poor = Told("good", lambda seen, context: "high"), Told("poor", lambda seen, context: "low")
    assert [pair.k for pair in run(where, good, poor, [1, 2])] == [4, 4]
    assert [pair.k for pair in run(where, poor, good, [3])] == [0]
    assert [pair.k for pair in run(where, good, good, [4])] == [2]
    assert [pair.k for pair in run(where, Told("other", lambda seen, context: "high"), poor, [1])] == [4]
    kept = where.sink.kept.values()  # type: ignore[attr-defined]
    assert len(kept) == 2 * 5
    assert {(record.seats[0].player, record.seats[0].score) for record in kept} == {
        ("good", 0.75),
        ("poor", 0.25),
        ("other", 0.75),
    }


@pytest.mark.parametrize(
    ("first", "second", "k"),
    [((1.0, 0.0), (0.0, 1.0), 4), ((0.5, 0.5), (0.5, 0.5), 2), ((1.0, 0.0), (1.0, 0.0), 2), ((0.0, 1.0), (0.5, 0.5), 1),
     ((0.7,), (0.6,), 4), ((0.6,), (0.6,), 2), ((0.1,), (0.6,), 0)],
)  # fmt: skip
def test_points_of_a_pair(first: tuple[float, ...], second: tuple[float, ...], k: int) -> None:
    assert pair_points(first, second) == k


def test_more_than_two_seats_are_no_pair() -> None:
    with pytest.raises(BadInput, match="trio has 3 seats and a pair is a matter of two"):
        run(setting(Memory(), game=Trio()), Told("a", drawn), Told("b", drawn), [1])
