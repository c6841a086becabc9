"""What a disk may hold after a loss of power, from the system calls of a process that wrote to it.

A process is run under ``strace``, which tells every write and every sync. They are played again, call by call, on files in memory that
know two contents: what was synced, and what was written. After a loss of power a file holds, sector by sector, one or the other; a name
that was made, removed or changed since its folder was last synced is there or not. Nothing is assumed of the order in which a disk writes.

What is written through memory maps is not seen: SQLite's ``-shm`` file is one, which it makes anew after a loss of power.
"""

import random
import re
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path

from attrs import define, field, frozen

SECTOR = 512
"""Bytes that a disk writes whole or not at all."""
CALLS = "openat,pwrite64,write,ftruncate,fsync,fdatasync,unlink,unlinkat,rename,renameat,renameat2"

_LINE = re.compile(r"(\w+)\((.*)\) += (\d+)")
_TEXT = re.compile(r'"((?:\\x[0-9a-f]{2})*)"')
_FILE = re.compile(r"^\d+<((?:\\x[0-9a-f]{2})*)>")
_NUMBER = re.compile(r", (\d+)(?=,|$)")


@frozen
class Call:
    """One system call about a file below the folder that is watched: ``name`` is its path from there, "" the folder itself.

    ``data`` is what was written, at ``offset`` (-1: where the file stands); of a truncation ``offset`` is the new length, of a rename
    ``data`` the new name.
    """

    kind: str
    name: str
    offset: int = 0
    data: bytes = b""


@define
class _File:
    synced: bytes = b""
    now: bytearray = field(factory=bytearray)
    place: int = 0


class Disk:
    """The files of one folder, as calls made them: what is surely on the disk, and what may be."""

    def __init__(self) -> None:
        self._names: dict[str, _File] = {}
        self._synced_names: dict[str, _File] = {}

    def put(self, name: str, content: bytes) -> None:
        """Have a file on the disk, synced, from the start."""
        self._names[name] = self._synced_names[name] = _File(content, bytearray(content))

    def play(self, call: Call) -> None:
        """Do what a call did."""
        match call.kind:
            case "create":
                self._names.setdefault(call.name, _File())
            case "write":
                self._write(self._names[call.name], call.offset, call.data)
            case "truncate":
                file = self._names[call.name]
                file.now = file.now[: call.offset].ljust(call.offset, b"\0")
            case "sync" if not call.name:
                self._synced_names = dict(self._names)
            case "sync":
                file = self._names[call.name]
                file.synced = bytes(file.now)
            case "remove":
                del self._names[call.name]
            case "rename":
                self._names[call.data.decode()] = self._names.pop(call.name)

    def _write(self, file: _File, offset: int, data: bytes) -> None:
        at = file.place if offset < 0 else offset
        file.now.extend(bytes(max(0, at - len(file.now))))
        file.now[at : at + len(data)] = data
        if offset < 0:
            file.place = at + len(data)

    def least(self) -> dict[str, bytes]:
        """Return the files where nothing reached the disk that was not synced."""
        return {name: file.synced for name, file in self._synced_names.items()}

    def most(self) -> dict[str, bytes]:
        """Return the files where everything did."""
        return {name: bytes(file.now) for name, file in self._names.items()}

    def some(self, chance: random.Random) -> dict[str, bytes]:
        """Return the files where some of it did: sectors, lengths and names by chance."""
        names = self._names if chance.random() < 0.5 else self._synced_names
        return {name: _torn(file, chance) for name, file in names.items()}


def _torn(file: _File, chance: random.Random) -> bytes:
    length = chance.randint(min(len(file.synced), len(file.now)), max(len(file.synced), len(file.now)))
    made = bytearray()
    for start in range(0, length, SECTOR):
        source = file.now if chance.random() < 0.5 else file.synced
        made += bytes(source[start : start + SECTOR]).ljust(SECTOR, b"\0")
    return bytes(made[:length])


def has_strace() -> bool:
    """Tell whether calls can be watched here: ``strace`` is there and may watch a process."""
    found = shutil.which("strace")
    if found is None:
        return False
    tried = subprocess.run([found, "-o", "/dev/null", "true"], capture_output=True, check=False)  # noqa: S603  a program of the system
    return tried.returncode == 0


def watched(command: Sequence[str], folder: Path, log: Path) -> list[Call]:
    """Run a command with one thread to its end, and return what it did to the files of a folder, in order.

    Args:
        command: the program and its arguments.
        folder: the folder that is watched; others are not.
        log: a file outside of it, for what strace tells.

    Raises:
        subprocess.CalledProcessError: the command failed.
    """
    strace = ["strace", "-y", "-xx", "-s", "100000000", "-e", f"trace={CALLS}", "-o", str(log)]
    subprocess.run([*strace, *command], check=True, capture_output=True)  # noqa: S603  what a test gives
    with log.open() as lines:
        return list(_calls(lines, str(folder.resolve())))


def _calls(lines: Iterator[str], folder: str) -> Iterator[Call]:
    for line in lines:
        found = _LINE.match(line)
        if found is None:
            continue
        call, arguments, result = found[1], found[2], int(found[3])
        texts = [bytes.fromhex(text.replace("\\x", "")) for text in _TEXT.findall(arguments)]
        named = _FILE.match(arguments)
        path = bytes.fromhex(named[1].replace("\\x", "")) if named else texts[0]
        name = _below(folder, path.decode("utf-8", "replace"))
        if name is not None:
            yield from _call(call, name, arguments, result, texts, folder)


def _call(call: str, name: str, arguments: str, result: int, texts: Sequence[bytes], folder: str) -> Iterator[Call]:
    if call == "openat":
        if "O_CREAT" in arguments:
            yield Call("create", name)
        if "O_TRUNC" in arguments:
            yield Call("truncate", name)
    elif call in ("write", "pwrite64"):
        offset = int(_NUMBER.findall(arguments)[-1]) if call == "pwrite64" else -1
        yield Call("write", name, offset, texts[0][:result])
    elif call == "ftruncate":
        yield Call("truncate", name, int(_NUMBER.findall(arguments)[-1]))
    elif call in ("fsync", "fdatasync"):
        yield Call("sync", name)
    elif call.startswith("unlink"):
        yield Call("remove", name)
    elif call.startswith("rename"):
        target = _below(folder, texts[-1].decode()) or ""
        yield Call("rename", name, data=target.encode())


def _below(folder: str, path: str) -> str | None:
    if path == folder:
        return ""
    return path.removeprefix(f"{folder}/") if path.startswith(f"{folder}/") else None
