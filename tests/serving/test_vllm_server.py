"""The serving environment, and a server from start to stop, vLLM pretended: the real one is in the file beside."""

import asyncio
import signal
import socket
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
from waiting import has_ended, wait_until

from distill.serving.install import install
from distill.serving.server import VLLMServer, command, free_port, group_alive
from models.errors import BadInput, Unavailable
from models.vllm_environment import environment, home

ROOT = Path(__file__).parents[2]


def pretended_folder(tmp_path: Path) -> Path:
    tmp_path.mkdir(exist_ok=True)
    (tmp_path / "config.json").write_text("{}")
    (tmp_path / "model.safetensors").write_bytes(b"")
    return tmp_path


def pretended_vllm(root: Path, code: str) -> Path:
    """An environment whose Python runs ``code`` instead of vLLM: for what a server may do wrong."""
    python = root / ".venv-vllm" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.write_text(f"#!{sys.executable}\n{textwrap.dedent(code)}")
    python.chmod(0o755)
    return root


async def served(server: VLLMServer) -> int:
    async with server:
        return server.port


HEALTHY = """
    import http.server, sys

    asked = []

    class Health(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            asked.append(self.path)
            self.send_response(200 if self.path == "/health" and len(asked) > 3 else 503)
            self.end_headers()

    port = int(sys.argv[sys.argv.index("--port") + 1])
    server = http.server.HTTPServer(("127.0.0.1", port), Health)
"""


def test_it_waits_until_the_server_is_healthy_and_for_its_end(tmp_path: Path) -> None:
    code = HEALTHY + "    [server.handle_request() for _ in range(4)]; sys.exit(7)"
    server = VLLMServer(pretended_folder(tmp_path), served_name="s", root=pretended_vllm(tmp_path / "root", code))

    async def session() -> int:
        async with server:
            assert server.spec == f"vllm:http://127.0.0.1:{server.port}#s"
            return await server.wait()

    assert asyncio.run(session()) == 7
    assert not server.log.exists()


def test_a_server_that_will_not_stop_is_killed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("distill.serving.server.GRACE_S", 0.3)
    deaf = "    import signal; [signal.signal(s, signal.SIG_IGN) for s in (signal.SIGINT, signal.SIGTERM)]\n"
    root = pretended_vllm(tmp_path / "root", HEALTHY + deaf + "    server.serve_forever()")
    server = VLLMServer(pretended_folder(tmp_path), served_name="s", root=root)

    async def session() -> int:
        async with server:
            assert server._process is not None
            return server._process.pid

    assert not group_alive(asyncio.run(session()))


def test_a_server_that_dies_shows_the_end_of_its_log(tmp_path: Path) -> None:
    root = pretended_vllm(tmp_path / "root", "import sys; print('RuntimeError: no room'); sys.exit(3)")
    folder = pretended_folder(tmp_path)
    with pytest.raises(Unavailable, match=r"status 3.*no room"):
        asyncio.run(served(VLLMServer(folder, served_name="x", root=root)))


def test_a_server_that_never_answers_is_stopped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("distill.serving.server.GRACE_S", 0.3)
    root = pretended_vllm(tmp_path / "root", "")
    python = root / ".venv-vllm" / "bin" / "python"
    python.write_text(f"#!/bin/sh\nsleep 600 &\necho $! > {python.with_name('pids')}\nwait\n")
    server = VLLMServer(pretended_folder(tmp_path), served_name="x", root=root, start_s=1.5)
    with pytest.raises(Unavailable, match="not ready"):
        asyncio.run(served(server))
    child = int(python.with_name("pids").read_text())
    wait_until(lambda: has_ended(child), "the end of what it started")


