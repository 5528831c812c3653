"""The first half of a night: play, reflect, race, gate, confirm. What comes out is guidance that provably wins."""

from collections.abc import Sequence

from cornerman.format import count, lead, percent, percent_in_words
from cornerman.night.corner import Champions, Corner
from cornerman.night.reflection import propose, replay_what_ifs
from cornerman.night.results import Began, GroundLost, LeaguePlayed, TrialOutcome
from episodes.player import Player
from optimize.arena import Sample, Series, play_together
from optimize.comparison_store import ComparisonStore, Entry
from optimize.gate import GateRule
from optimize.guard import Ground, GuardRule, guard
from optimize.race import RaceRule
from optimize.seeds import Seeds, derive
from optimize.stats.pairs import Counts
from optimize.trial import Trial, TrialRule, trial
from prompts.prompt import Prompt
from reflect.rejected import Rejected, keep_rejected

PAST = 3
"""Champions of earlier nights that are still met."""


async def begin(corner: Corner) -> Champions:
    """The champions that the night starts from; in a new store both are the base prompt."""

    async def work() -> Began:
        found = {}
        for alias in ("working", "certified"):
            known = corner.library.aliases.get(alias, corner.game.name, corner.model)
            prompt = corner.prompt(alias if known else "base")
            if known is None:
                corner.library.set(alias, corner.game, corner.model, prompt, note="the first night began")
            found[alias] = prompt.id
        past = _past_champions(corner, found["certified"])
        return Began(found["working"], found["certified"], tuple(past))

    result = await corner.steps.run("begin", [], Began, work)
    working, certified, *past = (
        corner.library.get(one, corner.game) for one in (result.working, result.certified, *result.past)
    )
    return Champions(working, certified, tuple(past))


def _past_champions(corner: Corner, certified: str) -> list[str]:
    """The prompts that were certified before this one, the newest first; the base prompt is in the league anyway."""
    history = corner.library.aliases.history("certified", corner.game.name, corner.model)
    found = dict.fromkeys(alias.prompt_id for alias in reversed(history))
    return [one for one in found if one not in (certified, corner.prompt("base").id)][:PAST]


async def play(corner: Corner, number: int, champions: Champions) -> LeaguePlayed:
    """The working champion meets the league, sides swapped, every turn recorded: the night's opponents or, without
    them, the house bots, the base prompt and past champions."""
    prompt, size = champions.working, corner.size.play
    player = corner.player(prompt)

    async def work() -> LeaguePlayed:
        arena, seeds = corner.arena(), Seeds(corner.root, f"play {number}")
        opponents: list[Player] = [corner.open(name) for name in corner.league]
        known = [] if corner.opponents else [corner.prompt("base"), *champions.past]
        opponents += [corner.player(one) for one in known if one.id != prompt.id]
        lanes = [Series(arena, player, opponent, seeds, "play") for opponent in opponents]
        await play_together(lanes, size)
        counts = sum((lane.sample.counts for lane in lanes), Counts())
        return LeaguePlayed(
            prompt=prompt.id,
            episodes=tuple(one for lane in lanes for pair in lane.sample.results for one in pair.episodes),
            score=counts.mean,
            scores={lane.b.name: lane.sample.counts.mean for lane in lanes},
        )

    corner.watch.stage(f"round {number}: {player.name} plays the league")
    inputs = [prompt.id, [one.id for one in champions.past], size]
    result = await corner.steps.run(f"play.{number}", inputs, LeaguePlayed, work)
    games = count(len(result.episodes), "game")
    corner.watch.say(f"{player.name} took {percent(result.score)} of the points in {games} of the league")
    return result


async def reflect(corner: Corner, number: int, champions: Champions, played: LeaguePlayed) -> list[Prompt]:
    """What-ifs and evidence of the stored games become candidate prompts."""
    player = corner.player(champions.working).name
    studied = await replay_what_ifs(corner, number, player, played.episodes)
    candidates = await propose(corner, number, champions, player, played.episodes)
    what_ifs = count(studied.what_ifs, "turn")
    corner.watch.say(f"{count(len(candidates), 'candidate')}, from {what_ifs} replayed with other moves")
    return candidates


