"""A person as the model: every request becomes a file, and the answer is read from the file beside it.

``manual:DIR`` writes ``DIR/HASH.request.md`` and waits for ``DIR/HASH.answer.md``. The hash is that of the request,
so the same request after a restart finds its answer and is not asked again.
"""

import asyncio
import hashlib
import json
import sys
import time
from collections.abc import Callable
from pathlib import Path

from models.chat import ChatRequest, Completion, Usage, given_whole
from models.endpoint import Endpoint
from models.errors import BadInput
from models.files import write_whole


def _to_stderr(text: str) -> None:
    print(text, file=sys.stderr)


class ManualModel:
    """Asks whoever reads the files in ``folder``; waits as long as it takes (the caller may set a time limit).

    ``notify`` is called once for each request that has no answer yet. Tokens are estimated as a quarter of the
    characters, and a person costs nothing here.
    """

    endpoint = Endpoint("manual")
    streams = False

    def __init__(self, folder: Path, *, poll_s: float = 0.5, notify: Callable[[str], None] = _to_stderr) -> None:
        self.name = f"manual:{folder}"
        self._folder = folder
        self._poll_s = poll_s
        self._notify = notify
        self._notified: set[str] = set()
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise BadInput(f"manual: the folder {folder} cannot be made ({error.strerror})") from None

    def __repr__(self) -> str:
        return f"ManualModel({self.name!r})"

    async def complete(self, request: ChatRequest) -> Completion:
        started = time.perf_counter()
        key = request_hash(request)
        question, answer = self._folder / f"{key}.request.md", self._folder / f"{key}.answer.md"
        if not question.exists():
            try:
                write_whole(question, _request_text(request, answer))
            except OSError as error:
                raise BadInput(f"manual: {question} cannot be written ({error.strerror})") from None
        text = _read_answer(answer)
        if text is None and key not in self._notified:
            self._notified.add(key)
            self._notify(f"waiting for an answer: read {question} and write the answer to {answer}")
        while text is None:
            await asyncio.sleep(self._poll_s)
            text = _read_answer(answer)
        usage = Usage(sum(len(message.content) for message in request.messages) // 4, len(text) // 4)
        return given_whole(request, Completion(text, usage, time.perf_counter() - started))

    async def close(self) -> None:
        """Nothing to release: the files stay, and so do their answers."""


def request_hash(request: ChatRequest) -> str:
    """The name of a request: equal requests have equal names. Length, temperature and seed are no part of it."""
    content = json.dumps(
        [[[message.role, message.content] for message in request.messages], request.choices], ensure_ascii=False
    )
    return hashlib.blake2b(content.encode(), digest_size=10).hexdigest()


def _request_text(request: ChatRequest, answer: Path) -> str:
    """The request as a page that can be pasted whole into a chat window."""
    parts = [
        "# A request to you, the model",
        f"Answer as the assistant would, in a plain text file at\n\n    {answer}\n\n"
        "Only the answer belongs there: it is taken whole, without the blank lines around it. To be sure that it is "
        "not read half-written, save it under another name and rename it. "
        "An answer that is there already is never asked for again; to be asked anew, delete it.",
    ]
    if request.choices is not None:
        listing = "\n".join(f"- {choice}" for choice in request.choices)
        parts.append(f"## The answer must be exactly one of\n\n{listing}")
    parts += [f"## {message.role}\n\n{message.content}" for message in request.messages]
    return "\n\n".join(parts) + "\n"


def _read_answer(path: Path) -> str | None:
    """The answer, or ``None`` while there is none; an empty file is one that is still being written."""
    try:
        text = path.read_text(encoding="utf-8").strip()
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError) as error:
        raise BadInput(f"manual: {path} cannot be read as UTF-8 text ({error})") from None
    return text or None
