"""What a run is recognised by: what answers behind the names that it asks, and behind no others."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from cornerman.config import Config
from cornerman.desk import champion, optimize
from cornerman.night.coaching import _carried
from cornerman.night.corner import corner_of, identities
from cornerman.night.recognition import begin_stage
from cornerman.night.run import run_night
from cornerman.night.schooling import open_by_name, open_here
from cornerman.night.sizes import SIZES
from cornerman.players import Players
from cornerman.workplace import Workplace
from episodes.games import load_game
from episodes.players.model import ModelPlayer
from episodes.store.runs import Runs
from episodes.store.store import Store
from models.errors import BadInput
from optimize.arena import Sample
from optimize.comparison_store import ComparisonStore, Entry
from optimize.seeds import Seeds
from prompts.prompt import GuidanceItem, Prompt

GAME = "openspiel:roshambo"
ADVICE = GuidanceItem(None, "Vary your throws.")


class Stopped(Exception):
    """Raised at the first stage."""


class StopsAtOnce:
    """Lets a run begin, and nothing more."""

    def stage(self, title: str) -> None:
        raise Stopped(title)

    def progress(self, done: int, total: int, detail: str = "") -> None:
        raise AssertionError("a stage went on")

    def say(self, line: str) -> None:
        pass


@contextmanager
def opened(folder: Path, **sections: Any) -> Iterator[Workplace]:
    config = Config.model_validate(
        {"game": GAME, "db": folder / "s.db", "player": {"model": "follower"}, "night": {"folder": folder}} | sections
    )
    with Store.open(config.db) as store:
        yield Workplace(config, store, load_game(config.game), Players(config, store))


def script(folder: Path) -> str:
    """The name of a model that always throws rock."""
    (folder / "rock.jsonl").write_text('{"match": ".", "reply": "rock"}\n')
    return f"scripted:{folder / 'rock.jsonl'}"


def begin(place: Workplace) -> str:
    """The id of the night that begins, or goes on, when the command is given."""
    with pytest.raises(Stopped):
        place.run(lambda: run_night(place, "smoke", StopsAtOnce()))
    return Runs(place.store).all("night")[-1].id


def test_a_night_goes_on_when_the_name_of_its_opponents_prompt_comes_to_stand_for_another(tmp_path: Path) -> None:
    model = script(tmp_path)
    with opened(tmp_path, night={"folder": tmp_path, "opponents": [f"{model}@certified"]}) as place:
        library = place.players.library
        base = library.resolve("base", place.game, model)
        library.save(base, place.game)
        library.aliases.set("certified", place.game.name, model, base.id)
        begun = begin(place)
        other = Prompt(base.base, (ADVICE,))
        library.save(other, place.game)
        library.aliases.set("certified", place.game.name, model, other.id)
        assert begin(place) == begun
        (tmp_path / "rock.jsonl").write_text('{"match": ".", "reply": "paper"}\n')
    with opened(tmp_path, night={"folder": tmp_path, "opponents": [f"{model}@certified"]}) as place:
        assert begin(place) != begun, "another model behind the opponent's name"


def test_pairs_are_carried_only_where_the_same_model_answers(tmp_path: Path) -> None:
    model, found = script(tmp_path), []
    for reply in ("rock", "rock", "paper"):
        (tmp_path / "rock.jsonl").write_text(f'{{"match": ".", "reply": "{reply}"}}\n')
        with opened(tmp_path, player={"model": model}) as place:
            begun = begin_stage(place.store, place.config, "d", SIZES["smoke"], {})
            corner = corner_of(place, begun, StopsAtOnce())
            base = corner.prompt("base")
            other = Prompt(base.base, (ADVICE,))
            found.append([sample.counts.total for sample in _carried(corner, [other], base).values()])
            if found == [[]]:
                sides = corner.player(other), corner.player(base)
                seeds = Seeds(corner.root, "gate").take(0, 2)
                played = asyncio.run(corner.source().play(*sides, seeds, "gate"))
                who = corner.contestant(other), corner.contestant(base)
                entry = Entry("c", GAME, "paused", "gate", *who, {"gate": Sample(tuple(played))}, "undecided", 0.05)
                ComparisonStore(place.store).record(entry)
    assert found == [[], [2], []]


def test_a_stage_opens_no_model_that_it_does_not_ask(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`cornerman optimize` plays: without the reflector's key and the student's folder it begins all the same."""
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    absent = {"reflector": {"model": "openai:m"}, "teacher": {"model": "openai:m"}, "student": {"base": "/no/folder"}}
    with opened(tmp_path, **absent) as place:
        candidate = Prompt(champion(place, "base").base, (ADVICE,))
        with pytest.raises(Stopped):
            asyncio.run(optimize(place, [candidate], "smoke", StopsAtOnce()))
        assert identities(place, roles=("player",)) == {}
        with pytest.raises(BadInput, match="OPENAI_API_KEY"):
            identities(place, roles=("player", "reflector"))


def test_what_a_model_is_held_to_is_part_of_a_run_where_its_prompt_does_not_say_it(tmp_path: Path) -> None:
    server = {"model": "llamacpp:m", "base_url": "http://127.0.0.1:1/v1"}
    found = []
    for more in ({}, {"free": True}):
        with opened(tmp_path, player={**server, **more}) as place:
            found.append(identities(place, roles=("player",)))
    assert found[0]["player held"] == "moves"
    assert "player held" not in found[1], "as before it was held"
    with opened(tmp_path, game="duel", player={"model": "rookie"}) as place:
        assert set(identities(place, roles=("player",))) == {"player"}, "its prompt says it"


def test_a_game_file_that_was_changed_is_another_game(tmp_path: Path) -> None:
    file = tmp_path / "mine.py"
    text = "from episodes.games import load_game\nGAME = load_game('openspiel:roshambo')\n"
    found = []
    for version in (text, text, text + "# best of three\n"):
        file.write_text(version)
        with opened(tmp_path, game=f"{file}:GAME") as place:
            found.append(identities(place, roles=("player",)))
    assert list(found[0]) == ["game"]
    assert found[0] == found[1] != found[2]


def test_the_teacher_is_opened_as_its_section_says_wherever_it_plays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "key")
    served = {
        role: {"model": "openai:m", "base_url": f"http://127.0.0.1:{n}/v1", "price": (1, 4)}
        for n, role in enumerate(("player", "teacher"), 1)
    }
    with opened(tmp_path, **served) as place:
        teacher, player = "openai:m@base", f"openai:m@{champion(place, 'base').id}"
        place.players.library.save(champion(place, "base"), place.game)
        here = open_here(place.players, place.game, teacher)
        for name, port in ((teacher, 2), (player, 1)):
            for found in (here(name), open_by_name(place.config, teacher, name)):
                assert isinstance(found, ModelPlayer)
                assert f"127.0.0.1:{port}/" in str(found.chat.endpoint.address)