async def try_out(corner: Corner, number: int, champions: Champions, candidates: Sequence[Prompt]) -> Champions:
    """Race the candidates against the certified champion, put the best through the gate, confirm who passes.

    A working champion that is not certified runs again, with the evidence that it has from before.
    """
    champion, size = champions.certified, corner.size
    if champions.working.id != champion.id:
        candidates = [*(one for one in candidates if one.id != champions.working.id), champions.working]
    rule = TrialRule(
        race=RaceRule(max_pairs=size.race),
        gate=GateRule(candidates=corner.chances, alpha=corner.config.night.alpha, max_pairs=size.gate),
        confirm_pairs=size.confirm,
    )

    async def work() -> TrialOutcome:
        refused: list[GroundLost] = []

        async def holds(index: int) -> bool:
            # Scores against the same opponents order prompts in one line: there is no circle to go round in.
            if corner.opponents:
                return True
            lost = await _lost_ground(corner, number, candidates[index], champions)
            refused.extend(GroundLost.of(candidates[index].id, group, one) for group, one in lost.items())
            return not lost

        ComparisonStore(corner.store).withdraw(f"{corner.night_id}-trial-{number}-")
        outcome = await trial(
            corner.source(),
            [corner.player(prompt) for prompt in candidates],
            corner.player(champion),
            rule,
            derive(corner.root, "trial", number),
            carried=_carried(corner, candidates, champion),
            holds=holds,
            on_look=lambda stage, index, counts: corner.progress(
                counts.total,
                {"race": size.race, "gate": size.gate, "confirm": size.confirm}[stage],
                f"{stage}: candidate {'' if index is None else index + 1} {corner.standing(counts)}",
            ),
        )
        comparisons = _record(corner, number, candidates, champions.certified, outcome, alpha=1 / rule.gate.threshold)
        _remember_losers(corner, candidates, outcome)
        return _promote(corner, candidates, champions, outcome, comparisons, refused=refused)

    through = f", through {', '.join(corner.opponents)}" if corner.opponents else ""
    corner.watch.stage(f"round {number}: race and gate against {corner.player(champion).name}{through}")
    inputs = [champion.id, [prompt.id for prompt in candidates], size.race, size.gate, size.guard, size.confirm]
    result = await corner.steps.run(f"trial.{number}", inputs, TrialOutcome, work)
    _say_verdict(corner, champions, result)
    working, certified = (corner.library.get(one, corner.game) for one in (result.working, result.certified))
    return Champions(working, certified, champions.past)


async def _lost_ground(corner: Corner, number: int, candidate: Prompt, champions: Champions) -> dict[str, Ground]:
    """The groups, of house bots, the base prompt and champions of the past, that do better against the candidate."""
    champion, rule = champions.certified, GuardRule(corner.size.guard)
    groups: dict[str, list[Player]] = {"the house bots": [corner.open(name) for name in corner.league]}
    for name, prompts in (("the base prompt", (corner.prompt("base"),)), ("past champions", champions.past)):
        others = [corner.player(one) for one in prompts if one.id not in (candidate.id, champion.id)]
        if others:
            groups[name] = others
    sides = (corner.player(candidate), corner.player(champion))
    ground = await guard(corner.arena(), *sides, groups, rule=rule, root=derive(corner.root, "guard", number))
    return {name: one for name, one in ground.items() if one.lost(rule)}


def _carried(corner: Corner, candidates: Sequence[Prompt], champion: Prompt) -> dict[int, Sample]:
    """What earlier trials say of each candidate against this very champion."""
    kept, clock = ComparisonStore(corner.store), corner.config.night.clock
    found = {
        n: kept.evidence(
            corner.game.name, clock, corner.contestant(prompt), corner.contestant(champion), corner.through
        )
        for n, prompt in enumerate(candidates)
    }
    return {n: sample for n, sample in found.items() if sample.results}


