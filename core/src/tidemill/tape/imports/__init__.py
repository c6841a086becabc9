"""Imports: other people's recordings as tapes. Each kind is a module of its own, loaded when it is used."""

from collections.abc import Callable, Iterable, Mapping
from importlib import import_module
from pathlib import Path

from attrs import field, frozen

from tidemill.domain.events import Batch, Found
from tidemill.errors import UsageError
from tidemill.tape.header import Closing, TapeHeader
from tidemill.tape.writer import TapeWriter


@frozen
class Recording:
    """What an importer reads from a source.

    Attributes:
        header: of the tape to be written.
        batches: in order; may be made while they are taken.
        left_out: how many entries of the source were left out, by reason; complete once ``batches`` has ended.
    """

    header: TapeHeader
    batches: Iterable[Batch]
    left_out: Mapping[str, int] = field(factory=dict)


@frozen
class Importer:
    """A kind of import: ``help`` is one sentence for people, ``module`` holds ``read(source) -> Recording``."""

    kind: str
    help: str
    module: str

    def load(self) -> Callable[[Path], Recording]:
        """Import the module and return its ``read``."""
        read: Callable[[Path], Recording] = import_module(self.module).read
        return read


@frozen
class Imported:
    """A tape that was written from another recording: where, what it holds, and how many entries were left out, by reason."""

    path: str
    header: TapeHeader
    closing: Closing
    assets: int
    pools: int
    left_out: tuple[tuple[str, int], ...]


_ALL = (
    Importer(
        "uniswap-v2-pairs",
        "Reserves of Uniswap V2 pairs on Ethereum in October 2020, a JSON list of pairs, as one block",
        "tidemill.tape.imports.uniswap_v2_pairs",
    ),
)
IMPORTERS: Mapping[str, Importer] = {importer.kind: importer for importer in _ALL}
"""Every kind of import, by its name."""


def import_recording(kind: str, source: Path, out: Path, *, overwrite: bool = False) -> Imported:
    """Read a recording of a kind and write it as a tape.

    Args:
        kind: a key of ``IMPORTERS``.
        source: the recording.
        out: the tape to write; removed again where the import fails.
        overwrite: replace a file that is there and not empty.

    Raises:
        UsageError: there is no such kind, or no such file.
        DecodeError: the recording is not what its kind demands; the message names the entry.
        TapeError: the tape cannot be written.
    """
    importer = IMPORTERS.get(kind)
    if importer is None:
        raise UsageError(f"there is no import of kind {kind!r}; there are {', '.join(IMPORTERS)}")
    recording = importer.load()(source)
    tape = TapeWriter(out, recording.header, overwrite=overwrite)
    assets = pools = 0
    done = False
    try:
        for batch in recording.batches:
            tape.write(batch)
            found = [event for event in batch.events if isinstance(event, Found)]
            assets += sum(len(event.assets) for event in found)
            pools += sum(len(event.pools) for event in found)
        closing = tape.close()
        done = True
    finally:
        if not done:
            tape.discard()
    return Imported(str(out), recording.header, closing, assets, pools, tuple(sorted(recording.left_out.items())))
