"""What reports, checks and commands read from a store beside the repositories of the packages below.

All of that SQL, with a type for every row. Knows nothing about what is shown, or how.
"""

import json
from collections.abc import Iterable
from typing import NamedTuple

from episodes.store.lost import Lost, PlayerOf, lost_by_player
from episodes.store.store import Store
from optimize.stats.pairs import Counts

# A night.


class NightCounts(NamedTuple):
    """How much of everything a night made."""

    episodes: int
    turns: int
    what_ifs: int
    proposed: int
    rejected: int


def night_counts(store: Store, night_id: str) -> NightCounts:
    """Games and turns, turns that were played on otherwise, rules that were proposed and ideas that were rejected."""
    found = store.db.execute(
        "select (select count(*) from episodes where night_id = ?1), "
        "(select ifnull(sum(s.turns), 0) from seats s join episodes e on e.id = s.episode_id where e.night_id = ?1), "
        "(select count(distinct w.episode_id || ':' || w.turn_n) from whatifs w "
        "join episodes e on e.id = w.episode_id where w.night_id = ?1 and e.purpose != 'teach'), "
        "(select count(*) from guidance where night_id = ?1), "
        "(select count(*) from rejected where night_id = ?1)",
        [night_id],
    ).fetchone()
    return NightCounts._make(found)


class SeatCosts(NamedTuple):
    """What one player's turns of a night took. ``latencies``: each game's median in milliseconds."""

    player: str
    model: str
    prompt_id: str | None
    episodes: int
    turns: int
    tokens_in: int
    tokens_out: int
    usd: float
    latencies: tuple[float, ...]


def night_losses(store: Store, night_id: str) -> dict[PlayerOf, Lost]:
    """The decisions that each player of a night lost."""
    return lost_by_player(store, store.episode_ids(night=night_id))


def seat_costs(store: Store, night_id: str) -> list[SeatCosts]:
    """One row for every player, model and prompt of a night that is not a bot."""
    found = store.db.execute(
        "select s.player, s.model, s.prompt_id, count(*), sum(s.turns), sum(s.tokens_in), sum(s.tokens_out), "
        "sum(s.cost_usd), group_concat(s.latency_p50_ms) "
        "from seats s join episodes e on e.id = s.episode_id "
        "where e.night_id = ? and s.player not like 'bot:%' group by s.player, s.model, s.prompt_id",
        [night_id],
    )
    return [
        SeatCosts._make((*row, tuple(map(float, latencies.split(","))) if latencies else ()))
        for *row, latencies in found
    ]


class Met(NamedTuple):
    """A seat of a pair's game and who sat opposite."""

    pair: str
    player: str
    model: str
    prompt_id: str | None
    score: float
    other: str
    other_model: str
    other_prompt_id: str | None


def league_seats(store: Store, night_id: str) -> list[Met]:
    """The seats of a night's games against the league, in the order in which they were played."""
    found = store.db.execute(
        "select e.pair_id, s.player, s.model, s.prompt_id, s.score, o.player, o.model, o.prompt_id "
        "from episodes e join seats s on s.episode_id = e.id join seats o on o.episode_id = e.id and o.seat != s.seat "
        "where e.night_id = ? and e.pair_id is not null and e.purpose in ('league', 'check') "
        "order by e.started, e.id, s.seat",
        [night_id],
    )
    return [Met._make(row) for row in found]


def game_to_show(store: Store, night_id: str, game: str, prompt_id: str | None) -> str | None:
    """A night's game that the player with ``prompt_id`` won, of middling length; without one, any game."""
    found = store.db.execute(
        "select e.id from episodes e left join seats s on s.episode_id = e.id and s.prompt_id = ? and s.score = 1 "
        "where e.night_id = ? and e.game = ? and e.purpose not in ('teach', 'check', 'control') "
        "order by s.player is null, e.purpose != 'confirm', "
        "abs(e.ticks - (select avg(ticks) from episodes where night_id = e.night_id)), e.id limit 1",
        [prompt_id, night_id, game],
    ).fetchone()
    return None if found is None else str(found[0])


# Prompts and their names.


class Certified(NamedTuple):
    """What ``certified`` was set to: by which comparison of which night, and whose prompt lost that one."""

    prompt_id: str | None
    comparison_id: str | None
    night_id: str | None
    beaten: str | None


def certified_history(store: Store, game: str, model: str) -> list[Certified]:
    """All that ``certified`` ever stood for, oldest first."""
    found = store.db.execute(
        "select h.prompt_id, h.comparison_id, c.night_id, c.b_prompt_id "
        "from alias_history h left join comparisons c on c.id = h.comparison_id "
        "where h.name = 'certified' and h.game = ? and h.model in (?, '') order by h.n",
        [game, model],
    )
    return [Certified._make(row) for row in found]


def count_of_rules(store: Store, prompt_id: str) -> int:
    """How many guidance items a prompt has."""
    found = store.db.execute("select count(*) from prompt_guidance where prompt_id = ?", [prompt_id]).fetchone()
    return int(found[0])


def names_of(store: Store, game: str, prompt_id: str) -> list[str]:
    """The names that stand for a prompt."""
    found = store.db.execute(
        "select name from aliases where game = ? and prompt_id = ? order by name", [game, prompt_id]
    )
    return [str(name) for (name,) in found]


def system_text(store: Store, prompt_id: str) -> str:
    """The system prompt as it was sent; empty for an unknown one."""
    found = store.db.execute("select system_id from prompts where id = ?", [prompt_id]).fetchone()
    return store.text(found[0]) if found and found[0] else ""


class RuleRow(NamedTuple):
    """A guidance item of a prompt, with its measured effect on the mean pair score."""

    id: str
    text: str
    remark: str
    origin: str
    status: str
    effect: float | None
    effect_low: float | None
    effect_high: float | None


