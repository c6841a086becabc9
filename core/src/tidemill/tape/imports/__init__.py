"""Imports: other people's recordings as tapes. Each kind is a module of its own, loaded when it is used."""

from collections.abc import Callable, Mapping
from importlib import import_module
from pathlib import Path

from attrs import frozen

from tidemill import __version__
from tidemill.domain.events import Found
from tidemill.errors import UsageError
from tidemill.hookspecs.recording import Recording
from tidemill.tape.header import Closing, TapeHeader
from tidemill.tape.writer import TapeWriter


@frozen
class Importer:
    """A kind of import: ``help`` is one sentence for people, ``module`` holds ``read(source) -> Recording``.

    ``distribution`` is the package that brings the module, where it is not this one: who knows how contracts keep their state is the
    plugin that reads it, and the kernel does not.
    """

    kind: str
    help: str
    module: str
    distribution: str = ""

    def load(self) -> Callable[[Path], Recording]:
        """Import the module and return its ``read``.

        Raises:
            UsageError: the package that brings it is not installed.
        """
        try:
            read: Callable[[Path], Recording] = import_module(self.module).read
        except ModuleNotFoundError as error:
            if not self.distribution or error.name != self.module.partition(".")[0]:
                raise
            raise UsageError(f"the import of kind {self.kind} is in {self.distribution}: pip install {self.distribution}") from error
        return read


@frozen
class Imported:
    """A tape that was written from another recording: where, what it holds, and how many entries were left out, by reason.

    ``remarks``: what the recording does not say and what stands for it on the tape, a sentence each.
    """

    path: str
    header: TapeHeader
    closing: Closing
    assets: int
    pools: int
    left_out: tuple[tuple[str, int], ...]
    remarks: tuple[str, ...] = ()


_ALL = (
    Importer(
        "uniswap-v2-pairs",
        "Reserves of Uniswap V2 pairs on Ethereum in October 2020, a JSON list of pairs, as one block",
        "tidemill.tape.imports.uniswap_v2_pairs",
    ),
    Importer(
        "evm-pools",
        "States of Uniswap V2 and V3 pools and their forks, with their ticks: JSON lists of pools, snapshots of Tycho",
        "tidemill_dex_uniswap.imports",
        "tidemill-dex-uniswap",
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
        UsageError: there is no such kind, or no such file, or the package that reads that kind is not installed.
        DecodeError: the recording is not what its kind demands; the message names the entry.
        TapeError: the tape cannot be written.
    """
    importer = IMPORTERS.get(kind)
    if importer is None:
        raise UsageError(f"there is no import of kind {kind!r}; there are {', '.join(IMPORTERS)}")
    recording = importer.load()(source)
    header = TapeHeader(kind=kind, chains=recording.chains, source=source.name, created_by=f"tidemill {__version__}")
    tape = TapeWriter(out, header, overwrite=overwrite)
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
    return Imported(str(out), header, closing, assets, pools, tuple(sorted(recording.left_out.items())), recording.remarks)
