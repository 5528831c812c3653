"""Players of one command: one ledger, each model opened once, and lent to those who close what they use."""

import asyncio
from pathlib import Path

from cornerman.config import Config
from cornerman.opening import Role
from cornerman.players import Players, lent
from episodes.games.duel import GAME
from episodes.guest_player import GuestPlayer, guest_player
from episodes.players.model import ModelPlayer
from episodes.store.store import Store
from models.chat import ChatRequest, Message
from models.scripted import ScriptedModel


def test_a_lent_player_closes_nothing(tmp_path: Path) -> None:
    script = tmp_path / "r.jsonl"
    script.write_text('{"match": ".", "reply": "guard"}\n')
    closed: list[str] = []

    class Watched(ScriptedModel):
        async def close(self) -> None:
            closed.append(self.name)

    with Store.open(tmp_path / "s.db") as store:
        players = Players(Config(db=tmp_path / "s.db"), store)
        spec = f"scripted:{script}"
        players._models[spec, None] = Watched({".": "guard"}, name=spec)
        lent = players.lend(f"{spec}@base", GAME)
        assert isinstance(lent, ModelPlayer)
        answer = asyncio.run(lent.chat.complete(ChatRequest((Message("user", "now"),))))
        assert (answer.text, lent.model) == ("guard", spec)
        asyncio.run(lent.chat.close())
        assert closed == []
        asyncio.run(players.close())
        assert closed == [spec]
        assert players.lend("bot:turtle", GAME).name == "bot:turtle"


def test_a_model_that_a_plug_in_brings_is_lent_too(tmp_path: Path) -> None:
    closed: list[str] = []

    class Watched(ScriptedModel):
        async def close(self) -> None:
            closed.append(self.name)

    guest = guest_player(ModelPlayer("mine", Watched({".": "guard"}), "Answer.", "{situation}"), "mine")
    found = lent(guest)
    assert isinstance(found, GuestPlayer) and isinstance(found.player, ModelPlayer)
    assert (found.name, found.player.chat.name) == ("mine", "scripted")
    asyncio.run(found.player.chat.close())
    assert closed == []


def test_each_section_has_its_own_settings_of_one_name(tmp_path: Path) -> None:
    """The same name under [player], [reflector] and [teacher] is three models where they say three things of it."""
    config = Config.model_validate(
        {
            "db": tmp_path / "s.db",
            "player": {"model": "openai:m", "base_url": "http://127.0.0.1:1/v1", "temperature": 0.3, "max_tokens": 40},
            "reflector": {"model": "openai:m", "base_url": "http://127.0.0.1:2/v1", "effort": "high", "time_limit": 9},
            "teacher": {"model": "openai:m", "base_url": "http://127.0.0.1:3/v1", "concurrency": 2},
            "prices": {"openai:m": (1.0, 2.0)},
        }
    )
    with Store.open(tmp_path / "s.db") as store:
        players = Players(config, store)
        roles: tuple[Role, ...] = ("player", "reflector", "teacher")
        options = [players.options("openai:m", role) for role in roles]
        assert [one.base_url for one in options] == [f"http://127.0.0.1:{n}/v1" for n in (1, 2, 3)]
        assert [(one.effort, one.timeout_s, one.concurrency) for one in options] == [
            (None, 60.0, None),
            ("high", 9.0, None),
            (None, 60.0, 2),
        ]
        models = [players.model("openai:m", role) for role in roles]
        assert len({id(model) for model in models}) == 3
        assert [players.origin_of(model) for model in models] == [("openai:m", role) for role in roles]
        assert players.model("openai:m", "reflector") is models[1]
        # What no section speaks of is opened once, whoever asks; a name that one section has is that section's.
        assert players.options("openai:other", "teacher").base_url is None
        taught = players.open("openai:m@base", GAME, "teacher")
        assert isinstance(taught, ModelPlayer)
        assert (taught.chat, taught.temperature, taught.max_tokens) == (models[2], 0.3, 40)
        asyncio.run(players.close())
