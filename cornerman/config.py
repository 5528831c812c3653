"""The configuration: ``cornerman.toml``, checked key by key.

Knows the names of the environment variables that hold keys, never the keys.
"""

import difflib
import math
import tomllib
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, JsonValue, ValidationError

from models.capabilities import API, Effort
from models.errors import BadInput

DEFAULT_FILE = "cornerman.toml"


Rate = Annotated[float, Field(ge=0, allow_inf_nan=False)]
"""US dollars per million tokens."""
Rates = Annotated[tuple[Rate, ...], Field(min_length=2, max_length=3)]
"""What tokens cost in and out and, if it is less, in from the provider's cache."""
Limit = Annotated[float, BeforeValidator(lambda value: math.inf if value is None else value)]
"""May be infinite, which JSON has no word for: it is ``null`` in the configuration that a run keeps."""


class Section(BaseModel):
    """A table of the file: an unknown key is an error, not a surprise."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class ServedSection(Section):
    """Where a chat model is served, the variable that holds its key, and what is asked of it (docs/models.md)."""

    base_url: str | None = None
    api_key_env: str | None = None
    api: API | None = None
    effort: Effort | None = None
    requests_per_minute: float | None = Field(default=None, gt=0, allow_inf_nan=False)
    tokens_per_minute: float | None = Field(default=None, gt=0, allow_inf_nan=False)
    concurrency: int | None = Field(default=None, ge=1)
    price: Rates | None = None
    extra: dict[str, JsonValue] = Field(default_factory=dict)
    device: str | None = None


class ModelSection(ServedSection):
    """Which chat model, and how it is asked."""

    model: str
    temperature: float = Field(default=1.0, ge=0, le=2)
    max_tokens: int = Field(default=128, ge=1)
    time_limit: Limit = Field(default=60.0, gt=0)


class PlayingSection(ModelSection):
    """A chat model that plays: held to legal moves or plans where it can be, unless it is asked for ``free`` text."""

    free: bool = False


class PlayerSection(PlayingSection):
    model: str = "rookie"


class ReflectorSection(ModelSection):
    model: str = "analyst"
    max_tokens: int = Field(default=8000, ge=1)
    time_limit: Limit = Field(default=300.0, gt=0)


class TeacherSection(ServedSection):
    """Who teaches the student: ``search`` or a chat model on the paused clock, asked as a player of its name is where
    nothing else is said."""

    model: str = "search"
    prompt: str = "certified"
    free: bool = False
    temperature: float | None = Field(default=None, ge=0, le=2)
    max_tokens: int | None = Field(default=None, ge=1)


class StudentSection(Section):
    """What the student grows from: ``rookie``, ``smollm2``, a Hugging Face name, a folder, or a GGUF file; and how it
    is trained, where that is not to follow from its base and its data (docs/distillation.md)."""

    base: str = "rookie"
    device: str | None = None
    passes: int | None = Field(default=None, ge=1)
    rank: int | None = Field(default=None, ge=1)
    learning_rate: float | None = Field(default=None, gt=0, allow_inf_nan=False)
    length: int | None = Field(default=None, ge=1)
    batch: int | None = Field(default=None, ge=1)
    patience: int | None = Field(default=None, ge=0)
    optimizer: Literal["adamw", "muon"] | None = None
    bits: Literal[4] | None = None


class BudgetSection(Section):
    """What a night may spend on models; a call that would go beyond it is not made."""

    usd: Limit = Field(default=5.0, ge=0)
    tokens: int = Field(default=20_000_000, ge=0)


class NightSection(Section):
    """``alpha`` is the chance a night may promote something no better; ``clock`` is what all but the last check use.

    With ``opponents`` the night learns to beat those: prompts are compared by how they do against them.
    """

    size: Literal["smoke", "demo", "full"] = "demo"
    alpha: float = Field(default=0.05, gt=0, lt=0.5)
    seed: int = 1
    clock: str = "paused"
    opponents: tuple[str, ...] = ()
    folder: Path = Path("nights")


class Config(Section):
    """Everything that can be configured; every key has a default."""

    game: str = "duel"
    db: Path = Path("cornerman.db")
    player: PlayerSection = PlayerSection()
    reflector: ReflectorSection = ReflectorSection()
    teacher: TeacherSection = TeacherSection()
    student: StudentSection = StudentSection()
    budget: BudgetSection = BudgetSection()
    night: NightSection = NightSection()
    prices: dict[str, Rates] = Field(default_factory=dict)


def load_config(path: Path | None) -> Config:
    """Read ``path``, or ``cornerman.toml`` of the current folder if there is one, or take the defaults.

    Raises ``BadInput`` for a missing or malformed file, an unknown key or an unfit value.
    """
    if path is None:
        path = Path(DEFAULT_FILE)
        if not path.exists():
            return Config()
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise BadInput(f"{path}: no such configuration file; `cornerman init` writes one") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise BadInput(f"{path}: not a TOML file: {error}") from None
    try:
        return Config.model_validate(values)
    except ValidationError as error:
        raise BadInput(f"{path}: {_explain(error)}") from None


def stored_config(text: str) -> Config:
    """The configuration that a run kept, as JSON; raises ``BadInput`` for one that this version does not know."""
    try:
        return Config.model_validate_json(text)
    except ValidationError as error:
        raise BadInput(f"the configuration that the run kept: {_explain(error)}") from None


def _explain(error: ValidationError) -> str:
    """The first fault of the file in one line; values are not repeated, for one might be a key."""
    fault = error.errors(include_url=False, include_input=False)[0]
    place = ".".join(str(part) for part in fault["loc"])
    if fault["type"] != "extra_forbidden":
        return f"{place}: {fault['msg']}"
    word, known = str(fault["loc"][-1]), _known_keys(fault["loc"][:-1])
    if "key" in word.lower() and "api_key_env" in known:
        return f"unknown key {place!r}: keys come from the environment; name the variable with `api_key_env`"
    near = difflib.get_close_matches(word, known, n=1, cutoff=0)
    return f"unknown key {place!r}; the nearest known one is {near[0]!r} (known: {', '.join(known)})"


def _known_keys(place: tuple[int | str, ...]) -> list[str]:
    """The keys of the table at ``place``; tables are one level deep."""
    section: Any = Config.model_fields[str(place[0])].annotation if place else Config
    return list(section.model_fields)


TEMPLATE = """\
# cornerman.toml: every key with its default. Remove what you do not change.
# Keys for hosted models come from the environment only: OPENAI_API_KEY, ANTHROPIC_API_KEY,
# or the variable that `api_key_env` names.

