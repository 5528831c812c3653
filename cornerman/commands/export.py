"""``cornerman export`` and ``cornerman serve``: a student as files, and as a server."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, cast

import typer

from cornerman.format import plain
from cornerman.options import ConfigFile, Db, Json
from cornerman.terminal import emit, note, say

if TYPE_CHECKING:
    from distill.export import Format
    from distill.serving.server import VLLMServer

StudentId = Annotated[str, typer.Argument(help="The student's id or the start of it.")]


def export(
    student: StudentId,
    *,
    to: Annotated[Path, typer.Option("--to", help="A folder that is new or empty.")],
    format_: Annotated[str, typer.Option("--format", help="merged: one model; adapter: LoRA weights.")] = "merged",
    config: ConfigFile = None,
    db: Db = None,
    as_json: Json = False,
) -> None:
    """Write a student as safetensors with tokenizer, chat template and a model card.

    The exported files must give the logits of base and adapter (parity); otherwise nothing is written.

    Example: cornerman export 9f3c --to student --format merged
    """
    from cornerman.workplace import settings
    from distill.export import export as write
    from distill.student import load_student
    from episodes.games import load_game
    from episodes.store.store import Store

    with Store.open(settings(db, config).db, write=False) as store:
        found = load_student(store, student)
        done = write(store, found, load_game(found.game), to, cast("Format", format_))
    if as_json:
        emit(done)
        return
    say(f"{student} is in {done.path}: {', '.join(done.files)}")
    say(f"largest difference of logits: {plain(done.parity, 2)}")
    say(f"serve it with: {done.vllm_command}")


@dataclass(frozen=True, slots=True)
class Served:
    """What ``cornerman serve --json`` prints: where the server answers, and the player that asks it."""

    url: str
    model: str
    player: str


def serve(
    student: Annotated[str, typer.Argument(help="A student's id, or a folder with an exported model.")],
    *,
    port: Annotated[int, typer.Option(min=0, max=65535, help="0 takes a free one.")] = 8000,
    host: Annotated[str, typer.Option(help="127.0.0.1: only this machine.")] = "127.0.0.1",
    config: ConfigFile = None,
    db: Db = None,
    as_json: Json = False,
) -> None:
    """Serve a student with vLLM over the OpenAI and Anthropic protocols until Ctrl-C.

    Uses the GPU where there is one, otherwise the CPU environment that make vllm builds. With --json the object is
    printed once the server answers.

    Example: cornerman serve 9f3c --port 8000
    """
    import asyncio

    from distill.serving.server import VLLMServer

    folder, name = _served(student, db, config)
    server = VLLMServer(folder, served_name=name, port=port, host=host, progress=note)
    code = asyncio.run(_until_stopped(server, as_json))
    if code:
        raise typer.Exit(1)


def _served(student: str, db: Path | None, config: Path | None) -> tuple[Path, str]:
    """The folder to serve and the name to serve it under."""
    if Path(student).is_dir():
        return Path(student), Path(student).resolve().name
    from cornerman.workplace import settings
    from distill.student import load_student
    from episodes.store.store import Store
    from models.errors import BadInput

    with Store.open(settings(db, config).db, write=False) as store:
        found = load_student(store, student)
    if not found.merged.is_dir():
        raise BadInput(f"{found.name} is kept as an adapter: `cornerman export {found.id} --to DIR`, then serve DIR")
    return found.merged, f"student-{found.id}"


async def _until_stopped(server: "VLLMServer", as_json: bool) -> int:
    async with server:
        if as_json:
            emit(Served(server.url, server.served_name, f"{server.spec}@base"))
        else:
            say(f"{server.url}/v1 (OpenAI), {server.url} (Anthropic), model {server.served_name}; Ctrl-C stops it")
            say(f"play against it: cornerman play '{server.spec}@base' bot:turtle")
        return await server.wait()
