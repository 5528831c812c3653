"""How the models of a run answered: what each is held to, and the decisions that it lost in the run's games."""

from cornerman.losing import Answers, answers
from cornerman.night.corner import Corner
from cornerman.night.schooling import teacher_name
from distill.sketch import is_sketch
from episodes.player import Player
from episodes.store.lost import Lost, lost_by_player
from prompts.prompt import Prompt


def answered(corner: Corner, prompt: Prompt) -> dict[str, Answers]:
    """By the name of the model, whatever its prompts: who played in the run's games and is neither a bot nor a sketch.

    ``prompt`` is one that the run's own player has; a teacher was opened when it played. Students pick legal moves.
    """
    found: dict[str, Lost] = {}
    episodes = corner.store.episode_ids(night=corner.night_id)
    for (player, model, _), lost in lost_by_player(corner.store, episodes).items():
        if not (model.startswith("bot:") or is_sketch(player)):
            found[model] = found.get(model, Lost()) + lost
    asked: dict[str, Player] = {corner.model: corner.player(prompt)}
    if (teacher := corner.config.teacher.model) in found and teacher != corner.model:
        asked[teacher] = corner.players.open(teacher_name(corner), corner.game, "teacher")
    return {
        model: answers(asked[model], corner.game, lost)
        if model in asked
        else Answers("moves" if model.startswith("student:") else None, lost)
        for model, lost in found.items()
    }
