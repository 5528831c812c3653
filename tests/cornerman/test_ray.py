"""Episodes on Ray: two nodes on this machine, one of which is killed; the budget; Ctrl-C."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ray_games import COST, KEY, MODEL, Fighter, configuration, play, ray_nodes, records
from waiting import episodes_in, wait_until

from cornerman.scale.pool import RayPool
from cornerman.session import PlayResult, play_session
from cornerman.workplace import workplace
from episodes.clock import Clock
from episodes.pairs import Setting, pair_matches, play_matches
from models.errors import BudgetExhausted

pytest.importorskip("ray")
pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module", autouse=True)
def stays_here(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Ray's head asks addresses of the clouds which of them it runs in, unless a file in its home says so.

    Where it may not tell of its use, it tells that once.
    """
    home = tmp_path_factory.mktemp("home")
    (home / "ray_bootstrap_config.yaml").write_text("provider: {type: none}\n")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HOME", str(home))
        patch.setenv("RAY_USAGE_STATS_ENABLED", "0")
        patch.setenv("RAY_USAGE_STATS_REPORT_URL", "http://127.0.0.1:9")
        yield


@pytest.fixture(scope="module")
def cluster(stays_here: None) -> Iterator[Any]:
    """Two nodes with a worker each; keys are in the nodes' own environment, for they never travel."""
    os.environ[KEY] = "sk-secret"
    with ray_nodes(2) as made:
        yield made
    del os.environ[KEY]


def test_a_limit_holds_over_all_workers(cluster: Any, tmp_path: Path) -> None:
    limit = 0.06
    with Fighter() as server:
        config = configuration(tmp_path, server.url, usd=limit)
        with workplace(tmp_path / "a.db", config, ray=cluster.address, at_once=8) as place:
            with pytest.raises(BudgetExhausted, match=r"raise budget\.usd"):
                play(place, 400)
            spent, kept = place.players.ledger.spent_usd, len(place.store.episode_ids())
        assert server.keys == {"Bearer sk-secret"}
    assert 0 < server.answered * COST <= spent + 1e-12 <= limit + 1e-12
    assert kept > 0


def test_an_episode_that_arrives_twice_is_kept_once(cluster: Any, tmp_path: Path) -> None:
    with workplace(tmp_path / "a.db", ray=cluster.address) as place:
        sides = place.players.open("bot:turtle", place.game), place.players.open("search:20", place.game)
        runner = place.runner
        assert runner is not None
        setting = Setting(place.game, Clock("paused"), "play", place.store, runner=runner)
        match = pair_matches(setting, *sides, 7)[0]
        told: list[Any] = []

        async def twice() -> None:
            await play_matches(
                [match, match],
                place.store,
                concurrency=2,
                on_result=lambda match, outcome: told.append(outcome),
                run=runner.play,
            )

        place.run(twice)
        assert place.store.episode_ids() == [match.id]
    assert len(told) == 2 and told[0] == told[1]


def test_a_match_that_ends_its_workers_is_given_up(
    cluster: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "deadly.py").write_text(
        "import os\n"
        "class Deadly:\n"
        "    name = model = 'deadly'\n"
        "    prompt_id = None\n"
        "    async def act(self, observation, context):\n"
        "        os._exit(1)\n"
        "player = Deadly()\n"
    )
    with workplace(tmp_path / "a.db", ray=cluster.address) as place:
        sides = (
            place.players.open(f"{tmp_path}/deadly.py:player", place.game),
            place.players.open("bot:zoner", place.game),
        )

        async def session() -> PlayResult:
            return await play_session(
                place, sides, clock=Clock("paused"), episodes=1, seed=1, progress=lambda done, wanted: None
            )

        found = place.run(session)
    assert (found.episodes, found.voided) == (0, 1)
    assert "3 workers were lost while they played episode" in found.faults[0].message
    assert capsys.readouterr().err.count("was lost; what it was playing is played again") == 3


def test_every_episode_arrives_once_and_the_same_though_a_node_is_killed(
    cluster: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The last test of this cluster: one of its nodes does not come back."""
    episodes = 24
    with Fighter() as server:
        config = configuration(tmp_path, server.url)
        with workplace(tmp_path / "alone.db", config) as place:
            play(place, episodes)
            expected, alone = records(place), server.answered
        server.answered, server.delay_s = 0, 0.02
        with workplace(tmp_path / "ray.db", config, ray=cluster.address, at_once=4) as place:
            killed: list[int] = []
            runner = place.runner
            assert isinstance(runner, RayPool)

            def on_progress(done: int, wanted: int) -> None:
                # Both nodes are in the middle of games: of the two that each began with it has ended one.
                if not killed and sum(bool(worker.used and worker.busy) for worker in runner._hired) > 1:
                    killed.append(done)
                    cluster.remove_node(cluster.list_all_nodes()[-1], allow_graceful=False)

            found = play(place, episodes, on_progress)
            totals = place.players.ledger.totals()[MODEL]
            arrived = records(place)
    assert killed and killed[0] < episodes - 4
    assert found.episodes == episodes == len(set(found.ids))
    assert arrived == expected
    assert server.answered > alone, "the killed node was playing nothing"
    assert "was lost" in capsys.readouterr().err
    # What the killed node was lent counts as spent, so that no call is forgotten.
    assert totals.assumed_usd > 0
    assert server.answered * COST <= totals.cost_usd


def test_ctrl_c_is_clean(tmp_path: Path) -> None:
    """Finished episodes are kept, standard output stays empty, Ray is gone with its files."""
    environment = os.environ | {"PYTHONPATH": str(ROOT), "COLUMNS": "200"}
    code = "from cornerman.cli import main; main()"
    words = ["play", "bot:turtle", "bot:jumper", "--episodes", "9000", "--json", "--ray", "local"]
    before = ray_folders()
    process = subprocess.Popen(
        [sys.executable, "-c", code, *words],
        cwd=tmp_path,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert process.stderr is not None
    said = [process.stderr.readline() for _ in range(2)]
    assert re.match(r"Ray: \d+ workers? on 1 node, \d+ episodes at once", said[1]), said
    kept = tmp_path / "cornerman.db"
    wait_until(lambda: episodes_in(kept), "a game")
    os.killpg(process.pid, signal.SIGINT)  # what a terminal sends, to Ray's processes as well
    out, err = process.communicate(timeout=30)
    assert process.returncode == 130, err
    assert out == ""
    assert err.strip().splitlines()[-1] == "stopped; the same command goes on where it stopped"
    assert episodes_in(kept) > 0
    assert ray_folders() == before


def ray_folders() -> set[str]:
    return {path.name for path in Path("/tmp").glob("ray-*")}
