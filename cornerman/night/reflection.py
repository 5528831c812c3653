"""Reflection on stored games: what-ifs, then whoever reflects; out of their edits come candidate prompts."""

from collections.abc import Sequence
from dataclasses import asdict

from cornerman.format import count as counted
from cornerman.night.corner import Champions, Corner
from cornerman.night.results import Candidates, WhatIfsReplayed
from episodes.fault import FaultPlace
from episodes.guest_game import unsaid
from episodes.player import Player
from episodes.record import SeatRecord
from optimize.comparison_store import ComparisonStore
from optimize.opro import Opro
from optimize.proposal import Scored, Workshop
from optimize.propose import ORIGIN as SEARCH
from optimize.propose import Search
from optimize.seeds import derive
from prompts.prompt import Prompt
from reflect.analyst import NAME as ANALYST
from reflect.analyst import candidates as analyst_candidates
from reflect.analyst import read_material
from reflect.edits import Edit, apply_edits, placings
from reflect.evidence import load_turns
from reflect.model import Task, reflect
from reflect.rejected import Rejected, keep_rejected
from reflect.whatif import study
from reflect.whatif_rows import load_what_ifs, save_what_ifs


def seat_player(corner: Corner, seat: SeatRecord) -> Player:
    """The player of a stored seat, made anew: the same model with the same prompt, the same bot or student."""
    if seat.prompt_id is None or seat.player.startswith("student:"):
        return corner.players.open(seat.player, corner.game)
    return corner.players.with_prompt(
        seat.model, corner.library.get(seat.prompt_id, corner.game), corner.game, seat.player
    )


async def replay_what_ifs(corner: Corner, number: int, player: str, episodes: Sequence[str]) -> WhatIfsReplayed:
    """Replay turns of ``player`` with every other move and keep what came of it."""
    count = corner.size.what_ifs

    async def work() -> WhatIfsReplayed:
        turns = load_turns(corner.store, corner.game, player=player, episodes=episodes)
        found = await study(
            corner.store,
            corner.game,
            turns,
            lambda seat: seat_player(corner, seat),
            count=count,
            seed=derive(corner.root, "what-ifs", number),
            on_done=lambda done: corner.progress(done, count, "turns replayed with other moves"),
        )
        save_what_ifs(corner.store, corner.game, found, corner.night_id)
        return WhatIfsReplayed(len(found))

    corner.watch.stage(f"round {number}: what if {player} had moved otherwise?")
    return await corner.steps.run(f"what-if.{number}", [player, list(episodes), count], WhatIfsReplayed, work)


async def propose(
    corner: Corner, number: int, champions: Champions, player: str, episodes: Sequence[str]
) -> list[Prompt]:
    """Candidate prompts made of the working champion's, saved with the turns that they cite."""
    current = champions.working

    async def work() -> Candidates:
        if corner.config.reflector.model == ANALYST:
            edits = await _analyst(corner, number, current, player, episodes)
            saved = [_keep(corner, current, one) for one in edits]
            saved += _searched(corner, number, champions, [edit for one in edits for edit in one], len(set(saved)))
        else:
            saved = await _language_model(corner, number, champions, player, episodes)
        if episodes and (broken := unsaid(corner.game)):
            place = FaultPlace(episodes[0], corner.game.name, None, corner.night_id)
            corner.store.save_faults(place, broken, "words")
        return Candidates(tuple(one for one in dict.fromkeys(saved) if one != current.id))

    corner.watch.stage(f"round {number}: {corner.config.reflector.model} reflects")
    inputs = [
        current.id,
        champions.certified.id,
        list(episodes),
        corner.size.candidates,
        asdict(corner.size.rehearsals),
    ]
    result = await corner.steps.run(f"reflect.{number}", inputs, Candidates, work)
    return [corner.library.get(one, corner.game) for one in result.candidates]


