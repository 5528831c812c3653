"""What this machine has and lacks. Each finding is ok, a warning or a failure, with the way out.

Says whether a key is set, never what it is.
"""

import importlib.util
import os
import platform
import shutil
import sqlite3
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Literal

from cornerman.checkup import Checkup, check_up, line
from cornerman.config import Config
from cornerman.format import fixed
from cornerman.result import Result
from models.errors import BadInput
from models.hub import ROOKIE
from models.served import KEY_VARIABLES, KEYLESS

Level = Literal["ok", "warn", "fail"]
NEEDED_GIB = 1.0
"""A demo night with its student takes a small part of this."""


@dataclass(frozen=True, slots=True)
class Finding:
    level: Level
    what: str
    detail: str


@dataclass(frozen=True, slots=True)
class DoctorReport(Result):
    """What ``cornerman doctor --json`` prints."""

    findings: tuple[Finding, ...]
    endpoints: tuple[Checkup, ...] = ()
    """What the models of the configuration answered; none were asked offline."""

    @property
    def failed(self) -> int:
        """Findings that keep a night from running."""
        return sum(finding.level == "fail" for finding in self.findings)

    @property
    def warned(self) -> int:
        return sum(finding.level == "warn" for finding in self.findings)


def examine(config: Config, *, offline: bool = False) -> DoctorReport:
    """Every finding, in a fixed order; ``offline``: no model is asked anything."""
    checks: Iterable[Callable[[Config], Iterable[Finding]]] = (
        _python,
        _sqlite,
        _torch,
        _rookie,
        _disk,
        _keys,
        _serving,
        _chromium,
    )
    findings = [finding for check in checks for finding in check(config)]
    asked = () if offline else check_up(config)
    return DoctorReport((*findings, *map(_endpoint, asked)), asked)


def _endpoint(found: Checkup) -> Finding:
    """A model that does not answer keeps a night from running; one that is hard to read does not."""
    odd = found.asked and (found.readable < found.answered or found.notes)
    level: Level = "fail" if found.problem else "warn" if odd else "ok"
    return Finding(level, f"[{found.role}] {found.model}", line(found))


def _python(config: Config) -> Iterable[Finding]:
    yield Finding("ok", "Python", f"{platform.python_version()} at {sys.executable}")


def _sqlite(config: Config) -> Iterable[Finding]:
    found = sqlite3.sqlite_version
    if sqlite3.sqlite_version_info >= (3, 51, 3):
        yield Finding("ok", "SQLite", found)
        return
    detail = f"{found}: before 3.51.3 two writers may damage a file in WAL mode; cornerman itself writes with one"
    yield Finding("warn", "SQLite", f"{detail}, so let no other program write to {config.db}")


def _torch(config: Config) -> Iterable[Finding]:
    try:
        yield Finding("ok", "torch", version("torch"))
    except PackageNotFoundError:
        detail = "not installed: bots and hosted models play, the rookie and students do not"
        yield Finding("fail", "torch", f"{detail}; run `make setup` or pip install 'cornerman[distill]'")


def _rookie(config: Config) -> Iterable[Finding]:
    if importlib.util.find_spec("torch") is None:
        yield Finding("warn", "rookie", "not loaded, since torch is missing")
        return
    try:
        from models.local import LocalModel

        LocalModel(ROOKIE, name="rookie")
    except BadInput as fault:
        yield Finding("fail", "rookie", f"{fault}; `make rookie` trains it from scratch")
        return
    yield Finding("ok", "rookie", f"loads from {ROOKIE}")


def _disk(config: Config) -> Iterable[Finding]:
    folder = config.db.resolve().parent
    if not folder.is_dir():
        yield Finding("fail", "disk", f"there is no folder {folder} for the store; make it or name another with --db")
        return
    free = shutil.disk_usage(folder).free / (1 << 30)
    level: Level = "ok" if free >= NEEDED_GIB else "warn"
    yield Finding(
        level, "disk", f"{fixed(free, 1)} GiB free beside {config.db}" + ("" if level == "ok" else "; free some")
    )
    if not os.access(folder, os.W_OK):
        yield Finding("fail", "disk", f"{folder} cannot be written; name another store with --db")


def _keys(config: Config) -> Iterable[Finding]:
    needed = {}
    for section in (config.player, config.reflector, config.teacher):
        kind = section.model.partition(":")[0]
        if section.api_key_env is not None:
            needed[section.api_key_env] = section.model
        elif kind in KEY_VARIABLES and kind not in KEYLESS and section.base_url is None:
            needed[KEY_VARIABLES[kind]] = section.model
    for variable in dict.fromkeys([*needed, "OPENAI_API_KEY", "ANTHROPIC_API_KEY"]):
        present = bool(os.environ.get(variable, "").strip())
        if present:
            yield Finding("ok", variable, "is set")
        elif variable in needed:
            yield Finding("fail", variable, f"is not set, and {needed[variable]} needs it; export it in the shell")
        else:
            yield Finding("ok", variable, "is not set, and the configuration needs none")


def _serving(config: Config) -> Iterable[Finding]:
    interpreter = Path(".venv-vllm") / "bin" / "python"
    if importlib.util.find_spec("vllm") is not None:
        yield Finding("ok", "vLLM", f"{version('vllm')} in this environment")
    elif interpreter.exists():
        yield Finding("ok", "vLLM", f"an environment of its own: {interpreter.parents[1]}")
    else:
        yield Finding("warn", "vLLM", "not installed, so students cannot be served; `make vllm` builds it for the CPU")


def _chromium(config: Config) -> Iterable[Finding]:
    found = shutil.which("chromium") or shutil.which("chromium-browser")
    if found:
        yield Finding("ok", "chromium", f"{found} (only the tests of the report page use it)")
    else:
        yield Finding("warn", "chromium", "not found: the tests of the report page are skipped; apt install chromium")
