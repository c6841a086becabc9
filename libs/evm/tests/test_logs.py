"""Logs of pools, factories and tokens."""

from collections.abc import Callable
from typing import Any, cast

import pytest
from attrs import astuple, evolve
from hypothesis import given
from hypothesis import strategies as st

from tidemill.domain.events import Log
from tidemill_evm import erc20, uniswap_v2_logs, uniswap_v3_logs
from tidemill_evm.errors import EncodeError, MalformedBytes
from tidemill_evm.logs import Event
from tidemill_evm.uniswap_v2_logs import Sync, sync_reserves

POOL = "0x" + "ab" * 20
KINDS: tuple[type[Event], ...] = (
    *(uniswap_v2_logs.Sync, uniswap_v2_logs.Swap, uniswap_v2_logs.Mint, uniswap_v2_logs.Burn, uniswap_v2_logs.PairCreated),
    *(uniswap_v3_logs.Initialize, uniswap_v3_logs.Mint, uniswap_v3_logs.Burn, uniswap_v3_logs.Collect, uniswap_v3_logs.Swap),
    *(uniswap_v3_logs.PancakeSwap, uniswap_v3_logs.PoolCreated, erc20.Transfer),
)


def events_of(kind: type[Event]) -> st.SearchStrategy[Event]:
    """Events of a kind with values from all over the range of each type."""
    parts: list[st.SearchStrategy[Any]] = []
    for declared in kind.signature.partition("(")[2].rstrip(")").split(","):
        if declared == "address":
            parts.append(st.binary(min_size=20, max_size=20).map(lambda raw: "0x" + raw.hex()))
        elif declared.startswith("uint"):
            parts.append(st.integers(0, (1 << int(declared[4:])) - 1))
        else:
            bits = int(declared[3:])
            parts.append(st.integers(-(1 << bits - 1), (1 << bits - 1) - 1))
    return st.builds(cast(Any, kind), *parts)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: f"{kind.__module__.rpartition('.')[2]}.{kind.__name__}")
def test_event_decodes_to_what_was_encoded(kind: type[Event]) -> None:
    """Every event survives its log, which carries contract, place and transaction."""

    @given(events_of(kind), st.integers(0, 1000))
    def holds(event: Event, index: int) -> None:
        log = event.log(POOL, index, "0x12")
        assert (POOL, index, "0x12") == (log.address, log.index, log.tx)
        assert event == kind.of(log)

    holds()


@pytest.mark.parametrize(
    ("kind", "topic"),
    [
        (uniswap_v2_logs.Sync, "1c411e9a96e071241c2f21f7726b17ae89e3cab4c78be50e062b03a9fffbbad1"),
        (uniswap_v2_logs.Swap, "d78ad95fa46c994b6551d0da85fc275fe613ce37657fb8d5e3d130840159d822"),
        (uniswap_v2_logs.PairCreated, "0d3648bd0f6ba80134a33ba9275ac585d9d315f0ad8355cddefde31afa28d0e9"),
        (uniswap_v3_logs.Initialize, "98636036cb66a9c19a37435efc1e90142190214e8abeb821bdba3f2990dd4c95"),
        (uniswap_v3_logs.Mint, "7a53080ba414158be7ec69b987b5fb7d07dee101fe85488f0853ae16239d0bde"),
        (uniswap_v3_logs.Burn, "0c396cd989a39f4459b5fa1aed6a9a8dcdbc45908acfd67e028cd568da98982c"),
        (uniswap_v3_logs.Swap, "c42079f94a6350d7e6235f29174924f928cc2ac818eb64fed8004e115fbcca67"),
        (uniswap_v3_logs.PancakeSwap, "19b47279256b2a23a1665c810c8d55a1758940ee09377d4f8d26497a3577dc83"),
        (uniswap_v3_logs.PoolCreated, "783cca1c0412dd0d695e784568c96da2e9c22ff989357a2e8b1d9b2b4e6b7118"),
    ],
)
def test_event_topics_are_those_on_chain(kind: type[Event], topic: str) -> None:
    """First topics are those under which the events are found on chain."""
    assert topic == kind.topic.hex()


SYNC = Sync(5, 7).log(POOL)
SWAP = uniswap_v3_logs.Swap("0x" + "01" * 20, "0x" + "02" * 20, 5, -4, 1 << 96, 10, 0).log(POOL)


@pytest.mark.parametrize(
    ("kind", "log", "offset"),
    [
        (Sync, evolve(SYNC, topics=()), 0),
        (Sync, SWAP, 0),
        (Sync, evolve(SYNC, data=SYNC.data[:-1]), 95),
        (Sync, evolve(SYNC, data=SYNC.data + b"\0"), 96),
        (Sync, evolve(SYNC, topics=(*SYNC.topics, bytes(32))), 96),
        (Sync, evolve(SYNC, data=b"\1" + SYNC.data[1:]), 32),
        (uniswap_v3_logs.Swap, evolve(SWAP, topics=(*SWAP.topics[:2], b"\1" * 32)), 64),
        (uniswap_v3_logs.Swap, evolve(SWAP, data=SWAP.data[:-32] + (1 << 30).to_bytes(32, "big")), 224),
        (uniswap_v3_logs.Swap, evolve(SWAP, topics=SWAP.topics[:2], data=SWAP.topics[2] + SWAP.data), 256),
    ],
)
def test_event_malformed_log_names_offset(kind: type[Event], log: Log, offset: int) -> None:
    """Another topic, a cut or long log and a value out of range are refused with the offset in topics and data."""
    with pytest.raises(MalformedBytes) as raised:
        kind.of(log)

    assert offset == raised.value.offset


@given(
    st.binary(min_size=0, max_size=70)
    | st.binary(min_size=64, max_size=64)
    | st.integers(0, (1 << 114) - 1).map(lambda n: n.to_bytes(32, "big") * 2)
)
def test_sync_reserves_agrees_with_event(data: bytes) -> None:
    """The short way to read a `Sync` gives the same reserves or the same error."""
    log = evolve(SYNC, data=data)

    def outcome(read: Callable[[Log], object]) -> object:
        try:
            return read(log)
        except MalformedBytes as error:
            return error.offset

    assert outcome(lambda found: astuple(Sync.of(found))) == outcome(sync_reserves)


def test_event_log_value_out_of_range_raises() -> None:
    """A reserve beyond uint112 has no log."""
    with pytest.raises(EncodeError):
        Sync(1 << 112, 0).log(POOL)
