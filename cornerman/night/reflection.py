"""Reflection on stored games: what-ifs, then whoever reflects; out of their edits come candidate prompts.

Whoever proposes, candidates hold what a person decided about single items and are rehearsed where the game allows it.
Rehearsals order them and prove nothing.
"""

from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass

from cornerman.format import count as counted
from cornerman.night.corner import Champions, Corner
from cornerman.night.results import Candidates, WhatIfsReplayed
from episodes.fault import FaultPlace
from episodes.guest_game import unsaid
from episodes.player import Player
from episodes.record import SeatRecord
from models.errors import BadInput
from optimize.comparison_store import ComparisonStore
from optimize.opro import Opro
from optimize.proposal import Scored, Workshop
from optimize.propose import ORIGIN as SEARCH
from optimize.propose import Search
from optimize.seeds import derive
from prompts.prompt import DEFAULT_BUDGET, Prompt, estimate_tokens
from reflect.analyst import NAME as ANALYST
from reflect.analyst import Material, read_material
from reflect.analyst import candidates as analyst_candidates
from reflect.edits import Edit
from reflect.evidence import load_turns
from reflect.model import Task, reflect
from reflect.rehearsal import Stage
from reflect.rejected import Rejected, keep_rejected
from reflect.revision import Drawing
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
    """Candidate prompts made of the working champion's, saved with the turns that they cite, in the order in which they
    did best in rehearsal."""
    current = champions.working
    held = corner.library.held(current, corner.game)

    async def work() -> Candidates:
        material = read_material(
            corner.store,
            corner.game,
            player,
            current,
            episodes=episodes,
            what_ifs=load_what_ifs(corner.store, corner.game, episodes),
            player_of=lambda seat: seat_player(corner, seat),
        )
        proposing = _Proposing(
            corner=corner,
            number=number,
            champions=champions,
            episodes=episodes,
            material=material,
            drawing=Drawing(corner.game, current, DEFAULT_BUDGET, estimate_tokens, held),
            stage=material.stage(derive(corner.root, "reflect", number), rivalry=not corner.opponents),
        )
        found = await (proposing.analyst() if corner.config.reflector.model == ANALYST else proposing.language_model())
        ordered = await proposing.ordered(found)
        if episodes and (broken := unsaid(corner.game)):
            place = FaultPlace(episodes[0], corner.game.name, None, corner.night_id)
            corner.store.save_faults(place, broken, "words")
        return Candidates(tuple(prompt.id for prompt in ordered))

    corner.watch.stage(f"round {number}: {corner.config.reflector.model} reflects")
    inputs = [
        current.id,
        champions.certified.id,
        list(episodes),
        corner.size.candidates,
        asdict(corner.size.rehearsals),
        *held.facts(),
    ]
    result = await corner.steps.run(f"reflect.{number}", inputs, Candidates, work)
    return [corner.library.get(one, corner.game) for one in result.candidates]


