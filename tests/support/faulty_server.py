"""A real HTTP server on loopback that speaks just enough of every protocol, and every fault we must survive.

OpenAI's chat and Responses, Anthropic's messages on its own, on Bedrock and on Vertex AI, Google's token endpoint.
The requested model's name chooses what happens: ``ok``, ``limited``, ``quota``, ``broken``, ``busy``, ``slow``,
``truncated``, ``garbled``, ``hangup``, ``refusal``, ``blocked``, ``stranger``, ``empty``, ``unpriced``, ``long``,
``denied``, ``failed``; ``thoughtful`` counts what it thought in the total only; ``thinks`` and ``reasons`` send it
beside the text, each in a field of its own (what Claude and Responses think comes always). ``flaky-N`` fails N times
with 500 and then answers. In a stream besides: ``cut`` and ``stall`` in its middle (``cut-once`` the first time),
``overloaded`` (an error event), ``silent`` (not one event), ``noise`` (a chunk that is none), ``unfinished`` (no end).

A test may have its server object to requests (``objects``: a status and a body, or nothing, or another name for the
model in the request), and change its answers (``changes``: every whole one, and every event of a stream).
"""

import contextlib
import json
import socket
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self
from urllib.parse import unquote, urlsplit

import faulty_streams

SLOW_S = 3.0


class FaultyServer(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, echo: str = "", listed: tuple[str, ...] = ("ok",)) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.echo = echo
        self.listed = listed
        self.requests: list[dict[str, Any]] = []
        self.paths: list[str] = []
        self.headers: list[dict[str, str]] = []
        self.tokens_given = 0
        self.objects: Callable[[dict[str, Any], str], tuple[int, Any] | None] = lambda request, path: None
        self.changes: Callable[[dict[str, Any], dict[str, Any]], dict[str, Any]] = lambda answer, request: answer
        self.connections: list[socket.socket] = []
        self._thread = threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)

    def handle_error(self, *_: object) -> None:
        """Clients that hang up are part of the game."""

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> None:
        """Be gone, with every connection that a client keeps open."""
        self.shutdown()
        self.server_close()
        for connection in self.connections:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)


