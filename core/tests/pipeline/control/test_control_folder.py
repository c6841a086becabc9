"""Where an instance is reached: locks, leftovers, links, long paths, and what a caller is told."""

import os
import socket
import struct
from contextlib import suppress
from functools import partial
from pathlib import Path

import anyio
import pytest

from tidemill.errors import ControlError
from tidemill.local_socket import LONGEST_PATH, Peer, path_within
from tidemill.pipeline import control_folder
from tidemill.pipeline.control_folder import NAME, ControlFolder, InstanceEnded, call, peer_of

pytestmark = pytest.mark.anyio
NOBODY = "no instance runs on this folder; `tidemill run` starts one, --data names another folder"


def listed(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def asking(data: Path, timeout_s: float = 10) -> bytes:
    return call(data, b"ping\n", longest=1_000, timeout_s=timeout_s)


async def test_second_instance_on_a_folder_is_refused_with_the_remedy(tmp_path: Path) -> None:
    """Also where no ledger is written; the first keeps its socket."""
    first, second = ControlFolder(tmp_path), ControlFolder(tmp_path)
    await first.open()
    with pytest.raises(ControlError, match=f"{tmp_path}: another instance runs on this folder; stop it with `tidemill stop"):
        await second.open()
    await second.close()
    assert (tmp_path / NAME).is_socket()
    await first.close()
    await second.open()
    await second.close()
    await second.close()


async def test_socket_of_a_killed_run_is_replaced(tmp_path: Path) -> None:
    """What a kill -9 left, half-made or whole, is no instance and no hindrance."""
    for place in (tmp_path / NAME, tmp_path / ".control" / NAME):
        place.parent.mkdir(exist_ok=True)
        with socket.socket(socket.AF_UNIX) as left:
            left.bind(str(place))
    with pytest.raises(ControlError, match=NOBODY):
        asking(tmp_path)
    folder = ControlFolder(tmp_path)
    await folder.open()

    assert [NAME] == listed(tmp_path)
    await folder.close()
    assert [] == listed(tmp_path)


@pytest.mark.parametrize("kind", ["file", "link", "folder"])
async def test_something_else_in_the_sockets_place_is_left_alone(kind: str, tmp_path: Path) -> None:
    """Neither written through nor removed, by the run or by a caller: a link could lead anywhere."""
    data, target = tmp_path / "data", tmp_path / "precious"
    data.mkdir()
    target.write_text("mine")
    if kind == "file":
        (data / NAME).write_text("mine")
    elif kind == "link":
        (data / NAME).symlink_to(target)
    else:
        (data / NAME).mkdir()
    folder = ControlFolder(data)
    with pytest.raises(FileExistsError, match="is there and is no socket: remove it"):
        await folder.open()
    await folder.close()
    with pytest.raises(ControlError, match="is no socket: it is not asked"):
        asking(data)

    assert ("mine", [NAME]) == (target.read_text(), listed(data))


async def test_link_to_a_socket_is_not_followed(tmp_path: Path) -> None:
    """A caller speaks to the socket that stands in the folder, not to one that somebody points at."""
    (tmp_path / "theirs").mkdir()
    theirs = ControlFolder(tmp_path / "theirs")
    await theirs.open()
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / NAME).symlink_to(tmp_path / "theirs" / NAME)
    with pytest.raises(ControlError, match="is no socket: it is not asked"):
        asking(tmp_path / "mine")
    await theirs.close()


async def test_close_leaves_a_socket_that_is_no_longer_its_own(tmp_path: Path) -> None:
    """Whoever put another one there keeps it."""
    folder = ControlFolder(tmp_path)
    await folder.open()
    (tmp_path / NAME).unlink()
    with socket.socket(socket.AF_UNIX) as other:
        other.bind(str(tmp_path / NAME))
        await folder.close()

    assert (tmp_path / NAME).is_socket()


@pytest.mark.parametrize("kept", [False, True])
async def test_folder_that_was_made_for_the_socket_goes_with_it_when_empty(kept: bool, tmp_path: Path) -> None:
    """A run without a ledger leaves nothing; what anybody put there meanwhile stays."""
    folder = ControlFolder(tmp_path / "data")
    await folder.open()
    if kept:
        (tmp_path / "data" / "mine").touch()
    await folder.close()

    assert kept == (tmp_path / "data").exists()


