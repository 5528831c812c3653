"""A fault of a provider or of a game that made games void, as results keep it."""

from dataclasses import dataclass

from models.errors import Void


@dataclass(frozen=True, slots=True)
class Fault:
    """``kind`` is the error's name in ``models.errors``, for programs; ``message`` what people are told."""

    kind: str
    message: str

    @classmethod
    def of(cls, error: Void) -> "Fault":
        return cls(type(error).__name__, str(error))

    def __str__(self) -> str:
        """As in JSON: ``Unavailable: the server is down``."""
        return f"{self.kind}: {self.message}"
