"""``cornerman episodes``: stored games, to look at, play again, take out and bring in."""

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cornerman.options import ConfigFile, Db, Json
from cornerman.terminal import emit, note, say, table

if TYPE_CHECKING:
    from episodes.fault import FaultPlace, GuestFault
    from episodes.record import EpisodeRecord, TurnRecord
    from episodes.replay import Difference
    from episodes.store.store import EpisodeSummary

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
    from cornerman.workplace import settings
    from episodes.store.store import Store

    with Store.open(settings(db, config).db, write=False) as store:
        found = store.episodes(game=game, player=player, purpose=purpose, night=night, limit=limit)
    if as_json:
        return emit({"episodes": [_plain(row) for row in found]})
    rows = [
        (
            row.id,
            row.game,
            row.purpose,
            ", ".join(f"{s.player} {s.score:g}" for s in row.seats),
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
    from cornerman.workplace import settings
    from episodes.store.store import Store

    with Store.open(settings(db, config).db, write=False) as store:
        faults = store.faults(episode)
        if store.scores(episode) is None and faults:
            return _void(episode, faults, as_json)
        record = store.episode(episode)
        if as_json:
            turns = [_turn(turn) for turn in record.turns]
            return emit({**_plain(store.summary(episode)), "turns_list": turns, "faults": _plain_faults(faults)})
    say(f"{record.game}, seed {record.seed}, {record.clock} clock, {record.purpose}, ended by {record.ended_by}")
    for seat in record.seats:
        say(f"seat {seat.seat}: {seat.player}, score {seat.score:g}")
    _turns(record)
    return _faults(faults)


Faults = Sequence[tuple["FaultPlace", "GuestFault"]]


def _void(episode: str, faults: Faults, as_json: bool) -> None:
    if as_json:
        return emit({"id": episode, "void": True, "faults": _plain_faults(faults)})
    say(f"episode {episode} is void")
    return _faults(faults)


def _faults(faults: Faults) -> None:
    for place, fault in faults:
        say(f"\n{fault.line(place.game)}{f' ({fault.times} times)' if fault.times > 1 else ''}")
        say(fault.traceback)


def _plain_faults(faults: Faults) -> list[dict[str, Any]]:
    return [asdict(place) | asdict(fault) for place, fault in faults]


def _turns(record: "EpisodeRecord") -> None:
    for turn in record.turns:
        chosen = turn.move or turn.reply_class.value
        ended = "" if turn.ended_ms is None else f"; the reply ended after {turn.ended_ms:.1f} ms"
        parts = f", then {turn.split.rest} at tick {turn.split.lands}" if turn.split else ""
        say(f"\n{turn.n}  tick {turn.tick}  seat {turn.seat}  {chosen}  ({turn.latency_ms:.1f} ms{ended})")
        if turn.lands != turn.tick:
            say(f"takes effect at tick {turn.lands}{parts}")
        say(turn.observation)
        if turn.thought:
            say(f"thought: {turn.thought}")
        if turn.reply != turn.move:
            say(f"> {turn.reply}")
        if turn.values:
            say("values: " + ", ".join(f"{move} {value:+.3f}" for move, value in turn.values.items()))


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


def _verify(store: Any, ids: list[str] | None, as_json: bool) -> None:
    from episodes.replay import verify_episodes

    def on_progress(done: int, differences: "list[Difference]") -> None:
        for difference in differences:
            note(str(difference))
        if done % 200 == 0:
            note(f"{done} episodes")

    found = verify_episodes(store, ids, on_progress=on_progress)
    if as_json:
        emit({"episodes": found.episodes, "turns": found.turns, "differences": len(found.differences)})
    else:
        say(f"{found.episodes} episodes, {found.turns} turns, {len(found.differences)} differences")
    if found.differences:
        raise typer.Exit(1)


def _watch(store: Any, episode: str, as_json: bool) -> None:
    from episodes.games import load_game
    from episodes.replay import frames

    record = store.episode(episode)
    shown = []
    for frame in frames(record, load_game(record.game)):
        who = "end" if frame.turn is None else f"seat {frame.turn.seat}"
        move = "" if frame.turn is None else frame.turn.move or frame.turn.reply_class.value
        fates = ", ".join(f"{given.move}: {given.fate}" for given in frame.fates)
        shown.append({"tick": frame.tick, "who": who, "move": move, "fates": fates, "returns": list(frame.returns)})
    if as_json:
        return emit({"episode": record.id, "frames": shown})
    columns = ("tick", "who", "move", "fates", "returns")
    return table(columns, [[frame[column] for column in columns] for frame in shown])


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
    from cornerman.workplace import settings
    from episodes.exchange import export_episodes
    from episodes.store.store import Store

    with Store.open(settings(db, config).db, write=False) as store:
        ids = store.episode_ids(game=game, player=player, purpose=purpose, night=night)
        done = export_episodes(store, path, ids)
    if as_json:
        return emit({"path": str(path), "episodes": done})
    return say(f"wrote {done} episodes to {path}")


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
    from cornerman.workplace import settings
    from episodes.exchange import import_episodes
    from episodes.store.store import Store

    with Store.open(settings(db, config).db) as store:
        done = import_episodes(store, path)
    if as_json:
        return emit({"path": str(path), "episodes": done.episodes, "new": done.new})
    return say(f"{done.episodes} episodes in {path}, {done.new} of them new")


def _plain(row: "EpisodeSummary") -> dict[str, Any]:
    from dataclasses import asdict

    return asdict(row)


def _turn(turn: "TurnRecord") -> dict[str, Any]:
    from dataclasses import asdict

    return {**asdict(turn), "reply_class": turn.reply_class.value}
