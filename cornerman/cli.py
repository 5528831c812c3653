"""The command line: the commands put together, and the one place where errors become lines and exit codes.

Exit codes: 0 done, 1 the work failed, 2 wrong usage or bad input, 130 stopped by the user.
"""

import errno
import gc
import os
import sqlite3
import sys
import traceback
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from cornerman.commands import GROUPS, SINGLE
from cornerman.options import with_ray_address
from cornerman.terminal import clean
from models.errors import BadInput, CornermanError, GameFault

STOPPED = "stopped; the same command goes on where it stopped"
OS_ADVICE = {
    errno.ENOSPC: "no space left on the disk; free some and run the same command again",
    errno.EDQUOT: "the disk quota is used up; free some space and run the same command again",
    errno.EFBIG: "the file may not grow any further; free some space and run the same command again",
    errno.EADDRINUSE: "the port is in use; choose another with --port",
    errno.EACCES: "permission denied",
    errno.EPERM: "operation not permitted",
    errno.EROFS: "the file system is read-only",
    errno.ENOENT: "no such file or folder",
    errno.EISDIR: "is a folder, a file was expected",
    errno.ENOTDIR: "is not a folder",
}
SQLITE_ADVICE = {
    "disk is full": OS_ADVICE[errno.ENOSPC],
    "disk I/O error": "the store could not be written; is the disk full?",
    "database is locked": "the store is being written by another cornerman; wait for it, or use another --db",
    "not a database": "the store is not an SQLite file; use another --db",
    "malformed": "the store is damaged; restore a copy",
    "readonly database": "the store cannot be written; check its permissions",
    "unable to open database": "the store cannot be opened; check the folder and its permissions",
}


def verdict(error: BaseException) -> tuple[str, int]:
    """The line and the exit code for an error."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    if isinstance(error, BadInput):
        return f"error: {error}", 2
    if isinstance(error, CornermanError):
        broke = f"the game broke {error}; `cornerman game-check` finds what it must mend"
        return f"error: {broke if isinstance(error, GameFault) else error}", 1
    if isinstance(error, KeyboardInterrupt):
        return STOPPED, 130
    if isinstance(error, sqlite3.Error):
        advice = next((line for words, line in SQLITE_ADVICE.items() if words in str(error)), None)
        return (f"error: {advice}", 2) if advice else (f"error: the store: {error}", 1)
    if isinstance(error, OSError) and error.errno in OS_ADVICE:
        where = f"{error.filename}: " if error.filename else ""
        return f"error: {where}{OS_ADVICE[error.errno]}", 2
    return f"error: internal fault ({type(error).__name__}: {error}); run it again with --debug and report it", 1


class Commands(TyperGroup):
    """Runs a command and turns whatever it raises into one line and an exit code."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """The words of the command line; ``--ray`` may stand alone."""
        return super().parse_args(ctx, with_ray_address(args))

    def invoke(self, ctx: Any) -> Any:
        """Run the command named on the command line."""
        try:
            return super().invoke(ctx)
        except (typer.Exit, typer.Abort):
            raise
        except BaseException as error:
            if isinstance(error, SystemExit | BrokenPipeError) or hasattr(error, "exit_code"):
                raise
            if os.environ.get("CORNERMAN_DEBUG"):
                traceback.print_exc()
            line, code = verdict(error)
            print(clean(" ".join(line.split())), file=sys.stderr)
            raise typer.Exit(code) from None


def _version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        print(f"cornerman {version('cornerman')}")
        raise typer.Exit


def _root(
    debug: Annotated[
        bool, typer.Option("--debug", envvar="CORNERMAN_DEBUG", help="Show where an error happened.")
    ] = False,
    version: Annotated[bool, typer.Option("--version", callback=_version, is_eager=True, help="Show it.")] = False,
) -> None:
    """A cornerman watches the round and tells the fighter what to change.

    Plays a language model, reflects on its games, keeps the guidance that provably wins, and teaches it to a small,
    fast student.

    Begin with: cornerman night --size smoke
    """
    if debug:
        os.environ["CORNERMAN_DEBUG"] = "1"


def build() -> typer.Typer:
    """The program with all its commands."""
    program = typer.Typer(
        cls=Commands,
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
        rich_markup_mode=None,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    program.callback()(_root)
    for name, command in SINGLE.items():
        program.command(name)(command)
    for name, (summary, commands) in GROUPS.items():
        group = typer.Typer(help=summary, no_args_is_help=True)
        for verb, command in commands.items():
            group.command(verb)(command)
        program.add_typer(group, name=name)
    return program


app = build()


def main() -> None:
    """The console script ``cornerman``."""
    # Small matrices only: on a busy machine threads that wait for each other make them twenty times slower.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    # Libraries of models make millions of objects that stay: looking through them for garbage took a tenth of a start.
    gc.set_threshold(50_000)
    app(prog_name="cornerman")
