"""What a run says of itself: to its notifiers, in its ledger, at the head of its tape. Nothing of it is secret."""

import json
from collections.abc import Mapping
from pathlib import Path

from tidemill import __version__
from tidemill.config.deciding import deciding_digest
from tidemill.config.text import config_to_json
from tidemill.domain.note import RunHeader
from tidemill.pipeline.assemble import Pipeline
from tidemill.tape.header import TapeHeader


def run_header(pipeline: Pipeline, source: str, seed: int, tape: Path | None) -> RunHeader:
    """Return what notifiers are told at the start; pools and assets are those found so far."""
    state = pipeline.core.market.state
    return RunHeader(
        version=__version__,
        mode=pipeline.config.mode,
        source=source,
        seed=seed,
        plugins=pipeline.plugins,
        pools=len(state.refs),
        assets=len({asset for ref in state.refs.values() for asset in ref.assets}),
        venues=len({(ref.dex, ref.kind) for ref in state.refs.values()}),
        tape=str(tape) if tape else "",
    )


def tape_header(pipeline: Pipeline, source: str, seed: int) -> TapeHeader:
    """Return the head of the tape that a run writes."""
    return TapeHeader(
        kind="run",
        chains=tuple(sorted(pipeline.chains)),
        source=source,
        seed=seed,
        config=config_to_json(pipeline.config),
        plugins=pipeline.plugins,
        created_by=f"tidemill {__version__}",
    )


def ledger_header(pipeline: Pipeline, source: str, seed: int, *, tape: bool, gate: Mapping[str, object] | None = None) -> str:
    """Return, as JSON, what the ledger keeps beside a run; nothing of it decides anything.

    ``tape`` is whether its market is that of a tape; ``gate`` what was asked of hours on paper before real money moved, and what was
    found, None on paper.
    """
    facts = {
        "version": __version__,
        "mode": pipeline.config.mode,
        "source": source,
        "seed": seed,
        "tape": tape,
        "deciding": deciding_digest(pipeline.config),
        **({"paper_hours": dict(gate)} if gate is not None else {}),
        "chains": sorted(pipeline.chains),
        "natives": {chain: rules.native for chain, rules in sorted(pipeline.core.market.rules.items())},
        "bases": {book.id: book.base for book in pipeline.books},
        "plugins": [list(plugin) for plugin in pipeline.plugins],
        "assets": {asset.id: [asset.symbol, asset.decimals] for asset in pipeline.assets},
        "config": json.loads(config_to_json(pipeline.config)),
    }
    return json.dumps(facts, sort_keys=True)
