"""A small night in a store, made of real games and real comparisons; only its models are the shipped fake."""

import asyncio
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import pytest

from cornerman.config import Config
from episodes.clock import Clock
from episodes.games.duel import GAME
from episodes.player import Player
from episodes.players.bots import load_bot
from episodes.record import Purpose
from episodes.store.runs import Run, Runs
from episodes.store.store import Store
from models.chat import Message
from models.scripted import ScriptedModel
from optimize.arena import Arena, Sample, Series
from optimize.comparison_store import ComparisonStore, Contestant, Entry
from optimize.seeds import Seeds
from prompts.base import default_base
from prompts.library import Citation, PromptLibrary
from prompts.prompt import GuidanceItem, Prompt, player
from prompts.rule import Rule

HOSTILE = '</script><script>document.title="taken"</script><img src=x onerror="document.title=1">&\x1b[31m{{7*7}}'
"""What an opponent may write: every place on the page must show it and obey none of it."""


MEASURED = {
    "before": {"loss": 2.0, "agreement": 0.2},
    "after": {"loss": 1.0, "agreement": 0.71},
    "kept": {"student": {}, "teacher": {}, "share": 0.93, "low": 0.86, "high": 1.01},
    "latency_p50_ms": 2.1,
    "champion_p50_ms": 4.4,
    "teacher_p50_ms": 130.0,
    "faster": 61.9,
}


@dataclass(frozen=True, slots=True)
class NightStore:
    store: Store
    night: str
    base: Prompt
    certified: Prompt
    comparison: str


def obedient(messages: Sequence[Message], choices: Sequence[str] | None) -> str:
    """Follows the guidance in its system prompt as far as the night's two rules go; otherwise it only guards."""
    system, turn = messages[0].content, messages[-1].content
    if "fireball" in system and "far" in turn:
        return f"fireball {HOSTILE}"
    return "jab" if "jab" in system else "guard"


async def _night(store: Store, night: str, base: Prompt, certified: Prompt) -> dict[str, Sample]:
    library = PromptLibrary(store)
    for prompt in (base, certified):
        library.save(prompt, GAME, origin="analyst", parent_id=base.id, night_id=night)
    model = ScriptedModel(obedient, name="rookie")
    old, new = (player(model, prompt, GAME, f"rookie@{prompt.id[:8]}") for prompt in (base, certified))
    student: Player = player(ScriptedModel(lambda m, c: "jab", name="student:abc123"), base, GAME, "student:abc123")
    arena = Arena(GAME, Clock.parse("simulated:30"), store, scope=night, night_id=night)
    found: dict[str, Sample] = {}
    stages: tuple[tuple[str, Purpose, Player, Player, int], ...] = (
        ("race", "race", new, old, 8),
        ("gate", "gate", new, old, 12),
        ("confirm", "confirm", new, old, 6),
        ("check", "gate", student, new, 8),
    )
    for key, purpose, a, b, pairs in stages:
        series = Series(arena, a, b, Seeds(night, key), purpose)
        await series.play(pairs)
        found[key] = series.sample
    for one in (old, new, student):
        for style in ("turtle", "random"):
            await Series(arena, one, load_bot(style), Seeds(night, "league"), "league").play(3)
    return found


@pytest.fixture(scope="session")
def night_store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[NightStore]:
    """The night of a candidate that won, with a student, and with hostile words in its games."""
    path = tmp_path_factory.mktemp("night") / "night.db"
    night = "0123456789abcdef0123"
    base = Prompt(default_base(GAME, "rookie"))
    rules = [Rule.of(GAME, {"distance": "far"}, "fireball"), Rule.of(GAME, {}, "jab")]
    certified = Prompt(base.base, tuple(GuidanceItem(rule, origin="analyst") for rule in rules))
    with Store.open(path) as store:
        Runs(store).begin(
            Run(
                id=night,
                kind="night",
                number=1,
                started="2026-11-20T22:00:00.000+00:00",
                finished="2026-11-20T22:12:30.000+00:00",
                status="done",
                config=Config().model_dump_json(),
                size="demo",
                seed=1,
                game="duel",
            )
        )
        samples = asyncio.run(_night(store, night, base, certified))
        _record(store, night, base, certified, samples)
        yield NightStore(store, night, base, certified, f"{night}-trial-1")


def _record(store: Store, night: str, base: Prompt, certified: Prompt, samples: dict[str, Sample]) -> None:
    """The rows that a night writes beside its games."""
    comparisons, library = ComparisonStore(store), PromptLibrary(store)
    new, old = (Contestant(f"rookie@{prompt.id[:8]}", prompt.id) for prompt in (certified, base))
    student = Contestant("student:abc123", base.id)
    for name, a, b, purpose, stages, verdict, alpha in (
        ("trial-1", new, old, "gate", ("race", "gate"), "promoted", 0.05 / 12),
        ("confirm", new, old, "confirm", ("confirm",), "measured", 0.05),
        ("check", student, new, "check", ("check",), "undecided", 0.05),
    ):
        kept = {("gate" if stage == "check" else stage): samples[stage] for stage in stages}
        comparisons.record(Entry(f"{night}-{name}", "duel", "simulated:30", purpose, a, b, kept, verdict, alpha, night))
    library.set("certified", GAME, "rookie", base, note="the first night began")
    library.set("certified", GAME, "rookie", certified, comparison_id=f"{night}-trial-1")
    library.set_status([item.id for item in certified.items], "active")
    library.set_effect(certified.items[0].id, 0.21, 0.08, 0.34)
    episode = samples["race"].results[0].episodes[0]
    library.cite(certified.items[0].id, [Citation(episode, 3, f"the opponent said {HOSTILE}"), Citation(episode, 8)])
    with store.transaction() as connection:
        connection.execute(
            "insert into students (id, base_model, dataset_id, method, path, comparison_id, latency_p50_ms, created, "
            "night_id, game, measured) values ('abc123', 'rookie', 'd1', ?, 'nights/x', ?, 2.1, "
            "'2026-11-20T22:10:00+00:00', ?, 'duel', ?)",
            [json.dumps({"rank": 16}), f"{night}-check", night, json.dumps(MEASURED)],
        )
