"""Claude on Amazon Bedrock and on Google's Vertex AI: credentials from the environment, and the SDK's clients for them.

Nothing is read from a cloud's own configuration files but what the environment names, and none is ever configured here.
"""

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from models.anthropic import AnthropicModel, anthropic_faults
from models.capabilities import anthropic_capabilities
from models.endpoint import Endpoint, address_of, checked_url
from models.errors import BadInput
from models.notes import Notes

if TYPE_CHECKING:
    from anthropic import AsyncAnthropicBedrock, AsyncAnthropicVertex

BEDROCK_KEY = "AWS_BEARER_TOKEN_BEDROCK"
AWS_REGIONS = ("AWS_REGION", "AWS_DEFAULT_REGION")
VERTEX_FILE = "GOOGLE_APPLICATION_CREDENTIALS"
VERTEX_REGION = "CLOUD_ML_REGION"
VERTEX_URL = "ANTHROPIC_VERTEX_BASE_URL"
VERTEX_PROJECTS = ("ANTHROPIC_VERTEX_PROJECT_ID", "GOOGLE_CLOUD_PROJECT")


@dataclass(frozen=True, slots=True)
class Served:
    """A model, the server that it is asked at, and what opens the account there."""

    model: AnthropicModel
    server: str
    account: str = field(repr=False)


def bedrock(
    endpoint: Endpoint,
    name: str,
    *,
    base_url: str | None,
    api_key_env: str | None,
    timeout_s: float,
    notes: Notes | None = None,
) -> Served:
    """The model ``endpoint``, on Bedrock; raises ``BadInput`` where the environment lacks something."""
    _needs("boto3", "bedrock")
    region = _first(AWS_REGIONS)
    if region is None:
        raise BadInput("bedrock: the environment variable AWS_REGION is not set; name the region there")
    key = _first((api_key_env or BEDROCK_KEY,))
    access, secret, session = (
        _first((f"AWS_{part}",)) for part in ("ACCESS_KEY_ID", "SECRET_ACCESS_KEY", "SESSION_TOKEN")
    )
    if api_key_env and key is None:
        raise BadInput(f"bedrock: the environment variable {api_key_env} is not set; put the key there")
    if key is None and (access is None or secret is None):
        raise BadInput(
            f"bedrock: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or {BEDROCK_KEY}, in the environment; "
            "`aws configure export-credentials --format env` prints those of a profile or a role"
        )
    url = base_url or f"https://bedrock-runtime.{region}.amazonaws.com"

    def make() -> "AsyncAnthropicBedrock":
        from anthropic import AsyncAnthropicBedrock

        account: dict[str, Any] = {"api_key": key} if key else {}
        if not key:
            account = {"aws_access_key": access, "aws_secret_key": secret, "aws_session_token": session}
        return AsyncAnthropicBedrock(
            **account, aws_region=region, base_url=url, timeout=timeout_s, max_retries=0, open_telemetry=False
        )

    from botocore.eventstream import ParserError  # type: ignore[import-untyped]  # botocore ships no types

    faults = anthropic_faults()
    claude = AnthropicModel(
        replace(endpoint, address=address_of([url])),
        name=name,
        make=make,
        capabilities=anthropic_capabilities(endpoint.name),
        secrets=tuple(part for part in (key, access, secret, session) if part),
        faults=replace(faults, form=(*faults.form, ParserError)),
        timeout_s=timeout_s,
        notes=notes,
    )
    return Served(claude, url, key or access or "")


def vertex(
    endpoint: Endpoint,
    name: str,
    *,
    base_url: str | None,
    api_key_env: str | None,
    timeout_s: float,
    notes: Notes | None = None,
) -> Served:
    """The model ``endpoint``, on Vertex AI; raises ``BadInput`` where the environment lacks something."""
    _needs("google.auth", "vertex")
    region, project = _first((VERTEX_REGION,)), _first(VERTEX_PROJECTS)
    token, file = _first((api_key_env,)) if api_key_env else None, _first((VERTEX_FILE,))
    if region is None or project is None:
        missing = VERTEX_REGION if region is None else VERTEX_PROJECTS[0]
        raise BadInput(f"vertex: the environment variable {missing} is not set; it says where the model is served")
    if api_key_env and token is None:
        raise BadInput(f"vertex: the environment variable {api_key_env} is not set; put an access token there")
    if token is None and file is None:
        raise BadInput(
            f"vertex: set {VERTEX_FILE} to a file of credentials, or name with api_key_env a variable that holds an "
            "access token (`gcloud auth print-access-token` prints one)"
        )
    secrets = (token,) if token else _secrets_of(Path(file or ""))
    url = base_url or checked_url(_first((VERTEX_URL,)) or _vertex_url(region))

    def make() -> "AsyncAnthropicVertex":
        from anthropic import AsyncAnthropicVertex

        return AsyncAnthropicVertex(
            region=region,
            project_id=project,
            access_token=token,
            timeout=timeout_s,
            max_retries=0,
            open_telemetry=False,
            base_url=url,
        )

    from google.auth.exceptions import GoogleAuthError

    claude = AnthropicModel(
        replace(endpoint, address=address_of([url])),
        name=name,
        make=make,
        capabilities=anthropic_capabilities(endpoint.name),
        secrets=secrets,
        faults=replace(anthropic_faults(), credentials=(GoogleAuthError,)),
        timeout_s=timeout_s,
        notes=notes,
    )
    return Served(claude, url, project)


def _vertex_url(region: str) -> str:
    """Where a region, one of the two that span many, or all of them are served: as the SDK has it."""
    if region == "global":
        return "https://aiplatform.googleapis.com/v1"
    host = f"aiplatform.{region}.rep" if region in ("us", "eu") else f"{region}-aiplatform"
    return f"https://{host}.googleapis.com/v1"


def _first(variables: Sequence[str]) -> str | None:
    """The first of some environment variables that is set to something."""
    return next((value for variable in variables if (value := os.environ.get(variable, "").strip())), None)


def _secrets_of(file: Path) -> tuple[str, ...]:
    """What of a file of credentials must not be shown; raises ``BadInput`` for a file that is none."""
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        raise BadInput(f"vertex: {VERTEX_FILE} names {file}, which cannot be read as a file of credentials") from None
    if not isinstance(content, dict):
        raise BadInput(f"vertex: {VERTEX_FILE} names {file}, which is no file of credentials")
    return tuple(value for key, value in content.items() if key in ("private_key", "refresh_token", "client_secret"))


def _needs(package: str, extra: str) -> None:
    import importlib.util

    if importlib.util.find_spec(package.partition(".")[0]) is None or importlib.util.find_spec(package) is None:
        raise BadInput(f"{package.partition('.')[0]} is not installed: pip install 'cornerman[{extra}]'")
