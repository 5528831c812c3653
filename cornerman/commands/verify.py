"""``cornerman verify``: compute every number again."""

import typer

from cornerman.format import count
from cornerman.options import ConfigFile, Db, Json
from cornerman.terminal import emit, note, say

ONE = {
    "comparisons": "comparison",
    "episodes": "episode",
    "prompts": "prompt",
    "aliases": "alias",
    "students": "student",
}
"""What one of each kind is called."""


def verify(*, config: ConfigFile = None, db: Db = None, as_json: Json = False) -> None:
    """Compute every comparison, total, prompt id and certification again from the stored games.

    Exit code 1 if anything differs. The games themselves: cornerman episodes replay --verify.

    Example: cornerman verify
    """
    from cornerman.verify import VerifyResult
    from cornerman.verify import verify as check
    from cornerman.workplace import settings
    from episodes.store.store import Store

    with Store.open(settings(db, config).db, write=False) as store:
        verified = check(store)
    for line in verified.differences:
        note(line)
    found = VerifyResult(len(verified.differences), verified.checked)
    if as_json:
        emit(found)
    else:
        kinds = ", ".join(count(n, ONE.get(kind, kind), kind) for kind, n in found.by_kind.items())
        say(f"{kinds or 'nothing to check'}; {count(found.differences, 'difference')}")
    if found.differences:
        raise typer.Exit(1)
