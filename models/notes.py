"""What is told of models and their servers while they are used: each thing once, whoever meets it and how often.

Knows nothing about what is told, and of the screen only that there is one.
"""

import sys
from collections.abc import Callable

Say = Callable[[str], None]


def _to_stderr(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


class Notes:
    """Hands what is told of a model to ``say``, in one line, the first time.

    One for all models of a command; a worker process has one of its own, and what was ``told`` there is told again
    where the command runs: so it is said once, however many workers there are.
    """

    def __init__(self, say: Say = _to_stderr) -> None:
        self.say = say
        self._told: dict[tuple[str, str], str] = {}

    @property
    def told(self) -> tuple[tuple[str, str, str], ...]:
        """What was told, each of which ``tell`` takes: the model, what about, the text."""
        return tuple((*about, text) for about, text in self._told.items())

    def tell(self, model: str, about: str, text: str) -> None:
        """Tell ``text`` of ``model``, unless something was told ``about`` the same before."""
        if (model, about) not in self._told:
            self._told[model, about] = text
            self.say(f"{model}: {text}")

    def forget(self, model: str, about: str) -> bool:
        """What ``about`` is over: the next time it is told again. Says whether it was told."""
        return self._told.pop((model, about), None) is not None
