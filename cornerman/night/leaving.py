"""What a night must leave out in its game with its models, and why: said on the screen, and kept for the report."""

from cornerman.night.corner import Corner
from distill.train import load_tokenizer
from models.errors import BadInput
from models.hub import model_folder
from models.templates import ChatTemplate
from reflect.analyst import NAME as ANALYST

ROOKIE = "rookie"
HOME = "duel"
"""The game whose words the rookie was trained on."""


def check_player(model: str, game: str) -> None:
    """Raise ``BadInput`` where the night's player could not say a word."""
    if model == ROOKIE and game != HOME:
        raise BadInput(
            f"the rookie knows {HOME}'s words only; for {game} set `[player] model` to a language model, or to "
            "follower, which stands in for one"
        )


def check_base(base: str, game: str) -> None:
    """Raise ``BadInput`` for a base that could not be trained for ``game``, before anything is played."""
    if base == ROOKIE and game != HOME:
        raise BadInput(f"the rookie has no words for {game}: set `[student] base`, or --base, to a language model")
    if base != ROOKIE:
        ChatTemplate(load_tokenizer(model_folder(base)), base, thinking=False)


async def leave_out(corner: Corner) -> set[str]:
    """What is left out from the beginning: ``what-ifs``, ``guidance``, ``student``."""
    found = _reasons(corner)
    for what, reason in found.items():
        await say_left_out(corner, what, reason)
    return set(found)


async def say_left_out(corner: Corner, what: str, reason: str) -> None:
    corner.watch.say(f"left out: {what}: {reason}")
    await corner.steps.leave_out(what, reason)


def _reasons(corner: Corner) -> dict[str, str]:
    game, config = corner.game, corner.config
    found: dict[str, str] = {}
    if not game.capabilities.clone:
        found["what-ifs"] = f"{game.name} cannot copy its states, so no turn is replayed with another move"
    if not game.moves and config.reflector.model == ANALYST:
        found["guidance"] = (
            f"moves of {game.name} are free text, and the analyst writes rules about moves by name: "
            "set `[reflector] model` to a language model"
        )
    student = _no_student(corner)
    if student is not None:
        found["student"] = student
    return found


def _no_student(corner: Corner) -> str | None:
    game, config = corner.game, corner.config
    try:
        check_base(config.student.base, game.name)
    except BadInput as reason:
        return str(reason)
    if config.teacher.model == "search" and not game.capabilities.clone:
        return f"a search cannot play {game.name}, whose states cannot be copied: set `[teacher] model`"
    return None
