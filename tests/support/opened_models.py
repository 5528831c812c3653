"""One model of every kind that is asked over HTTP, at the faulty server, by the names and options of a user."""

import json
import os
from dataclasses import replace
from pathlib import Path

import pytest
from faulty_server import FaultyServer

from models.chat import ChatModel
from models.registry import ModelOptions, open_model

KEY = "planted-secret-4711"

KINDS = ("openai", "responses", "anthropic", "vllm", "bedrock", "vertex", "ollama", "llamacpp", "openrouter")
CHAT_KINDS = ("openai", "vllm", "ollama", "llamacpp", "openrouter")
CLAUDE_KINDS = ("anthropic", "bedrock", "vertex")
LITELLM_KINDS = ("litellm-openai", "litellm-anthropic")
"""litellm, with the protocol that it translates to."""


def set_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every key is the planted one."""
    for kind in ("OPENAI", "ANTHROPIC", "VLLM", "OLLAMA", "LLAMACPP", "OPENROUTER", "VERTEX"):
        monkeypatch.setenv(f"{kind}_API_KEY", KEY)
    monkeypatch.setenv("AWS_REGION", "us-east-1")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", f"{KEY}-id")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", KEY)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    for name in ("AWS_BEARER_TOKEN_BEDROCK", "AWS_SESSION_TOKEN", "AWS_PROFILE", "AWS_DEFAULT_REGION"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("CLOUD_ML_REGION", "europe-west1")
    monkeypatch.setenv("ANTHROPIC_VERTEX_PROJECT_ID", "ring")
    monkeypatch.delenv("GOOGLE_APPLICATION_CREDENTIALS", raising=False)


def google_file(folder: Path, url: str) -> Path:
    """The file of a service account of nobody's, whose tokens are fetched at ``url``."""
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import rsa

    private = rsa.generate_private_key(public_exponent=65537, key_size=2048).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    file = folder / "account.json"
    content = {"type": "service_account", "project_id": "ring", "private_key_id": "1", "private_key": private.decode()}
    content |= {"client_email": "nobody@ring.iam.gserviceaccount.com", "token_uri": f"{url}/token"}
    file.write_text(json.dumps(content))
    return file


def opened(kind: str, model: str, server: FaultyServer, options: ModelOptions | None = None) -> ChatModel:
    options = replace(options or ModelOptions(max_retries=0, timeout_s=10.0), base_url=server.url)
    if kind == "vllm":
        return open_model(f"vllm:{server.url}#{model}", options)
    if kind == "vertex" and not os.environ.get("GOOGLE_APPLICATION_CREDENTIALS"):
        options = replace(options, api_key_env=options.api_key_env or "VERTEX_API_KEY")
    if kind in LITELLM_KINDS:
        return open_model(f"litellm:{kind.removeprefix('litellm-')}/{model}", options)
    if kind == "responses":
        return open_model(f"openai:{model}", replace(options, api="responses"))
    return open_model(f"{kind}:{model}", options)
