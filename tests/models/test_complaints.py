"""How servers word what they do not take: many of them, and as many bad requests that say something else."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.complaints import about_length, about_roles, refused_field, statements

CHAT = {"model", "messages", "max_tokens", "temperature", "seed", "stream", "stream_options", "reasoning_effort"}
CLAUDE = {"model", "messages", "system", "max_tokens", "temperature", "thinking", "output_config", "cache_control"}
HELD = CHAT | {"response_format", "structured_outputs"}

PYDANTIC_2: dict[str, Any] = {"type": "extra_forbidden", "msg": "Extra inputs are not permitted", "input": 7}
PYDANTIC_1: dict[str, Any] = {"type": "value_error.extra", "msg": "extra fields not permitted"}
SERDE = "Failed to deserialize the JSON body into the target type: unknown field `{}`, expected one of `model`, `seed`"

SERVERS: list[tuple[str, object, str]] = [
    (
        "OpenAI",
        {
            "message": "Unsupported parameter: 'max_tokens' is not supported with this model. "
            "Use 'max_completion_tokens' instead.",
            "type": "invalid_request_error",
            "param": "max_tokens",
            "code": "unsupported_parameter",
        },
        "max_tokens",
    ),
    (
        "OpenAI, a value",
        {
            "message": "Unsupported value: 'temperature' does not support 0.2 with this model. Only the default (1) "
            "value is supported.",
            "param": "temperature",
            "code": "unsupported_value",
        },
        "temperature",
    ),
    ("Azure", {"message": "Unrecognized request argument supplied: stream_options"}, "stream_options"),
    ("Azure, no place", {"message": "Unknown parameter.", "param": "seed", "code": "unknown_parameter"}, "seed"),
    ("vLLM", {"message": "[{'type': 'extra_forbidden', 'loc': ('body', 'seed'), 'input': 7}]"}, "seed"),
    ("FastAPI", {"detail": [{"loc": ["body", "stream_options"], **PYDANTIC_2}]}, "stream_options"),
    ("FastAPI of old", {"detail": [{"loc": ["body", "temperature"], **PYDANTIC_1}]}, "temperature"),
    (
        "Mistral",
        {"object": "error", "message": {"detail": [{"loc": ["body", "seed"], **PYDANTIC_2}]}, "code": None},
        "seed",
    ),
    ("Groq", {"message": "property 'reasoning_effort' is unsupported, did you mean 'x'?"}, "reasoning_effort"),
    ("Groq, a model", {"message": "`response_format` does not support `json_schema` here"}, "response_format"),
    ("Together", {"message": "Unsupported field: 'stream_options'", "param": None}, "stream_options"),
    ("DeepSeek", {"message": SERDE.format("reasoning_effort")}, "reasoning_effort"),
    ("DeepSeek, a model", {"message": "deepseek-reasoner does not support the parameter `temperature`"}, "temperature"),
    (
        "litellm",
        {
            "message": "litellm.UnsupportedParamsError: openai does not support parameters: ['seed'], for model=m. "
            "To drop these, set `litellm.drop_params=True` or for proxy: `drop_params: true`"
        },
        "seed",
    ),
    ("Gemini", [{"error": {"message": 'Unknown name "seed": Cannot find field.', "status": "INVALID"}}], "seed"),
    ("xAI", {"error": "Model m does not support parameter reasoningEffort."}, "reasoning_effort"),
    ("xAI, an argument", {"error": "Argument not supported on this model: temperature"}, "temperature"),
    ("Go", {"error": {"message": 'json: unknown field "stream_options"'}}, "stream_options"),
    ("Fireworks", {"message": "Extra inputs are not permitted, field: 'seed', value: 7"}, "seed"),
    ("JSON Schema", {"message": "Additional properties are not allowed ('seed' was unexpected)"}, "seed"),
    ("Python", {"detail": "create() got an unexpected keyword argument 'temperature'"}, "temperature"),
    ("OpenRouter", {"message": "Provider error", "metadata": {"raw": "seed is not supported"}}, "seed"),
    (
        "OpenAI, an organization",
        {"message": "Your organization must be verified to stream this model. Please go to", "param": "stream"},
        "stream",
    ),
    ("a text", "stream_options is not available for this deployment", "stream_options"),
    ("in another's name", {"message": "m-seed: max_tokens is deprecated, use max_completion_tokens"}, "max_tokens"),
    (
        "Anthropic",
        {"type": "error", "error": {"message": "temperature: Extra inputs are not permitted"}},
        "temperature",
    ),
    ("Anthropic, a model", {"message": "`temperature` is deprecated for this model."}, "temperature"),
    ("Anthropic, an effort", {"message": "This model does not support the effort parameter."}, "output_config"),
    ("Anthropic, thinking", {"message": "adaptive thinking is not supported on this model"}, "thinking"),
    ("Bedrock", {"message": "Malformed input: #: extraneous key [output_config] is not permitted"}, "output_config"),
    ("Bedrock, no cache", {"message": "your request did not allow prompt caching, unsupported model"}, "cache_control"),
    ("Anthropic's cache", {"message": "system.0.cache_control: Extra inputs are not permitted"}, "cache_control"),
]

BAD_REQUESTS: list[tuple[str, object]] = [
    ("a long prompt", {"message": "This model's maximum context length is 2048 tokens. However, you requested 2303"}),
    ("a long answer", {"message": "max_tokens is too large: 9000. This model supports at most 4096 completion tokens"}),
    ("another model", {"message": "The model `seed-7` does not exist or you do not have access to it."}),
    ("a hot model", {"message": "temperature: Input should be less than or equal to 2"}),
    ("no such field of ours", {"message": SERDE.format("top_k")}),
    ("the user's field", {"message": "Unknown parameter: 'top_k'. Did you mean 'temperature'?", "param": "top_k"}),
    ("the messages", {"detail": [{"loc": ["body", "messages", 0, "content"], **PYDANTIC_2}]}),
    ("nothing", {}),
    ("no words", {"message": None, "code": 400}),
    ("a number", 7),
]

NO_SYSTEM = [
    "System role not supported",
    "Conversation roles must alternate user/assistant/user/assistant/...",
    "After the optional system message, conversation roles must alternate user/assistant/user/assistant/...",
    "Only user and assistant roles are supported!",
    "Only 'user', 'assistant' and 'tool' roles are supported",
    "Unsupported value: 'messages[0].role' does not support 'system' with this model.",
    "Developer instruction is not enabled for models/gemma-3-27b-it",
    'messages: Unexpected role "system". The Messages API accepts a top-level `system` parameter',
    "This model doesn't support the system role",
    "system messages are not supported by this model",
    "messages.0.role: Input should be 'user' or 'assistant'",
    "'system' is not one of ['user', 'assistant'] - 'messages.0.role'",
    "A conversation must start with a user message. Try again with a conversation that starts with a user message.",
    'error rendering prompt template: raise_exception("System role not supported") at row 1',
]


@pytest.mark.parametrize(("server", "body", "field"), SERVERS, ids=[server for server, _, _ in SERVERS])
def test_the_field_that_a_server_does_not_take(server: str, body: object, field: str) -> None:
    sent = CLAUDE if server.startswith(("Anthropic", "Bedrock")) else HELD
    assert refused_field(statements(body), sent, "m-seed") == field
    wrapped = {"error": body} if isinstance(body, dict) else body
    assert refused_field(statements(wrapped), sent, "m-seed") == field
    assert refused_field(statements(body), sent - {field}, "m-seed") != field
    assert not about_roles(statements(body))


@pytest.mark.parametrize(("what", "body"), BAD_REQUESTS, ids=[what for what, _ in BAD_REQUESTS])
def test_a_bad_request_is_about_nothing_that_can_be_left_out(what: str, body: object) -> None:
    found = refused_field(statements(body), CHAT | {"top_k"}, "seed-7")
    assert found in {"", "top_k", "messages"}
    assert not about_roles(statements(body))


def test_a_value_that_is_not_wanted_matters_where_it_is_ours() -> None:
    said = statements({"detail": [{"loc": ["body", "seed"], "msg": "Input should be less than 2147483648"}]})
    assert refused_field(said, CHAT, "m") == ""
    assert refused_field(said, CHAT, "m", by_value={"seed"}) == "seed"


@pytest.mark.parametrize("said", NO_SYSTEM)
def test_roles_that_are_not_known(said: str) -> None:
    assert about_roles(statements({"error": {"message": said}}))
    assert about_roles(statements({"detail": [{"loc": ["body"], "msg": said}]}))


@pytest.mark.parametrize(
    "said",
    [
        "the request exceeds the available context size, try increasing it",
        "This model's maximum context length is 2048 tokens. However, you requested 2303",
        "prompt is too long: 210000 tokens > 200000 maximum",
    ],
)
def test_a_prompt_that_does_not_fit(said: str) -> None:
    assert about_length(statements({"message": said}))
    assert not about_length(statements({"message": "temperature is not supported"}))


JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["error", "message", "detail", "loc", "msg", "code", "param"]), inner)
    ),
    max_leaves=12,
)


@given(JSON)
def test_any_body_is_read(body: object) -> None:
    said = statements(body)
    assert all(isinstance(statement, str) and statement for statement in said)
    assert refused_field(said, CHAT, "m") in CHAT | {""}


def test_a_body_without_end_is_not_read_to_its_end() -> None:
    deep: object = "seed is not supported"
    for _ in range(100_000):
        deep = {"error": deep}
    assert statements(deep) == ()
    assert sum(map(len, statements({"message": "x" * 10**6, "detail": ["y" * 10**5] * 10**4}))) < 100_000
