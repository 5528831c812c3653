"""The reflecting model: a language model that reads whole games and writes edits to the guidance.

Two typed DSPy programs over our ``ChatModel``: one reads a game window by window and takes notes, one writes proposals
from the notes, the evidence, the what-ifs, the guidance with what is known of each item, and the ideas that were
rejected before. The second is asked again with what its proposals would decide, and once more with how they did in
rehearsal, where the game allows that. Every call and every refused answer is kept in the store. It proposes; race and
gate decide.
"""

import asyncio
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from episodes.game import Game
from episodes.store.store import Store
from models.chat import ChatModel
from models.errors import Malformed, Refused
from models.together import together
from prompts.held import NOTHING_HELD, Held
from prompts.library import PromptLibrary
from prompts.prompt import DEFAULT_BUDGET, Budget, CountTokens, Prompt, estimate_tokens
from reflect.answers import Checker, NoteAnswer, ProposalAnswer
from reflect.digest import (
    Names,
    evidence_lines,
    guidance_lines,
    quoted,
    vocabulary,
    what_if_lines,
)
from reflect.edits import Edit
from reflect.engine import language_model, run_program
from reflect.evidence import Turns, load_turns, tabulate
from reflect.programs import read_program, write_program
from reflect.recorded import Recorded
from reflect.rehearsal import Stage
from reflect.rejected import Rejected, keep_rejected, recent_rejected
from reflect.revision import Draft, Drawing, answered, reach_fields
from reflect.rows import replies_of_others, turn_exists
from reflect.stretch import Window, windows
from reflect.whatif import WhatIf


@dataclass(frozen=True, slots=True)
class Reading:
    """How much is read: so many games, each in windows of at most ``window`` tokens, ``tokens`` tokens in all.

    ``cells`` rows of evidence, ``what_ifs``, ``rejected`` ideas; ``concurrency`` windows at once. Tokens are estimated.
    """

    games: int = 12
    window: int = 6000
    tokens: int = 60_000
    cells: int = 60
    what_ifs: int = 40
    rejected: int = 30
    concurrency: int = 4


DEFAULT_READING = Reading()


@dataclass(frozen=True, slots=True)
class Task:
    """One reflection: whose games, which guidance, how many proposals, and what is read.

    ``player`` is its name in the record; ``episodes`` are the games reflected on. ``held`` is what a person decided.
    With a ``stage`` lists are rehearsed, in ``pairs`` pairs against each opponent.
    """

    game: Game
    player: str
    current: Prompt
    episodes: Sequence[str]
    what_ifs: Sequence[WhatIf]
    count: int
    seed: int
    night_id: str | None = None
    reading: Reading = DEFAULT_READING
    budget: Budget = DEFAULT_BUDGET
    count_tokens: CountTokens = estimate_tokens
    max_tokens: int = 8000
    temperature: float = 1.0
    held: Held = NOTHING_HELD
    stage: Stage | None = None
    pairs: int = 6


@dataclass(frozen=True, slots=True)
class Reflection:
    """What came of it: the edits of each proposal that has any, revised ones first, and what was refused.

    ``revisions`` is how often the model was answered and asked again.
    """

    proposals: tuple[tuple[Edit, ...], ...]
    refused: tuple[Rejected, ...]
    windows: int
    notes: int
    revisions: int = 0


