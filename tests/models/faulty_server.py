"""A real HTTP server on loopback that speaks just enough of both chat protocols, and every fault we must survive.

The requested model's name chooses what happens: ``ok``, ``limited``, ``quota``, ``broken``, ``slow``, ``truncated``,
``garbled``, ``hangup``, ``refusal``, ``blocked``, ``stranger``, ``empty``, ``unpriced``, ``long``, ``denied``.
``flaky-N`` fails N times with 500 and then answers.
"""

import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

SLOW_S = 3.0


class FaultyServer(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, echo: str = "", listed: tuple[str, ...] = ("ok",)) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.echo = echo
        self.listed = listed
        self.requests: list[dict[str, Any]] = []
        self.paths: list[str] = []
        self._thread = threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)

    def handle_error(self, *_: object) -> None:
        """Clients that hang up are part of the game."""

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def __enter__(self) -> "FaultyServer":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.shutdown()
        self.server_close()


class _Handler(BaseHTTPRequestHandler):
    server: FaultyServer
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: object) -> None:
        pass

    def do_GET(self) -> None:
        self.server.paths.append(self.path)
        models = [{"id": name, "object": "model", "created": 0, "owned_by": "x"} for name in self.server.listed]
        self._send(200, {"object": "list", "data": models})

    def do_POST(self) -> None:
        self.server.paths.append(self.path)
        request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.requests.append(request)
        self._anthropic = self.path.split("?")[0].endswith("/messages")
        name = request["model"]
        echo = self.server.echo
        if name == "limited":
            self._error(429, "rate_limit_error", f"slow down {echo}", {"Retry-After": "7"})
        elif name == "quota":
            self._error(429, "insufficient_quota", "no credit")
        elif name == "broken":
            self._error(500, "server_error", f"it broke, your key was {echo}")
        elif name == "denied":
            self._error(401, "authentication_error", f"Incorrect API key provided: {echo}")
        elif name == "blocked":
            self._error(400, "content_policy_violation", "not this")
        elif name == "stranger":
            self._error(404, "not_found_error", f"no model {name} for {echo}")
        elif name == "truncated":
            self._raw(200, b'{"id": "x", "choi', claimed=400)
        elif name == "garbled":
            self._raw(200, f"<html>hello {echo}</html>".encode())
        elif name == "hangup":
            self.close_connection = True
            self.connection.close()
        elif name.startswith("flaky-") and self._earlier(name) < int(name.removeprefix("flaky-")):
            self._error(500, "server_error", "not yet")
        else:
            if name == "slow":
                time.sleep(SLOW_S)
            self._send(200, self._completion(name))

    def _earlier(self, name: str) -> int:
        return sum(request["model"] == name for request in self.server.requests) - 1

    def _completion(self, name: str) -> dict[str, Any]:
        if self._anthropic:
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
            answer = {
                "id": "c",
                "object": "chat.completion",
                "created": 0,
                "model": name,
                "choices": [{"index": 0, "message": message, "finish_reason": finish}],
                "usage": {"prompt_tokens": 10, "completion_tokens": 3, "total_tokens": 13},
            }
            dropped = "choices"
        if name == "empty":
            del answer[dropped]
        if name == "unpriced":
            del answer["usage"]
        return answer

    def _error(self, status: int, kind: str, message: str, headers: dict[str, str] | None = None) -> None:
        error = {"type": kind, "message": message} if self._anthropic else {"code": kind, "message": message}
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