async def test_close_after_the_folder_was_removed_is_quiet(tmp_path: Path) -> None:
    """An operator who cleans up while a run is on gets no traceback for it."""
    folder = ControlFolder(tmp_path / "data")
    await folder.open()
    (tmp_path / "data" / NAME).unlink()
    (tmp_path / "data").rmdir()
    await folder.close()


async def test_folder_deeper_than_a_sockets_address_works(tmp_path: Path) -> None:
    """Addresses end at some hundred bytes, data folders do not: both sides go through the open folder."""
    deep = tmp_path.joinpath(*["a-rather-long-name-of-a-folder"] * 6)
    folder = ControlFolder(deep)
    listener = await folder.open()
    assert len(str(deep / NAME)) > LONGEST_PATH
    async with anyio.create_task_group() as tasks:

        async def once() -> None:
            async with await listener.accept() as stream:
                await stream.send(b"pong\n")

        tasks.start_soon(once)
        assert b"pong\n" == await anyio.to_thread.run_sync(asking, deep)
    await folder.close()


async def test_without_proc_a_long_path_is_refused_and_a_short_one_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the platform has no other name for an open folder, the message says what to do."""
    folder = os.open(tmp_path, os.O_RDONLY)
    assert path_within(folder, NAME, tmp_path) == f"/proc/self/fd/{folder}/{NAME}"
    monkeypatch.setattr(os.path, "samestat", lambda one, other: False)
    try:
        assert str(Path("/short") / NAME) == path_within(folder, NAME, Path("/short"))
        with pytest.raises(OSError, match="too long for a socket's address, choose a shorter one"):
            path_within(folder, NAME, Path("/" + "x" * LONGEST_PATH))
    finally:
        os.close(folder)


async def test_platform_without_credentials_has_no_socket(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is opened that nobody can guard."""
    monkeypatch.delattr(socket, "SO_PEERCRED")
    with pytest.raises(OSError, match="no Unix sockets that tell who is calling"):
        await ControlFolder(tmp_path / "data").open()

    assert not (tmp_path / "data").exists()


@pytest.mark.parametrize("there", [False, True])
async def test_call_where_nobody_runs_says_so(there: bool, tmp_path: Path) -> None:
    """A folder that is missing, and one without a socket, are told alike: what is, and what to do."""
    data = tmp_path / "data"
    if there:
        data.mkdir()
    with pytest.raises(ControlError, match=f"^{data}: {NOBODY}$"):
        asking(data)


async def test_call_of_a_file_says_that_nobody_runs(tmp_path: Path) -> None:
    """A slip in --data is no traceback."""
    (tmp_path / "file").touch()
    with pytest.raises(ControlError, match=NOBODY):
        asking(tmp_path / "file")


def answering(tmp_path: Path, *answers: bytes) -> socket.socket:
    server = socket.socket(socket.AF_UNIX)
    server.bind(str(tmp_path / NAME))
    server.listen()
    return server


async def test_call_of_an_instance_that_hangs_ends_in_time(tmp_path: Path) -> None:
    """The caller is told that it does not answer."""
    with answering(tmp_path), pytest.raises(ControlError, match=r"the instance does not answer within 0.2 s: it is busy, or hangs"):
        asking(tmp_path, timeout_s=0.2)


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (b"", "closed the connection without an answer"),
        (b"half", "closed the connection without an answer"),
        (b"x" * 1_001, "more than 1000 bytes"),
    ],
)
async def test_call_of_something_else_is_told(answer: bytes, message: str, tmp_path: Path) -> None:
    """No whole line, or one that has no end, is no answer."""
    with answering(tmp_path) as server:

        def serve() -> None:
            with server.accept()[0] as client:
                client.recv(100)
                client.sendall(answer)

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(anyio.to_thread.run_sync, serve)
            with pytest.raises(ControlError, match=message):
                await anyio.to_thread.run_sync(asking, tmp_path)


