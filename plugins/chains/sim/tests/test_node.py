"""A node in a process of its own: what it serves, to whom, and what of it outlives whom."""

import json
import os
import socket
import struct
import subprocess
import sys
from collections.abc import AsyncGenerator, Callable, Iterator
from pathlib import Path
from typing import Any, cast

import anyio
import pytest

from tidemill.domain.events import Batch, Gap, Head, Rollback
from tidemill.domain.outcome import OutcomeStatus
from tidemill.domain.pool import LogFilter, Watch
from tidemill.domain.transaction import Signed, Unsigned, Wallet
from tidemill.errors import DecodeError, InvariantError, OutcomeUnknown, RefusedByVenue, Unavailable, UsageError
from tidemill.hookspecs.chain import LinkSetup
from tidemill_chain_sim.client import NodeClient
from tidemill_chain_sim.link import SimLink
from tidemill_chain_sim.settings import SimSettings
from tidemill_evm.steps import V2Swap
from tidemill_simworld import CHAIN, HUBS, NATIVE, vault_key
from tidemill_simworld.wire import ask_node_now
from tidemill_testing.keys import NamedKey
from tidemill_testing.sim_node import SimNodeProcess, sim_node

MakeCall = Callable[..., Unsigned]
SMALL: dict[str, Any] = {"tokens": 12, "pools": 60, "warmup_blocks": 2}
KEY = NamedKey("main")
ME = Wallet(CHAIN, KEY.account)


@pytest.fixture(scope="module")
def node() -> Iterator[SimNodeProcess]:
    """A node that the tests of this file share; each asks from wherever its head is."""
    with sim_node(settings={**SMALL, "reorganisation_ppm": 1, "reorganisation_depth": 5}) as started:
        yield started


def _link(node: SimNodeProcess, blocks: int = 0, **changed: Any) -> SimLink:
    chosen = {**SMALL, "reorganisation_ppm": 1, "reorganisation_depth": 5, **changed}
    return SimLink(SimSettings(node=node.socket, **chosen), LinkSetup(seed=1, blocks=blocks))


def _local(blocks: int, **changed: Any) -> SimLink:
    return SimLink(SimSettings(**{**SMALL, **changed}), LinkSetup(seed=1, blocks=blocks))


def _batches(link: SimLink) -> list[Batch]:
    async def collect() -> list[Batch]:
        await link.watch([Watch(keys=tuple(vault_key(hub.address) for hub in HUBS))], ())
        return [batch async for batch in link.batches()]

    return anyio.run(collect)


def _sent(link: SimLink, make_call: MakeCall, amount: int = 1_000) -> Signed:
    spec = next(spec for spec in link.market.specs if spec.kind == "v2" and {spec.token0, spec.token1} <= set(HUBS))
    step = V2Swap(spec.address, spec.token0.address, spec.token1.address, True, spec.venue.fee_ppm, amount, 0)

    async def send() -> Signed:
        unsigned = make_call([step], funds=[(step.token_in, amount)])
        assert (await link.simulate(unsigned)).ok
        signed = KEY.sign_sealed(await link.seal(unsigned, ME, await link.slot(ME, ())))
        await link.broadcast(signed)
        return signed

    return anyio.run(send)


def test_node_tells_the_batches_that_a_chain_in_this_process_tells() -> None:
    """Found, heads, states, logs and reorganisations are the same, byte for byte."""
    changed = {"reorganisation_ppm": 200_000, "reorganisation_depth": 3}
    with sim_node(settings={**SMALL, **changed}) as started:
        local, remote = _batches(_local(40, **changed)), _batches(_link(started, 40, **changed))
    assert any(isinstance(event, Rollback) for batch in local for event in batch.events)
    assert local == remote


def test_node_serves_clients_at_once_and_one_after_another(node: SimNodeProcess) -> None:
    """Each hears the same chain from where it began; blocks that are there are not mined again."""

    async def both() -> tuple[list[Batch], list[Batch]]:
        heard: tuple[list[Batch], list[Batch]] = ([], [])

        async def listen(place: int) -> None:
            async for batch in _link(node, 12).batches():
                heard[place].append(batch)

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(listen, 0)
            tasks.start_soon(listen, 1)
        return heard

    one, other = anyio.run(both)
    assert 12 == len(one) == len(other)
    assert [batch.block_hash for batch in one] == [batch.block_hash for batch in other]
    later = _batches(_link(node, 3))
    assert one[-1].block_hash == later[0].block_hash
    assert NodeClient(node.socket).hello().head.height == later[-1].height


