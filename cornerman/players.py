"""Players by the names of the command line: models with prompts, students, bots, search, a person, and plug-ins.

rookie@certified, openai:NAME@base, vllm:URL#NAME@working    a chat model with a prompt (without one: base)
follower@certified                                           follows its prompt's rules to the letter: no language model
student:ID                                                   a student, which needs no guidance
bot:turtle                                                   a house bot
search:400, search:100ms                                     search on the game's own simulator
drafter:FILE                                                 pick counts of a 17lands file, for draft:FILE
mcts:100                                                     OpenSpiel's own Monte Carlo tree search
oracle                                                       exact play of a small game of OpenSpiel
roshambo:rockbot                                             a bot of the RoShamBo competitions, for openspiel:roshambo
human                                                        whoever sits at the terminal
path/to/file.py:OBJECT, or an installed plug-in's name       a player of your own
"""

import difflib
from dataclasses import replace

from cornerman.config import Config, ModelSection, PlayingSection, TeacherSection
from cornerman.opening import Role, ledger_of, model_options, open_simple, section_of, student_device
from cornerman.terminal import note
from distill.student import load_student, open_student, student_player
from episodes.game import Game
from episodes.guest_player import GuestPlayer
from episodes.player import Player
from episodes.players.bots import BOTS
from episodes.players.model import ModelPlayer
from episodes.store.store import Store
from models.chat import ChatModel
from models.errors import BadInput
from models.ledger import Ledger
from models.local import tell_place
from models.notes import Notes, Say
from models.registry import KINDS, NAMED_WHOLE, ModelOptions, open_model
from models.traffic import Traffic
from models.wrapping import Lent
from prompts.library import PromptLibrary
from prompts.prompt import Prompt
from prompts.prompt import player as prompted
from reflect.standin import FOLLOWER, follower

FORMS = (
    "bot:STYLE",
    "search:N",
    "mcts:N",
    "oracle",
    "roshambo:NAME",
    "drafter:FILE",
    "student:ID",
    "human",
    "path/to/file.py:OBJECT",
    "follower (stands in for a language model)",
    *KINDS.values(),
)


