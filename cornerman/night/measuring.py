"""What the night's guidance is worth, on games that decided nothing: as a whole, and rule by rule.

And whether measuring can be trusted: the champion against itself must come out even.
"""

import math
from dataclasses import replace

from cornerman.format import count, lead, percent_in_words
from cornerman.format import e_value as e_value_in_words
from cornerman.night.corner import Corner
from cornerman.night.results import Controlled, Effects, Interval, Measured
from optimize.arena import Series
from optimize.comparison_store import CONFIRMING, ComparisonStore, Entry
from optimize.confirm import confirm
from optimize.seeds import Seeds
from optimize.stats.eprocess import e_value
from optimize.stats.pairs import Counts
from prompts.prompt import Prompt

ALPHA = 0.05
"""Level of the intervals that a night states."""


async def measure_night(corner: Corner, champion: Prompt) -> Measured | None:
    """The certified champion against the base prompt, on seeds that no decision saw; ``None`` if it is the base."""
    base, pairs = corner.prompt("base"), corner.size.confirm
    if champion.id == base.id:
        return None

    async def work() -> Measured:
        return await _measured(corner, champion, base, pairs, purpose="confirm", name="confirm")

    how = "and the base prompt against the opponents" if corner.opponents else "against the base prompt"
    corner.watch.stage(f"{corner.player(champion).name} {how}, on fresh seeds")
    result = await corner.steps.run("confirm", [champion.id, base.id, pairs], Measured, work)
    corner.watch.say(_told(corner, result))
    return result


def _told(corner: Corner, result: Measured) -> str:
    if corner.opponents:
        worth, low, high = (lead(value - 0.5, digits=1) for value in (result.score, result.low, result.high))
        return (
            f"the certified prompt scores {worth} points of 100 more against its opponents than the base prompt "
            f"(95% interval {low} to {high})"
        )
    return f"against the base prompt the certified one takes {percent_in_words(result.score, result.low, result.high)}"


async def control(corner: Corner, champion: Prompt) -> Controlled:
    """The champion against itself. Evidence that either side is better is an alarm: then the measuring is at fault."""
    pairs, alpha, player = corner.size.control, corner.config.night.alpha, corner.player(champion)

    async def work() -> Controlled:
        series = Series(corner.arena(), player, player, Seeds(corner.root, "control"), "control")
        await series.play(pairs)
        evidence = unevenness(series.sample.counts)
        verdict = "alarm" if evidence >= 1 / alpha else "even"
        entry = _entry(corner, champion, champion, purpose="control", name="control")
        ComparisonStore(corner.store).record(
            replace(entry, stages={"compare": series.sample}, verdict=verdict, alpha=alpha)
        )
        return Controlled(pairs, evidence, verdict)

    corner.watch.stage(f"{player.name} against itself: this must come out even")
    result = await corner.steps.run("control", [champion.id, pairs], Controlled, work)
    if result.verdict == "alarm":
        evidence = e_value_in_words(math.log(result.evidence))
        corner.watch.say(
            f"ALARM: the same player beat itself (e-value {evidence}); something favours a side: "
            "do not trust what this night promoted"
        )
    return result


def unevenness(counts: Counts) -> float:
    """The e-value that one side, whichever it is, is better."""
    return max(e_value(counts), e_value(counts.mirror))


async def weigh_rules(corner: Corner, champion: Prompt) -> Effects:
    """What each rule of the champion is worth: the champion against itself without that rule."""
    pairs = corner.size.effects

    async def work() -> Effects:
        effects: dict[str, Interval] = {}
        for n, item in enumerate(champion.items, 1):
            without = Prompt(champion.base, tuple(other for other in champion.items if other.id != item.id))
            corner.library.save(
                without, corner.game, origin="ablation", parent_id=champion.id, night_id=corner.night_id
            )
            found = await _measured(corner, champion, without, pairs, purpose="ablate", name=f"without-{n}")
            effect = (found.score - 0.5, found.low - 0.5, found.high - 0.5)
            corner.library.set_effect(item.id, *effect)
            effects[item.id] = effect
        return Effects(effects)

    corner.watch.stage(f"what each rule is worth ({count(len(champion.items), 'rule')})")
    return await corner.steps.run("effects", [champion.id, pairs], Effects, work)


async def _measured(corner: Corner, a: Prompt, b: Prompt, pairs: int, *, purpose: str, name: str) -> Measured:
    """Exactly ``pairs`` pairs of A against B, kept as a comparison; A's mean pair score with its interval."""
    confirmation = await confirm(
        corner.source(),
        corner.player(a),
        corner.player(b),
        Seeds(corner.root, f"measure {name}"),
        pairs,
        on_look=lambda counts: corner.progress(counts.total, pairs, f"{name}: {corner.standing(counts)}"),
    )
    entry = _entry(corner, a, b, purpose=purpose, name=name)
    ComparisonStore(corner.store).record(
        replace(entry, stages={CONFIRMING: confirmation.sample}, opponents=corner.through)
    )
    low, high = confirmation.gain_interval
    return Measured(entry.id, confirmation.counts.mean, 0.5 + low, 0.5 + high)


def _entry(corner: Corner, a: Prompt, b: Prompt, *, purpose: str, name: str) -> Entry:
    """A comparison of two prompts of the night's model, without its pairs: it measures and decides nothing."""
    return Entry(
        id=f"{corner.night_id}-{name}",
        game=corner.game.name,
        clock=corner.config.night.clock,
        purpose=purpose,
        a=corner.contestant(a),
        b=corner.contestant(b),
        stages={},
        verdict="measured",
        alpha=ALPHA,
        night_id=corner.night_id,
    )