def test_client_that_begins_late_gets_what_there_is_and_reads_at_the_head(node: SimNodeProcess) -> None:
    """Its first batch holds all pools and the head as it is, and state can be read at that height."""
    head = NodeClient(node.socket).mine(200)
    first, *_, last = _batches(_link(node, 5))
    found, told = first.events
    assert (60, head.height, head.block_hash) == (len(found.pools), told.height, told.block_hash)  # type: ignore[union-attr]
    assert head.height + 4 == last.height
    states = anyio.run(_link(node).reader.read, [vault_key(HUBS[0].address)], head.height)
    assert 32 == len(states.values[0][1] or b"")
    with pytest.raises(Unavailable, match="block 1 is not kept"):
        anyio.run(_link(node).reader.read, [vault_key(HUBS[0].address)], 1)


def test_client_that_lags_behind_what_is_kept_is_told_a_gap(node: SimNodeProcess) -> None:
    """What came upon its block cannot be said any more: all of it is doubtful."""

    async def lag() -> tuple[Batch, Batch]:
        batches = cast("AsyncGenerator[Batch, None]", _link(node).batches())
        first = await anext(batches)
        NodeClient(node.socket).mine(140)
        second = await anext(batches)
        await batches.aclose()
        return first, second

    first, second = anyio.run(lag)
    gap, head = second.events
    assert Gap(CHAIN, first.height + 1, first.height + 140) == gap
    assert isinstance(head, Head)
    assert (first.height + 140, second.block_hash) == (head.height, head.block_hash)


def test_client_is_rolled_back_to_the_block_that_it_shares(node: SimNodeProcess) -> None:
    """However many blocks were dropped and mined meanwhile; then it hears the new ones."""

    async def heard() -> list[Batch]:
        batches = cast("AsyncGenerator[Batch, None]", _link(node).batches())
        told = [await anext(batches) for _ in range(6)]
        client = NodeClient(node.socket)
        client.reorganise(3)
        client.mine(2)
        told += [await anext(batches) for _ in range(3)]
        await batches.aclose()
        return told

    *old, back, one, two = anyio.run(heard)
    assert (Rollback(CHAIN, old[2].height, old[2].block_hash),) == back.events
    assert [(old[2].block_hash, old[3].height), (one.block_hash, old[4].height)] == [
        (one.parent_hash, one.height),
        (two.parent_hash, two.height),
    ]
    assert not {one.block_hash, two.block_hash} & {batch.block_hash for batch in old}


def test_client_s_statement_is_what_the_links_are_told(node: SimNodeProcess, make_call: MakeCall) -> None:
    """What was sent waits, is included, and stands in the account's statement with changes and cost; balances are what they add up to."""
    link, client = _link(node), NodeClient(node.socket)
    before = client.account(KEY.account)
    signed = _sent(link, make_call)
    (waiting,) = client.mempool()
    assert (signed.ref.tx, KEY.account, f"nonce:{before.nonce}") == (waiting.tx, waiting.account, waiting.slot)
    client.mine()
    outcome = anyio.run(link.outcome, signed)
    entry = client.statement(KEY.account)[-1]
    assert (signed.ref.tx, True, "", waiting.slot) == (entry.tx, entry.ok, entry.reason, entry.slot)
    assert (outcome.height, outcome.block_hash, outcome.changes, outcome.cost) == (
        entry.height,
        entry.block_hash,
        entry.changes,
        entry.cost,
    )
    after = client.account(KEY.account)
    assert (before.nonce + 1, before.native - entry.cost) == (after.nonce, after.native)
    assert ((NATIVE, after.native),) == anyio.run(link.holdings, ME, [NATIVE], after.head.height)
    assert () == client.mempool()
    logs = anyio.run(link.reader.logs, LogFilter(outcome.fills[0].pool.rpartition(":")[2]), outcome.height, outcome.height)
    assert all(log.address == outcome.fills[0].pool.rpartition(":")[2] for log in logs)


