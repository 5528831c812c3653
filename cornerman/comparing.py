"""One comparison between two players of the command line: played, recorded, and summed up by side."""

from collections.abc import Callable
from typing import Any

from cornerman.workplace import Workplace
from episodes.clock import Clock
from episodes.player import Player
from models.errors import BadInput
from optimize.arena import Arena
from optimize.compare import CompareRule, Progress, compare
from optimize.ledger import CONFIRMING, Contestant, Entry, Ledger
from optimize.seeds import derive
from optimize.sides import side_totals, sides_dict


async def compare_players(
    place: Workplace,
    sides: tuple[Player, Player],
    *,
    rule: CompareRule,
    clock: Clock,
    seed: int,
    on_line: Callable[[str], None],
) -> dict[str, Any]:
    """Compare the two and keep the comparison; the result is what ``cornerman compare --json`` prints.

    The comparison's id, seeds and episodes follow from its inputs, so the same call plays nothing twice.
    """
    a, b = sides
    if (a.name, a.prompt_id) == (b.name, b.prompt_id):
        raise BadInput(f"{a.name} cannot be compared with itself: name two different players")
    inputs = (place.game.name, str(clock), a.name, a.prompt_id or "", b.name, b.prompt_id or "", seed)
    root = f"{derive('compare', *inputs):016x}"
    source = Arena(place.game, clock, place.store, scope=f"compare {root}", runner=place.players.runner)
    found = await compare(source, a, b, rule, root, on_progress=lambda progress: on_line(line(progress)))
    entry = Entry(
        id=f"{derive(root, repr(rule)):016x}",
        game=place.game.name,
        clock=str(clock),
        purpose="compare",
        a=Contestant(a.name, a.prompt_id),
        b=Contestant(b.name, b.prompt_id),
        stages={"compare": found.sample, CONFIRMING: found.confirmation.sample},
        verdict=found.verdict,
        alpha=rule.alpha,
    )
    Ledger(place.store).record(entry)
    both = side_totals(place.store, (found.sample + found.confirmation.sample).results)
    return {"id": entry.id, **found.as_dict(), **sides_dict(*both)}


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
