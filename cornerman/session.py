"""Playing a given number of episodes between two players, and their sum."""

import time
from collections.abc import Callable
from typing import Any

from cornerman.workplace import Workplace
from episodes.clock import Clock
from episodes.pairs import Setting, pair_matches, pair_points, play_matches
from episodes.play import Match, play_episode
from episodes.player import Player
from models.errors import Void
from optimize.seeds import Seeds
from optimize.stats.eprocess import interval
from optimize.stats.pairs import Counts


async def play_session(
    place: Workplace,
    players: tuple[Player, Player],
    *,
    clock: Clock,
    episodes: int,
    seed: int,
    progress: Callable[[int, int], None],
) -> dict[str, Any]:
    """Play ``episodes`` episodes, the last alone if they are odd; the result is what ``cornerman play --json`` prints.

    A fault of a provider or of a game voids its episode, and with it the pair. The score is ``None`` without a whole
    pair. ``seconds`` is the time of this run, so it is short where episodes were in the store already.
    """
    started = time.perf_counter()
    concurrency = 1 if any(player.name == "human" for player in players) else 0
    runner = place.runner
    setting = Setting(
        place.game,
        clock,
        "play",
        place.store,
        scope="play",
        concurrency=concurrency,
        runner=runner,
        predates=place.store.lacks_identities,
    )
    seeds = Seeds(f"play {seed}", "play").take(0, (episodes + 1) // 2)
    matches = [match for one in seeds for match in pair_matches(setting, *players, one)][:episodes]
    scores: dict[str, tuple[float, ...]] = {}
    faults: list[str] = []

    def on_result(match: Match, outcome: tuple[float, ...] | Void) -> None:
        if isinstance(outcome, Void):
            faults.append(f"{type(outcome).__name__}: {outcome}")
        else:
            scores[match.id] = outcome
        progress(len(scores) + len(faults), episodes)

    run = play_episode if runner is None else runner.play
    await play_matches(matches, place.store, concurrency=setting.width, on_result=on_result, run=run)
    pairs = zip(matches[::2], matches[1::2], strict=False)
    whole = [pair_points(scores[one.id], scores[two.id]) for one, two in pairs if {one.id, two.id} <= scores.keys()]
    counts = Counts.of(whole)
    low, high = interval(counts)
    return {
        "episodes": len(scores),
        "pairs": counts.total,
        "counts": list(counts),
        "score": counts.mean if counts.total else None,
        "low": low,
        "high": high,
        **_totals(place, matches, scores),
        "seconds": time.perf_counter() - started,
        "voided": len(faults),
        "faults": faults[:3],
        "ids": [match.id for match in matches if match.id in scores],
    }


def _totals(place: Workplace, matches: list[Match], scores: dict[str, tuple[float, ...]]) -> dict[str, Any]:
    """The mean final return of each seat, whoever sat there, and what all seats together did."""
    episodes = [place.store.summary(match.id) for match in matches if match.id in scores]
    seats = [seat for episode in episodes for seat in episode.seats]
    returns = [[episode.seats[seat].result for episode in episodes] for seat in range(place.game.seats)]
    return {
        "returns": [sum(values) / len(values) if values else None for values in returns],
        "illegal": sum(seat.illegal for seat in seats),
        "unreadable": sum(seat.unreadable for seat in seats),
        "refused": sum(seat.refused for seat in seats),
        "timeouts": sum(seat.timeouts for seat in seats),
        "faulted": sum(seat.faults for seat in seats),
        "turns": sum(seat.turns for seat in seats),
        "cost_usd": sum(seat.cost_usd for seat in seats),
    }
