"""``pettingzoo:NAME``: PettingZoo's classic games and other people's environments. Needs the extra ``pettingzoo``."""

import importlib
import warnings
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from episodes.games.gym.parameters import Value, split_name, take_number
from episodes.games.gym.spaces import check_observations
from episodes.games.pettingzoo.boards import ConnectFour, Go, RockPaperScissors, TicTacToe
from episodes.games.pettingzoo.cards import Leduc, NoLimitHoldem, TexasHoldem
from episodes.games.pettingzoo.chess import Chess
from episodes.games.pettingzoo.game import PettingZooGame
from episodes.games.pettingzoo.wording import Wording
from models.errors import BadInput

NAMES = (
    "tictactoe_v3",
    "connect_four_v3",
    "rps_v2",
    "leduc_holdem_v4",
    "texas_holdem_v4",
    "texas_holdem_no_limit_v6",
    "go_v5(board_size=5)",
)
"""Chess loads too: it is left out for its length, as these are all played through many times in tests."""

_CLASSIC: Mapping[str, type[Wording]] = {
    "tictactoe_v3": TicTacToe,
    "connect_four_v3": ConnectFour,
    "rps_v2": RockPaperScissors,
    "leduc_holdem_v4": Leduc,
    "texas_holdem_v4": TexasHoldem,
    "texas_holdem_no_limit_v6": NoLimitHoldem,
    "go_v5": Go,
    "chess_v6": Chess,
}


def load(written: str) -> PettingZooGame:
    """The game ``pettingzoo:NAME``, ``pettingzoo:MODULE.PATH`` or either with ``(key=value,...)``.

    A module is imported, and its ``parallel_env()`` called or, where it has none, its ``env()``. The parameters
    ``bound``, ``default`` and ``turns`` are the game's; all others go to the environment. Raises ``BadInput``.
    """
    try:
        import pettingzoo  # noqa: F401  # an optional extra
    except ImportError:
        raise BadInput("PettingZoo is not installed: pip install 'cornerman[pettingzoo]'") from None
    name = f"pettingzoo:{written}"
    path, parameters = split_name(written)
    bound, turns = take_number(parameters, "bound"), take_number(parameters, "turns")
    default = parameters.pop("default", None)
    make, parallel = _maker(path, parameters, name)
    env = _made(make, name)
    if not getattr(env, "possible_agents", None):
        raise BadInput(f"the environment of {name} does not list its possible_agents: seats would not be known")
    if len(env.possible_agents) < 2:
        raise BadInput(f"{name} is for one agent: games of one seat are gym:ID")
    for agent in env.possible_agents:
        check_observations(env.observation_space(agent), name)
    metadata = getattr(env.unwrapped, "metadata", None) or {}
    wording = _CLASSIC.get(path, Wording)(name, env, metadata)
    moves = wording.moves(env)
    if default is not None and default not in moves:
        raise BadInput(f"{name} has no move {default!r} to be the default: use one of {', '.join(moves[:10])}")
    return PettingZooGame(
        name=name,
        make=make,
        wording=wording,
        moves=moves,
        seats=len(env.possible_agents),
        parallel=parallel,
        bound=wording.bound if bound is None else bound,
        default=wording.default if default is None else str(default),
        turns=min(int(turns or wording.turns), Wording.turns),
    )


def _maker(path: str, parameters: Mapping[str, Value], name: str) -> tuple[Any, bool]:
    """What makes the environment, and whether it is a Parallel one."""
    if not all(part.isidentifier() for part in path.split(".")):
        raise BadInput(f"{name}: write the name of a classic game ({', '.join(_CLASSIC)}) or the path of a module")
    if path in _CLASSIC:
        import pettingzoo

        # Both players of rock-paper-scissors choose at once; the other classic games have no Parallel form.
        parallel = path == "rps_v2"
        env_id = "classic/" + "-v".join(path.rsplit("_v", 1))
        return partial(
            _quietly, partial(pettingzoo.make, "parallel" if parallel else "aec", env_id), parameters
        ), parallel
    try:
        module = importlib.import_module(path)
    except Exception as error:  # a module's own code may raise anything
        known = (
            f"it is none of the classic games ({', '.join(_CLASSIC)})" if "." not in path else "it is no classic game"
        )
        raise BadInput(f"{name}: {known}, and as a module it cannot be imported: {error}") from None
    for attribute in ("parallel_env", "env"):
        if callable(factory := getattr(module, attribute, None)):
            return partial(_quietly, factory, parameters), attribute == "parallel_env"
    raise BadInput(f"{name}: the module {path} has neither parallel_env() nor env()")


def _quietly(factory: Callable[..., Any], parameters: Mapping[str, Value]) -> Any:
    """A new environment without the warnings about number formats that making one prints."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return factory(**parameters)


def _made(make: Any, name: str) -> Any:
    try:
        return make()
    except Exception as error:  # an environment's own code may raise anything
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise BadInput(f"the environment of {name} cannot be made: {reason}") from None