@dataclass(slots=True)
class _Reflector:
    store: Store
    chat: ChatModel
    task: Task
    model: Any
    games: Names = field(default_factory=lambda: Names("g"))
    items: Names = field(default_factory=lambda: Names("r"))
    refused: list[Rejected] = field(default_factory=list)

    def choose(self) -> list[Window]:
        """Windows of the games that teach most: losses and wins in turn, within the reading's tokens."""
        task, reading = self.task, self.task.reading
        seats: list[tuple[float, str, int]] = []
        for episode_id in dict.fromkeys(task.episodes):
            players = [seat.player for seat in self.store.summary(episode_id).seats]
            if task.player in players:
                seat = players.index(task.player)
                seats.append((self.store.summary(episode_id).seats[seat].score, episode_id, seat))
        ranked = sorted(seats)
        order = [ranked[n // 2] if n % 2 == 0 else ranked[-1 - n // 2] for n in range(len(ranked))]
        found: list[Window] = []
        left = reading.tokens
        for _, episode_id, seat in order[: reading.games]:
            record = self.store.episode(episode_id)
            whole = windows(record, task.game, seat, self.games.name(episode_id), reading.window)
            left -= sum(estimate_tokens(window.text) for window in whole)
            # A game is read whole or not at all; the first is always read.
            if left < 0 and found:
                break
            found += whole
        return found

    async def read(self, window: Window) -> list[str]:
        """Notes on one window, a JSON line each; one on a turn that is not there is refused."""
        program = read_program()
        answered = await self._ask(program, "notes", rules=self.task.game.rules, stretch=window.text)
        notes: list[NoteAnswer] = answered.notes if answered is not None else []
        lines = []
        for note in notes:
            if note.turn in window.turns:
                fields = {"episode": self.games.name(window.episode), "turn": note.turn, "note": note.note[:400]}
                lines.append(quoted(fields))
            else:
                text = json.dumps({"note": note.note, "turn": note.turn})
                self._refuse(text, f"turn {note.turn} is not in the stretch of {window.episode} that was read")
        return lines

    async def read_all(self, chosen: Sequence[Window]) -> list[str]:
        """Notes on all windows, in their order, some windows at once; when one fails the others are given up."""
        gate = asyncio.Semaphore(self.task.reading.concurrency)

        async def one(window: Window) -> list[str]:
            async with gate:
                return await self.read(window)

        return [line for lines in await together(one(window) for window in chosen) for line in lines]

    def known(self, turns: Turns, notes: Sequence[str]) -> dict[str, str]:
        """All that proposals are written from."""
        task, reading = self.task, self.task.reading
        rows = PromptLibrary(self.store).guidance(task.game.name)
        rejected = recent_rejected(self.store, task.game.name, reading.rejected)
        reached = reach_fields(task.current, turns, self.items, {item.id for item in task.current.items})
        return {
            "rules": task.game.rules,
            "vocabulary": vocabulary(task.game),
            "guidance": guidance_lines(task.current, rows, self.items, reached),
            "limits": _limits(task),
            "evidence": evidence_lines(tabulate(turns), reading.cells),
            "what_ifs": what_if_lines(task.what_ifs, self.games, reading.what_ifs),
            "notes": "\n".join(notes) or "none",
            "rejected": "\n".join(quoted({"idea": one.text, "why": one.reason}) for one in rejected) or "none",
            "wanted": str(task.count),
        }

    async def write(self, known: Mapping[str, str], before: str = "none") -> list[Draft]:
        """Proposals, checked; ``before`` is what those before them were answered with."""
        answered = await self._ask(write_program(), "proposals", **known, before=before)
        found: list[ProposalAnswer] = answered.proposals if answered is not None else []
        return self.check(found[: self.task.count])

    async def revised(self, drafts: list[Draft], known: Mapping[str, str], turns: Turns) -> tuple[list[Draft], int]:
        """``drafts`` behind what became of them when the model heard what they would decide and, where lists can be
        rehearsed, how they did; and how often it was asked."""
        task, asked = self.task, 0
        drawing = Drawing(task.game, task.current, task.budget, task.count_tokens, task.held)
        latest = drafts
        for stage in (None, task.stage) if task.stage else (None,):
            if not latest:
                break
            if stage is not None:
                ways = [way for draft in latest if draft.edits for way in drawing.ways(draft.edits)]
                await stage.rehearse((prompt.rules for _, prompt in ways), task.pairs)
            found = await self.write(known, answered(latest, drawing, turns, self.items, stage))
            drafts, latest, asked = [*found, *drafts], found or latest, asked + 1
        return drafts, asked

    async def _ask(self, program: Any, what: str, **inputs: str) -> Any:
        """The program's answer; a malformed one is asked for once more with the complaint, then given up."""
        complaint = "none"
        for _ in range(2):
            try:
                return await run_program(program.acall, self.model, complaint=complaint, **inputs)
            except Malformed as error:
                complaint = f"your last answer could not be read: {error}"
                self._refuse(f"{what}: {error}", "malformed answer")
            except Refused as error:
                self._refuse(f"{what}: {error}", "the model declined")
                return None
        return None

    def _refuse(self, text: str, reason: str) -> None:
        self.refused.append(Rejected(text, reason, self.chat.name))

    def check(self, answers: Sequence[ProposalAnswer]) -> list[Draft]:
        """The proposals with the edits that may count."""
        task = self.task
        checker = Checker(
            game=task.game,
            current=task.current,
            games=self.games,
            items=self.items,
            turn_exists=self._turn_exists,
            foreign=replies_of_others(self.store, task.player, task.episodes),
            origin=self.chat.name,
            budget=task.budget,
            count_tokens=task.count_tokens,
            held=task.held,
        )
        found = []
        for answer in answers:
            edits, refused = checker.proposal(answer)
            self.refused += refused
            found.append(Draft(edits, tuple(refused)))
        return found

    def _turn_exists(self, episode_id: str, n: int) -> bool:
        if episode_id not in self.task.episodes or not 0 <= n < 2**63:
            return False
        return turn_exists(self.store, episode_id, n)


async def reflect(store: Store, chat: ChatModel, task: Task) -> Reflection:
    """Read games, then write proposals; what was refused is logged in the store.

    Raises a ``ModelError`` when the provider fails or the budget is used up. An interrupted reflection of a night finds
    the answers that it had.
    """
    recorded = Recorded(chat, store, task.game.name, task.night_id)
    model = language_model(recorded, task.seed, max_tokens=task.max_tokens, temperature=task.temperature)
    reflector = _Reflector(store, chat, task, model)
    chosen = reflector.choose()
    notes = await reflector.read_all(chosen)
    turns = load_turns(store, task.game, player=task.player, episodes=task.episodes)
    known = reflector.known(turns, notes)
    drafts, revisions = await reflector.revised(await reflector.write(known), known, turns)
    keep_rejected(store, task.game.name, reflector.refused, task.night_id)
    proposals = tuple(dict.fromkeys(draft.edits for draft in drafts if draft.edits))
    return Reflection(proposals, tuple(reflector.refused), len(chosen), len(notes), revisions)


def _limits(task: Task) -> str:
    remarks = "reads remarks" if task.current.base.remarks else "does not read remarks, only rules"
    return quoted({"items": task.budget.items, "tokens": task.budget.tokens, "the player": remarks})
