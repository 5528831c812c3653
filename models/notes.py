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

    One for all models of a command; a worker process has one of its own, and what it hears is told again where the
    command runs.
    """

    def __init__(self, say: Say = _to_stderr) -> None:
        self.say = say
        self._told: set[tuple[str, str]] = set()

    def tell(self, model: str, about: str, text: str) -> None:
        """Tell ``text`` of ``model``, unless something was told ``about`` the same before."""
        if (model, about) not in self._told:
            self._told.add((model, about))
            self.say(f"{model}: {text}")

    def forget(self, model: str, about: str) -> bool:
        """What ``about`` is over: the next time it is told again. Says whether it was told."""
        if (model, about) not in self._told:
            return False
        self._told.remove((model, about))
        return True