def test_reorganisation_takes_a_transaction_back_and_mines_it_again(node: SimNodeProcess, make_call: MakeCall) -> None:
    """It waits again; what is final is never dropped."""
    link, client = _link(node), NodeClient(node.socket)
    client.mine(6)
    signed = _sent(link, make_call, 2_000)
    client.mine()
    assert OutcomeStatus.FILLED == anyio.run(link.outcome, signed).status
    client.reorganise(1)
    assert (signed.ref.tx,) == tuple(one.tx for one in client.mempool())
    assert OutcomeStatus.UNKNOWN == anyio.run(link.outcome, signed).status
    client.mine()
    assert OutcomeStatus.FILLED == anyio.run(link.outcome, signed).status
    with pytest.raises(UsageError, match="is final"):
        client.reorganise(6)


def test_errors_of_a_node_are_those_of_the_contract(node: SimNodeProcess, make_call: MakeCall) -> None:
    """A refusal comes over the socket as one; damaged bytes are not even asked about."""
    link = _link(node)
    signed = _sent(link, make_call, 3_000)
    damaged = Signed(signed.plan, signed.ref, signed.raw[:-1])
    with pytest.raises(RefusedByVenue, match="not a transaction of this chain"):
        anyio.run(link.broadcast, damaged)
    with pytest.raises(RefusedByVenue, match="not a transaction of this chain"):
        anyio.run(link.outcome, damaged)
    with pytest.raises(InvariantError, match="the chain lives in the node at"):
        _ = link.engine


@pytest.mark.parametrize(
    ("seed", "changed", "what"),
    [(2, {}, r"seed 1, here 2"), (1, {"retail_per_block": 3}, r"retail_per_block 12, here 3"), (1, {"accounts": "svm"}, "accounts 'evm'")],
)
def test_run_of_another_market_is_refused(node: SimNodeProcess, seed: int, changed: dict[str, Any], what: str) -> None:
    """Seed and settings make the chain; who expects another one is told what differs."""
    chosen = SimSettings(node=node.socket, **{**SMALL, "reorganisation_ppm": 1, "reorganisation_depth": 5, **changed})
    with pytest.raises(UsageError, match=f"has another chain: {what}"):
        anyio.run(SimLink(chosen, LinkSetup(seed=seed)).reader.read, [])


def test_node_that_is_not_there_is_unavailable_at_once(tmp_path: Path, make_call: MakeCall) -> None:
    """A run that never met it ends with how to start one; a broadcast is of unknown outcome only once the node was met."""
    link = SimLink(SimSettings(**SMALL, node=os.fspath(tmp_path / "none")), LinkSetup(seed=1))
    with pytest.raises(Unavailable, match="start one with"):
        _batches(link)
    with sim_node(settings=SMALL) as started:
        met = SimLink(SimSettings(**SMALL, node=started.socket), LinkSetup(seed=1))
        signed = _sent(met, make_call)
        started.kill()
        with pytest.raises(OutcomeUnknown, match="no node listens"):
            anyio.run(met.broadcast, signed)
        with pytest.raises(Unavailable, match="no node listens"):
            anyio.run(met.outcome, signed)


def test_client_that_dies_leaves_the_chain_as_it_is(node: SimNodeProcess) -> None:
    """Half a frame, garbage, a length that nobody holds: that connection ends, and the next one is served."""
    head = NodeClient(node.socket).hello().head
    frames = [
        b"",
        b"\0\0",
        struct.pack(">I", 100) + b"{",
        struct.pack(">I", 1 << 31),
        struct.pack(">I", 2) + b"[]",
        b"GET / HTTP/1.1\r\n\r\n",
    ]
    for frame in frames:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as client:
            client.connect(node.socket)
            client.sendall(frame)
            if len(frame) > 6 or frame[:1] == b"\x80":
                client.settimeout(5)
                assert b"malformed" in client.recv(4_096)
    assert head == NodeClient(node.socket).hello().head


@pytest.mark.parametrize(
    ("ask", "fields", "what"),
    [
        ("nonsense", {}, "expected one of hello, head, next"),
        ("read", {"keys": [1]}, "expected str, found 1"),
        ("read", {"keys": [], "more": 1}, "not as expected"),
        ("read", {}, "not as expected"),
        ("account", {"account": "x", "height": True}, "expected int, found True"),
        ("broadcast", {"raw": "zz"}, "not as expected"),
    ],
)
def test_question_that_is_not_understood_says_what_was_expected(node: SimNodeProcess, ask: str, fields: Any, what: str) -> None:
    """The connection is told; nothing else happens."""
    with pytest.raises(DecodeError, match=what):
        ask_node_now(node.socket, ask, fields, 5)