@dataclass(frozen=True, slots=True)
class _Proposing:
    """One round's proposals: what they are made of, and where they are rehearsed, if anywhere."""

    corner: Corner
    number: int
    champions: Champions
    episodes: Sequence[str]
    material: Material
    drawing: Drawing
    stage: Stage | None

    @property
    def current(self) -> Prompt:
        return self.champions.working

    def seed(self, name: str) -> int:
        return derive(self.corner.root, name, self.number)

    async def ordered(self, prompts: Iterable[Prompt]) -> list[Prompt]:
        """Different prompts other than the current one, the best in rehearsal first; as they come without one."""
        found = list({prompt.id: prompt for prompt in prompts if prompt.id != self.current.id}.values())
        stage = self.stage
        if stage is None:
            return found
        await stage.rehearse((prompt.rules for prompt in found), self.corner.size.rehearsals.final)
        return sorted(found, key=lambda prompt: stage.score(prompt.rules), reverse=True)

    async def language_model(self) -> list[Prompt]:
        """Up to three quarters of the candidates from a reading of whole games, the rest by OPRO from past prompts and
        their scores."""
        corner, count = self.corner, self.corner.size.candidates
        section = corner.config.reflector
        chat = corner.players.model(section.model, "reflector")
        task = Task(
            game=corner.game,
            player=self.material.me.name,
            current=self.current,
            episodes=self.episodes,
            what_ifs=self.material.what_ifs,
            count=(count + 1) // 2,
            seed=self.seed("reflect"),
            night_id=corner.night_id,
            max_tokens=section.max_tokens,
            temperature=section.temperature,
            held=self.drawing.held,
            stage=self.stage,
            pairs=corner.size.rehearsals.final,
        )
        found = await reflect(corner.store, chat, task)
        corner.watch.say(
            f"{section.model} read {counted(found.windows, 'stretch', 'stretches')} of games, "
            f"took {counted(found.notes, 'note')}, made {counted(len(found.proposals), 'proposal')} "
            f"in {counted(1 + found.revisions, 'draft')}; refused: {counted(len(found.refused), 'idea')}"
        )
        # Only the model knows what a rule is to go before; where it does not say, both places are tried.
        ways = [way for edits in found.proposals for way in self.drawing.ways(edits)]
        edits_of = {prompt.id: edits for edits, prompt in reversed(ways)}
        best = (await self.ordered(prompt for _, prompt in ways))[: count - count // 4]
        for prompt in best:
            self.keep(prompt, edits_of[prompt.id])
        workshop = Workshop(corner.game, self.current.base, held=self.drawing.held)
        proposer = Opro(chat, workshop, section.max_tokens, section.temperature)
        proposal = await proposer.propose(self.past(), self.seed("opro"), count - len(best))
        refused = [Rejected(one.text, one.reason, section.model) for one in proposal.refused]
        keep_rejected(corner.store, corner.game.name, refused, corner.night_id)
        return best + [self.saved(prompt, "opro") for prompt in proposal.candidates]

    async def analyst(self) -> list[Prompt]:
        """The statistical reflection. The night pays for every candidate's chance: where it gives fewer, small edits of
        good prompts join them."""
        corner, size = self.corner, self.corner.size
        found = await analyst_candidates(
            self.material,
            self.current,
            size.candidates,
            self.seed("reflect"),
            stage=self.stage,
            effort=size.rehearsals,
            on_round=lambda done: corner.progress(done, size.rehearsals.rounds, "rehearsals"),
        )
        kept = []
        for one in found:
            with suppress(BadInput):  # with what a person pinned it may be more than fits
                kept.append(self.keep(self.drawing.prompt(one.edits), one.edits))
        missing = size.candidates - len({prompt.id for prompt in kept})
        if missing <= 0:
            return kept
        suggestions = [edit for one in found for edit in one.edits]
        search = Search.of(Workshop(corner.game, self.current.base, held=self.drawing.held), suggestions)
        drawn = search.propose(self.past(), self.current, self.seed("search"), missing)
        return kept + [self.saved(prompt, SEARCH) for prompt in drawn.candidates]

    def past(self) -> list[Scored]:
        """Every prompt that met the certified champion, with its score against it; the champion's own is one half by
        definition."""
        corner, champion = self.corner, self.champions.certified
        tried = ComparisonStore(corner.store).tried(
            corner.game.name, corner.config.night.clock, corner.contestant(champion), corner.through
        )
        others = {one: counts for one, counts in tried.items() if one != champion.id}
        past = [Scored(corner.library.get(one, corner.game), counts.mean) for one, counts in others.items()]
        return [*past, Scored(champion, 0.5)]

    def saved(self, prompt: Prompt, origin: str) -> Prompt:
        corner = self.corner
        corner.library.save(prompt, corner.game, origin=origin, parent_id=self.current.id, night_id=corner.night_id)
        return prompt

    def keep(self, prompt: Prompt, edits: Sequence[Edit]) -> Prompt:
        """``prompt``, saved as what ``edits`` make of the current one, with the evidence of each new item it has."""
        self.saved(prompt, edits[0].origin)
        there = {item.id for item in prompt.items}
        for edit in edits:
            if edit.kind != "retire" and edit.item().id in there:
                self.corner.library.cite(edit.item().id, edit.cites)
        return prompt
