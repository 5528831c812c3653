"""Build the environment of DIAMBRA's client: ``python -m episodes.games.diambra.install``, or ``make diambra``.

The client needs an older protobuf than the rest of the program, so it lives in an environment of its own,
``.venv-diambra``, and in a process of its own. Knows nothing about engines or games.
"""

import hashlib
import subprocess
import sys
from pathlib import Path

from models import packages
from models.errors import BadInput
from models.packages import Say

ENVIRONMENT = ".venv-diambra"
REQUIREMENTS = Path(__file__).with_name("requirements.txt")


def home() -> Path:
    """Where ``.venv-diambra`` belongs: beside the environment that this program runs in, or here if it runs in none."""
    return Path(sys.prefix).parent if sys.prefix != sys.base_prefix else Path.cwd()


def interpreter() -> Path:
    """The Python that has the client; raises ``BadInput`` if there is none."""
    python = home() / ENVIRONMENT / "bin" / "python"
    if not python.exists():
        raise BadInput(
            "DIAMBRA's client is not installed: run `make diambra` (or `python -m episodes.games.diambra.install`) "
            f"in {home()}"
        )
    return python


def install(root: Path, say: Say = print) -> Path:
    """Make ``root/.venv-diambra`` able to run the client; returns its interpreter.

    Does nothing if that was done before with the same requirements. Raises ``BadInput`` where it cannot be done.
    """
    environment = root / ENVIRONMENT

    def fill(python: Path) -> None:
        say(f"installing DIAMBRA's client from {REQUIREMENTS.name}")
        packages.install(python, ["--no-deps", "--only-binary", ":all:", "-r", str(REQUIREMENTS)])
        say("checking that it can be imported")
        _check(python)

    return packages.build(environment, fingerprint(), fill, say)


def fingerprint() -> str:
    """What a complete environment was built from."""
    text = f"{sys.version_info[:2]}\n{REQUIREMENTS.read_text()}"
    return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()


def _check(python: Path) -> None:
    command = [str(python), "-I", "-c", "import diambra.arena"]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    if done.returncode:
        why = (done.stderr.strip().splitlines() or ["no message"])[-1]
        raise BadInput(
            f"DIAMBRA's client is there and cannot be imported ({why}); remove {python.parents[1]} and retry"
        )


def main() -> int:
    try:
        install(home())
    except BadInput as error:
        print(error, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
