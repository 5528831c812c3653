"""What the coach remembers between nights."""

from pathlib import Path
from types import SimpleNamespace

from cornerman.night.coaching import PAST, _past_champions
from episodes.games.duel import GAME
from episodes.store.store import Store
from prompts.base import default_base
from prompts.library import PromptLibrary
from prompts.prompt import GuidanceItem, Prompt
from prompts.rule import Rule


def test_past_champions_are_the_last_ones_certified_before_the_present_one(tmp_path: Path) -> None:
    with Store.open(tmp_path / "nights.db") as store:
        library = PromptLibrary(store)
        base = Prompt(default_base(GAME, "rookie"))
        prompts = [base]
        prompts += [
            Prompt(base.base, (GuidanceItem(Rule.of(GAME, {}, move)),))
            for move in ("jab", "throw", "guard", "jump", "heavy")
        ]
        corner = SimpleNamespace(library=library, game=GAME, model="rookie", prompt=lambda alias: base)
        for prompt in prompts:
            library.set("certified", GAME, "rookie", prompt)
        present = prompts[-1].id
        found = _past_champions(corner, present)  # type: ignore[arg-type]
        assert found == [prompts[4].id, prompts[3].id, prompts[2].id]
        assert len(found) == PAST
        library.set("certified", GAME, "rookie", prompts[3])
        again = _past_champions(corner, prompts[3].id)  # type: ignore[arg-type]
        assert again == [present, prompts[4].id, prompts[2].id], "each once, and not the one that is back"
