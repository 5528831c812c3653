"""``cornerman oracle``: stored play against exact play."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated

import typer

from cornerman.format import count, fixed, number, percent, signed
from cornerman.options import ConfigFile, Db, GameName, Json
from cornerman.terminal import emit, say, table

if TYPE_CHECKING:
    from cornerman.oracle import OracleResult
    from episodes.record import EpisodeRecord
    from episodes.store.store import Store


def oracle(
    episodes: Annotated[
        list[str] | None, typer.Argument(help="Ids of episodes. Without them: all of the game.")
    ] = None,
    *,
    player: Annotated[str | None, typer.Option(help="Judge only this player, by its full name.")] = None,
    game: GameName = None,
    config: ConfigFile = None,
    db: Db = None,
    as_json: Json = False,
) -> None:
    """Judge stored play of a small OpenSpiel game by exact play.

    Where nothing is hidden: how many moves were blunders, and what a move cost on average, in returns (-1 to 1).
    Where something is hidden: what a best response would win against the policy that the player's moves show.

    Example: cornerman oracle --game openspiel:tic_tac_toe --player bot:random
    """
    from cornerman.oracle import judge
    from cornerman.workplace import settings
    from episodes.games import load_game
    from episodes.store.store import Store

    found_settings = settings(db, config, game)
    with Store.open(found_settings.db, write=False) as store:
        name = game or (store.summary(episodes[0]).game if episodes else found_settings.game)
        ids = episodes or store.episode_ids(game=name, player=player)
        found = judge(load_game(name), _of_one_game(store, ids, name), player)
    if as_json:
        return emit(found)
    return _print(found)


def _of_one_game(store: "Store", ids: list[str], game: str) -> Iterator["EpisodeRecord"]:
    from models.errors import BadInput

    for episode in ids:
        record = store.episode(episode)
        if record.game != game:
            raise BadInput(f"episode {episode} is of {record.game}, not of {game}: judge one game at a time")
        yield record


def _print(found: "OracleResult") -> None:
    value = ", ".join(signed(one, 4) for one in found.value)
    say(f"{found.game}, {count(found.episodes, 'episode')}; with exact play the seats get {value}")
    if found.kind == "positions":
        return table(
            ("player", "moves", "blunders", "of its moves", "mean regret", "illegal"),
            [
                (
                    one.player,
                    number(one.moves),
                    number(one.blunders),
                    percent(one.blunder_rate, 1),
                    fixed(one.mean_regret, 4),
                    number(one.illegal),
                )
                for one in found.players
            ],
        )
    say(
        "exploitability: what a best response wins on average, as a return; "
        f"uniform play {fixed(found.exploitability_uniform, 4)}, "
        f"the equilibrium found {fixed(found.exploitability_equilibrium, 4)}"
    )
    say("where a player was never seen to move it is taken to move uniformly; after few games anybody looks weak")
    return table(
        ("player", "moves", "illegal", "exploitability", "states seen", "states"),
        [
            (
                one.player,
                number(one.moves),
                number(one.illegal),
                fixed(one.exploitability, 4),
                number(one.states_seen),
                number(one.states),
            )
            for one in found.players
        ],
    )
