"""The one boundary at which providers' faults become ours, and at which keys are removed from what they say.

Serves every adapter that speaks HTTP through a vendor's SDK. Knows nothing about messages or completions.
"""

import asyncio
import email.utils
import re
import time
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, Protocol, TypeVar
from urllib.parse import urlsplit, urlunsplit
from weakref import WeakKeyDictionary

from models.complaints import about_length, statements
from models.errors import Malformed, ModelError, RateLimited, Refused, TimedOut, Unavailable

T = TypeVar("T")

KEY_LIKE = re.compile(
    r"\b(?:(?:sk|pk|rk|key|hf|gsk|xai)[-_][A-Za-z0-9_*-]{6,}|ya29\.[\w.-]+|A(?:KI|SI)A[A-Z0-9]{12,})|(?i:bearer)\s+\S+"
)
"""What a key looks like where we do not know it: another account's key that a gateway echoes, say."""

CREDENTIALS_IN_URL = re.compile(r"(?<=://)[^/\s@]+@")
QUERY_IN_URL = re.compile(r"(://[^\s?#]+)[?#][^\s'\"]*")

BLOCKED_CODES = frozenset({"content_filter", "content_policy_violation", "content_policy", "cyber_policy", "refusal"})
EXHAUSTED_CODES = frozenset(
    {
        "insufficient_quota",
        "billing_hard_limit_reached",
        "billing_error",
        "contract_spend_limit_reached",
        "enforced_spend_limit_reached",
    }
)

LASTING = {
    401: "the key was not accepted",
    402: "the provider's account has no credit left",
    403: "the key may not use this model",
    404: "there is no such model or address",
}
"""Statuses whose cause lasts: asking again does not help."""

NOT_SENT = frozenset({"ConnectError", "ConnectTimeout", "PoolTimeout", "UnsupportedProtocol", "InvalidURL"})
"""Faults of httpx, and of the httpx2 that Anthropic's SDK uses, before anything was sent."""

OVERLOADED = frozenset({503, 529})

EVENTS = {
    "rate_limit_error": 429,
    "rate_limit_exceeded": 429,
    "throttlingException": 429,
    "overloaded_error": 529,
    "serviceUnavailableException": 503,
    "api_error": 500,
    "server_error": 500,
    "internal_server_error": 500,
    "internalServerException": 500,
    "modelStreamErrorException": 500,
    "timeout_error": 504,
    "modelTimeoutException": 504,
    "authentication_error": 401,
    "permission_error": 403,
    "not_found_error": 404,
    "invalid_request_error": 400,
    "validationException": 400,
}
"""Statuses of errors that come as an event of a stream, whose own status was 200, by the code that they carry."""

WAY_OUT = (
    "; it does not fit into the context: serve the model with a longer one (llama.cpp: --ctx-size, vLLM: "
    "--max-model-len, Ollama: OLLAMA_CONTEXT_LENGTH), or lower max_tokens"
)

LONGEST_MESSAGE = 300
SHORTEST_KEY = 8
"""Characters of a key that is one wherever it stands."""


@dataclass(frozen=True, slots=True)
class Faults:
    """The exception classes of one SDK; OpenAI's and Anthropic's have the same shape.

    ``transport`` are those of the HTTP library below, which come through while a stream is read; ``credentials`` those
    of the library that fetches a token before the request; ``form`` those of an answer that cannot be taken apart.
    """

    status: Any
    timeout: type[Exception]
    connection: type[Exception]
    any: type[Exception]
    transport: tuple[type[Exception], ...] = ()
    credentials: tuple[type[Exception], ...] = ()
    form: tuple[type[Exception], ...] = ()