FAULTY = {**SMALL, "answer_lost_ppm": 150_000, "answer_late_ppm": 150_000, "answer_twice_ppm": 300_000, "node_timeout_ms": 60}


def test_answers_that_are_lost_late_or_twice_change_nothing_that_is_told() -> None:
    """Whoever asks again hears the same: the batches are those of a chain that answers always."""
    with sim_node(settings=FAULTY) as started:
        told = _batches(SimLink(SimSettings(node=started.socket, **FAULTY), LinkSetup(seed=1, blocks=25)))
    assert _batches(_local(25)) == told


def test_broadcast_without_an_answer_over_the_socket_is_of_unknown_outcome(make_call: MakeCall) -> None:
    """The node says nothing, the client waits as long as its settings say, and the block holds it."""
    chosen: dict[str, Any] = {**SMALL, "broadcast_unknown_ppm": 1_000_000, "node_timeout_ms": 200}
    with sim_node(settings=chosen) as started:
        link = SimLink(SimSettings(node=started.socket, **chosen), LinkSetup(seed=1))
        with pytest.raises(OutcomeUnknown, match=r"did not answer broadcast within 0\.2 s"):
            _sent(link, make_call)
        assert 1 == len(NodeClient(started.socket).mempool())


def test_node_that_is_killed_comes_back_to_the_same_chain(tmp_path: Path, make_call: MakeCall) -> None:
    """Blocks, receipts, mempool and what is under way are as they were, and the chain goes on as one that never ended."""
    changed: dict[str, Any] = {
        **SMALL, "reorganisation_ppm": 1, "reorganisation_depth": 5, "broadcast_late_ppm": 500_000, "broadcast_lost_ppm": 200_000
    }  # fmt: skip
    with sim_node(settings=changed, state=tmp_path / "chain") as started, sim_node(settings=changed) as other:
        for node in (started, other):
            link, client = SimLink(SimSettings(node=node.socket, **changed), LinkSetup(seed=1)), NodeClient(node.socket)
            for amount in range(1_000, 1_006):
                _sent(link, make_call, amount)
                client.mine(2)
            client.reorganise(2)
            client.mine(1)
        client = NodeClient(started.socket)
        before = (client.hello(), client.statement(KEY.account), client.mempool(), client.account(KEY.account))
        started.kill()
        with (tmp_path / "chain").open("ab") as file:
            file.write(b'{"step":"mined","ha')
        said = started.start()
        assert before == (client.hello(), client.statement(KEY.account), client.mempool(), client.account(KEY.account))
        assert (before[0].head.height, before[0].head.block_hash) == (said["height"], said["block_hash"])
        assert before[1]
        assert NodeClient(other.socket).mine(8) == client.mine(8)
        assert 0 == started.stop()
        assert not Path(started.socket).exists()


def test_run_waits_for_a_node_that_begins_again(tmp_path: Path) -> None:
    """A link that met its node asks on until it is back, and misses nothing."""

    async def listen(node: SimNodeProcess) -> list[Batch]:
        told: list[Batch] = []
        async with anyio.create_task_group() as tasks:
            async for batch in SimLink(SimSettings(node=node.socket, **SMALL), LinkSetup(seed=1, blocks=8)).batches():
                told.append(batch)
                if len(told) == 4:
                    node.kill()
                    tasks.start_soon(anyio.to_thread.run_sync, node.start)
        return told

    with sim_node(settings=SMALL, state=tmp_path / "chain") as started:
        told = anyio.run(listen, started)
    assert [batch.block_hash for batch in _batches(_local(8))] == [batch.block_hash for batch in told]


def _command(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "tidemill_chain_sim.node", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


def test_node_where_another_listens_does_not_start(node: SimNodeProcess) -> None:
    """A chain has one node; a socket that a killed one left is taken."""
    done = _command("--socket", node.socket, "--settings", json.dumps(SMALL))
    assert (2, f"another node listens at {node.socket}\n") == (done.returncode, done.stderr)