def _record(
    corner: Corner, number: int, candidates: Sequence[Prompt], champion: Prompt, outcome: Trial, *, alpha: float
) -> dict[int, str]:
    """Write every candidate's comparison with the champion; returns their ids."""
    kept = ComparisonStore(corner.store)
    carried = _carried(corner, candidates, champion)
    comparisons: dict[int, str] = {}
    for entrant in outcome.entrants:
        n = entrant.index
        gate = outcome.gates.get(n)
        before = carried.get(n, Sample())
        stages = {"carried": before, "race": Sample(entrant.sample.results[len(before.results) :])}
        if gate is not None:
            stages["gate"] = gate.own
        if n == outcome.promoted and outcome.confirmation is not None:
            stages["confirm"] = outcome.confirmation.sample
        comparisons[n] = f"{corner.night_id}-trial-{number}-{n + 1}"
        kept.record(
            Entry(
                id=comparisons[n],
                game=corner.game.name,
                clock=corner.config.night.clock,
                purpose="gate" if gate is not None else "race",
                a=corner.contestant(candidates[n]),
                b=corner.contestant(champion),
                stages=stages,
                verdict=gate.verdict if gate is not None else entrant.fate,
                alpha=alpha,
                night_id=corner.night_id,
                opponents=corner.through,
            )
        )
    return comparisons


def _remember_losers(corner: Corner, candidates: Sequence[Prompt], outcome: Trial) -> None:
    """Keep the ideas that lost, so that a reflecting model does not have them again."""
    lost: dict[int, str] = {entrant.index: entrant.fate for entrant in outcome.entrants if entrant.fate != "survived"}
    lost |= {n: found.verdict for n, found in outcome.gates.items() if found.verdict in ("futile", "refused")}
    rejected = []
    for n, fate in lost.items():
        counts = outcome.evidence(n).counts
        reason = f"{fate}: {corner.standing(counts)} in {count(counts.total, 'pair')}"
        rejected.append(Rejected(" ".join(candidates[n].lines(corner.game)), reason, corner.config.reflector.model))
    keep_rejected(corner.store, corner.game.name, rejected, corner.night_id)


def _promote(
    corner: Corner,
    candidates: Sequence[Prompt],
    champions: Champions,
    outcome: Trial,
    comparisons: dict[int, str],
    *,
    refused: Sequence[GroundLost],
) -> TrialOutcome:
    """Move the aliases as the trial says; the result of the step."""
    working, certified = champions.working, champions.certified
    if outcome.working is not None:
        working = candidates[outcome.working]
        reason = comparisons[outcome.working]
        corner.library.set("working", corner.game, corner.model, working, comparison_id=reason)
    if outcome.promoted is not None:
        certified = candidates[outcome.promoted]
        reason = comparisons[outcome.promoted]
        corner.library.set("certified", corner.game, corner.model, certified, comparison_id=reason)
        corner.library.activate(certified)
    confirmed = outcome.confirmation
    return TrialOutcome(
        working=working.id,
        certified=certified.id,
        promoted=comparisons[outcome.promoted] if outcome.promoted is not None else None,
        comparisons=tuple(comparisons[n] for n in sorted(comparisons)),
        gain=(confirmed.gain, *confirmed.gain_interval) if confirmed is not None else None,
        refused=tuple(refused),
    )


def _say_verdict(corner: Corner, champions: Champions, result: TrialOutcome) -> None:
    for one in result.refused:
        corner.watch.say(
            f"refused: {one.prompt[:8]} beats the champion, but takes {percent(one.candidate)} of the points from "
            f"{one.group}, the champion {percent(one.champion)}"
        )
    if result.promoted is not None and result.gain is not None:
        told = f"certified: {result.certified[:8]}; on fresh games "
        if corner.opponents:
            worth, least, most = (lead(value, digits=1) for value in result.gain)
            told += (
                f"it scores {worth} points of 100 more against its opponents than the champion before it "
                f"(95% interval {least} to {most})"
            )
        else:
            gain, low, high = result.gain
            told += f"against the champion before it, it takes {percent_in_words(0.5 + gain, 0.5 + low, 0.5 + high)}"
        corner.watch.say(told)
    elif result.working != champions.working.id:
        corner.watch.say(f"promising, not certified: {result.working[:8]} is the working champion now")
    else:
        corner.watch.say("no candidate was good enough; the champions stay")