@dataclass(frozen=True, slots=True)
class Boundary:
    """Calls to one provider.

    ``who`` opens every error message; ``timeout_s`` bounds the whole call, not only the wait for the next byte;
    ``secrets`` are removed from every message.
    """

    who: str
    timeout_s: float
    faults: Faults
    secrets: tuple[str, ...] = field(default=(), repr=False)

    async def call(self, request: Coroutine[Any, Any, T]) -> tuple[T, float]:
        """The answer to ``request`` and its latency in seconds. Raises a ``ModelError`` and nothing else.

        The error is raised outside the handler, so that the provider's exception, which may hold a key, is not
        chained to it.
        """
        started = time.perf_counter()
        try:
            async with asyncio.timeout(self.timeout_s):
                answer = await request
            return answer, time.perf_counter() - started
        except (TimeoutError, self.faults.any, ValueError, RecursionError) as error:
            # What Python cannot read as JSON: no JSON, no UTF-8, numbers of thousands of digits, depths of thousands.
            fault = self.translate(error)
        except (*self.faults.transport, *self.faults.credentials, *self.faults.form) as error:
            fault = self.translate(error)
        raise fault

    def translate(self, error: Exception) -> ModelError:
        """The error of ours for a provider's exception."""
        if isinstance(error, TimeoutError | self.faults.timeout):
            return TimedOut(f"{self.who}: no answer within {self.timeout_s:g} s; raise the model's time limit")
        if isinstance(error, self.faults.credentials):
            trouble = f"no token was to be had for the credentials ({self.redact(str(error))})"
            passing = type(error).__name__ == "TransportError" or bool(getattr(error, "retryable", False))
            return Unavailable(f"{self.who}: {trouble}", retryable=passing)
        if isinstance(error, self.faults.status) and error.status_code >= 400:
            wait = retry_after(error.response.headers, time.time())
            return self._fault(int(error.status_code), error.body, wait)
        if isinstance(error, (self.faults.connection, *self.faults.transport)):
            return self._lost(error.__cause__ or error)
        detail = getattr(error, "body", None)
        if detail and isinstance(detail, Mapping | str) and not isinstance(error, self.faults.form):
            return self.event_fault({"message": detail} if isinstance(detail, str) else detail)
        return Malformed(f"{self.who}: the answer is not of the API's form ({self.redact(str(error))})")

    def event_fault(self, body: Mapping[str, object]) -> ModelError:
        """The error of ours for one that came inside an answer whose status was 200: work was done before it."""
        detail = _detail(body)
        code, kind = str(detail.get("code")), str(detail.get("type"))
        status = int(code) if code.isdecimal() and len(code) == 3 else EVENTS.get(code, EVENTS.get(kind, 500))
        return self._fault(status, body, None, may_be_billed=True)

    def cut(self, what: str) -> Unavailable:
        """The error for a stream that ended before the answer did."""
        return Unavailable(f"{self.who}: the answer was cut off ({what})", may_be_billed=True)

    def malformed(self, what: str) -> Malformed:
        return Malformed(f"{self.who}: the answer is not of the API's form ({self.redact(what)})")

    def redact(self, text: str) -> str:
        """``text`` on one line, shortened, without keys, credentials in URLs and control codes."""
        return one_line(self._hidden(text))

    def _hidden(self, text: str) -> str:
        """``text`` without keys and credentials in URLs."""
        for secret in filter(None, self.secrets):
            if len(secret) >= SHORTEST_KEY:
                text = text.replace(secret, "[key]")
            else:  # "x", as people write for servers that ask for no key, is no part of other words
                text = re.sub(rf"(?<!\w){re.escape(secret)}(?!\w)", "[key]", text)
        return without_keys(text)

    def _lost(self, error: BaseException) -> ModelError:
        """The error for a connection that was not made, or was lost."""
        kind, why = type(error).__name__, self.redact(str(error) or type(error).__name__)
        if "Timeout" in kind and kind not in NOT_SENT:
            return TimedOut(f"{self.who}: the answer stopped coming ({why}); raise the model's time limit")
        trouble = f"the connection failed ({why}); is the server running and reachable?"
        return Unavailable(f"{self.who}: {trouble}", may_be_billed=kind not in NOT_SENT)

    def _fault(self, status: int, body: object, wait: float | None, may_be_billed: bool = False) -> ModelError:
        """The error for a status and what the body says of it; ``wait`` is what Retry-After asks for, in seconds."""
        detail, told = _detail(body), tuple(map(self._hidden, statements(body)))
        # Anthropic's ``type`` names a family of errors, and a code among the details the very one, if there is one.
        more = detail.get("details")
        found = (more.get("error_code") if isinstance(more, Mapping) else None, detail.get("code"), detail.get("type"))
        codes = [str(code) for code in found if code]
        message = detail.get("message")
        heard = [message] if message and isinstance(message, str) else [*told[:1], *codes]
        said = self.redact(next(iter(heard), f"status {status}"))
        exhausted = not EXHAUSTED_CODES.isdisjoint(codes)
        if not BLOCKED_CODES.isdisjoint(codes):
            return Refused(f"{self.who}: the provider blocked the request ({said})", may_be_billed)
        if status == 429 and not exhausted:
            return RateLimited(f"{self.who}: too many requests ({said})", wait, may_be_billed)
        if status in (408, 504):
            return TimedOut(f"{self.who}: the server gave up waiting ({said})")
        what = LASTING.get(402 if exhausted else status, f"the request failed with status {status}")
        too_long = about_length(told)
        return Unavailable(
            f"{self.who}: {what} ({said}){WAY_OUT * too_long}",
            (status == 409 or status >= 500) and not too_long,
            may_be_billed,
            overloaded=status in OVERLOADED,
            retry_after=wait,
            status=status,
            said=told,
        )


