"""Every exception class of the three SDKs, found by introspection: each becomes one of our errors, and the right one.

A new release of an SDK that brings a new class fails here, and the one who upgrades says what it is to become.
"""

import asyncio
import importlib
import inspect
import re
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import anthropic
import httpx
import httpx2
import openai
import pytest
from anthropic._error_classes import ERROR_CLASSES
from opened_models import set_keys

from models.anthropic import anthropic_faults
from models.boundary import Boundary, Faults
from models.clouds import bedrock, vertex
from models.endpoint import Endpoint
from models.errors import Malformed, ModelError, RateLimited, Refused, TimedOut, Unavailable
from models.litellm import LiteLLMBoundary, _faults, _imported
from models.openai import openai_faults

Fate = tuple[type[BaseException], bool | None]
"""What becomes of an error, and whether it is asked again if that is what the kind leaves open."""

PASSES: Fate = (Unavailable, True)
LASTS: Fate = (Unavailable, False)
LIMITED: Fate = (RateLimited, None)
LATE: Fate = (TimedOut, None)
REFUSED: Fate = (Refused, None)
UNREADABLE: Fate = (Malformed, None)

STATUSES: dict[int | None, Fate] = {
    **dict.fromkeys((400, 401, 402, 403, 404, 412, 413, 422, 431, 499), LASTS),
    **dict.fromkeys((409, 500, 501, 502, 503, 529), PASSES),
    **dict.fromkeys((408, 504), LATE),
    429: LIMITED,
}

OPENAI: dict[str, Fate] = {
    "openai.APIConnectionError": PASSES,
    "openai.APIError": PASSES,
    "openai.APIResponseValidationError": UNREADABLE,
    "openai.APITimeoutError": LATE,
    # What follows no call of ours can raise: the helpers that parse, sockets, and credentials that are exchanged.
    "openai.ContentFilterFinishReasonError": UNREADABLE,
    "openai.LengthFinishReasonError": UNREADABLE,
    "openai.OpenAIError": UNREADABLE,
    "openai.WebSocketConnectionClosedError": UNREADABLE,
    "openai.WebSocketQueueFullError": UNREADABLE,
    "openai._AmbiguousModuleClientUsageError": UNREADABLE,
    "openai._extras._common.MissingDependencyError": UNREADABLE,
    "openai._exceptions.SubjectTokenProviderError": UNREADABLE,
    "openai._response.StreamAlreadyConsumed": UNREADABLE,
    "openai.lib._old_api.APIRemovedInV1": UNREADABLE,
    "openai.lib.azure.MutuallyExclusiveAuthError": UNREADABLE,
}
"""Classes whose instances have no status by themselves; one with a status becomes what that says (``STATUSES``)."""

ANTHROPIC: dict[str, Fate] = {
    "anthropic.APIConnectionError": PASSES,
    "anthropic.APIError": PASSES,
    "anthropic.APIResponseValidationError": UNREADABLE,
    "anthropic.APITimeoutError": LATE,
    # These come with status 429, and waiting a minute does not help.
    "anthropic.ContractSpendLimitReachedError": LASTS,
    "anthropic.EnforcedSpendLimitReachedError": LASTS,
    # What follows no call of ours can raise: web hooks, tools, credentials that are exchanged.
    "anthropic.APIWebhookValidationError": PASSES,
    "anthropic.AnthropicError": UNREADABLE,
    "anthropic.CredentialsError": UNREADABLE,
    "anthropic.IdentityTokenFileError": UNREADABLE,
    "anthropic.RetryableError": UNREADABLE,
    "anthropic._response.StreamAlreadyConsumed": UNREADABLE,
    "anthropic.lib._extras._common.MissingDependencyError": UNREADABLE,
    "anthropic.lib.credentials._workload.WorkloadIdentityError": UNREADABLE,
    "anthropic.lib.foundry.MutuallyExclusiveAuthError": UNREADABLE,
    "anthropic.lib.tools._toolsets._base.AsyncOnSyncToolsetError": UNREADABLE,
    "anthropic.lib.tools._toolsets._base.NestedCallError": UNREADABLE,
    "anthropic.lib.tools._toolsets._base.SyncOnAsyncToolsetError": UNREADABLE,
    "anthropic.lib.tools._toolsets._browser.BrowserStateError": UNREADABLE,
    "anthropic.lib.tools._toolsets._errors.ToolsetClosedError": UNREADABLE,
    "anthropic.lib.tools._toolsets._errors.ToolsetConfigError": UNREADABLE,
    "anthropic.lib.tools._toolsets._errors.ToolsetContractError": UNREADABLE,
    "anthropic.lib.tools._toolsets._errors.ToolsetUsageError": UNREADABLE,
    "anthropic.lib.tools._toolsets._errors.ToolsetsFixedError": UNREADABLE,
}

