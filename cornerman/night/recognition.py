"""How a run is recognised when its command is given again, and the plan that it keeps from its beginning to its end.

A run goes on where what shapes its games is what it was: the configuration without limits, prices, keys, folders and
time limits, what the command names, and the models behind the names. So a raised limit or a declared price continues
it, and another temperature, or other weights behind the same name, begin another.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from cornerman.config import Config, stored_config
from cornerman.night.sizes import SIZES, Size, SizeName
from cornerman.night.steps import digest
from cornerman.typed_json import from_json, to_json
from episodes.store.runs import Run, Runs, now
from episodes.store.store import Store
from models.errors import BadInput
from models.ids import content_id

UNSHAPING = frozenset(
    {
        *("db", "budget", "prices", "folder"),
        *("price", "api_key_env", "requests_per_minute", "tokens_per_minute", "concurrency", "time_limit"),
        *("size", "device"),
    }
)
"""Keys of the configuration that shape no game. What a command names (a night's size) is among its inputs, and the
device that a model runs on is said by its endpoint."""

TRAINING = {"passes", "rank", "learning_rate", "length", "batch", "patience", "optimizer", "bits"}
"""How a student is trained."""
YOUNGEST = frozenset({"price", "extra", "device", "free", "temperature", "max_tokens"} | TRAINING)
YOUNGER = YOUNGEST | {"api", "effort", "requests_per_minute", "tokens_per_minute", "concurrency", "opponents"}
"""Keys of the configuration that came later than the first nights: those that do not set them keep their seeds.

The youngest came after single stages had ids; ``temperature`` and ``max_tokens`` are the teacher's, whose sections
had none before."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What a run does, frozen when it began: a later version of the program goes on with it as it is.

    ``root`` is what all seeds derive from; ``chances`` is K, how many candidates may get a chance at the gate, of which
    the threshold K/alpha is made.
    """

    root: str
    size: Size
    chances: int

    @classmethod
    def of(cls, root: str, size: Size) -> "Plan":
        """The plan for a size: each round's own candidates get a chance, and a working champion that runs again."""
        return cls(root, size, size.rounds * (size.candidates + 1))


@dataclass(frozen=True, slots=True)
class Recognised:
    """A run that is under way with its plan; ``resumed`` if it was begun before."""

    run: Run
    plan: Plan
    resumed: bool


def shaping_of(config: Config, models: Mapping[str, str], *inputs: object) -> str:
    """All that shapes the games of a run, as JSON.

    ``models`` says what is behind the names; ``inputs`` are what the command names. Keys that are not set are left
    out, so that a key of a later version does not make another run of it.
    """
    sections = config.model_dump(mode="json")
    shaping = {name: value for name, value in sections.items() if name not in UNSHAPING}
    for name, section in shaping.items():
        if isinstance(section, dict):
            zero_counts = name in ("teacher", "student")
            shaping[name] = {
                key: value
                for key, value in section.items()
                if key not in UNSHAPING and (value or (zero_counts and is_set(value)))
            }
    return json.dumps({"config": shaping, "inputs": list(inputs), "models": dict(models)}, sort_keys=True)


def same_shape(run: Run, shaping: str, *inputs: object) -> bool:
    """Whether ``run`` was begun for what ``shaping`` says.

    A run of before this was kept is judged by the configuration that it has, and its models are not known.
    """
    if run.shaping:
        return run.shaping == shaping
    try:
        known = shaping_of(stored_config(run.config), {}, *inputs)
    except BadInput:
        return False
    wanted = json.loads(shaping) | {"models": {}}
    return bool(json.loads(known) == wanted)


def begin_night(store: Store, config: Config, size: SizeName, models: Mapping[str, str]) -> Recognised:
    """The night to go on with, the last one if it is not done, or a new one.

    The number of the night in its store is part of its id and of its seeds, so the next night plays other games.
    """
    runs, shaping = Runs(store), shaping_of(config, models, size)
    nights = runs.all("night")
    last = nights[-1] if nights else None
    if last is not None and last.status != "done" and last.size == size and same_shape(last, shaping, size):
        # A night of before plans were kept was begun with the configuration that it has.
        begun = config if last.plan else stored_config(last.config)
        plan = plan_of(last) or Plan.of(night_root(begun, size, last.number), SIZES[size])
        return _resumed(runs, last, config, shaping, plan)
    number = len(nights) + 1
    root = night_root(config, size, number)
    run = Run(
        id=digest(["night", root]),
        kind="night",
        number=number,
        started=now(),
        status="running",
        config=config.model_dump_json(),
        game=config.game,
        size=size,
        seed=config.night.seed,
        shaping=shaping,
    )
    return _begun(runs, run, Plan.of(root, SIZES[size]))


def begin_stage(
    store: Store, config: Config, stage_id: str, size: Size, models: Mapping[str, str], *inputs: object
) -> Recognised:
    """The run of a single stage, called ``stage_id`` unless that was one of another shape: the same inputs go on."""
    runs, shaping = Runs(store), shaping_of(config, models, *inputs)
    stages = runs.all("stage")
    known = [run for run in stages if run.shaping == shaping or (run.id == stage_id and not run.shaping)]
    if known:
        plan = plan_of(known[0]) or Plan.of(f"desk {stage_id}", size)
        return _resumed(runs, known[0], config, shaping, plan)
    taken = any(run.id == stage_id for run in stages)
    run_id = content_id("run", [stage_id, shaping]) if taken else stage_id
    run = Run(
        id=run_id,
        kind="stage",
        number=len(stages) + 1,
        started=now(),
        status="running",
        config=config.model_dump_json(),
        game=config.game,
        seed=config.night.seed,
        shaping=shaping,
    )
    return _begun(runs, run, Plan.of(f"desk {run_id}", size))


def plan_of(run: Run) -> Plan | None:
    """The plan that a run keeps; ``None`` for one of before they were kept."""
    return from_json(Plan, run.plan) if run.plan else None


def _begun(runs: Runs, run: Run, plan: Plan) -> Recognised:
    kept = replace(run, plan=to_json(Plan, plan))
    runs.begin(kept)
    return Recognised(kept, plan, resumed=False)


def _resumed(runs: Runs, run: Run, config: Config, shaping: str, plan: Plan) -> Recognised:
    runs.go_on(run.id, config.model_dump_json(), shaping, to_json(Plan, plan))
    return Recognised(run, plan, resumed=True)


def night_root(config: Config, size: SizeName, number: int) -> str:
    """What the seeds of a night derive from. The formula of the first nights, which decides which games they play: so
    keys that came later count only where they are set."""
    shaping = config.model_dump(mode="json", exclude={"db": True, "budget": True, "prices": True, "night": {"folder"}})
    return f"night {config.night.seed} {number} {digest([_without_unset(shaping, YOUNGER), size])}"


def stage_digest(config: Config, *inputs: object) -> str:
    """What a stage of these inputs is called, by the formula of the first stages."""
    shaping = config.model_dump(mode="json", exclude={"db", "budget", "prices"})
    return digest([_without_unset(shaping, YOUNGEST), *inputs])


def _without_unset(shaping: dict[str, Any], keys: frozenset[str]) -> dict[str, Any]:
    """``shaping`` without prices, and without those of ``keys`` that its sections do not set."""
    return {
        name: {key: value for key, value in section.items() if key != "price" and (is_set(value) or key not in keys)}
        if isinstance(section, dict)
        else section
        for name, section in shaping.items()
    }


def is_set(value: object) -> bool:
    """Whether a key of the configuration says anything: zero does, nothing and empty tables do not."""
    return bool(value) or (isinstance(value, int | float) and not isinstance(value, bool))