class Closable(Protocol):
    async def close(self) -> None: ...


C = TypeVar("C", bound=Closable)


class ClientPerLoop(Generic[C]):
    """An SDK's client for each event loop: connections cannot outlive, or be shared beyond, the loop they belong to.

    A night has one loop; a library that calls us from threads of its own has others.
    """

    def __init__(self, make: Callable[[], C]) -> None:
        self._make = make
        self._clients: WeakKeyDictionary[asyncio.AbstractEventLoop, C] = WeakKeyDictionary()

    def get(self) -> C:
        """The client of the running loop."""
        loop = asyncio.get_running_loop()
        if loop not in self._clients:
            self._clients[loop] = self._make()
        return self._clients[loop]

    async def close(self) -> None:
        """Close the running loop's client; those of other loops go with their loops."""
        client = self._clients.pop(asyncio.get_running_loop(), None)
        if client is not None:
            await client.close()


def without_keys(text: str) -> str:
    """``text`` without what looks like a key, and without credentials and questions in URLs."""
    text = CREDENTIALS_IN_URL.sub("[key]@", text)
    text = QUERY_IN_URL.sub(r"\1", text)
    return KEY_LIKE.sub("[key]", text)


def one_line(text: str) -> str:
    """``text`` on one line, shortened, without control codes."""
    text = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    return text if len(text) <= LONGEST_MESSAGE else text[: LONGEST_MESSAGE - 1] + "…"


def retry_after(headers: Mapping[str, str], now: float) -> float | None:
    """Seconds that the provider asks us to wait: ``retry-after-ms``, or ``Retry-After`` in seconds or as a date."""
    try:
        if "retry-after-ms" in headers:
            return max(0.0, float(headers["retry-after-ms"]) / 1000)
        value = headers.get("retry-after")
        if value is None:
            return None
        if value.strip().replace(".", "", 1).isdigit():
            return float(value)
        return max(0.0, email.utils.parsedate_to_datetime(value).timestamp() - now)
    except (ValueError, OverflowError):
        return None


def public_url(url: str) -> str:
    """``url`` without user, password, query and fragment: fit for names and messages."""
    parts = urlsplit(url)
    host = parts.netloc.rpartition("@")[2]
    return urlunsplit((parts.scheme, host, parts.path.rstrip("/"), "", ""))


def _detail(body: object) -> Mapping[str, object]:
    """The part of an error body that says what happened; servers nest it under ``error`` or not."""
    if isinstance(body, Mapping):
        inner = body.get("error")
        return inner if isinstance(inner, Mapping) else body
    return {"message": body} if isinstance(body, str) else {}
