"""``cornerman players``: who can play."""

from cornerman.options import ConfigFile, Db, GameName, Json
from cornerman.terminal import emit, say


def players(*, game: GameName = None, config: ConfigFile = None, db: Db = None, as_json: Json = False) -> None:
    """List the players that can be named: house bots, forms of names, prompts with a name, students.

    Example: cornerman players
    """
    from cornerman.listing import PlayersResult
    from cornerman.opening import house_players
    from cornerman.players import FORMS
    from cornerman.report.queries import stored_players
    from cornerman.workplace import settings
    from episodes.store.store import Store

    chosen = settings(db, config, game)
    named: list[str] = []
    if chosen.db.is_file():
        with Store.open(chosen.db, write=False) as store:
            named += stored_players(store, chosen.game)
    found = PlayersResult(tuple(house_players()), tuple(named), tuple(FORMS))
    if as_json:
        return emit(found)
    for kind, names in (("house", found.house), ("stored", found.stored), ("forms", found.forms)):
        for name in names:
            say(f"{kind:8} {name}")
    return None
