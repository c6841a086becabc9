"""Where a signer listens: one a keystore, its own user alone, whatever was left there before."""

import os
import socket
import stat
from pathlib import Path

import pytest

from tidemill.errors import SignerError
from tidemill.local_socket import LONGEST_PATH, require_peers
from tidemill.signing.place import SignerPlace, connect, peer_of

pytestmark = pytest.mark.anyio
NAME = "signer.sock"


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def open_to(folder: Path, mode: int) -> None:
    folder.chmod(mode)


@pytest.fixture
def keys(tmp_path: Path) -> Path:
    """A keystore's folder."""
    folder = tmp_path / "keys"
    folder.mkdir(mode=0o700)
    return folder


async def test_socket_is_for_its_user_alone_and_goes_with_the_signer(keys: Path) -> None:
    """Mode 0600, nothing else is left in the folder, and no socket after the end."""
    place = SignerPlace(keys, keys / NAME)
    place.lock()
    await place.listen()
    found = (keys / NAME).lstat()
    assert (True, 0o600, [NAME]) == (stat.S_ISSOCK(found.st_mode), stat.S_IMODE(found.st_mode), names(keys))
    await place.leave()
    await place.leave()
    place.close()
    place.close()

    assert [] == names(keys)


async def test_second_signer_on_a_keystore_is_refused_wherever_it_would_listen(keys: Path, tmp_path: Path) -> None:
    """The lock is the keystore's, not the socket's; it is free once the first one has ended."""
    one, other = SignerPlace(keys, keys / NAME), SignerPlace(keys, tmp_path / NAME)
    one.lock()
    with pytest.raises(SignerError, match="another signer runs on this keystore"):
        other.lock()
    other.close()
    one.close()
    other.lock()
    other.close()


async def test_socket_of_a_killed_signer_is_replaced(keys: Path) -> None:
    """What nobody listens on is in nobody's way, and the one who comes later is not removed by the one who ends."""
    with socket.socket(socket.AF_UNIX) as left:
        left.bind(str(keys / NAME))
    first = SignerPlace(keys, keys / NAME)
    await first.listen()
    second = SignerPlace(keys, keys / NAME)
    await second.listen()
    await first.leave()
    first.close()
    async with await connect(keys / NAME):
        pass
    await second.leave()
    second.close()


async def test_what_is_no_socket_is_left_alone(keys: Path) -> None:
    """A file in its place is not removed."""
    (keys / NAME).write_text("mine")
    place = SignerPlace(keys, keys / NAME)
    with pytest.raises(SignerError, match="is there and is no socket: remove it"):
        await place.listen()
    place.close()

    assert "mine" == (keys / NAME).read_text()


@pytest.mark.parametrize("mode", [0o770, 0o707, 0o1777])
async def test_folder_in_which_others_may_write_is_refused(keys: Path, mode: int) -> None:
    """Others could put a socket of theirs in its place."""
    open_to(keys, mode)
    place = SignerPlace(keys, keys / NAME)
    with pytest.raises(SignerError, match=f"type `chmod go-w {keys}`"):
        await place.listen()
    place.close()


async def test_missing_folder_is_said(tmp_path: Path) -> None:
    """No keystore, no lock."""
    with pytest.raises(SignerError, match="cannot be opened: No such file or directory"):
        SignerPlace(tmp_path / "none", tmp_path / NAME).lock()


async def test_folder_deeper_than_a_sockets_address_works(tmp_path: Path) -> None:
    """Both sides go through the open folder."""
    deep = tmp_path.joinpath(*["a-rather-long-name-of-a-folder"] * 6)
    deep.mkdir(parents=True)
    place = SignerPlace(deep, deep / NAME)
    listener = await place.listen()
    assert len(str(deep / NAME)) > LONGEST_PATH
    async with await connect(deep / NAME), await listener.accept():
        pass
    await place.leave()
    place.close()


def test_peers_are_known_or_nothing_is_opened(monkeypatch: pytest.MonkeyPatch) -> None:
    """A platform that does not tell who is calling has no such sockets for us."""
    require_peers()
    one, other = socket.socketpair()
    with one, other:
        assert (os.getpid(), os.geteuid()) == (peer_of(one).pid, peer_of(one).uid)
        monkeypatch.delattr(socket, "SO_PEERCRED")
        with pytest.raises(OSError, match="nobody can be let in"):
            peer_of(one)
    with pytest.raises(OSError, match="no Unix sockets that tell who is calling"):
        require_peers()
