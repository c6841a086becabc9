"""The control socket under friends and strangers: real sockets in a folder, on asyncio and on trio."""

import asyncio
import json
import os
import socket
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import anyio
import anyio.lowlevel
import anyio.to_thread
import pytest
import structlog

from tidemill.errors import ControlError
from tidemill.local_socket import Peer
from tidemill.pipeline import control, control_folder
from tidemill.pipeline.control import CLIENTS, ControlServer, listen
from tidemill.pipeline.control_folder import NAME, ControlFolder
from tidemill.pipeline.protocol import REQUEST_BYTES, Request, encode_request

pytestmark = pytest.mark.anyio
STATUS = encode_request(Request("status"))


async def test_socket_is_for_its_user_alone_and_goes_with_the_run(wire: Any, tmp_path: Path) -> None:
    """Mode 0600, no temporary folder left, and no socket after the end."""
    async with wire.served(tmp_path, wire.Heard()):
        found = (tmp_path / NAME).lstat()
        assert (True, 0o600) == (stat.S_ISSOCK(found.st_mode), stat.S_IMODE(found.st_mode))
        assert [NAME] == wire.listed(tmp_path)
    assert [] == wire.listed(tmp_path)


async def test_socket_is_never_open_to_others_while_it_is_made(wire: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Until it has its mode it lies in a folder that nobody else can enter, whatever the umask."""
    seen: list[tuple[int, int, list[str]]] = []
    make = anyio.create_unix_listener

    def look(path: Path, mode: int) -> None:
        seen.append((stat.S_IMODE(path.parent.stat().st_mode), mode, wire.listed(tmp_path)))

    async def watched(path: str, mode: int) -> object:
        look(Path(path), mode)
        return await make(path, mode=mode)

    monkeypatch.setattr(anyio, "create_unix_listener", watched)
    before = os.umask(0)
    try:
        async with wire.served(tmp_path, wire.Heard()):
            pass
    finally:
        os.umask(before)

    assert [(0o700, 0o600, [".control"])] == seen


async def test_requests_of_one_connection_are_answered_in_order(wire: Any, tmp_path: Path) -> None:
    """Also when they come in one piece, or torn in two."""
    heard = wire.Heard()
    async with wire.served(tmp_path, heard):
        found = await wire.said(tmp_path, STATUS + STATUS + STATUS[:5], STATUS[5:])

    assert [1, 2, 3] == [json.loads(line)["value"]["number"] for line in found.splitlines()]


async def test_malformed_line_is_answered_and_the_next_one_is_heard(wire: Any, tmp_path: Path) -> None:
    """One clear error, nothing happens, and the connection goes on."""
    heard = wire.Heard()
    async with wire.served(tmp_path, heard):
        found = await wire.said(tmp_path, b"hello\n" + STATUS)

    assert ["b'hello' is no JSON: expected a request, one object a line", ""] == wire.errors(found)
    assert [Request("status")] == heard.requests


@pytest.mark.parametrize("size", [REQUEST_BYTES + 1, 1 << 20])
@pytest.mark.parametrize("end", [b"", b"\n"])
async def test_line_that_is_too_long_is_refused_unread(wire: Any, size: int, end: bytes, tmp_path: Path) -> None:
    """A megabyte is not kept: the client is told the limit and left, and others are served."""
    heard = wire.Heard()
    async with wire.served(tmp_path, heard):
        found = await wire.said(tmp_path, b" " * (size - len(end)) + end)
        assert {"number": 1, "text": ""} == await wire.ask(tmp_path)

    assert [f"a request of more than {REQUEST_BYTES} bytes: nothing was done"] == wire.errors(found)
    assert 1 == len(heard.requests)


async def test_half_a_line_then_the_end_does_nothing(wire: Any, tmp_path: Path) -> None:
    """A request is followed whole or not at all."""
    heard = wire.Heard()
    async with wire.served(tmp_path, heard):
        assert b"" == await wire.said(tmp_path, encode_request(Request("stop"))[:-1])
        await wire.said(tmp_path, b'{"v": 1', close=True)
        assert 1 == (await wire.ask(tmp_path))["number"]

    assert [Request("status")] == heard.requests


async def test_hundred_clients_at_once_are_all_answered(wire: Any, tmp_path: Path) -> None:
    """More than are served at a time wait their turn."""
    heard = wire.Heard()
    answers: list[object] = []
    async with wire.served(tmp_path, heard), anyio.create_task_group() as clients:

        async def client() -> None:
            answers.append((await wire.ask(tmp_path, timeout_s=30))["number"])

        for _ in range(100):
            clients.start_soon(client)

    assert list(range(1, 101)) == sorted(map(int, map(str, answers)))


async def test_silent_clients_do_not_keep_others_out(wire: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever connects and says nothing, or half a line, is left after a while, with the reason."""
    monkeypatch.setattr(control, "IDLE_S", 0.2)
    async with wire.served(tmp_path, wire.Heard()):
        silent = [wire.connected(tmp_path) for _ in range(CLIENTS)]
        silent[0].sendall(b'{"v": 1')
        assert 1 == (await wire.ask(tmp_path))["number"]
        told = await anyio.to_thread.run_sync(silent[0].recv, 4_096)
        for one in silent:
            one.close()

    assert ["no whole request within 0.2 s: nothing was done"] == wire.errors(told)


async def test_client_that_never_reads_is_left(wire: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its answers fill the socket's buffer once; then it has no place any more, and others have."""
    monkeypatch.setattr(control, "IDLE_S", 0.2)
    heard = wire.Heard()
    heard.size = 1 << 20
    async with wire.served(tmp_path, heard):
        deaf = [wire.connected(tmp_path) for _ in range(CLIENTS)]
        for one in deaf:
            one.sendall(STATUS * 3)
        await anyio.sleep(0.3)
        heard.size = 0
        assert "" == (await wire.ask(tmp_path))["text"]
        for one in deaf:
            one.close()


async def test_refusal_is_the_answer_and_a_bug_ends_one_connection_only(
    wire: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """What the run refuses is told; what nobody foresaw is logged, and the next client is served."""
    heard = wire.Heard()
    async with wire.served(tmp_path, heard):
        heard.error = ControlError("the run is ending")
        with pytest.raises(ControlError, match=r"^the run is ending$"):
            await wire.ask(tmp_path)
        heard.error = ZeroDivisionError("a bug")
        with structlog.testing.capture_logs() as logs, pytest.raises(ControlError, match="closed the connection without an answer"):
            await wire.ask(tmp_path)
        heard.error = None
        assert 3 == (await wire.ask(tmp_path))["number"]

    assert [("a control request failed", "ZeroDivisionError: a bug")] == [(one["event"], one["reason"]) for one in logs]


async def test_command_that_has_no_turn_in_time_is_not_followed(wire: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The caller is told that the run is busy; the command is not carried out afterwards."""
    monkeypatch.setattr(control, "FOLLOW_S", 0.1)
    done: list[str] = []

    class Busy:
        async def answer(self, request: Request) -> Mapping[str, object]:
            await anyio.sleep(0.5)
            done.append(request.command)
            return {}

    async with wire.served(tmp_path, Busy()):
        with pytest.raises(ControlError, match=r"busy with one batch for more than 0.1 s: nothing was done"):
            await wire.ask(tmp_path)
        await anyio.sleep(0.6)

    assert [] == done


async def test_another_user_is_refused_and_logged(wire: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The kernel's word counts: another user id hears a refusal, whatever it asks, and nothing happens."""
    heard = wire.Heard()
    stranger = Peer(4_711, os.geteuid() + 1)
    async with wire.served(tmp_path, heard):
        monkeypatch.setattr(control_folder, "peer_of", lambda raw: stranger)
        with structlog.testing.capture_logs() as logs:
            found = await wire.said(tmp_path, STATUS)

    assert [f"this instance belongs to user {os.geteuid()}: user {stranger.uid} is refused"] == wire.errors(found)
    assert [("warning", stranger.uid, 4_711)] == [(one["log_level"], one["user"], one["process"]) for one in logs]
    assert [] == heard.requests


CLIENT = """
import os, socket, sys
os.setgid(65534); os.setuid(65534)
client = socket.socket(socket.AF_UNIX)
client.settimeout(10)
try:
    client.connect(sys.argv[1])
except PermissionError:
    print("no permission")
else:
    print(client.recv(4096).decode(), end="")
"""


@pytest.fixture
def public_folder() -> Iterator[Path]:
    """A folder that every user can enter, which pytest's own are not."""
    with tempfile.TemporaryDirectory(prefix="tidemill-") as name:
        Path(name).chmod(0o755)
        yield Path(name)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
async def test_process_of_another_user_is_kept_out_by_mode_and_by_credentials(wire: Any, public_folder: Path) -> None:
    """The mode keeps it from connecting; where somebody has opened the socket to all, its credentials do."""
    heard, path = wire.Heard(), public_folder / NAME

    def other(mode: int) -> str:
        path.chmod(mode)
        return subprocess.run([sys.executable, "-c", CLIENT, str(path)], capture_output=True, text=True, check=True).stdout

    async with wire.served(public_folder, heard):
        closed, opened = await anyio.to_thread.run_sync(other, 0o600), await anyio.to_thread.run_sync(other, 0o666)

    assert "no permission\n" == closed
    assert ["this instance belongs to user 0: user 65534 is refused"] == wire.errors(opened.encode())
    assert [] == heard.requests


async def test_platform_that_tells_no_credentials_lets_nobody_in(wire: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who cannot be known is not heard."""
    heard = wire.Heard()
    async with wire.served(tmp_path, heard):
        monkeypatch.delattr(socket, "SO_PEERCRED")
        found = await wire.said(tmp_path, STATUS)

    assert ["this platform does not tell who is at the other end of a socket: nobody can be let in"] == wire.errors(found)
    assert [] == heard.requests


async def test_listen_where_no_socket_can_be_says_so_once_and_goes_on(wire: Any, tmp_path: Path) -> None:
    """A run is worth more than its remote control."""
    (tmp_path / "file").touch()
    with structlog.testing.capture_logs() as logs:
        found = await listen(ControlFolder(tmp_path / "file"))

    assert found is None
    assert [("warning", "File exists")] == [(one["log_level"], one["reason"]) for one in logs]


async def test_too_many_open_files_do_not_end_the_run(wire: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A connection that cannot be taken is told, and taken later."""
    monkeypatch.setattr(control, "PAUSE_S", 0.05)
    heard, folder = wire.Heard(), ControlFolder(tmp_path)
    listener = await folder.open()
    accept, failures = listener.accept, [OSError(24, "Too many open files")] * 2

    async def failing() -> object:
        if failures:
            raise failures.pop()
        return await accept()

    monkeypatch.setattr(listener, "accept", failing, raising=False)
    with structlog.testing.capture_logs() as logs:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(ControlServer(heard.answer).serve, listener)
            assert 1 == (await wire.ask(tmp_path))["number"]
            tasks.cancel_scope.cancel()
    await folder.close()

    assert ["a control connection could not be taken"] * 2 == [one["event"] for one in logs]


@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_run_that_ends_as_its_client_goes_says_nothing_of_it(wire: Any, tmp_path: Path) -> None:
    """`tidemill stop` closes its connection in the very turn in which the run ends: no traceback follows the summary."""
    loop, complaints = asyncio.get_running_loop(), list[object]()
    loop.set_exception_handler(lambda _, context: complaints.append(context))
    folder = ControlFolder(tmp_path)
    listener = await folder.open()
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(ControlServer(wire.Heard().answer).serve, listener)
        staying, going = wire.connected(tmp_path), wire.connected(tmp_path)
        await anyio.wait_all_tasks_blocked()
        going.close()
        coming = wire.connected(tmp_path)
        # Before the loop looks at its sockets again, and so in the same turn as what it then sees there
        loop.call_soon(tasks.cancel_scope.cancel)
    await folder.close()
    await anyio.lowlevel.checkpoint()
    staying.close()
    coming.close()

    assert [] == complaints
