"""The I/O halves of a run's chains: their own, or the player of a tape."""

from collections.abc import Iterator, Mapping, Sequence
from functools import partial

from tidemill.config.model import PluginTable
from tidemill.config.settings import make_settings
from tidemill.discovery.load import load_plugins
from tidemill.discovery.scan import find_plugins
from tidemill.domain.events import Batch, Head
from tidemill.domain.ids import ChainId
from tidemill.errors import UsageError
from tidemill.hookspecs.chain import Chain, ChainLink, ChainRules, LinkSetup
from tidemill.pipeline.assemble import Pipeline, guarded_rules
from tidemill.tape.reader import TapeReader

PLAYER = "recorded"
"""The chain plugin whose link plays tapes."""


def open_links(pipeline: Pipeline, tape: TapeReader | None, seed: int, blocks: int) -> dict[ChainId, ChainLink]:
    """Make the I/O half of every chain; a tape's chain is played by the plugin ``recorded``, whatever the rules come from.

    Args:
        pipeline: whose chains.
        tape: what is played, None for the chains themselves.
        seed: of everything random on a simulated chain.
        blocks: ends the input after so many heads; 0: never.

    Raises:
        UsageError: the tape is of a chain that the configuration does not name.
    """
    if tape is None:
        setup = LinkSetup(seed, blocks)
        return {chain: plugin.link(setup) for chain, plugin in pipeline.chains.items()}
    missing = [chain for chain in tape.header.chains if chain not in pipeline.chains]
    if missing:
        known = ", ".join(sorted(pipeline.chains))
        raise UsageError(f"the tape is of {', '.join(missing)}, the configuration is for {known}: give one that enables its chain")
    links: dict[ChainId, ChainLink] = {}
    for place, chain in enumerate(tape.header.chains):
        # What belongs to no chain comes with the first
        played = market_batches(tape, (chain,) if place else (chain, None), blocks)
        links[chain] = _tape_link(pipeline, chain, LinkSetup(seed, blocks, played))
    return links


def _tape_link(pipeline: Pipeline, chain: ChainId, setup: LinkSetup) -> ChainLink:
    """Return the link that plays a tape: that of the plugin ``chains.recorded``, also where the chain's rules are another plugin's."""
    plugin = pipeline.chains[chain]
    if plugin.name == PLAYER:
        return plugin.link(setup)
    table = PluginTable("chain", PLAYER, settings={"chain": chain})
    loaded = load_plugins((table,), find_plugins()).loaded("chain")[0]
    player = loaded.make(make_settings(table, loaded.plugin_class, {}))
    assert isinstance(player, Chain)  # noqa: S101 discovery checked the class
    return player.link(setup)


def market_batches(tape: TapeReader, chains: Sequence[ChainId | None], blocks: int) -> Iterator[Batch]:
    """Yield a tape's market batches of these chains (None: those of no chain), up to ``blocks`` heads."""
    heads = 0
    for record in tape.records():
        batch = record.batch
        if batch.is_answer or batch.chain not in chains:
            continue
        heads += sum(isinstance(event, Head) for event in batch.events)
        if blocks and heads > blocks:
            return
        yield batch


def charging_rules(pipeline: Pipeline, links: Mapping[ChainId, ChainLink], *, played: bool) -> dict[ChainId, ChainRules]:
    """Return the rules that paper fills are charged by: a chain's own link knows what it really costs, a tape that is played does not.

    Raises:
        PluginError: the rules cannot be had; what they raise later names their chain's plugin too.
    """
    if played:
        return {chain: guarded_rules(pipeline.chains[chain], pipeline.chains[chain].rules, pipeline.supervisor) for chain in links}
    return {
        chain: guarded_rules(pipeline.chains[chain], partial(getattr, link, "rules"), pipeline.supervisor) for chain, link in links.items()
    }
