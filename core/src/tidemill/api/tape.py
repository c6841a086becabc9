"""Tapes from Python: open one, ask what it holds, see its market at a height, make one from another recording or from events."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from attrs import evolve, frozen

from tidemill import __version__
from tidemill.domain.asset import Asset
from tidemill.domain.events import Event, Found, Head, States
from tidemill.domain.ids import ChainId, Key
from tidemill.domain.pool import PoolRef
from tidemill.errors import UsageError
from tidemill.tape.header import Closing, TapeHeader, TapeSummary
from tidemill.tape.imports import Imported, import_recording
from tidemill.tape.made import KIND, made_batches, made_hash
from tidemill.tape.reader import TapeReader
from tidemill.tape.segment import TapeRecord
from tidemill.tape.writer import TapeWriter

if TYPE_CHECKING:
    from tidemill.api.market import Market
    from tidemill.config.model import Config


@frozen
class Tape:
    """A tape, or a folder of the files of one recording."""

    reader: TapeReader

    @property
    def path(self) -> Path:
        """Where it is."""
        return self.reader.path

    @property
    def header(self) -> TapeHeader:
        """What the tape says it is."""
        return self.reader.header

    @property
    def closing(self) -> Closing:
        """What the tape says it holds, after the bytes of every frame were checked.

        Raises:
            TapeDamaged: it is cut or altered.
        """
        return self.reader.closing

    def records(self) -> Iterator[TapeRecord]:
        """Yield the recorded batches with their flags, in order.

        Raises:
            TapeDamaged: where it is cut or altered; what was yielded before is sound.
        """
        return self.reader.records()

    def summary(self) -> TapeSummary:
        """Return what the tape holds by its own account, after the bytes of every frame were checked.

        Raises:
            TapeDamaged: it is cut or altered.
        """
        return self.reader.summary()

    def validate(self) -> TapeSummary:
        """Read everything, compare it with the closing record, and return what the tape holds.

        Raises:
            TapeDamaged: the first place that cannot be trusted.
        """
        return self.reader.validate()

    def market_at(self, height: int | None = None, config: "Config | Path | str | None" = None) -> "Market":
        """Return the market as the tape shows it after the block of a height; None: at the tape's end.

        Args:
            height: of the tape's one chain; a height between two recorded heads shows the market of the lower one.
            config: a configuration or the path of one; None: the tape's own, else the default for its kind. Its chains, DEXs and searcher
                are used, nothing else.

        Raises:
            UsageError: the tape has no such height, several chains and a height was given, or a chain that the configuration does not name.
            ConfigError, PluginError: the configuration or a plugin cannot be used.
            TapeDamaged: the tape is cut or altered.
        """
        from tidemill.api.market import fold_market

        return fold_market(self.reader, chosen_config(self.header, config), height)


def open_tape(path: Path | str) -> Tape:
    """Open a tape, or a folder of the files of one recording; reads the headers.

    Raises:
        UsageError: there is nothing at that path.
        TapeDamaged: its beginning is cut or altered.
        TapeError: it cannot be read, is of another version, or pyarrow is not installed.
    """
    return Tape(TapeReader(path))


def import_tape(kind: str, source: Path | str, out: Path | str, *, overwrite: bool = False) -> Imported:
    """Write a tape from another recording.

    Args:
        kind: one of ``tidemill.tape.imports.IMPORTERS``, such as ``uniswap-v2-pairs``.
        source: the recording.
        out: the tape to write.
        overwrite: replace a file that is there and not empty.

    Raises:
        UsageError: there is no such kind or no such file.
        DecodeError: the recording is not what its kind demands; the message names the entry.
        TapeError: the tape cannot be written.
    """
    return import_recording(kind, Path(source), Path(out), overwrite=overwrite)


def write_tape(
    path: Path | str,
    chain: ChainId | str,
    *,
    pools: Sequence[PoolRef] = (),
    assets: Sequence[Asset] = (),
    state: Mapping[Key, bytes | None] | None = None,
    blocks: Sequence[Sequence[Event]] = (),
    beside: Path | str | None = None,
    unix_time: int = 1_600_000_000,
    block_s: int = 12,
    overwrite: bool = False,
) -> Closing:
    """Write a tape of made blocks, for pools that no import knows: a first one in which they are found, then one for each of ``blocks``.

    Args:
        path: the tape to write.
        chain: CAIP-2 id of the one chain that all of it is of.
        pools: found in the first block.
        assets: found in the first block, with symbol and decimals; those that ``beside`` or the configuration knows may be left out.
        state: what a chain's reader would have answered for the keys that the DEX plugins ask for; None: known to be absent.
        blocks: the market events (``Logs``, ``States``, …) of each block after the first, without heads.
        beside: another tape of the chain, whose market comes first: the made blocks follow its last head. Its kind and configuration stay.
        unix_time: of the first block, in seconds, where there is no ``beside``; its height is 1 then.
        block_s: seconds between two blocks (>= 1).
        overwrite: replace a file that is there and not empty.

    Returns:
        The closing record: what the tape holds.

    Raises:
        UsageError: an event is none of a market of ``chain``, or ``beside`` is no tape of it.
        TapeDamaged: ``beside`` is cut or altered.
        TapeError: the tape cannot be written.
    """
    chain = ChainId(chain)
    first = (Found(tuple(assets), tuple(pools)), States(chain, tuple(sorted((state or {}).items()))))
    other = TapeReader(beside) if beside is not None else None
    tape = TapeWriter(path, _made_header(chain, other.header if other is not None else None), overwrite=overwrite)
    after = Head(chain, 0, made_hash(chain, 0), made_hash(chain, 0), unix_time - block_s)
    done = False
    try:
        for record in other.records() if other is not None else ():
            if not record.batch.is_answer:
                tape.write(record.batch)
                heads = [event for event in record.batch.events if isinstance(event, Head)]
                after = heads[-1] if heads else after
        for batch in made_batches((first, *blocks), after, block_s):
            tape.write(batch)
        closing = tape.close()
        done = True
    finally:
        if not done:
            tape.discard()
    return closing


def _made_header(chain: ChainId, other: TapeHeader | None) -> TapeHeader:
    """Return the head of a tape of made blocks; what was a recorded run is none any more, its configuration stays."""
    if other is None:
        return TapeHeader(kind=KIND, chains=(chain,), created_by=f"tidemill {__version__}")
    if other.chains != (chain,):
        raise UsageError(f"expected beside to be a tape of {chain} alone, found one of {', '.join(other.chains)}")
    return evolve(other, kind=KIND if other.kind == "run" else other.kind, part=0)


def chosen_config(header: TapeHeader, config: "Config | Path | str | None" = None) -> "Config":
    """Return the configuration given, else the one in a tape's header, else the default for its kind.

    Raises:
        ConfigError: it cannot be used. UsageError: there is no default for that kind.
    """
    from tidemill.api.config import load_config
    from tidemill.config.load import default_config
    from tidemill.config.model import Config
    from tidemill.config.text import config_from_json

    if isinstance(config, Config):
        return config
    if config is not None:
        return load_config(Path(config))
    return config_from_json(header.config) if header.config else default_config(header.kind)


def one_chain(header: TapeHeader, what: str) -> str:
    """Return the chain of a tape that has one.

    Raises:
        UsageError: it has several; ``what`` says what is ambiguous then.
    """
    if len(header.chains) != 1:
        raise UsageError(f"the tape has several chains, {', '.join(header.chains)}: {what}")
    return header.chains[0]