async def _language_model(
    corner: Corner, number: int, champions: Champions, player: str, episodes: Sequence[str]
) -> list[str]:
    """Half of the candidates from a reading of whole games, up to three quarters where it leaves places open; the rest
    by OPRO from past prompts and their scores."""
    section, count = corner.config.reflector, corner.size.candidates
    chat = corner.players.model(section.model, "reflector")
    task = Task(
        game=corner.game,
        player=player,
        current=champions.working,
        episodes=episodes,
        what_ifs=load_what_ifs(corner.store, corner.game, episodes),
        count=(count + 1) // 2,
        seed=derive(corner.root, "reflect", number),
        night_id=corner.night_id,
        max_tokens=section.max_tokens,
        temperature=section.temperature,
    )
    found = await reflect(corner.store, chat, task)
    corner.watch.say(
        f"{section.model} read {counted(found.windows, 'stretch', 'stretches')} of games, "
        f"took {counted(found.notes, 'note')}, made {counted(len(found.proposals), 'proposal')}; "
        f"refused: {counted(len(found.refused), 'idea')}"
    )
    # Only the model knows what a rule is to go before; where it does not say, both places are tried.
    placed = [way for edits in found.proposals for way in placings(champions.working, edits, corner.game)]
    saved = list(dict.fromkeys(_keep(corner, champions.working, edits) for edits in placed[: count - count // 4]))
    proposer = Opro(chat, Workshop(corner.game, champions.working.base), section.max_tokens, section.temperature)
    proposal = await proposer.propose(
        _past(corner, champions.certified), derive(corner.root, "opro", number), max(count - len(saved), 0)
    )
    refused = [Rejected(one.text, one.reason, section.model) for one in proposal.refused]
    keep_rejected(corner.store, corner.game.name, refused, corner.night_id)
    opro = [
        corner.library.save(
            prompt, corner.game, origin="opro", parent_id=champions.working.id, night_id=corner.night_id
        )
        for prompt in proposal.candidates
    ]
    return saved + opro


def _searched(corner: Corner, number: int, champions: Champions, suggestions: Sequence[Edit], there: int) -> list[str]:
    """The night pays for every candidate's chance: where ``there`` are fewer, small edits of good prompts join them."""
    current, missing = champions.working, corner.size.candidates - there
    if missing <= 0:
        return []
    search = Search.of(Workshop(corner.game, current.base), suggestions)
    past = _past(corner, champions.certified)
    found = search.propose(past, current, derive(corner.root, "search", number), missing)
    return [
        corner.library.save(prompt, corner.game, origin=SEARCH, parent_id=current.id, night_id=corner.night_id)
        for prompt in found.candidates
    ]


def _past(corner: Corner, champion: Prompt) -> list[Scored]:
    """Every prompt that met the champion, with its score against it; the champion's own is one half by definition."""
    tried = ComparisonStore(corner.store).tried(
        corner.game.name, corner.config.night.clock, corner.contestant(champion), corner.through
    )
    others = {one: counts for one, counts in tried.items() if one != champion.id}
    past = [Scored(corner.library.get(one, corner.game), counts.mean) for one, counts in others.items()]
    return [*past, Scored(champion, 0.5)]


async def _analyst(
    corner: Corner, number: int, current: Prompt, player: str, episodes: Sequence[str]
) -> list[Sequence[Edit]]:
    """The statistical reflection: edits for each candidate."""
    size = corner.size
    material = read_material(
        corner.store,
        corner.game,
        player,
        current,
        episodes=episodes,
        what_ifs=load_what_ifs(corner.store, corner.game, episodes),
        player_of=lambda seat: seat_player(corner, seat),
    )
    found = await analyst_candidates(
        material,
        current,
        size.candidates,
        derive(corner.root, "reflect", number),
        effort=size.rehearsals,
        rivalry=not corner.opponents,
        on_round=lambda done: corner.progress(done, size.rehearsals.rounds, "rehearsals"),
    )
    return [candidate.edits for candidate in found]


def _keep(corner: Corner, current: Prompt, edits: Sequence[Edit]) -> str:
    """Save the prompt that ``edits`` make of ``current``, with the evidence of every new item; returns its id."""
    prompt = apply_edits(current, edits, corner.game)
    corner.library.save(prompt, corner.game, origin=edits[0].origin, parent_id=current.id, night_id=corner.night_id)
    for edit in edits:
        if edit.kind != "retire":
            corner.library.cite(edit.item().id, edit.cites)
    return prompt.id
