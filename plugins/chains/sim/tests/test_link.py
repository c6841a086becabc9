"""The chain as batches."""

import hashlib
import subprocess
import sys
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

import anyio
import pytest

from tidemill.domain.events import Batch, Found, Head, Logs, Rollback, States
from tidemill.domain.pool import Watch
from tidemill.hookspecs.chain import LinkSetup
from tidemill_chain_sim.link import SOURCE, SimLink
from tidemill_chain_sim.settings import SimSettings
from tidemill_evm.storage import word_number
from tidemill_evm.uniswap_v2 import reserves_key
from tidemill_simworld import CHAIN, GENESIS_UNIX, HUBS, vault_key
from tidemill_testing.conformance.chain.case import heads_of


def _batches(link: SimLink, watches: Sequence[Watch] = ()) -> list[Batch]:
    async def collect() -> list[Batch]:
        await link.watch(watches, ())
        return [batch async for batch in link.batches()]

    return anyio.run(collect)


def _link(blocks: int = 12, seed: int = 1, **changed: Any) -> SimLink:
    return SimLink(SimSettings(**{"tokens": 12, "pools": 60, "warmup_blocks": 3, **changed}), LinkSetup(seed=seed, blocks=blocks))


def test_batches_first_one_says_what_there_is_at_height_0() -> None:
    """Discovery stands in the first batch, with the head that its state can be read at."""
    link = _link()
    first = _batches(link)[0]
    found, head = first.events
    assert isinstance(found, Found)
    assert isinstance(head, Head)
    assert (12, 60, 0) == (len(found.assets), len(found.pools), head.height)
    assert (SOURCE, 0, CHAIN, 0, GENESIS_UNIX * 10**9) == (first.source, first.seq, first.chain, first.height, first.local_ns)
    assert {token for ref in found.pools for token in ref.assets} == {asset.id for asset in found.assets}


@pytest.mark.parametrize("blocks", [1, 2, 12])
def test_batches_end_after_so_many_heads(blocks: int) -> None:
    """As many heads come as were asked for, block 0 among them."""
    batches = _batches(_link(blocks))
    assert list(range(blocks)) == [head.height for head in heads_of(batches)]
    assert list(range(blocks)) == [batch.seq for batch in batches]


def test_batches_hold_head_and_logs_of_one_block() -> None:
    """Each further batch is one confirmed block: its head with the base fee, then its logs, its hash and its parent's."""
    batches = _batches(_link(), [])
    for before, batch in pairwise(batches):
        head, logs = batch.events
        assert isinstance(head, Head)
        assert isinstance(logs, Logs)
        assert (batch.height, batch.block_hash, batch.parent_hash) == (head.height, head.block_hash, head.parent_hash)
        assert before.block_hash == batch.parent_hash
        assert "confirmed" == batch.status
        assert head.fee > 0
        assert (GENESIS_UNIX + 2 * batch.height) * 10**9 == batch.local_ns == batch.venue_ns == head.unix_time * 10**9


def test_batches_without_an_end_go_on() -> None:
    """0 blocks means no end."""

    async def some() -> int:
        async for batch in _link(0).batches():
            if batch.height == 30:
                return batch.height
        return 0

    assert 30 == anyio.run(some)


def test_batches_report_watched_values_that_changed() -> None:
    """The vault's words are told when a block changed them, with the value that can be read at that height."""
    link = _link(80)
    key = vault_key(HUBS[1].address)
    batches = _batches(link, [Watch(keys=(key,))])
    told = [(batch.height, event.values) for batch in batches for event in batch.events if isinstance(event, States)]
    assert told
    for height, values in told:
        block, parent = link.engine.block(height), link.engine.block(height - 1)
        assert block is not None
        assert parent is not None
        assert ((key, block.world.vault[HUBS[1].address].to_bytes(32, "big")),) == values
        assert block.world.vault[HUBS[1].address] != parent.world.vault[HUBS[1].address]