LITELLM: dict[str, Fate] = {
    "litellm.exceptions.ContentPolicyViolationError": REFUSED,
    "litellm.exceptions.ModelNotMappedError": LASTS,
    "litellm.exceptions.ModifyResponseException": LASTS,
    "litellm.exceptions.OpenAIError": LASTS,
    "litellm.exceptions.SensitiveDataRouteException": LASTS,
}

CODES: dict[type[Exception], tuple[int | None, str | None]] = {error: key for key, error in ERROR_CLASSES.items()}
"""Status and code by which Anthropic's SDK chooses a class."""

NO_STATUS = 500
"""The status of what may have any."""


DEFINES = re.compile(r"^class \w+\(.*(Error|Exception)\b.*\):", re.MULTILINE)


def load(package: ModuleType) -> None:
    """Import every module of ``package`` that defines an exception: some are imported only where they are needed."""
    assert package.__file__ is not None
    root = Path(package.__file__).parent
    for file in root.rglob("*.py"):
        if DEFINES.search(file.read_text(encoding="utf-8")):
            name = ".".join(file.relative_to(root.parent).with_suffix("").parts).removesuffix(".__init__")
            with suppress(ImportError):  # what needs a package that is not installed cannot be raised
                importlib.import_module(name)


def subclasses(root: type[Exception]) -> Iterator[type[Exception]]:
    """``root`` and everything below it that its own package defines."""
    yield root
    for found in root.__subclasses__():
        if found.__module__.partition(".")[0] == root.__module__.partition(".")[0]:
            yield from subclasses(found)


def made(error: type[Exception], http: Any) -> Exception:
    """An instance as the SDK would make it, from what its constructor asks for."""
    status, code = CODES.get(error, (getattr(error, "status_code", None), None))
    status = status if isinstance(status, int) else NO_STATUS
    request = http.Request("POST", "http://127.0.0.1/v1")
    details = {"details": {"error_code": code}} if code else {}
    values: dict[str, Any] = {
        "request": request,
        "response": http.Response(status, request=request),
        "body": {"error": {"message": "it went wrong", **details}},
        "status_code": status,
        "completion": SimpleNamespace(usage=None),
        "unsent_messages": [],
        "failures": [],
        "request_data": {},
        "raw_response": "",
        "schema": "{}",
        "current_cost": 1.0,
        "max_budget": 1.0,
        "action": "add",
    }
    parameters = list(inspect.signature(error.__init__).parameters.values())[1:]
    if parameters and all(one.kind in (one.VAR_POSITIONAL, one.VAR_KEYWORD) for one in parameters):
        return error("it went wrong")
    wanted = [one.name for one in parameters if one.default is one.empty and one.kind is not one.VAR_KEYWORD]
    return error(**{name: values.get(name, "it went wrong") for name in wanted})


def what_becomes_of(error: Exception, boundary: Boundary) -> Fate:
    async def call() -> None:
        raise error

    async def outcome() -> BaseException:
        try:
            await boundary.call(call())
        except BaseException as fault:
            return fault
        raise AssertionError("no error")

    fault = asyncio.run(outcome())
    assert "\n" not in str(fault)
    assert fault.__cause__ is None, "the SDK's exception may hold a key"
    return type(fault), fault.retryable if isinstance(fault, Unavailable) else None


