"""One comparison between two players of the command line: played, recorded, and summed up by side.

They play each other or, apart from each other, the same opponents.
"""

from collections.abc import Callable, Sequence
from statistics import fmean
from typing import Any

from cornerman.workplace import Workplace
from episodes.clock import Clock
from episodes.player import Player, identity_of
from models.errors import BadInput
from optimize.arena import Arena
from optimize.compare import CompareRule, Comparison, Progress, compare
from optimize.comparison_store import CONFIRMING, ComparisonStore, Contestant, Entry
from optimize.seeds import derive
from optimize.sides import side_totals, sides_dict
from optimize.through import Through


async def compare_players(
    place: Workplace,
    sides: tuple[Player, Player],
    *,
    rule: CompareRule,
    clock: Clock,
    seed: int,
    on_line: Callable[[str], None],
    opponents: Sequence[Player] = (),
) -> dict[str, Any]:
    """Compare the two and keep the comparison; the result is what ``cornerman compare --json`` prints.

    With ``opponents`` the two do not meet: see ``optimize.through``. The comparison's id, seeds and episodes follow
    from its inputs, so the same call plays nothing twice.
    """
    a, b = sides
    if (a.name, a.prompt_id) == (b.name, b.prompt_id):
        raise BadInput(f"{a.name} cannot be compared with itself: name two different players")
    inputs: tuple[str | int, ...] = (
        *(place.game.name, str(clock), a.name, a.prompt_id or "", b.name, b.prompt_id or "", seed),
        *(f"{one.name} {one.prompt_id}" for one in opponents),
    )
    root = f"{derive('compare', *inputs):016x}"
    arena = Arena(
        place.game,
        clock,
        place.store,
        scope=f"compare {root}",
        runner=place.runner,
        predates=place.store.lacks_identities,
    )
    source = Through(arena, tuple(opponents)) if opponents else arena
    found = await compare(source, a, b, rule, root, on_progress=lambda progress: on_line(line(progress)))
    played = (found.sample + found.confirmation.sample).results
    said = [identity_of(one) for one in (a, b, *opponents)]
    reused = [one for pair in played for one in pair.episodes if any(said) and place.store.lacks_identities(one)]
    # The same names with other models behind them are another comparison; games of before do not tell.
    behind = said if any(said) and len(reused) < 2 * len(played) else []
    entry = Entry(
        id=f"{derive(root, repr(rule), *behind):016x}",
        game=place.game.name,
        clock=str(clock),
        purpose="compare",
        a=Contestant(a.name, a.prompt_id),
        b=Contestant(b.name, b.prompt_id),
        stages={"compare": found.sample, CONFIRMING: found.confirmation.sample},
        verdict=found.verdict,
        alpha=rule.alpha,
        opponents=tuple(Contestant(one.name, one.prompt_id) for one in opponents),
    )
    ComparisonStore(place.store).record(entry)
    both = side_totals(place.store, played, apart=sides if opponents else None)
    result = {"id": entry.id, **found.as_dict(), **sides_dict(*both), "reused": len(reused)}
    if opponents:
        result |= {"against": [one.name for one in opponents], "scores": _scores(place, found, sides, opponents)}
    return result


def _scores(
    place: Workplace, found: Comparison, sides: tuple[Player, Player], opponents: Sequence[Player]
) -> dict[str, dict[str, float | None]]:
    """The mean score of ``a`` and of ``b`` against each of the opponents, over all pairs, ``None`` without one."""
    scores: dict[str, dict[str, list[float]]] = {one.name: {"a": [], "b": []} for one in opponents}
    for pair in (found.sample + found.confirmation.sample).results:
        if pair.k is None:
            continue
        for key, side, episode in zip("ab", sides, pair.episodes, strict=True):
            mine, other = sorted(
                place.store.summary(episode).seats,
                key=lambda one: (one.player, one.prompt_id) != (side.name, side.prompt_id),
            )
            scores[other.player][key].append(mine.score)
    return {
        name: {key: fmean(values) if values else None for key, values in both.items()} for name, both in scores.items()
    }


def line(progress: Progress) -> str:
    """Where a comparison stands, in one line."""
    counts = " ".join(map(str, progress.counts))
    if progress.stage == "confirm":
        return f"measuring the gain: {progress.counts.total} of {progress.limit} fresh pairs  [{counts}]"
    ahead = f"about {2 * progress.to_decision} games to go" if progress.to_decision is not None else "no end in sight"
    evidence = f"e {progress.e_value:.3g} better, {progress.e_worse:.3g} worse"
    return (
        f"{progress.counts.total} of {progress.limit} pairs  [{counts}]  {evidence}  "
        f"score {progress.low:.2f} to {progress.high:.2f}  {ahead}"
    )
