"""``cornerman verify``: compute every number again."""

import typer

from cornerman.options import ConfigFile, Db, Json
from cornerman.terminal import emit, note, say


def verify(*, config: ConfigFile = None, db: Db = None, as_json: Json = False) -> None:
    """Compute every comparison, total, prompt id and certification again from the stored games.

    Exit code 1 if anything differs. The games themselves: cornerman episodes replay --verify.

    Example: cornerman verify
    """
    from cornerman.verify import verify as check
    from cornerman.workplace import settings
    from episodes.store.store import Store

    with Store.open(settings(db, config).db, write=False) as store:
        found = check(store)
    for line in found.differences:
        note(line)
    total = sum(found.checked.values())
    if as_json:
        emit({"checked": total, "differences": len(found.differences), "by_kind": found.checked})
    else:
        kinds = ", ".join(f"{number} {kind}" for kind, number in found.checked.items()) or "nothing to check"
        say(f"{kinds}; {len(found.differences)} differences")
    if found.differences:
        raise typer.Exit(1)
