"""``gym:ID``: environments of Gymnasium with text or few numbers, as games of one seat. Needs the extra ``gym``."""

from functools import partial
from typing import Any

from episodes.game import Capabilities
from episodes.games.gym.game import GymGame
from episodes.games.gym.parameters import split_name, take_number
from episodes.games.gym.spaces import check_observations, kind
from episodes.games.gym.toy_text import WORDINGS
from episodes.games.gym.wording import Declared, Wording
from models.errors import BadInput

NAMES = ("FrozenLake-v1", "Taxi-v4", "CliffWalking-v1", "Blackjack-v1")

_STEPS = 100
"""Steps of an environment that declares no limit of its own."""
_MOST_STEPS = 900
"""An episode is stopped as undecided after 1,000 decisions, so games end before."""


def load(written: str) -> GymGame:
    """The game ``gym:ID``, ``gym:MODULE:ID`` or ``gym:ID(key=value,...)``.

    The parameters ``low``, ``high`` (sums of rewards that are the returns -1 and 1) and ``steps`` are the game's; all
    others go to the environment. Raises ``BadInput`` for what cannot be made or has no words.
    """
    try:
        import gymnasium
    except ImportError:
        raise BadInput("Gymnasium is not installed: pip install 'cornerman[gym]'") from None
    name = f"gym:{written}"
    env_id, parameters = split_name(written)
    low, high, steps = (take_number(parameters, key) for key in ("low", "high", "steps"))
    settings: dict[str, Any] = {**parameters} if steps is None else {**parameters, "max_episode_steps": int(steps)}
    make = partial(gymnasium.make, env_id, disable_env_checker=True, **settings)  # travels to other processes
    try:
        env = make()
    except Exception as error:  # an environment's own code may raise anything
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise BadInput(f"Gymnasium cannot make {env_id!r}: {reason}") from None
    check_observations(env.observation_space, name)
    builtin = type(env.unwrapped).__module__.startswith("gymnasium.envs.toy_text.")
    wording = (WORDINGS[type(env.unwrapped).__name__] if builtin else Wording)(name, env, Declared.of(env))
    is_text = kind(env.action_space) == "Text"
    own_limit = env.spec.max_episode_steps if env.spec is not None else None
    return GymGame(
        name=name,
        make=make,
        wording=wording,
        moves=() if is_text else wording.moves(env),
        steps=min(int(steps or own_limit or _STEPS), _MOST_STEPS),
        span=_span(low, high, wording, name),
        capabilities=Capabilities(clone=builtin, terms=wording.terms or None),
        text_space=env.action_space if is_text else None,
    )


def _span(low: float | None, high: float | None, wording: Wording, name: str) -> tuple[float, float] | None:
    if low is None and high is None:
        return wording.return_range
    if low is None or high is None or low >= high:
        raise BadInput(f"{name}: give both low and high, the sums of rewards that are the worst and the best result")
    return (low, high)
