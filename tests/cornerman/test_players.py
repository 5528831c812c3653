"""Players of one command: one ledger, each model opened once, and lent to those who close what they use."""

import asyncio
from pathlib import Path

from cornerman.config import Config
from cornerman.players import Players
from episodes.games.duel import GAME
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
        players._models[spec] = Watched({".": "guard"}, name=spec)
        lent = players.lend(f"{spec}@base", GAME)
        assert isinstance(lent, ModelPlayer)
        answer = asyncio.run(lent.chat.complete(ChatRequest((Message("user", "now"),))))
        assert (answer.text, lent.model) == ("guard", spec)
        asyncio.run(lent.chat.close())
        assert closed == []
        asyncio.run(players.close())
        assert closed == [spec]
        assert players.lend("bot:turtle", GAME).name == "bot:turtle"
