"""The commands, one file a noun. Each imports what it needs when it runs, so that ``--help`` answers at once."""

from collections.abc import Callable
from typing import Any

from cornerman.commands import bench, drafts, episodes, guidance, prompts, stats, students
from cornerman.commands.coach import optimize, reflect
from cornerman.commands.colosseum import colosseum
from cornerman.commands.compare import compare
from cornerman.commands.distill import distill
from cornerman.commands.doctor import doctor
from cornerman.commands.explain import explain
from cornerman.commands.export import export, serve
from cornerman.commands.game_check import game_check
from cornerman.commands.games import games
from cornerman.commands.init import init
from cornerman.commands.ladder import ladder
from cornerman.commands.latency import latency
from cornerman.commands.night import night
from cornerman.commands.oracle import oracle
from cornerman.commands.play import play
from cornerman.commands.player_check import player_check
from cornerman.commands.players import players
from cornerman.commands.verify import verify

Command = Callable[..., Any]

SINGLE: dict[str, Command] = {
    "night": night,
    "play": play,
    "compare": compare,
    "latency": latency,
    "colosseum": colosseum,
    "ladder": ladder,
    "reflect": reflect,
    "explain": explain,
    "optimize": optimize,
    "distill": distill,
    "export": export,
    "serve": serve,
    "oracle": oracle,
    "games": games,
    "players": players,
    "game-check": game_check,
    "player-check": player_check,
    "verify": verify,
    "doctor": doctor,
    "init": init,
}
"""Commands of one word."""

GROUPS: dict[str, tuple[str, dict[str, Command]]] = {
    "episodes": (
        "Stored games: look at them, play them again.",
        {
            "list": episodes.list_,
            "show": episodes.show,
            "replay": episodes.replay,
            "export": episodes.export,
            "import": episodes.import_,
        },
    ),
    "prompts": (
        "Prompts: versions, names, and a file that a person can edit.",
        {
            "list": prompts.list_,
            "show": prompts.show,
            "diff": prompts.diff,
            "set": prompts.set_,
            "rollback": prompts.rollback,
            "export": prompts.export,
            "import": prompts.import_,
        },
    ),
    "guidance": (
        "Single rules, their evidence, and a person's hand on them.",
        {
            "list": guidance.list_,
            "show": guidance.show,
            "retire": guidance.retire,
            "restore": guidance.restore,
            "pin": guidance.pin,
            "unpin": guidance.unpin,
            "edit": guidance.edit,
        },
    ),
    "students": (
        "What was distilled.",
        {"list": students.list_, "show": students.show},
    ),
    "drafts": (
        "Human drafts of 17lands files: kept as episodes, measured against, learned from.",
        {"import": drafts.import_, "score": drafts.score, "distill": drafts.distill},
    ),
    "bench": (
        "Measurements of the program itself.",
        {"null": bench.null},
    ),
    "stats": (
        "The statistics of comparisons, from numbers typed by hand.",
        {"eprocess": stats.eprocess, "sprt": stats.sprt, "ratings": stats.ratings},
    ),
}
"""Commands of two words: the noun, what it is about, its verbs."""