def test_an_interrupt_while_starting_leaves_nothing_behind(tmp_path: Path) -> None:
    root = pretended_vllm(tmp_path / "root", "import time; time.sleep(60)")
    server = VLLMServer(pretended_folder(tmp_path), served_name="x", root=root)
    groups: list[int] = []

    async def interrupted() -> None:
        task = asyncio.create_task(served(server))
        async with asyncio.timeout(10):
            while server._process is None:  # noqa: ASYNC110 (nothing to wait on but the attribute)
                await asyncio.sleep(0.01)
        groups.append(server._process.pid)
        task.cancel()
        await task

    with pytest.raises(asyncio.CancelledError):
        asyncio.run(interrupted())
    assert not group_alive(groups[0])
    server.log.unlink()


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a process that its parent died")
def test_a_killed_parent_leaves_no_server(tmp_path: Path) -> None:
    root = pretended_vllm(tmp_path / "root", "import time; time.sleep(60)")
    code = f"""
        import asyncio, pathlib
        from distill.serving.server import VLLMServer
        async def main():
            server = VLLMServer(pathlib.Path({str(pretended_folder(tmp_path))!r}), served_name="x",
                                root=pathlib.Path({str(root)!r}))
            task = asyncio.create_task(server.__aenter__())
            while server._process is None:
                await asyncio.sleep(0.01)
            print(server._process.pid, flush=True)
            await task
        asyncio.run(main())
    """
    parent = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(code)], stdout=subprocess.PIPE, text=True, cwd=ROOT
    )
    assert parent.stdout is not None
    server = int(parent.stdout.readline())
    parent.send_signal(signal.SIGKILL)
    parent.wait()
    parent.stdout.close()
    wait_until(lambda: has_ended(server), "the end of the server")


def test_a_port_in_use_is_bad_input(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(BadInput, match=f"port {port}"):
            asyncio.run(served(VLLMServer(pretended_folder(tmp_path), served_name="x", port=port)))
    assert free_port("127.0.0.1", port) == port
    assert free_port("127.0.0.1", 0) > 0


def test_folders_that_are_not_served(tmp_path: Path) -> None:
    server = VLLMServer(tmp_path / "student", served_name="x")
    with pytest.raises(BadInput, match="no model folder"):
        asyncio.run(served(server))
    pretended_folder(server.model)
    (server.model / "pytorch_model.bin").write_bytes(b"pickle")
    with pytest.raises(BadInput, match="pickle"):
        asyncio.run(served(server))


def test_without_an_environment_it_says_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="make vllm"):
        asyncio.run(served(VLLMServer(pretended_folder(tmp_path), served_name="x", root=tmp_path)))


def test_the_command_is_closed_by_default(monkeypatch: pytest.MonkeyPatch) -> None:
    arguments = command(Path("m"), "s", host="127.0.0.1", port=1, cpu_context=512)
    assert arguments[arguments.index("--max-model-len") + 1] == "512"
    assert arguments[arguments.index("--host") + 1] == "127.0.0.1"
    assert arguments[arguments.index("--load-format") + 1] == "safetensors"
    assert "--trust-remote-code" not in arguments
    monkeypatch.setenv("OPENAI_API_KEY", "secret")
    monkeypatch.setenv("HF_TOKEN", "secret")
    monkeypatch.setenv("VLLM_API_KEY", "its own")
    passed = environment(on_gpu=False)
    assert "secret" not in passed.values()
    assert passed["VLLM_API_KEY"] == "its own"
    assert passed["VLLM_HOST_IP"] == "127.0.0.1"
    assert "VLLM_CPU_KVCACHE_SPACE" not in environment(on_gpu=True)


def test_installing_again_changes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The order of things, with the installer pretended: the real installation is a test of its own."""
    ran: list[str] = []
    monkeypatch.setattr("models.packages.install", lambda python, arguments: ran.append(arguments[-1]))
    monkeypatch.setattr("distill.serving.install._check", lambda python: ran.append("check"))
    told: list[str] = []
    python = install(tmp_path, told.append)
    assert python == tmp_path / ".venv-vllm" / "bin" / "python"
    assert [Path(step).name for step in ran] == ["torch==2.13.0+cpu", "requirements-cpu.txt", "check"]
    ran.clear()
    install(tmp_path, told.append)
    assert ran == []
    assert told[-1].endswith("is complete")
    (tmp_path / ".venv-vllm" / "installed-for").write_text("something older")
    install(tmp_path, told.append)
    assert ran[-1] == "check"


def test_the_environment_lies_beside_our_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "prefix", str(tmp_path / "somewhere" / ".venv"))
    assert home() == tmp_path / "somewhere"
    monkeypatch.setattr(sys, "prefix", sys.base_prefix)
    monkeypatch.chdir(tmp_path)
    assert home() == tmp_path


def test_an_interrupted_installation_is_not_called_complete(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(python: Path, arguments: list[str]) -> None:
        raise BadInput("no network")

    monkeypatch.setattr("models.packages.install", fail)
    with pytest.raises(BadInput, match="no network"):
        install(tmp_path, lambda text: None)
    assert not (tmp_path / ".venv-vllm" / "installed-for").exists()
