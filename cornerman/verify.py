"""Every number that is shown, computed again from what lies beneath it.

Comparisons from the stored scores of their episodes, the totals of seats from their turns, ids of prompts from their
content, certified prompts from a comparison that passed the gate, what students keep of their teachers from the games
of both. Knows nothing about how to mend a store.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from cornerman.format import fixed, plain
from cornerman.report import queries
from cornerman.report.student import figures_of
from cornerman.result import Result
from distill.check import kept_of
from distill.dataset import load_dataset
from distill.rows import student_rows
from episodes.game import Game
from episodes.games import load_game
from episodes.store.store import Store
from optimize.comparison_store import ComparisonStore, StoredComparison
from optimize.gate import WORKING_E
from optimize.stats.eprocess import e_value
from prompts.library import PromptLibrary


@dataclass(frozen=True, slots=True)
class Verified:
    """How many things were computed again, by kind, and what did not come out again, one line each."""

    checked: dict[str, int]
    differences: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class VerifyResult(Result):
    """What ``cornerman verify --json`` prints: how many did not come out again, and how many were checked by kind."""

    differences: int
    by_kind: Mapping[str, int]

    @property
    def checked(self) -> int:
        return sum(self.by_kind.values())


def verify(store: Store, *, games: Callable[[str], Game] = load_game) -> Verified:
    """Check the whole store; ``games`` finds a game by its name."""
    checked: dict[str, int] = {}
    differences: list[str] = []
    for kind, check in CHECKS.items():
        for found in check(store, games):
            checked[kind] = checked.get(kind, 0) + 1
            differences += found
    return Verified(checked, tuple(differences))


Games = Callable[[str], Game]


def _comparisons(store: Store, games: Games) -> Iterator[list[str]]:
    kept = ComparisonStore(store)
    for one in kept.comparisons():
        yield [f"comparison {one.id}: {what}" for what in kept.differences(one.id)] + _verdict(one)


def _verdict(one: StoredComparison) -> list[str]:
    """A verdict says no more than its e-value does; the threshold is at least that of a single candidate."""
    against = one.counts.mirror if one.verdict == "worse" else one.counts
    if one.verdict in ("better", "worse", "promoted") and e_value(against) < (1 - 1e-9) / one.alpha:
        return [f"comparison {one.id}: its verdict is {one.verdict}, its e-value only {plain(e_value(against))}"]
    return []


def _episodes(store: Store, games: Games) -> Iterator[list[str]]:
    for episode in store.episode_ids():
        wrong = store.wrong_totals(episode)
        yield [f"episode {episode}: the totals of seat {seat} differ from its turns" for seat in wrong]


def _prompts(store: Store, games: Games) -> Iterator[list[str]]:
    library = PromptLibrary(store)
    for prompt, game in queries.stored_prompts(store):
        rebuilt = library.get(prompt, games(game))
        yield [] if rebuilt.id == prompt else [f"prompt {prompt}: its content has the id {rebuilt.id}"]
    for player, prompt in queries.missing_prompts(store):
        yield [f"prompt {prompt}: {player} played with it, and it is not in the store"]


def _aliases(store: Store, games: Games) -> Iterator[list[str]]:
    for row in queries.names_with_grounds(store):
        what = f"{row.model}@{row.name} in {row.game}"
        if row.comparison_id is None:
            yield []
        elif row.ground is None:
            yield [f"{what}: its comparison {row.comparison_id} is not in the store"]
        elif row.ground.winner != row.prompt_id:
            yield [f"{what}: its comparison {row.comparison_id} is of another prompt"]
        else:
            evidence = e_value(row.ground.counts)
            needed = WORKING_E if row.name == "working" else 1 / row.ground.alpha
            held = evidence >= needed * (1 - 1e-9)
            given = f"needs an e-value of {plain(needed)}, its comparison gives {plain(evidence)}"
            yield [] if held else [f"{what}: {given}"]


def _students(store: Store, games: Games) -> Iterator[list[str]]:
    """What a student keeps of its teacher, from the games of both; its comparison is one of the comparisons."""
    for row in student_rows(store):
        kept = figures_of(row).kept
        if kept is None or kept.games is None:
            continue
        student = f"student:{row.id}"
        found = kept_of(store, student, load_dataset(store, row.dataset_id).teacher, kept.games)
        yield [
            f"{student}: kept {name} is stored as {fixed(stored, 9)}, its games give {fixed(value, 9)}"
            for name, stored, value in (
                ("share", kept.share, found.share),
                ("low", kept.low, found.low),
                ("high", kept.high, found.high),
            )
            if abs(stored - value) > 1e-9
        ]


CHECKS: dict[str, Callable[[Store, Games], Iterator[list[str]]]] = {
    "comparisons": _comparisons,
    "episodes": _episodes,
    "prompts": _prompts,
    "aliases": _aliases,
    "students": _students,
}
