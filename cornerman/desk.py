"""Reflecting and optimizing by hand: single stages of a night, at a desk that is no night's.

The same inputs are the same desk, so a stage that was stopped goes on, and one that is done plays nothing twice.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from cornerman.night.coaching import try_out
from cornerman.night.corner import Champions, Corner, Watcher, fixed
from cornerman.night.reflection import propose, replay_what_ifs
from cornerman.night.sizes import SIZES, Size, SizeName
from cornerman.night.steps import Steps, digest
from cornerman.report import queries
from cornerman.workplace import Workplace
from models.errors import BadInput
from prompts.prompt import Prompt


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


async def reflect(place: Workplace, prompt: Prompt, size: SizeName, watch: Watcher) -> dict[str, Any]:
    """Reflect on every stored game that the configured model played with ``prompt``; keep the candidates.

    The result is what ``cornerman reflect --json`` prints. Raises ``BadInput`` where there are no such games.
    """
    player, episodes = _stored(place, prompt)
    corner = desk(place, SIZES[size], watch, "reflect", prompt.id, player, episodes, size)
    corner.library.save(prompt, place.game)
    studied = await replay_what_ifs(corner, 1, player, episodes)
    champions = Champions(prompt, champion(place, "certified"))
    candidates = await propose(corner, 1, champions, player, episodes)
    return {
        "player": player,
        "prompt": prompt.id,
        "episodes": len(episodes),
        "what_ifs": studied["what_ifs"],
        "candidates": [_candidate(place, one) for one in candidates],
    }


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


def _candidate(place: Workplace, prompt: Prompt) -> dict[str, Any]:
    library = place.players.library
    rules = [
        {
            "id": item.id,
            "text": item.line(place.game, remarks=True),
            "cites": [[cited.episode_id, cited.turn_n] for cited in library.citations(item.id)],
        }
        for item in prompt.items
    ]
    return {"prompt": prompt.id, "rules": rules}


def untried(place: Workplace, parent: Prompt) -> list[Prompt]:
    """Prompts made from ``parent`` that were never compared with anything, oldest first."""
    found = queries.untried_prompts(place.store, place.game.name, parent.id)
    return [place.players.library.get(prompt_id, place.game) for prompt_id in found]


async def optimize(place: Workplace, candidates: Sequence[Prompt], size: SizeName, watch: Watcher) -> dict[str, Any]:
    """Race ``candidates`` against the certified champion and put the best through the gate.

    Moves the names ``working`` and ``certified`` as a night does. The result is what ``cornerman optimize --json``
    prints.
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
    return {
        "candidates": ids,
        "before": champions.certified.id,
        "working": after.working.id,
        "certified": after.certified.id,
        "promoted": result.get("promoted"),
        "comparisons": result.get("comparisons", []),
        "gain": result.get("gain"),
    }
