"""A run to tell about."""

import pytest

from tidemill.domain.asset import Asset
from tidemill.domain.ids import AssetId
from tidemill.domain.note import Note, RunHeader, Summary

USDC = AssetId("sim:1/erc20:0xaa")
ETH = AssetId("sim:1/slip44:60")


@pytest.fixture
def header() -> RunHeader:
    return RunHeader("0.1.0", "paper", "sim:1", 1, (), 240, 48, 5)


@pytest.fixture
def notes() -> list[Note]:
    """Sixty blocks: a rejection and a plan in each, a fill in every tenth, one revert and one warning."""
    earned = (("net", "18310000"), ("symbol", "USDC"), ("decimals", 6))
    told: list[Note] = []
    for height in range(1, 61):
        told += [
            Note("head", "debug", height, 1_704_067_200 + height, f"block {height}"),
            Note("rejected", "debug", height, 1_704_067_200 + height, "triangular  rejected: too little"),
            Note("plan", "debug", height, 1_704_067_200 + height, "spatial  sent"),
        ]
        if height % 10 == 0:
            told.append(Note("fill", "info", height, 1_704_067_200 + height, f"spatial  filled in block {height}", earned))
    told.append(Note("revert", "info", 60, 1_704_067_260, "spatial  reverted", (("net", "-310000"), *earned[1:])))
    told.append(Note("plugin", "warning", 60, 1_704_067_260, "dex.orca failed"))
    return told


@pytest.fixture
def summary() -> Summary:
    """212 blocks, 31 fills, 84.11 USDC."""
    assets = {USDC: Asset(USDC, "USDC", 6), ETH: Asset(ETH, "ETH", 18)}
    return Summary(212, 9, 99, 40, 31, 1, 59, {USDC: 84_110_000}, {ETH: 3 * 10**15}, "5f2c" * 16, "", "tidemill-data", 30, assets)
