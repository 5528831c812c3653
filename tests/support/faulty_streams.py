"""What the faulty server streams: the same three pieces of text in four protocols, and what can go wrong in between."""

import base64
import json
import struct
import zlib
from collections.abc import Iterator
from typing import Any

Event = dict[str, Any]

PIECES = ("j", "a", "b")

THOUGHTS = {"thinks": "reasoning_content", "reasons": "reasoning"}
"""What models of OpenAI's chat call the field with what they thought."""


def chat(name: str) -> list[Event]:
    """Chunks of OpenAI's chat completions; the usage comes last, without choices."""

    def chunk(delta: Event, finish: str | None = None) -> Event:
        choice = {"index": 0, "delta": delta, "finish_reason": finish}
        return {"id": "c", "object": "chat.completion.chunk", "created": 0, "model": name, "choices": [choice]}

    finish = {"refusal": "content_filter", "long": "length"}.get(name, "stop")
    usage = {"prompt_tokens": 10, "completion_tokens": 3, "total_tokens": 13}
    counted = chunk({}) | {"choices": [], "usage": usage}
    pieces = [chunk({"content": piece}) for piece in PIECES]
    if name in THOUGHTS:
        pieces = [chunk({THOUGHTS[name]: piece, "content": None}) for piece in "hm"] + pieces
    ends: list[dict[str, Any]] = [] if name == "unfinished" else [chunk({}, finish)]
    return [chunk({"role": "assistant", "content": ""}), *pieces, *ends, *([] if name == "unpriced" else [counted])]


def responses(name: str, whole: Event) -> list[Event]:
    """Events of OpenAI's Responses; the last one carries the whole response."""
    pieces = [{"type": "response.output_text.delta", "delta": piece, "output_index": 1} for piece in PIECES]
    end = {"type": f"response.{whole['status']}", "response": whole}
    thought = {"type": "response.reasoning_text.delta", "delta": "hm", "output_index": 0}
    created = {"type": "response.created", "response": {**whole, "status": "in_progress", "output": []}}
    return [created, thought, *pieces, *([] if name == "unfinished" else [end])]


def messages(name: str) -> list[Event]:
    """Events of Anthropic's messages: a block that was thought, then one of text."""
    stop = {"refusal": "refusal", "long": "max_tokens"}.get(name, "end_turn")
    usage = (
        {} if name == "unpriced" else {"usage": {"input_tokens": 4, "cache_read_input_tokens": 6, "output_tokens": 1}}
    )
    start = {"id": "m", "type": "message", "role": "assistant", "model": name, "content": [], **usage}
    deltas = [{"type": "thinking_delta", "thinking": "hm"}, *({"type": "text_delta", "text": one} for one in PIECES)]
    blocks = [{"type": "content_block_delta", "index": min(at, 1), "delta": delta} for at, delta in enumerate(deltas)]
    ending = {"usage": {"output_tokens": 3}} if usage else {}
    delta = {"type": "message_delta", "delta": {"stop_reason": stop}, **ending}
    ends: list[dict[str, Any]] = [] if name == "unfinished" else [delta, {"type": "message_stop"}]
    return [{"type": "message_start", "message": start}, *blocks, *ends]


def error(protocol: str, kind: str, said: str) -> Event:
    """An error that comes as an event, its status 200 long sent."""
    if protocol == "responses":
        return {"type": "error", "code": kind, "message": said, "param": None}
    return {"type": "error", "error": {"type": kind, "code": kind, "message": said}}


def sse(event: Event, protocol: str) -> bytes:
    """One server-sent event; chat completions have no names."""
    named = "" if protocol == "chat" else f"event: {event['type']}\n"
    return f"{named}data: {json.dumps(event)}\n\n".encode()


def aws(event: Event) -> bytes:
    """One frame of Amazon's event stream: lengths, checksum, headers, payload, checksum (big-endian)."""
    failed = event["type"] == "error"
    kind = "exception" if failed else "event"
    name = ":exception-type" if failed else ":event-type"
    headers = {
        ":message-type": kind,
        name: "throttlingException" if failed else "chunk",
        ":content-type": "application/json",
    }
    body = {"message": "slow down"} if failed else {"bytes": base64.b64encode(json.dumps(event).encode()).decode()}
    payload, packed = json.dumps(body).encode(), b""
    for header, value in headers.items():
        packed += struct.pack("!B", len(header)) + header.encode() + struct.pack("!BH", 7, len(value)) + value.encode()
    prelude = struct.pack("!II", 16 + len(packed) + len(payload), len(packed))
    message = prelude + struct.pack("!I", zlib.crc32(prelude)) + packed + payload
    return message + struct.pack("!I", zlib.crc32(message))


def parts(protocol: str, name: str, events: list[Event], echo: str) -> Iterator[bytes]:
    """What is sent for ``name``, piece by piece; a caller that stops early cuts the stream off."""
    write = aws if protocol == "aws" else lambda event: sse(event, protocol)
    if name == "silent":
        return
    half = len(events) // 2 + 1
    for event in events[:half]:
        yield write(event)
    if name == "noise":
        frame = b"\x00\x00\x00\x20garbage, no frame, no event, no end"
        yield frame if protocol == "aws" else b"event: content_block_delta\ndata: {no json\n\n"
    if name == "overloaded":
        kind = "rate_limit_exceeded" if protocol == "responses" else "rate_limit_error"
        yield write(error(protocol, kind, f"slow down {echo}"))
        return
    for event in events[half:]:
        yield write(event)
    if protocol == "chat":
        yield b"data: [DONE]\n\n"
