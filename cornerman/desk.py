"""Reflecting and optimizing by hand: single stages of a night, at a desk that is no night's.

The same inputs are the same desk, so a stage that was stopped goes on, and one that is done plays nothing twice.
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace

from cornerman.losing import Answers
from cornerman.night.answering import answered
from cornerman.night.coaching import try_out
from cornerman.night.corner import Champions, Corner, Watcher, corner_of, fixed, identities
from cornerman.night.recognition import begin_stage, stage_digest
from cornerman.night.reflection import propose, replay_what_ifs
from cornerman.night.results import Interval, TrialOutcome
from cornerman.night.sizes import SIZES, Size, SizeName
from cornerman.opening import Role
from cornerman.report import queries
from cornerman.workplace import Workplace
from episodes.store.runs import Runs
from models.errors import BadInput, BudgetExhausted
from prompts.prompt import Prompt


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule of a candidate as the player reads it; ``cites`` are the turns (episode, number) behind it."""

    id: str
    text: str
    cites: tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True)
class Candidate:
    """A candidate by its prompt's id."""

    prompt: str
    rules: tuple[Rule, ...]


@dataclass(frozen=True, slots=True)
class ReflectResult:
    """What ``cornerman reflect --json`` prints: whose games, how many, the turns replayed with other moves."""

    player: str
    prompt: str
    episodes: int
    what_ifs: int
    candidates: tuple[Candidate, ...]


@dataclass(frozen=True, slots=True)
class OptimizeResult:
    """What ``cornerman optimize --json`` prints: ids of prompts and of comparisons.

    ``promoted`` is the comparison that made ``certified`` what it is, ``None`` if nothing was promoted; ``gain`` its
    gain in pair score on fresh pairs, with the interval.
    """

    candidates: tuple[str, ...]
    before: str
    working: str
    certified: str
    promoted: str | None
    comparisons: tuple[str, ...]
    gain: Interval | None
    answers: Mapping[str, Answers] = field(default_factory=dict)
    """Of each model what it is held to and which decisions it lost."""


@asynccontextmanager
async def desk(
    place: Workplace, size: Size, watch: Watcher, roles: Sequence[Role], *inputs: object
) -> AsyncIterator[Corner]:
    """The run of a stage for ``inputs``, which with the configuration decide every seed; ``roles`` are whose models it
    asks."""
    named = place.config.night.opponents
    opponents = fixed(named, place.players, place.game) if named else ()
    desk_id = stage_digest(place.config, *inputs, *([opponents] if opponents else []))
    models = identities(place, opponents, roles)
    begun = begin_stage(place.store, place.config, desk_id, size, models, *inputs, *opponents)
    corner, runs = corner_of(place, begun, watch, opponents), Runs(place.store)
    try:
        yield corner
        runs.end(corner.night_id, "done")
    except BudgetExhausted as limit:
        runs.end(corner.night_id, "stopped", str(limit))
        raise
    finally:
        corner.keep_spending()


def champion(place: Workplace, name: str) -> Prompt:
    """The prompt that ``name`` stands for; the base prompt where it stands for nothing yet."""
    library, model = place.players.library, place.config.player.model
    known = library.aliases.get(name, place.game.name, model)
    return library.resolve(name if known or name not in ("working", "certified") else "base", place.game, model)


async def reflect(place: Workplace, prompt: Prompt, size: SizeName, watch: Watcher) -> ReflectResult:
    """Reflect on every stored game that the configured model played with ``prompt``; keep the candidates.

    Raises ``BadInput`` where there are no such games.
    """
    player, episodes = _stored(place, prompt)
    async with desk(
        place, SIZES[size], watch, ("player", "reflector"), "reflect", prompt.id, player, episodes, size
    ) as corner:
        corner.library.save(prompt, place.game)
        studied = await replay_what_ifs(corner, 1, player, episodes)
        champions = Champions(prompt, champion(place, "certified"))
        candidates = await propose(corner, 1, champions, player, episodes)
    return ReflectResult(
        player=player,
        prompt=prompt.id,
        episodes=len(episodes),
        what_ifs=studied.what_ifs,
        candidates=tuple(_candidate(place, one) for one in candidates),
    )


def _stored(place: Workplace, prompt: Prompt) -> tuple[str, list[str]]:
    """The name under which most games with ``prompt`` are stored that can be played on from, and those games."""
    model = place.config.player.model
    games: dict[str, list[str]] = {}
    for player, episode in queries.games_to_play_on(place.store, place.game.name, model, prompt.id):
        games.setdefault(player, []).append(episode)
    if not games:
        raise BadInput(
            f"there is no stored game of {model} with prompt {prompt.id[:8]} in {place.game.name} to play on from: "
            f"`cornerman play {model}@{prompt.id[:8]} bot:random` plays some"
        )
    player = max(games, key=lambda name: len(games[name]))
    return player, list(dict.fromkeys(games[player]))


def _candidate(place: Workplace, prompt: Prompt) -> Candidate:
    library = place.players.library
    rules = (
        Rule(
            id=item.id,
            text=item.line(place.game, remarks=True),
            cites=tuple((cited.episode_id, cited.turn_n) for cited in library.citations(item.id)),
        )
        for item in prompt.items
    )
    return Candidate(prompt.id, tuple(rules))


def untried(place: Workplace, parent: Prompt) -> list[Prompt]:
    """Prompts made from ``parent`` that were never compared with anything, oldest first; none with what a person
    retired since, or without what a person pinned."""
    library = place.players.library
    held = library.held(parent, place.game)
    found = [library.get(one, place.game) for one in queries.untried_prompts(place.store, place.game.name, parent.id)]
    return [prompt for prompt in found if held.applied(prompt.items) == prompt.items]


async def optimize(place: Workplace, candidates: Sequence[Prompt], size: SizeName, watch: Watcher) -> OptimizeResult:
    """Race ``candidates`` against the certified champion and put the best through the gate.

    Moves the names ``working`` and ``certified`` as a night does.
    """
    champions = Champions(champion(place, "working"), champion(place, "certified"))
    wanted = [prompt for prompt in candidates if prompt.id != champions.certified.id]
    if not wanted:
        raise BadInput("there is no candidate: name prompts, or let `cornerman reflect` write some")
    bounds = replace(SIZES[size], rounds=1, candidates=len(wanted))
    ids = [prompt.id for prompt in wanted]
    async with desk(place, bounds, watch, ("player",), "optimize", champions.certified.id, ids, size) as corner:
        for prompt in (champions.working, champions.certified, *wanted):
            corner.library.save(prompt, place.game)
        after = await try_out(corner, 1, champions, wanted)
        found = answered(corner, champions.certified)
    result = corner.steps.result("trial.1", TrialOutcome)
    assert result is not None, "the step is done"
    return OptimizeResult(
        candidates=tuple(ids),
        before=champions.certified.id,
        working=after.working.id,
        certified=after.certified.id,
        promoted=result.promoted,
        comparisons=result.comparisons,
        gain=result.gain,
        answers=found,
    )
