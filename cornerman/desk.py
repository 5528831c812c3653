"""Reflecting and optimizing by hand: single stages of a night, at a desk that is no night's.

The same inputs are the same desk, so a stage that was stopped goes on, and one that is done plays nothing twice.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from cornerman.night.coaching import try_out
from cornerman.night.corner import Champions, Corner, Watcher, fixed
from cornerman.night.reflection import propose, replay_what_ifs
from cornerman.night.sizes import SIZES, Size, SizeName
from cornerman.night.steps import Steps, digest
from cornerman.workplace import Workplace
from models.errors import BadInput
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
    gain: tuple[float, float, float] | None


def desk(place: Workplace, size: Size, watch: Watcher, *inputs: object) -> Corner:
    """A desk for ``inputs``, which with the configuration decide every seed."""
    shaping = place.config.model_dump(mode="json", exclude={"db", "budget", "prices"})
    named = place.config.night.opponents
    opponents = fixed(named, place.players, place.game) if named else ()
    desk_id = digest([shaping, *inputs, *([opponents] if opponents else [])])
    return Corner(
        night_id=desk_id,
        root=f"desk {desk_id}",
        config=place.config,
        size=size,
        store=place.store,
        game=place.game,
        players=place.players,
        steps=Steps(place.store, desk_id),
        watch=watch,
        opponents=opponents,
    )


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
    corner = desk(place, SIZES[size], watch, "reflect", prompt.id, player, episodes, size)
    corner.library.save(prompt, place.game)
    studied = await replay_what_ifs(corner, 1, player, episodes)
    champions = Champions(prompt, champion(place, "certified"))
    candidates = await propose(corner, 1, champions, player, episodes)
    return ReflectResult(
        player=player,
        prompt=prompt.id,
        episodes=len(episodes),
        what_ifs=studied["what_ifs"],
        candidates=tuple(_candidate(place, one) for one in candidates),
    )


_PLAYED_ON = (
    "s.model = ? and s.prompt_id = ? and e.game = ? and e.purpose not in ('teach', 'check') "
    "and not exists (select 1 from seats o where o.episode_id = e.id and o.player = 'human')"
)
"""Games that can be played on from: a person cannot be asked again, and a teacher would think for minutes."""


def _stored(place: Workplace, prompt: Prompt) -> tuple[str, list[str]]:
    """The name under which most games with ``prompt`` are stored that can be played on from, and those games."""
    model = place.config.player.model
    games: dict[str, list[str]] = {}
    for player, episode in place.store.db.execute(
        f"select s.player, e.id from seats s join episodes e on e.id = s.episode_id where {_PLAYED_ON} order by 1, 2",
        [model, prompt.id, place.game.name],
    ):
        games.setdefault(str(player), []).append(str(episode))
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
    """Prompts made from ``parent`` that were never compared with anything, oldest first."""
    rows = place.store.db.execute(
        "select id from prompts where game = ? and parent_id = ? and id not in "
        "(select a_prompt_id from comparisons where a_prompt_id is not null) order by created, rowid",
        [place.game.name, parent.id],
    )
    return [place.players.library.get(str(prompt_id), place.game) for (prompt_id,) in list(rows)]


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
    corner = desk(place, bounds, watch, "optimize", champions.certified.id, ids, size)
    for prompt in (champions.working, champions.certified, *wanted):
        corner.library.save(prompt, place.game)
    after = await try_out(corner, 1, champions, wanted)
    result = corner.steps.result("trial.1") or {}
    gain = result.get("gain")
    return OptimizeResult(
        candidates=tuple(ids),
        before=champions.certified.id,
        working=after.working.id,
        certified=after.certified.id,
        promoted=result.get("promoted"),
        comparisons=tuple(result.get("comparisons", ())),
        gain=None if gain is None else (gain[0], gain[1], gain[2]),
    )