async def test_call_of_another_users_socket_is_refused_before_anything_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A socket that another user put there is no instance of mine."""
    monkeypatch.setattr(control_folder, "peer_of", lambda raw: Peer(1, os.geteuid() + 1))
    with answering(tmp_path) as server:
        with pytest.raises(ControlError, match=f"its socket was opened by user {os.geteuid() + 1}, and you are user {os.geteuid()}"):
            asking(tmp_path)
        with server.accept()[0] as client:
            assert b"" == client.recv(100)


async def test_call_without_permission_says_why(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder or a socket that may not be opened is told by the system's reason."""

    def refused(*arguments: object, **more: object) -> None:
        raise PermissionError(13, "Permission denied")

    with answering(tmp_path):
        with monkeypatch.context() as patch:
            patch.setattr(socket.socket, "connect", refused)
            with pytest.raises(ControlError, match="its instance cannot be reached: Permission denied"):
                asking(tmp_path)
        monkeypatch.setattr(os, "open", refused)
        with pytest.raises(ControlError, match="cannot be opened: Permission denied"):
            asking(tmp_path)


async def test_peer_is_this_process_on_a_pair_of_sockets() -> None:
    """The kernel's credentials are read as they are."""
    one, other = socket.socketpair(socket.AF_UNIX)
    with one, other:
        assert Peer(os.getpid(), os.geteuid()) == peer_of(one)
    assert 12 == struct.calcsize("iII")


async def leave(server: socket.socket, path: Path, *, gone: bool) -> None:
    """Take a connection, break it off unread and end, or go on."""

    def work() -> None:
        client = server.accept()[0]
        client.recv(1, socket.MSG_PEEK)
        client.close()
        if gone:
            path.unlink()
            server.close()

    await anyio.to_thread.run_sync(work)


@pytest.mark.parametrize("killed", [False, True])
async def test_call_of_an_instance_that_ends_meanwhile_is_told_that(killed: bool, tmp_path: Path) -> None:
    """Whether its socket went with it or was left behind: it has ended, which is no failure of the connection."""
    with answering(tmp_path) as server:
        async with anyio.create_task_group() as tasks:

            async def end() -> None:
                await leave(server, tmp_path / NAME, gone=not killed)
                await anyio.sleep(0.1)
                server.close()

            tasks.start_soon(end)
            with pytest.raises(InstanceEnded, match="its instance ended before it took this in: nothing was done"):
                await anyio.to_thread.run_sync(asking, tmp_path)


async def test_call_that_a_next_instance_could_hear_sends_it_nothing(tmp_path: Path) -> None:
    """A stop that was meant for the last run does not end the next one."""
    heard = []
    with answering(tmp_path) as server:
        async with anyio.create_task_group() as tasks:

            async def end() -> None:
                await leave(server, tmp_path / NAME, gone=True)
                with answering(tmp_path) as following:
                    await anyio.sleep(0.1)
                    following.settimeout(0)
                    with suppress(BlockingIOError):
                        while True:
                            client = following.accept()[0]
                            heard.append(client.recv(100))
                            client.close()

            tasks.start_soon(end)
            with pytest.raises(InstanceEnded):
                await anyio.to_thread.run_sync(asking, tmp_path)

    assert b"" == b"".join(heard)


async def test_call_that_is_broken_off_by_an_instance_that_goes_on_says_so(tmp_path: Path) -> None:
    """It is not called ended while it still listens."""
    with answering(tmp_path) as server:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(partial(leave, server, tmp_path / NAME, gone=False))
            with pytest.raises(ControlError, match="broke the connection off and goes on: ask again"):
                await anyio.to_thread.run_sync(partial(asking, tmp_path, timeout_s=0.3))


@pytest.mark.parametrize("first", [b"", b"not you\n"], ids=["silent", "refusing"])
async def test_call_that_comes_too_late_to_be_heard_gets_what_was_said(
    first: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A refusal that stands there already is the answer; where there is none, it depends on whether the instance goes on."""
    with answering(tmp_path) as server:

        def leave_first(client: socket.socket, data: Path) -> None:
            there = server.accept()[0]
            there.sendall(first)
            there.close()
            (tmp_path / NAME).unlink()

        monkeypatch.setattr(control_folder, "_trust", leave_first)
        if first:
            assert first == asking(tmp_path)
        else:
            with pytest.raises(InstanceEnded):
                asking(tmp_path)
