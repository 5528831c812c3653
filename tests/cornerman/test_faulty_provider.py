"""A player behind a server that gets many answers wrong: what is the provider's fault is never the player's loss."""

import json
import sqlite3
from pathlib import Path
from typing import Any

import pytest
from mixed_faults import FORMS, STREAMED, WHOLE, MixedServer
from typer.testing import CliRunner

from cornerman.cli import app

SHARE = 0.3
pytestmark = pytest.mark.usefixtures("waiting_takes_no_time")


def played(folder: Path, server: MixedServer, game: str, clock: str, episodes: int) -> dict[str, Any]:
    """What ``play`` prints of games against random at ``server``."""
    words = ["play", f"vllm:{server.url}#m", "bot:random", "--game", game, "--clock", clock, "--json"]
    done = CliRunner().invoke(app, [*words, "--episodes", str(episodes), "--db", str(folder / "games.db")])
    assert done.exit_code == 0, done.output
    result: dict[str, Any] = json.loads(done.stdout)
    return result


def classes(folder: Path) -> dict[str, int]:
    """How the replies of the model were classed, in all that was stored."""
    with sqlite3.connect(folder / "games.db") as connection:
        rows = connection.execute(
            "select reply_class, count(*) from turns join seats using (episode_id, seat) where player like 'vllm:%' "
            "group by reply_class"
        )
        return dict(rows.fetchall())


@pytest.mark.parametrize(
    ("game", "clock", "kinds"),
    [("openspiel:tic_tac_toe", "paused", WHOLE + FORMS), ("duel", "measured", WHOLE + STREAMED)],
)
def test_no_lost_decision_is_the_players_that_was_the_providers(
    game: str, clock: str, kinds: tuple[str, ...], tmp_path: Path
) -> None:
    episodes = 60 if clock == "paused" else 4
    with MixedServer(SHARE) as server:
        result = played(tmp_path, server, game, clock, episodes)
        # How many decisions a measured clock leaves room for is for the machine to say.
        assert len(server.met.keys() & set(kinds)) >= (len(kinds) if clock == "paused" else len(kinds) // 2)
        wrong = sum(server.met.values()) / server.asked
    assert 0.2 < wrong < 0.4
    assert result["episodes"] >= episodes / 2, "few pairs are void"
    assert classes(tmp_path).keys() == {"move"}
    assert (result["illegal"], result["refused"], result["timeouts"]) == (0, 0, 0)


def test_the_same_games_meet_the_same_faults(tmp_path: Path) -> None:
    met = []
    for folder in (tmp_path / "one", tmp_path / "other"):
        folder.mkdir()
        with MixedServer(SHARE) as server:
            played(folder, server, "openspiel:tic_tac_toe", "paused", 20)
            met.append((server.asked, server.met))
    assert met[0] == met[1]
