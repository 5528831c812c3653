"""Every error that the program raises on purpose, in one tree.

    CornermanError
    ├── BadInput                the user asked for something that cannot be: exit code 2
    └── Void                    nobody's fault who plays: the pair does not count
        ├── GameFault           a game that is not ours broke
        └── ModelError          a call to a chat model gave no completion
            ├── RateLimited     429: too many requests or tokens
            ├── TimedOut        no answer within the time allowed
            ├── Refused         the provider itself blocked the request
            ├── Malformed       an answer came and is not of the protocol's form
            ├── BudgetExhausted the night's limit in dollars or tokens is reached
            ├── Learnt          the server wants to be asked in another way, which is known now
            └── Unavailable     connection, server or authentication fault

Providers' own exceptions are turned into these at one boundary, inside each adapter of this folder, and what plug-ins
raise at two more, ``episodes.guest_game`` and ``episodes.guest_player``; above them nobody catches anything else. A
model that answers nonsense, or declines in words, has *answered*: that is a completion.
"""


class CornermanError(Exception):
    """The root: its message is one line that says what is wrong, where, and the way out."""


class BadInput(CornermanError):
    """Wrong usage or unusable input; the command line prints the message and exits with 2."""


class Void(CornermanError):
    """What voids an episode, and with it the pair: it says nothing about who plays.

    ``faults`` are those of plug-ins (``episodes.fault``) that came before it, or are it.
    """

    faults: tuple[object, ...] = ()


class GameFault(Void):
    """The code of a game that is not ours raised, or gave something that the contract of games does not allow."""


class ModelError(Void):
    """A call to a chat model gave no completion."""


class RateLimited(ModelError):
    """Too many requests or tokens; ``retry_after`` is the provider's wish in seconds, if it gave one.

    ``may_be_billed``, here and below, says that the provider may have done work all the same.
    """

    def __init__(self, message: str, retry_after: float | None = None, may_be_billed: bool = False) -> None:
        super().__init__(message)
        self.retry_after = retry_after
        self.may_be_billed = may_be_billed


class TimedOut(ModelError):
    """No answer within the time allowed."""


class Refused(ModelError):
    """The provider blocked the request before the model answered, or cut its answer off."""

    def __init__(self, message: str, may_be_billed: bool = False) -> None:
        super().__init__(message)
        self.may_be_billed = may_be_billed


class Malformed(ModelError):
    """The answer is not of the protocol's form."""


class BudgetExhausted(ModelError):
    """The limit in dollars or tokens is reached; the call was not made."""


class Learnt(ModelError):
    """The server turned the request down for the way it was made; the model will make the next one in another way.

    So the call is to be made again, at once. A model learns of each field once, so this comes to an end.
    """


class Unavailable(ModelError):
    """Connection, server or authentication fault.

    ``retryable`` says whether asking again may help; ``may_be_billed`` that the connection was lost after the request
    had been sent; ``overloaded`` that the server has more to do than it can; ``retry_after`` is its wish in seconds.
    ``status`` is that of the answer, if there was one, and ``said`` each thing that its body says, without keys.
    """

    def __init__(
        self,
        message: str,
        retryable: bool = True,
        may_be_billed: bool = False,
        *,
        overloaded: bool = False,
        retry_after: float | None = None,
        status: int = 0,
        said: tuple[str, ...] = (),
    ) -> None:
        super().__init__(message)
        self.retryable = retryable
        self.may_be_billed = may_be_billed
        self.overloaded = overloaded
        self.retry_after = retry_after
        self.status = status
        self.said = said
