"""``cornerman ladder``: the ratings of all colosseum games in the store."""

from typing import Annotated

import typer

from cornerman.format import count
from cornerman.options import ConfigFile, Db, Json
from cornerman.terminal import emit, say


def ladder(
    *,
    game: Annotated[str | None, typer.Option("--game", metavar="GAME", help="Only this game.")] = None,
    clock: Annotated[str | None, typer.Option("--clock", metavar="CLOCK", help="Only this clock.")] = None,
    config: ConfigFile = None,
    db: Db = None,
    as_json: Json = False,
) -> None:
    """Show who is how strong: every colosseum game in the store, a ladder for each game and clock.

    Games under different clocks are never mixed, nor are players of one name with different models or prompts.

    Example: cornerman ladder --game duel
    """
    from cornerman.colosseum.games import fought, venues
    from cornerman.colosseum.show import show_standings
    from cornerman.colosseum.standings import Ladder, LadderResult, labelled, standings
    from cornerman.workplace import settings
    from episodes.store.store import Store
    from models.errors import BadInput

    with Store.open(settings(db, config).db, write=False) as store:
        found = [(venue, standings(labelled(fought(store, venue.ids)))) for venue in venues(store, game, clock)]
    found = [(venue, table) for venue, table in found if table.games]
    if not found:
        what = " ".join(
            word for word in (f"of {game}" if game else "", f"on the {clock} clock" if clock else "") if word
        )
        raise BadInput(
            f"no colosseum games {what or 'in the store'} yet: `cornerman colosseum players.toml` plays some"
        )
    if as_json:
        return emit(LadderResult(tuple(Ladder(venue.game, venue.clock, table) for venue, table in found)))
    for n, (venue, table) in enumerate(found):
        say(f"{'' if not n else chr(10)}{venue.game}, {venue.clock} clock, {count(table.games, 'game')}")
        show_standings(table)
    return None
