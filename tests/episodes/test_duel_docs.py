"""``docs/duel.md`` agrees with the code: frame table, vocabulary, and payoffs."""

from pathlib import Path

from episodes.games.duel.frames import FRAMES
from episodes.games.duel.tables import feature_table, frame_table
from episodes.games.duel.words import MOVES
from episodes.players.bots import BOTS

_PAGE = Path(__file__).parent.parent.parent / "docs" / "duel.md"


def test_the_frame_table_is_the_code() -> None:
    assert frame_table() in _PAGE.read_text(), "run `python -m episodes.games.duel.tables` and put its tables in docs"


def test_the_features_are_the_code() -> None:
    assert feature_table() in _PAGE.read_text(), "run `python -m episodes.games.duel.tables` and put its tables in docs"


def test_the_page_names_every_move_and_bot() -> None:
    page = _PAGE.read_text()
    assert all(f"`{move}`" in page for move in MOVES)
    assert all(f"`{bot}`" in page for bot in BOTS)


def test_the_table_shows_what_is_punishable() -> None:
    by_name = dict(zip(MOVES, FRAMES, strict=True))
    assert by_name["jab"].startup < 12
    assert by_name["throw"].startup < 12
    fastest = min(frame.startup for frame in FRAMES if frame.damage)
    for punishable in ("heavy", "uppercut", "super"):
        assert -by_name[punishable].on_block > fastest, punishable
    assert -by_name["jab"].on_block <= fastest
