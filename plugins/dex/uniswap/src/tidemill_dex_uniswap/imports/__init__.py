"""Recorded states of pools, made the storage of their contracts: the import ``evm-pools``.

Nothing is guessed. A pool is one whose address a factory gives to its tokens; what the recording lacks is not written, so that a quote
that reaches it says so, or is named among the remarks with what stands for it.
"""

from collections.abc import Iterator
from pathlib import Path

from tidemill.errors import DecodeError
from tidemill.hookspecs.recording import Recording, read_json
from tidemill_dex_uniswap.imports.blocks import Blocks
from tidemill_dex_uniswap.imports.fields import Entry, shown
from tidemill_dex_uniswap.imports.lists import read_lists, read_single
from tidemill_dex_uniswap.imports.pools import LeftOut, RecordedPair, RecordedPool
from tidemill_dex_uniswap.imports.tycho import read_component, read_message, read_states

_FORMS = "lists of pools named v2 and v3, a file of one pool, or states, a snapshot or a message of Tycho"


def read(source: Path) -> Recording:
    """Return the pools of a JSON file, which may be compressed by gzip, one batch for each block that they are of.

    Raises:
        UsageError: there is no such file.
        DecodeError: it is cut, of none of the forms, or an entry is not what it should be; the message names its place.
    """
    blocks = Blocks(source)
    for found in _pools(source):
        blocks.add(found)
    return blocks.recording()


def _pools(source: Path) -> Iterator[RecordedPair | RecordedPool | LeftOut]:
    document, where = read_json(source), f"{source} $"
    if isinstance(document, list):
        yield from read_states(document, where)
        return
    fields = document if isinstance(document, dict) else {}
    entry = Entry(fields, where)
    if "state_msgs" in fields:
        yield from read_message(entry)
    elif "component" in fields:
        yield read_component(entry)
    elif "pool" in fields:
        yield read_single(entry)
    elif "v2" in fields or "v3" in fields:
        yield from read_lists(entry)
    else:
        raise DecodeError(f"{source}: expected {_FORMS}, found {shown(document)}")