def test_watch_of_pool_keys_is_answered_by_logs_alone() -> None:
    """A mint that was told as state and as log would count twice."""
    link = _link(20)
    keys = tuple(reserves_key(spec.address) for spec in link.engine.market.specs if spec.kind == "v2")
    assert not [event for batch in _batches(link, [Watch(keys=keys)]) for event in batch.events if isinstance(event, States)]


def test_watch_ends_when_every_watcher_has_left() -> None:
    """A key is reported as long as somebody watches it."""
    link = _link(60)
    watch = Watch(keys=tuple(vault_key(hub.address) for hub in HUBS))

    async def twice_then_never() -> list[bool]:
        told: list[bool] = []
        await link.watch([watch, watch], [watch])
        async for batch in link.batches():
            told.append(any(isinstance(event, States) for event in batch.events))
            if batch.height == 30:
                await link.watch([], [watch, watch])
        return told

    told = anyio.run(twice_then_never)
    assert any(told[:31])
    assert not any(told[31:])


def test_batches_with_reorganisations_roll_back_and_mine_again() -> None:
    """A rollback names the block that stays the head; those that follow build on it with other order flow, and time never goes back."""
    batches = _batches(_link(150, reorganisation_ppm=100_000, reorganisation_depth=3))
    rolled = [(place, event) for place, batch in enumerate(batches) for event in batch.events if isinstance(event, Rollback)]
    assert len(rolled) >= 5
    assert 150 == len({head.height for head in heads_of(batches)})
    for place, rollback in rolled:
        before, after = batches[place - 1], batches[place + 1]
        assert 1 <= before.height - rollback.height <= 3
        assert (rollback.height + 1, rollback.block_hash) == (after.height, after.parent_hash)
        replaced = next(batch for batch in reversed(batches[:place]) if batch.height == after.height)
        assert (replaced.parent_hash, True) == (after.parent_hash, replaced.block_hash != after.block_hash)
    assert all(one.local_ns <= other.local_ns for one, other in pairwise(batches))
    assert list(range(len(batches))) == [batch.seq for batch in batches]


def test_batches_certain_reorganisations_still_get_on() -> None:
    """A height that was mined again stays, so that even a chance of one lets the chain grow."""
    batches = _batches(_link(30, reorganisation_ppm=1_000_000, reorganisation_depth=4))
    assert 29 == batches[-1].height


def test_batches_seed_offset_is_another_seed() -> None:
    """Run seed and offset add up."""
    assert _batches(_link(4, seed=5)) == _batches(_link(4, seed=3, seed_offset=2))
    assert _batches(_link(4, seed=5)) != _batches(_link(4, seed=3))


SCRIPT = """
import anyio, hashlib
from tidemill.hookspecs.chain import LinkSetup
from tidemill_chain_sim.link import SimLink
from tidemill_chain_sim.settings import SimSettings

async def digest(seed):
    link = SimLink(SimSettings(), LinkSetup(seed=seed, blocks=40))
    found = hashlib.sha256()
    async for batch in link.batches():
        found.update(repr(batch).encode())
    return found.hexdigest()

print(anyio.run(digest, 7), anyio.run(digest, 8))
"""


def test_batches_are_equal_in_every_process(unmeasured: Mapping[str, str]) -> None:
    """A seed decides every byte, whatever PYTHONHASHSEED is; another seed decides otherwise."""
    printed = [
        subprocess.run(
            [sys.executable, "-c", SCRIPT], env={**unmeasured, "PYTHONHASHSEED": hash_seed}, capture_output=True, text=True, check=True
        ).stdout.split()
        for hash_seed in ("0", "1", "4242")
    ]
    assert printed[0] == printed[1] == printed[2]
    assert printed[0][0] != printed[0][1]
    assert len(hashlib.sha256(b"").hexdigest()) == len(printed[0][0])


def test_reader_and_batches_tell_the_same_vault() -> None:
    """What is read at a height is what that block left."""
    link = _link(5)
    _batches(link)
    ((_, value),) = anyio.run(link.reader.read, [vault_key(HUBS[0].address)], 3).values
    block = link.engine.block(3)
    assert block is not None
    assert block.world.vault[HUBS[0].address] == word_number(value or b"")
