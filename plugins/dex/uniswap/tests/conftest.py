"""Pools and their storage, and a reader of it."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from attrs import frozen

from tidemill.domain.answers import Needs
from tidemill.domain.ids import ChainId, Key, erc20, pool_id
from tidemill.domain.pool import Decoded, PoolRef
from tidemill.domain.time import ChainTime
from tidemill.hookspecs.dex import Dex
from tidemill_dex_uniswap.uniswap import Uniswap
from tidemill_evm.storage import storage_key
from tidemill_evm.uniswap_v3 import UNISWAP_V3, Slot0, V3Layout

CHAIN = ChainId("eip155:1")
AT = ChainTime(CHAIN, 100, 1_700_000_000)


@frozen
class Bench:
    """What tests do with a DEX; no pool that it loads asks more than three times."""

    at: ChainTime = AT

    def ref(
        self, kind: str, address: str = "0x" + "ab" * 20, fee_ppm: int | None = 3_000, spacing: int = 60, dex: str = "uniswap"
    ) -> PoolRef:
        """Describe a pool of tokens 0x11… and 0x22…."""
        assets = (erc20(CHAIN, "0x" + "11" * 20), erc20(CHAIN, "0x" + "22" * 20))
        details = (("tick_spacing", spacing),) if kind == "v3" else ()
        return PoolRef(pool_id(CHAIN, dex, address), dex, CHAIN, address, assets, kind, fee_ppm, details)

    def load(self, dex: Dex, ref: PoolRef, storage: Mapping[Key, bytes]) -> tuple[Decoded, int]:
        """Decode from a whole storage, reading what is asked for; also gives the number of rounds."""
        return self.grow(dex, ref, storage, {})

    def grow(self, dex: Dex, ref: PoolRef, storage: Mapping[Key, bytes], states: dict[Key, bytes | None]) -> tuple[Decoded, int]:
        """Decode from what was read already and what is asked for."""
        for rounds in range(4):
            answer = dex.decode(ref, states, self.at, None)
            if isinstance(answer, Decoded):
                return answer, rounds
            assert isinstance(answer, Needs)
            assert answer.keys
            assert not states.keys() & set(answer.keys)
            states.update({key: storage.get(key) for key in answer.keys})
        raise AssertionError("it still asks for state after three rounds")

    def storage(
        self,
        ref: PoolRef,
        sqrt_price_x96: int,
        tick: int,
        liquidity: int,
        ticks: Mapping[int, tuple[int, int]],
        layout: V3Layout = UNISWAP_V3,
    ) -> dict[Key, bytes]:
        """Return the storage of a concentrated pool."""
        spacing = ref.detail("tick_spacing")
        assert isinstance(spacing, int)
        slots = layout.pool_storage(Slot0(sqrt_price_x96, tick), liquidity, spacing, ticks)
        return {storage_key(ref.address, slot): word for slot, word in slots.items()}


@pytest.fixture(scope="session")
def bench() -> Bench:
    return Bench()


@pytest.fixture(scope="session")
def uniswap() -> Uniswap:
    return Uniswap()


@pytest.fixture(scope="session")
def wbtc_weth(recorded: Callable[[str], Path], bench: Bench) -> tuple[PoolRef, dict[Key, bytes]]:
    """The WBTC/WETH 0.30 % pool of Ethereum at block 24407242, all 458 ticks, as storage."""
    pool = json.loads(recorded("evm/chain_data/1/uniswap_v3_wbtc_weth_block_24407242.json").read_text("utf-8"))
    ref = bench.ref("v3", pool["pool"].lower())
    scalars = pool["scalars"]
    ticks = {int(tick): (gross, net) for tick, (gross, net, _) in pool["tick_data"].items()}
    return ref, bench.storage(ref, scalars["sqrt_price_x96"], scalars["tick"], scalars["liquidity"], ticks)


@pytest.fixture(scope="session")
def golden(recorded: Callable[[str], Path]) -> Callable[[str], list[tuple[str, str, int, int]]]:
    """Gives function, direction, amount and recorded answer of each entry of a golden file."""

    def read(name: str) -> list[tuple[str, str, int, int]]:
        entries: dict[str, Any] = json.loads(recorded(f"evm/golden/{name}").read_text("utf-8"))["entries"]
        split = [(key.split("|"), entry["value"]) for key, entry in entries.items()]
        return [(function, direction, int(amount), value) for (_, function, direction, amount), value in split]

    return read