class Players:
    """Opens players for one command: one ledger for all of them, and each model opened once for each section of the
    configuration that speaks of it."""

    def __init__(
        self, config: Config, store: Store, ledger: Ledger | None = None, *, free: bool = False, say: Say = note
    ) -> None:
        """``free``: no model is held to anything, whatever the configuration says; ``say`` hears what is told of
        models."""
        self._config = config
        self.free = free
        self._store = store
        self._models: dict[tuple[str, Role | None], ChatModel] = {}
        self._simple: dict[int, tuple[str, Player]] = {}
        self._kept: set[str] = set()
        self.library = PromptLibrary(store)
        self.ledger = ledger or ledger_of(config)
        self._traffic = Traffic()
        self.notes = Notes(say)

    def open(self, spec: str, game: Game, role: Role = "player") -> Player:
        """The player that ``spec`` names; raises ``BadInput`` for a name that is none."""
        kind, _, rest = spec.partition(":")
        if kind == "student":
            return self._student(rest, game)
        player = open_simple(spec, game)
        if player is None:
            return self._of_model(spec, game, role)
        self._simple[id(player)] = (spec, player)
        return player

    def lend(self, spec: str, game: Game, role: Role = "player") -> Player:
        """As ``open``, for one who closes players after use: its model stays open for the others that have it."""
        return lent(self.open(spec, game, role))

    def spec_of(self, player: Player) -> str | None:
        """The name under which a player that needs no model was opened here, if it was."""
        return self._simple[id(player)][0] if id(player) in self._simple else None

    def origin_of(self, model: ChatModel) -> tuple[str, Role] | None:
        """The name and the role for which a chat model was opened here, if it was."""
        found = next((key for key, opened in self._models.items() if opened is model), None)
        return None if found is None else (found[0], found[1] or "player")

    def _student(self, student_id: str, game: Game) -> Player:
        """A student plays with the prompt and at the temperature that it was made for; its model is opened once."""
        student = load_student(self._store, student_id)
        return student_player(student, game, self.model(student.name), free=self.free)

    def _of_model(self, spec: str, game: Game, role: Role) -> Player:
        model, at, prompt = spec.rpartition("@")
        model, prompt = (model, prompt) if at else (spec, "base")
        kind, _, rest = model.partition(":")
        if kind not in KINDS and model != FOLLOWER:
            raise BadInput(_unknown(spec, model))
        if not rest and model not in (*NAMED_WHOLE, FOLLOWER):
            raise BadInput(f"the player {spec!r} names no model: write {KINDS[kind]}@PROMPT")
        # A server's only model is known by its name once it is open, and a served student wants a student's prompt.
        known = model
        if model != FOLLOWER and not self.library.aliases.get(prompt, game.name, model):
            known = self.model(model, role).name
        name = spec if at else f"{spec}@base"
        return self.with_prompt(model, self.library.resolve(prompt, game, known), game, name, role)

    def with_prompt(self, model: str, prompt: Prompt, game: Game, name: str, role: Role = "player") -> Player:
        """``model`` (or the follower) with a prompt; the store learns the prompt if it can: the games will name it."""
        if self._store.writes and prompt.id not in self._kept:
            self.library.save(prompt, game)
            self._kept.add(prompt.id)
        if model == FOLLOWER:
            return follower(prompt, name)
        player = prompted(self.model(model, role), prompt, game, name, free=self.free or self._asks_free(model, role))
        found = section_of(self._config, model, "player")  # a teacher is asked as a player of its name is
        if found is not None and isinstance(found[1], ModelSection):
            section = found[1]
            player = replace(
                player, temperature=section.temperature, max_tokens=section.max_tokens, time_limit=section.time_limit
            )
        teacher = self._config.teacher
        if role != "teacher" or teacher.model != model:
            return player
        return replace(
            player,
            temperature=player.temperature if teacher.temperature is None else teacher.temperature,
            max_tokens=teacher.max_tokens or player.max_tokens,
        )

    def _asks_free(self, model: str, role: Role) -> bool:
        found = section_of(self._config, model, role)
        return found is not None and isinstance(found[1], PlayingSection | TeacherSection) and found[1].free

    def model(self, spec: str, role: Role = "player") -> ChatModel:
        """The chat model that ``spec`` names (``student:ID`` too) as the section of ``role`` says, opened once."""
        found = section_of(self._config, spec, role)
        key = spec, found[0] if found else None
        if key not in self._models:
            kind, _, rest = spec.partition(":")
            self._models[key] = (
                self._open_student(rest, role) if kind == "student" else open_model(spec, self.options(spec, role))
            )
        return self._models[key]

    def _open_student(self, student_id: str, role: Role) -> ChatModel:
        student = load_student(self._store, student_id)
        model = open_student(student, student_device(self._config, student.name, role))
        tell_place(model, self.notes)
        return model

    def options(self, spec: str, role: Role = "player") -> ModelOptions:
        """How to open ``spec``, as the configuration says of it."""
        return model_options(self._config, spec, self.ledger, self._traffic, role, notes=self.notes)

    async def close(self) -> None:
        """Close every model that was opened."""
        for model in self._models.values():
            await model.close()
        self._models.clear()


def lent(player: Player) -> Player:
    """``player``, whose model stays open when it is closed; a guest may have one too."""
    if isinstance(player, GuestPlayer):
        return replace(player, player=lent(player.player))
    return replace(player, chat=Lent(player.chat)) if isinstance(player, ModelPlayer) else player


def _unknown(spec: str, model: str) -> str:
    names = [
        *(f"bot:{style}" for style in BOTS),
        "search:400",
        "human",
        *NAMED_WHOLE,
        FOLLOWER,
        *(f"{kind}:" for kind in KINDS),
    ]
    near = difflib.get_close_matches(model, names, n=1, cutoff=0.6)
    hint = f"did you mean {near[0]}? " if near else ""
    return f"unknown player {spec!r}: {hint}a player is {', '.join(FORMS)}; a model takes @PROMPT"
