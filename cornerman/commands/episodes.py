"""``cornerman episodes``: stored games, to look at, play again, take out and bring in."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cornerman.format import count, fixed, milliseconds, number, plain, signed
from cornerman.options import ConfigFile, Db, Json
from cornerman.terminal import emit, note, say, table

if TYPE_CHECKING:
    from cornerman.stored import FaultShown
    from episodes.record import EpisodeRecord
    from episodes.replay import Difference
    from episodes.store.store import Store

EpisodeId = Annotated[str, typer.Argument(help="An episode's id, as `episodes list` shows it.")]


def list_(
    *,
    game: Annotated[str | None, typer.Option("--game", help="Only this game.")] = None,
    player: Annotated[str | None, typer.Option(help="Only games of this player, by its full name.")] = None,
    purpose: Annotated[str | None, typer.Option(help="E.g. play, gate, confirm, teach, check, colosseum.")] = None,
    night: Annotated[str | None, typer.Option(help="Only games of this night.")] = None,
    limit: Annotated[int, typer.Option(min=1, help="At most so many.")] = 20,
    config: ConfigFile = None,
    db: Db = None,
    as_json: Json = False,
) -> None:
    """List stored episodes, the newest first.

    Example: cornerman episodes list --player bot:turtle --limit 5
    """
    from cornerman.stored import EpisodeList
    from cornerman.workplace import settings
    from episodes.store.store import Store

    with Store.open(settings(db, config).db, write=False) as store:
        found = store.episodes(game=game, player=player, purpose=purpose, night=night, limit=limit)
    if as_json:
        return emit(EpisodeList(tuple(found)))
    rows = [
        (
            row.id,
            row.game,
            row.purpose,
            ", ".join(f"{s.player} {plain(s.score)}" for s in row.seats),
            row.ticks,
            row.started,
        )
        for row in found
    ]
    return table(("id", "game", "purpose", "players and scores", "ticks", "started"), rows)


def show(episode: EpisodeId, *, config: ConfigFile = None, db: Db = None, as_json: Json = False) -> None:
    """Show one episode turn by turn: what each player saw, answered and did.

    Example: cornerman episodes show 0e29bda6aa16da4e23a9
    """
    from cornerman.stored import EpisodeShown, FaultShown
    from cornerman.workplace import settings
    from episodes.store.store import Store

    with Store.open(settings(db, config).db, write=False) as store:
        faults = tuple(FaultShown(place, fault) for place, fault in store.faults(episode))
        if store.scores(episode) is None and faults:
            return _void(episode, faults, as_json)
        record = store.episode(episode)
        # The game of a kept episode broke, if at all, in an earlier attempt.
        faults = tuple(one for one in faults if one.fault.where == "player")
        if as_json:
            return emit(EpisodeShown(store.summary(episode), record.turns, faults))
    say(f"{record.game}, seed {record.seed}, {record.clock} clock, {record.purpose}, ended by {record.ended_by}")
    for seat in record.seats:
        say(f"seat {seat.seat}: {seat.player}, score {plain(seat.score)}")
    _turns(record)
    return _faults(faults)


def _void(episode: str, faults: "tuple[FaultShown, ...]", as_json: bool) -> None:
    from cornerman.stored import VoidShown

    if as_json:
        return emit(VoidShown(episode, faults))
    say(f"episode {episode} is void")
    return _faults(faults)


def _faults(faults: "Sequence[FaultShown]") -> None:
    for one in faults:
        times = f" ({number(one.fault.times)} times)" if one.fault.times > 1 else ""
        say(f"\n{one.fault.line(one.place.game)}{times}")
        say(one.fault.traceback)


def _turns(record: "EpisodeRecord") -> None:
    for turn in record.turns:
        chosen = turn.move or turn.reply_class.value
        ended = "" if turn.ended_ms is None else f"; the reply ended after {milliseconds(turn.ended_ms)}"
        parts = f", then {turn.split.rest} at tick {turn.split.lands}" if turn.split else ""
        say(f"\n{turn.n}  tick {turn.tick}  seat {turn.seat}  {chosen}  ({milliseconds(turn.latency_ms)}{ended})")
        if turn.lands != turn.tick:
            say(f"takes effect at tick {turn.lands}{parts}")
        say(turn.observation)
        if turn.thought:
            say(f"thought: {turn.thought}")
        if turn.reply != turn.move:
            say(f"> {turn.reply}")
        if turn.values:
            say("values: " + ", ".join(f"{move} {signed(value, 3)}" for move, value in turn.values.items()))


def replay(
    episode: Annotated[str | None, typer.Argument(help="An episode's id. Without it: every episode.")] = None,
    *,
    verify: Annotated[bool, typer.Option("--verify", help="Compare every state with the stored one.")] = False,
    config: ConfigFile = None,
    db: Db = None,
    as_json: Json = False,
) -> None:
    """Play stored episodes again from their moves and ticks.

    With --verify nothing is shown but the first state of each episode that differs (exit code 1).

    Example: cornerman episodes replay --verify
    """
    from cornerman.workplace import settings
    from episodes.store.store import Store
    from models.errors import BadInput

    if episode is None and not verify:
        raise BadInput("say which episode to replay, or check them all with --verify")
    with Store.open(settings(db, config).db, write=False) as store:
        if not verify:
            assert episode is not None
            return _watch(store, episode, as_json)
        return _verify(store, None if episode is None else [episode], as_json)


def _verify(store: "Store", ids: list[str] | None, as_json: bool) -> None:
    from cornerman.stored import ReplayVerified
    from episodes.replay import verify_episodes

    def on_progress(done: int, differences: "list[Difference]") -> None:
        for difference in differences:
            note(str(difference))
        if done % 200 == 0:
            note(f"{number(done)} episodes")

    checked = verify_episodes(store, ids, on_progress=on_progress)
    found = ReplayVerified(checked.episodes, checked.turns, len(checked.differences))
    if as_json:
        emit(found)
    else:
        differences = count(found.differences, "difference")
        say(f"{count(found.episodes, 'episode')}, {count(found.turns, 'turn')}, {differences}")
    if found.differences:
        raise typer.Exit(1)


def _watch(store: "Store", episode: str, as_json: bool) -> None:
    from cornerman.stored import watch

    found = watch(store, episode)
    if as_json:
        return emit(found)
    rows = [
        (one.tick, one.who, one.move, one.fates, ", ".join(fixed(value, 3) for value in one.returns))
        for one in found.frames
    ]
    return table(("tick", "who", "move", "fates", "returns"), rows)


def export(
    path: Annotated[Path, typer.Argument(help="A file that ends in .jsonl or .parquet.")],
    *,
    game: Annotated[str | None, typer.Option("--game", help="Only this game.")] = None,
    player: Annotated[str | None, typer.Option(help="Only games of this player, by its full name.")] = None,
    purpose: Annotated[str | None, typer.Option(help="E.g. play, gate, confirm, teach, check, colosseum.")] = None,
    night: Annotated[str | None, typer.Option(help="Only games of this night.")] = None,
    config: ConfigFile = None,
    db: Db = None,
    as_json: Json = False,
) -> None:
    """Write stored episodes, whole, to a JSON Lines or Parquet file.

    Example: cornerman episodes export games.jsonl
    """
    from cornerman.stored import ExportedEpisodes
    from cornerman.workplace import settings
    from episodes.exchange import export_episodes
    from episodes.store.store import Store

    with Store.open(settings(db, config).db, write=False) as store:
        ids = store.episode_ids(game=game, player=player, purpose=purpose, night=night)
        done = export_episodes(store, path, ids)
    if as_json:
        return emit(ExportedEpisodes(path, done))
    return say(f"wrote {count(done, 'episode')} to {path}")


def import_(
    path: Annotated[Path, typer.Argument(help="A file as `episodes export` writes it.")],
    *,
    config: ConfigFile = None,
    db: Db = None,
    as_json: Json = False,
) -> None:
    """Bring the episodes of a file into the store, all or none; those that are there stay as they are.

    Example: cornerman episodes import games.jsonl
    """
    from cornerman.stored import ImportedEpisodes
    from cornerman.workplace import settings
    from episodes.exchange import import_episodes
    from episodes.store.store import Store

    with Store.open(settings(db, config).db) as store:
        done = import_episodes(store, path)
    if as_json:
        return emit(ImportedEpisodes(path, done.episodes, done.new))
    return say(f"{count(done.episodes, 'episode')} in {path}, {number(done.new)} of them new")