game = "duel"            # `cornerman games` lists what there is
db = "cornerman.db"      # the store: one SQLite file

[player]
# Who plays. Change this line to "openai:MODEL", "anthropic:MODEL" or "vllm:http://HOST:8000"; docs/models.md has more.
model = "rookie"
# base_url = "https://HOST/v1"         # another server that speaks the same protocol
# api_key_env = "MY_KEY"               # the environment variable that holds the key
# effort = "low"                       # how much a reasoning model thinks: none, minimal, low, medium, high, xhigh, max
# api = "chat"                         # OpenAI's older protocol, where "responses" would be chosen, or the other way
# requests_per_minute = 500            # what the account allows; all models of one key share it
# tokens_per_minute = 200_000
# concurrency = 64                     # calls at once to this server at most
# price = [0.50, 2.00]                 # what this model costs, whatever [prices] says of its name; a third: cached
# extra = { top_p = 0.9 }              # further fields of every request, as the server knows them
# free = true                          # ask for free text, where the model would be held to legal moves or plans
# device = "cpu"                       # for models in this process: cpu, cuda, cuda:N; else a GPU if there is one
temperature = 1.0
max_tokens = 128         # a reply
time_limit = 60.0        # seconds a decision; past it the decision is lost

[reflector]
# Who reflects. "analyst" is statistics and no language model. Change this line to a strong model.
model = "analyst"
max_tokens = 8000
time_limit = 300.0

[teacher]
# Who teaches the student, unhurried: "search" on the game's simulator, or a chat model.
model = "search"
prompt = "certified"     # the prompt of a chat model that teaches
# temperature = 0.7                    # how a chat model that teaches is asked, where that is not as a player is
# max_tokens = 4000

[student]
# What the student grows from: "rookie", "smollm2", a Hugging Face name, a folder or a GGUF file.
base = "rookie"
# device = "cpu"                       # where students play, as beside a player's model
# How it is trained follows from the size of the base and from what there is to learn. Each number can be set:
# passes = 20                          # over all questions, at most
# rank = 16                            # of the LoRA adapter
# learning_rate = 1e-3
# length = 256                         # tokens of a training sequence
# batch = 4                            # sequences a step
# patience = 3                         # checks in a row that are clearly worse, after which it stops; 0: never
# optimizer = "adamw"                  # or "muon"
# bits = 4                             # hold the base in 4 bits (bitsandbytes)

[budget]
# A call that would go beyond either limit is not made, and the night stops cleanly.
usd = 5.0                # inf: no limit
tokens = 20_000_000

[night]
size = "demo"            # smoke, demo, full
alpha = 0.05             # the chance that a night promotes something no better
seed = 1
clock = "paused"         # or "simulated:MS" or "simulated:MS,SD"; the student's last check is always measured
folder = "nights"        # reports and students
# opponents = ["bot:turtle"]           # whom to learn to beat, in place of the house bots (docs/opponents.md)

# US dollars per million tokens, in and out (and in from the provider's cache), for models whose price is not known:
# [prices]
# "openai:MODEL" = [0.05, 0.40]
"""
