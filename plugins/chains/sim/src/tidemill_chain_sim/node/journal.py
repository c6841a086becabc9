"""What keeps a node's chain over its end: each step in a line of its own, on disk before anybody hears of it.

A chain follows from its seed, its settings and the steps that were taken on it, so that steps are all that is kept: signed bytes that came,
blocks that were mined, blocks that were dropped. The first line says which chain it is. A last line without an end is what a crash leaves;
nobody heard of that step, and it is cut off.
"""

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from tidemill.errors import RefusedByVenue, UsageError
from tidemill_chain_sim.mempool import opened
from tidemill_chain_sim.node.asks import Hello
from tidemill_chain_sim.node.chain import SimNode
from tidemill_chain_sim.world import Block

_VERSION: Final = 1


class Journal:
    """Appends steps to a file; see ``resume`` for how it is opened."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("ab", buffering=0)

    def broadcast(self, raw: bytes) -> None:
        """Keep that signed bytes came."""
        self._append({"step": "broadcast", "raw": raw.hex()})

    def mined(self, block: Block) -> None:
        """Keep that a block was mined, with its hash."""
        self._append({"step": "mined", "hash": block.block_hash})

    def dropped(self, depth: int) -> None:
        """Keep that so many blocks were dropped."""
        self._append({"step": "dropped", "depth": depth})

    def begin(self, hello: Hello) -> None:
        """Keep which chain it is."""
        self._append({"v": _VERSION, "seed": hello.seed, "settings": dict(hello.settings)})

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def _append(self, line: Mapping[str, object]) -> None:
        self._file.write(json.dumps(line, separators=(",", ":")).encode() + b"\n")
        os.fsync(self._file.fileno())


def resume(node: SimNode, path: Path, hello: Hello) -> Journal:
    """Take the steps of a file on a new node, and return the journal that keeps further ones; a file that is not there is begun.

    Raises:
        UsageError: it cannot be written or read, is of another chain, or a step does not come to what it came to then.
    """
    try:
        lines = path.read_bytes().splitlines(keepends=True) if path.exists() else []
        if lines and not lines[-1].endswith(b"\n"):
            with path.open("r+b") as file:
                file.truncate(sum(map(len, lines[:-1])))
                os.fsync(file.fileno())
            lines.pop()
        journal = Journal(path)
    except OSError as error:
        raise UsageError(f"{path} cannot keep the chain: {error.strerror or error}") from error
    if not lines:
        journal.begin(hello)
    try:
        for number, line in enumerate(lines, 1):
            _take(node, hello, _read(line, f"{path}:{number}"), f"{path}:{number}")
    except UsageError:
        journal.close()
        raise
    node.steps = journal
    return journal


def _read(line: bytes, place: str) -> Mapping[str, Any]:
    try:
        found = json.loads(line)
    except ValueError as error:
        raise UsageError(f"{place}: this is no JSON: the file is damaged; begin another chain with another file") from error
    if not isinstance(found, dict):
        raise UsageError(f"{place}: expected a step, found {line[:60]!r}")
    return found


def _take(node: SimNode, hello: Hello, step: Mapping[str, Any], place: str) -> None:
    match step:
        case {"v": int(version), "seed": seed, "settings": settings}:
            if (version, seed, settings) != (_VERSION, hello.seed, dict(hello.settings)):
                raise UsageError(f"{place}: this is another chain, of seed {seed}: start the node with the settings that it was begun with")
        case {"step": "broadcast", "raw": str(raw)}:
            _broadcast(node, raw, place)
        case {"step": "mined", "hash": str(block_hash)}:
            found = node.mine().block_hash
            if found != block_hash:
                raise UsageError(f"{place}: block {node.engine.head.height} was {block_hash} and is {found}: made by another version")
        case {"step": "dropped", "depth": int(depth)}:
            node.go_back(depth)
        case _:
            raise UsageError(f"{place}: expected a step, found {json.dumps(step):.60}")


def _broadcast(node: SimNode, raw: str, place: str) -> None:
    try:
        tx = opened(bytes.fromhex(raw))
    except (ValueError, RefusedByVenue) as error:
        raise UsageError(f"{place}: these bytes were no transaction: the file is damaged; begin another chain with another file") from error
    try:
        node.take(tx)
    except RefusedByVenue:
        return  # as it was then