def rules_of(store: Store, prompt_id: str | None) -> list[RuleRow]:
    """The guidance items of a prompt in its order."""
    found = store.db.execute(
        f"select {', '.join(f'g.{column}' for column in RuleRow._fields)} "
        "from prompt_guidance p join guidance g on g.id = p.guidance_id where p.prompt_id = ? order by p.position",
        [prompt_id],
    )
    return [RuleRow._make(row) for row in found]


class CitedTurn(NamedTuple):
    """A turn that is evidence for a rule; ``situation`` is JSON, ``other`` who sat opposite."""

    episode: str
    turn: int
    note: str
    situation: str
    observation: str
    move: str | None
    reply: str
    player: str
    score: float
    other: str | None


def cited_turns(store: Store, guidance_id: str, most: int) -> list[CitedTurn]:
    """The first ``most`` turns that are evidence for a rule."""
    found = store.db.execute(
        "select v.episode_id, v.turn_n, v.note, t.situation, x.text, t.move, t.reply, s.player, s.score, o.player "
        "from guidance_evidence v join turns t on t.episode_id = v.episode_id and t.n = v.turn_n "
        "join texts x on x.id = t.observation_id "
        "join seats s on s.episode_id = v.episode_id and s.seat = t.seat "
        "left join seats o on o.episode_id = v.episode_id and o.seat = 1 - t.seat "
        "where v.guidance_id = ? order by v.episode_id, v.turn_n limit ?",
        [guidance_id, most],
    )
    return [CitedTurn._make(row) for row in found]


def untried_prompts(store: Store, game: str, parent_id: str) -> list[str]:
    """Prompts made from a parent that were never compared with anything, oldest first."""
    found = store.db.execute(
        "select id from prompts where game = ? and parent_id = ? and id not in "
        "(select a_prompt_id from comparisons where a_prompt_id is not null) order by created, rowid",
        [game, parent_id],
    )
    return [str(prompt_id) for (prompt_id,) in found]


# What can be computed again.


class StoredPrompt(NamedTuple):
    """A prompt and its game."""

    id: str
    game: str


def stored_prompts(store: Store) -> list[StoredPrompt]:
    """Every prompt, the oldest first."""
    return [StoredPrompt._make(row) for row in store.db.execute("select id, game from prompts order by created, id")]


class Missing(NamedTuple):
    """A player of a night whose prompt is not in the store."""

    player: str
    prompt_id: str


def missing_prompts(store: Store) -> list[Missing]:
    """Players of nights whose prompts are not there; episodes from elsewhere may come without theirs."""
    found = store.db.execute(
        "select distinct s.player, s.prompt_id from seats s join episodes e on e.id = s.episode_id "
        "join nights n on n.id = e.night_id "
        "where s.prompt_id is not null and s.prompt_id not in (select id from prompts)"
    )
    return [Missing._make(row) for row in found]


class Ground(NamedTuple):
    """The comparison on whose strength a name was set."""

    winner: str | None
    counts: Counts
    alpha: float


class Named(NamedTuple):
    """What a name stands for; ``ground`` is ``None`` where its comparison is not in the store."""

    name: str
    game: str
    model: str
    prompt_id: str
    comparison_id: str | None
    ground: Ground | None


def names_with_grounds(store: Store) -> list[Named]:
    """Every name that stands for a prompt."""
    found = store.db.execute(
        "select a.name, a.game, a.model, a.prompt_id, a.comparison_id, c.a_prompt_id, c.n0, c.n1, c.n2, c.n3, c.n4, "
        "c.alpha from aliases a left join comparisons c on c.id = a.comparison_id where a.prompt_id is not null"
    )
    return [
        Named(name, game, model, prompt_id, comparison_id, _ground(*ground))
        for name, game, model, prompt_id, comparison_id, *ground in found
    ]


def _ground(winner: str | None, *figures: float | None) -> Ground | None:
    *counts, alpha = figures
    return None if alpha is None else Ground(winner, Counts(*(int(n or 0) for n in counts)), alpha)


# Single commands.


class Playable(NamedTuple):
    """A stored game of a player that can be played on from."""

    player: str
    episode: str


def games_to_play_on(store: Store, game: str, model: str, prompt_id: str) -> list[Playable]:
    """Games of a model with a prompt that can be played on from, by player and episode.

    A person cannot be asked again, and a teacher would think for minutes.
    """
    found = store.db.execute(
        "select s.player, e.id from seats s join episodes e on e.id = s.episode_id "
        "where s.model = ? and s.prompt_id = ? and e.game = ? and e.purpose not in ('teach', 'check') "
        "and not exists (select 1 from seats o where o.episode_id = e.id and o.player = 'human') order by 1, 2",
        [model, prompt_id, game],
    )
    return [Playable._make(row) for row in found]


def stored_players(store: Store, game: str) -> list[str]:
    """The names by which prompts with a name, in ``game``, and students can be played."""
    aliases = store.db.execute("select model, name from aliases where game = ? and prompt_id is not null", [game])
    named = [f"{model or 'MODEL'}@{name}" for model, name in aliases]
    return named + [f"student:{student}" for (student,) in store.db.execute("select id from students order by created")]


class Inputs(NamedTuple):
    """How many inputs were given in some episodes, and how many of them never came to be played."""

    given: int
    lost: int


def inputs_of(store: Store, episodes: Iterable[str]) -> Inputs:
    """Lost is what was superseded by a newer decision, or late because the game was over."""
    found = store.db.execute(
        "select count(*), ifnull(sum(fate in ('superseded', 'late')), 0) from inputs "
        "where episode_id in (select value from json_each(?))",
        [json.dumps(list(episodes))],
    ).fetchone()
    return Inputs._make(found)
