"""The page on the store names every table and column that there is."""

import re
from pathlib import Path

from episodes.store.store import Store

PAGE = Path(__file__).parents[2] / "docs" / "store.md"


def test_the_page_has_every_table_and_column(tmp_path: Path) -> None:
    listed = {
        name: columns.split(", ") for name, columns in re.findall(r"^\| `(\w+)` \| (.+) \|$", PAGE.read_text(), re.M)
    }
    with Store.open(tmp_path / "s.db") as store:
        there = {table.name: [column.name for column in table.columns] for table in store.db.tables}
    assert listed == there