class _Handler(BaseHTTPRequestHandler):
    server: FaultyServer
    protocol_version = "HTTP/1.1"

    def setup(self) -> None:
        super().setup()
        self.server.connections.append(self.connection)

    def log_message(self, *_: object) -> None:
        pass

    def do_GET(self) -> None:
        self.server.paths.append(self.path)
        models = [{"id": name, "object": "model", "created": 0, "owned_by": "x"} for name in self.server.listed]
        self._send(200, {"object": "list", "data": models})

    def do_POST(self) -> None:
        self.server.paths.append(self.path)
        self.server.headers.append({key.lower(): value for key, value in self.headers.items()})
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.path == "/token":
            self.server.tokens_given += 1
            self._send(200, {"access_token": "google-token", "expires_in": 3600, "token_type": "Bearer"})
            return
        if self.path == "/no-token":
            self._send(400, {"error": "invalid_grant", "error_description": "no such account"})
            return
        request = json.loads(body)
        self._protocol, streams = self._spoken(request)
        self.server.requests.append(request)
        if objection := self.server.objects(request, urlsplit(self.path).path):
            status, body = objection
            self._raw(status, body if isinstance(body, bytes) else json.dumps(body).encode())
            return
        name = request["model"]
        if not self._went_wrong(name):
            if name == "slow":
                time.sleep(SLOW_S)
            if streams:
                self._stream(name, request)
            else:
                self._send(200, self.server.changes(self._completion(name), request))

    def _spoken(self, request: dict[str, Any]) -> tuple[str, bool]:
        """The protocol, and whether a stream is asked for; the clouds have the model's name in the address."""
        path = urlsplit(self.path).path
        if path.startswith("/model/"):
            request["model"] = unquote(path.split("/")[2])
            streams = path.endswith("-stream")
            return ("aws" if streams else "messages"), streams
        if "/publishers/anthropic/models/" in path:
            request["model"] = unquote(path.rpartition("/")[2].partition(":")[0])
            return "messages", path.endswith(":streamRawPredict")
        kinds = {"messages": "messages", "responses": "responses"}
        return kinds.get(path.rpartition("/")[2], "chat"), bool(request.get("stream"))

    def _went_wrong(self, name: str) -> bool:
        """Do whatever goes wrong before an answer; false if nothing does."""
        echo = self.server.echo
        errors: dict[str, tuple[int, str, str]] = {
            "limited": (429, "rate_limit_error", f"slow down {echo}"),
            "quota": (429, "insufficient_quota", "no credit"),
            "broken": (500, "server_error", f"it broke, your key was {echo}"),
            "busy": (529 if self._protocol == "messages" else 503, "overloaded_error", "busy"),
            "denied": (401, "authentication_error", f"Incorrect API key provided: {echo}"),
            "blocked": (400, "content_policy_violation", "not this"),
            "stranger": (404, "not_found_error", f"no model {name} for {echo}"),
        }
        if name.startswith("flaky-") and self._earlier(name) < int(name.removeprefix("flaky-")):
            self._error(500, "server_error", "not yet")
        elif name in errors:
            self._error(*errors[name], {"Retry-After": "7"} if name in ("limited", "busy") else None)
        elif name == "truncated":
            self._raw(200, b'{"id": "x", "choi', claimed=400)
        elif name == "garbled":
            self._raw(200, f"<html>hello {echo}</html>".encode())
        elif name == "hangup":
            self.close_connection = True
            self.connection.close()
        else:
            return False
        return True

    def _stream(self, name: str, request: dict[str, Any]) -> None:
        """Send the events, each as a chunk of its own."""
        events = {
            "chat": lambda: faulty_streams.chat(name),
            "responses": lambda: faulty_streams.responses(name, self._completion(name)),
        }.get(self._protocol, lambda: faulty_streams.messages(name))()
        events = [self.server.changes(event, request) for event in events]
        kind = "application/vnd.amazon.eventstream" if self._protocol == "aws" else "text/event-stream"
        cut = name == "cut" or (name == "cut-once" and self._earlier(name) == 0)
        try:
            self.send_response(200)
            self.send_header("Content-Type", kind)
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            parts = list(faulty_streams.parts(self._protocol, name, events, self.server.echo))
            for number, part in enumerate(parts):
                if number == len(parts) // 2 + 1 and (cut or name == "stall"):
                    time.sleep(SLOW_S if name == "stall" else 0)
                    self.close_connection = True
                    self.connection.close()
                    return
                self.wfile.write(f"{len(part):x}\r\n".encode() + part + b"\r\n")
                self.wfile.flush()
            self.wfile.write(b"0\r\n\r\n")
        except (BrokenPipeError, ConnectionResetError):
            pass  # the client stopped reading, as the test means it to

    def _earlier(self, name: str) -> int:
        return [request["model"] for request in self.server.requests].count(name) - 1

    def _completion(self, name: str) -> dict[str, Any]:
        if self._protocol == "responses":
            return self._response(name)
        if self._protocol in ("messages", "aws"):
            stop = {"refusal": "refusal", "long": "max_tokens"}.get(name, "end_turn")
            answer: dict[str, Any] = {
                "id": "m",
                "type": "message",
                "role": "assistant",
                "model": name,
                "content": [{"type": "thinking", "thinking": "hm", "signature": "s"}, {"type": "text", "text": "jab"}],
                "stop_reason": stop,
                "usage": {"input_tokens": 4, "cache_read_input_tokens": 6, "output_tokens": 3},
            }
            dropped = "content"
        else:
            finish = {"refusal": "content_filter", "long": "length"}.get(name, "stop")
            message = {"role": "assistant", "content": " jab"}
            if name in faulty_streams.THOUGHTS:
                message[faulty_streams.THOUGHTS[name]] = "hm"
            answer = {
                "id": "c",
                "object": "chat.completion",
                "created": 0,
                "model": name,
                "choices": [{"index": 0, "message": message, "finish_reason": finish}],
                "usage": {"prompt_tokens": 10, "completion_tokens": 3, "total_tokens": 13},
            }
            dropped = "choices"
        if name == "thoughtful" and self._protocol == "chat":
            answer["usage"]["total_tokens"] = 113
        if name == "empty":
            del answer[dropped]
        if name == "unpriced":
            del answer["usage"]
        return answer

    def _response(self, name: str) -> dict[str, Any]:
        """A whole response of OpenAI's Responses: a thought and a message."""
        part = {"type": "output_text", "text": "jab", "annotations": []}
        if name == "refusal":
            part = {"type": "refusal", "refusal": "I won't."}
        message = {"type": "message", "id": "m", "role": "assistant", "status": "completed", "content": [part]}
        thought = {"type": "reasoning", "id": "r", "summary": [{"type": "summary_text", "text": "hm"}]}
        answer: dict[str, Any] = {
            "id": "r",
            "object": "response",
            "created_at": 0,
            "model": name,
            "status": {"failed": "failed", "long": "incomplete"}.get(name, "completed"),
            "incomplete_details": {"reason": "max_output_tokens"} if name == "long" else None,
            "error": {"code": "server_error", "message": "it broke"} if name == "failed" else None,
            "output": [thought, message],
            "usage": {
                "input_tokens": 10,
                "output_tokens": 3,
                "total_tokens": 13,
                "output_tokens_details": {"reasoning_tokens": 2},
            },
        }
        if name == "empty":
            del answer["output"]
        if name == "unpriced":
            del answer["usage"]
        return answer

    def _error(self, status: int, kind: str, message: str, headers: dict[str, str] | None = None) -> None:
        anthropic = self._protocol in ("messages", "aws")
        error = {"type": kind, "message": message} if anthropic else {"code": kind, "message": message}
        self._send(status, {"type": "error", "error": error}, headers)

    def _send(self, status: int, body: dict[str, Any], headers: dict[str, str] | None = None) -> None:
        self._raw(status, json.dumps(body).encode(), headers=headers)

    def _raw(self, status: int, body: bytes, claimed: int | None = None, headers: dict[str, str] | None = None) -> None:
        try:
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(claimed or len(body)))
            for name, value in (headers or {}).items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)
        except (BrokenPipeError, ConnectionResetError):
            pass  # the client stopped waiting, as the test means it to
        if claimed:
            self.close_connection = True
