"""One comparison between two players of the command line: played, recorded, and summed up by side.

They play each other or, apart from each other, the same opponents.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import fmean

from cornerman.format import count, e_value, fixed
from cornerman.losing import Answers, answers
from cornerman.result import FLAT, IF_ANY
from cornerman.workplace import Workplace
from episodes.clock import Clock
from episodes.player import Player, identity_of
from episodes.store.store import Store
from models.errors import BadInput
from optimize.arena import Arena
from optimize.compare import CompareReport, CompareRule, Comparison, Progress, compare
from optimize.comparison_store import CONFIRMING, ComparisonStore, Contestant, Entry
from optimize.seeds import derive
from optimize.sides import Both, Sides, lost_by_side, side_totals
from optimize.stats.eprocess import log_e
from optimize.through import Through


@dataclass(frozen=True, slots=True)
class CompareResult:
    """What ``cornerman compare --json`` prints: the figures of the comparison and what each side took.

    ``answers`` says what each side is held to and which decisions it lost. ``reused`` games are of before it was kept
    which model answers behind a name. Only where the two did not meet: ``against`` are the opponents, ``scores`` the
    mean score in [0, 1] of A and of B against each of them over all pairs, ``None`` without one.
    """

    id: str
    report: CompareReport = field(metadata=FLAT)
    sides: Sides = field(metadata=FLAT)
    answers: Both[Answers]
    reused: int
    against: tuple[str, ...] | None = field(default=None, metadata=IF_ANY)
    scores: Mapping[str, Both[float | None]] | None = field(default=None, metadata=IF_ANY)


async def compare_players(
    place: Workplace,
    sides: tuple[Player, Player],
    *,
    rule: CompareRule,
    clock: Clock,
    seed: int,
    on_line: Callable[[str], None],
    opponents: Sequence[Player] = (),
) -> CompareResult:
    """Compare the two and keep the comparison.

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
    told = _should_tell(place.store, (one for pair in played for one in pair.episodes), (a, b, *opponents))
    reused = [one for one in told if place.store.lacks_identities(one)]
    # The same names with other models behind them are another comparison; games of before do not tell.
    behind = [identity_of(one) for one in (a, b, *opponents)] if len(reused) < len(told) else []
    entry = Entry(
        id=f"{derive(root, repr(rule), *behind):016x}",
        game=place.game.name,
        clock=str(clock),
        purpose="compare",
        a=Contestant.of(a),
        b=Contestant.of(b),
        stages={"compare": found.sample, CONFIRMING: found.confirmation.sample},
        verdict=found.verdict,
        alpha=rule.alpha,
        opponents=tuple(map(Contestant.of, opponents)),
    )
    ComparisonStore(place.store).record(entry)
    apart = sides if opponents else None
    both = Sides.of(*side_totals(place.store, played, apart=apart))
    lost = lost_by_side(place.store, played, apart=apart)
    answered = Both(*(answers(one, place.game, its) for one, its in zip(sides, lost, strict=True)))
    if not opponents:
        return CompareResult(entry.id, found.report(), both, answered, len(reused))
    names, scores = tuple(one.name for one in opponents), _scores(place, found, sides, opponents)
    return CompareResult(entry.id, found.report(), both, answered, len(reused), names, scores)


def _should_tell(store: Store, episodes: Iterable[str], players: Sequence[Player]) -> list[str]:
    """Those of the stored ``episodes`` in which somebody plays whose answers depend on more than its names say."""
    known = {(one.name, one.prompt_id) for one in players if identity_of(one)}
    return [
        one
        for one in episodes
        if store.scores(one) is not None  # a void one is not there
        and any((seat.player, seat.prompt_id) in known for seat in store.summary(one).seats)
    ]


def _scores(
    place: Workplace, found: Comparison, sides: tuple[Player, Player], opponents: Sequence[Player]
) -> dict[str, Both[float | None]]:
    scores: dict[str, Both[list[float]]] = {one.name: Both([], []) for one in opponents}
    for pair in (found.sample + found.confirmation.sample).results:
        if pair.k is None:
            continue
        for at, (side, episode) in enumerate(zip(sides, pair.episodes, strict=True)):
            mine, other = sorted(
                place.store.summary(episode).seats,
                key=lambda one: (one.player, one.prompt_id) != (side.name, side.prompt_id),
            )
            both = scores[other.player]
            (both.b if at else both.a).append(mine.score)
    return {name: Both(_mean(both.a), _mean(both.b)) for name, both in scores.items()}


def _mean(values: Sequence[float]) -> float | None:
    return fmean(values) if values else None


def line(progress: Progress) -> str:
    """Where a comparison stands, in one line."""
    counts = " ".join(map(str, progress.counts))
    if progress.stage == "confirm":
        return f"measuring the gain: {progress.counts.total} of {count(progress.limit, 'fresh pair')}  [{counts}]"
    ahead = f"about {count(2 * progress.to_decision, 'game')} to go" if progress.to_decision is not None else ""
    better, worse = (e_value(log_e(one)) for one in (progress.counts, progress.counts.mirror))
    return (
        f"{progress.counts.total} of {count(progress.limit, 'pair')}  [{counts}]  "
        f"e-value {better} better, {worse} worse  "
        f"score {fixed(progress.low, 2)} to {fixed(progress.high, 2)}  {ahead or 'no end in sight'}"
    )