def check(errors: list[type[Exception]], expected: dict[str, Fate], how: Any) -> None:
    boundary, http = how
    names = {f"{error.__module__}.{error.__qualname__}": error for error in errors}
    assert not expected.keys() - names.keys(), "the SDK has no such classes any more"
    found, wanted = {}, {}
    for name, error in names.items():
        instance = made(error, http)
        status = getattr(instance, "status_code", None)
        assert name in expected or status in STATUSES, f"say what {name} (status {status}) is to become"
        wanted[name] = expected[name] if name in expected else STATUSES[status]
        found[name] = what_becomes_of(instance, boundary)
    assert found == wanted
    assert all(issubclass(kind, ModelError) and kind is not ModelError for kind, _ in found.values())


def boundary(faults: Faults) -> Boundary:
    return Boundary("openai:m", 1.0, faults)


def test_every_exception_of_openais_sdk() -> None:
    load(openai)
    errors = list(dict.fromkeys(subclasses(openai.OpenAIError)))
    assert len(errors) > 20
    check(errors, OPENAI, (boundary(openai_faults()), httpx))


def test_every_exception_of_anthropics_sdk() -> None:
    load(anthropic)
    errors = list(dict.fromkeys(subclasses(anthropic.AnthropicError)))
    assert len(errors) > 130
    check(errors, ANTHROPIC, (boundary(anthropic_faults()), httpx2))


def test_every_exception_of_litellm() -> None:
    exceptions = vars(_imported().exceptions).values()
    errors = [one for one in exceptions if isinstance(one, type) and issubclass(one, Exception)]
    errors = [one for one in errors if one.__module__ == "litellm.exceptions"]
    assert len(errors) > 30
    check(errors, LITELLM, (LiteLLMBoundary("litellm:m", 1.0, _faults()), httpx))


def test_every_exception_of_googles_credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    from google.auth.exceptions import GoogleAuthError, RefreshError

    set_keys(monkeypatch)
    options: dict[str, Any] = {"base_url": None, "api_key_env": "VERTEX_API_KEY", "timeout_s": 1.0}
    found = vertex(Endpoint("vertex", "m"), "vertex:m", **options).model._boundary
    errors = list(dict.fromkeys(subclasses(GoogleAuthError)))
    assert len(errors) > 10
    for error in errors:
        passes = error.__name__ == "TransportError"
        assert what_becomes_of(error("it went wrong"), found) == (PASSES if passes else LASTS), error
    again: Any = RefreshError
    assert what_becomes_of(again("it went wrong", retryable=True), found) == PASSES


def test_every_exception_of_bedrocks_event_stream(monkeypatch: pytest.MonkeyPatch) -> None:
    from botocore.eventstream import ParserError  # type: ignore[import-untyped]  # botocore ships no types

    set_keys(monkeypatch)
    options: dict[str, Any] = {"base_url": None, "api_key_env": None, "timeout_s": 1.0}
    found = bedrock(Endpoint("bedrock", "m"), "bedrock:m", **options).model._boundary
    for error in dict.fromkeys(subclasses(ParserError)):
        wanted = [
            name for name in inspect.signature(error.__init__).parameters if name not in ("self", "args", "kwargs")
        ]
        assert what_becomes_of(error(*range(len(wanted))), found) == UNREADABLE, error


@pytest.mark.parametrize("faults", [openai_faults, anthropic_faults])
def test_what_the_transport_raises_by_itself(faults: Any) -> None:
    """While a stream is read the HTTP library's own exceptions come through."""
    (root,) = faults().transport
    module = {"httpx": httpx, "httpx2": httpx2}[root.__module__]
    request = module.Request("POST", "http://127.0.0.1/v1")
    for error in dict.fromkeys(subclasses(root)):
        parameters = inspect.signature(error.__init__).parameters
        more = {"response": module.Response(500, request=request)} if "response" in parameters else {}
        more |= {"request": request} if error is module.HTTPStatusError else {}
        kind, _ = what_becomes_of(error("it went wrong", **more), boundary(faults()))
        late = "Timeout" in error.__name__ and error.__name__ not in ("ConnectTimeout", "PoolTimeout")
        assert kind is (TimedOut if late else Unavailable), error
