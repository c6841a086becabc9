"""A recorded run folded again, its answers included: the same ledger, or the first difference named."""

from contextlib import closing
from pathlib import Path

from attrs import frozen

from tidemill.config.text import config_from_json
from tidemill.domain.note import Summary
from tidemill.errors import InvariantError, TapeError
from tidemill.ledger.digest import RowDigest
from tidemill.pipeline.assemble import assemble
from tidemill.pipeline.collector import Collector
from tidemill.pipeline.lockstep import DIGEST_LENGTH
from tidemill.pipeline.warming import Warming
from tidemill.tape.reader import TapeReader


@frozen
class Difference:
    """Where a replay first decided otherwise: the batch before which the running digests differ, counted from 1."""

    place: int
    source: str
    seq: int
    height: int
    detail: str

    def __str__(self) -> str:
        return f"first difference before batch {self.place} ({self.source} {self.seq}, height {self.height}): {self.detail}"


@frozen
class Replay:
    """What a replay came to; ``difference`` is None where every decision was the same."""

    summary: Summary
    recorded_hash: str
    difference: Difference | None


def replay(tape: Path | str) -> Replay:
    """Fold a recorded run again with its own configuration and answers, and compare as it goes.

    Raises:
        TapeDamaged: the tape is cut or altered. TapeError: it is no recorded run.
        PluginError: a plugin of the run is not installed or cannot be used.
    """
    reader = TapeReader(tape)
    reader.validate()
    if not reader.header.config:
        raise TapeError(f"{tape} is no recorded run but an import ({reader.header.kind}): use `tidemill run --tape` on it")
    config = config_from_json(reader.header.config)
    pipeline = assemble(config)
    core = pipeline.core
    if config.execution.warm:
        Warming(pipeline.parts.searcher).start()
    digest, collector = RowDigest(), Collector()
    difference: Difference | None = None
    with closing(collector):
        for place, record in enumerate(reader.records(), start=1):
            batch = record.batch
            now = digest.hexdigest()[:DIGEST_LENGTH]
            if record.digest and record.digest != now:
                detail = f"the run had digest {record.digest}, the replay has {now}"
                difference = Difference(place, batch.source, batch.seq, batch.height, detail)
                break
            try:
                with collector.around(batch):
                    effects = core.on_batch(batch, record.decide)
            except InvariantError as error:
                difference = Difference(place, batch.source, batch.seq, batch.height, str(error))
                break
            for row in effects.rows:
                digest.add(row)
    summary = core.tally.summary(digest.hexdigest(), core.market.state.assets, tape=str(tape))
    recorded = reader.closing.ledger_hash
    if difference is None and recorded != summary.ledger_hash:
        detail = f"the run ended with ledger hash {recorded}, the replay with {summary.ledger_hash}"
        difference = Difference(reader.closing.records + 1, "closing record", 0, 0, detail)
    return Replay(summary, recorded, difference)
