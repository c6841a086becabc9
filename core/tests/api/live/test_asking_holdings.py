"""Whether what is held could be sold back: asked of the chain, and compared with the policy of this configuration."""

from collections.abc import Callable, Sequence
from types import SimpleNamespace
from typing import Any

import anyio
import pytest

from tidemill.api.live.asking_holdings import flatten_findings, watched_assets
from tidemill.config.model import SignerConfig
from tidemill.domain.finding import Finding
from tidemill.domain.ids import AssetId, ChainId
from tidemill.domain.time import ChainTime
from tidemill.domain.transaction import Wallet
from tidemill.errors import Unavailable
from tidemill.pipeline.assemble import Pipeline

Made = Callable[..., Pipeline]
SIM = ChainId("sim:1")


class Link:
    """A link that holds seven units of these assets, and writes down what it was asked."""

    def __init__(self, *held: AssetId, error: Exception | None = None) -> None:
        self.held = held
        self.error = error
        self.asked: list[AssetId] = []

    async def newest(self) -> ChainTime:
        return ChainTime(SIM, 9, 0)

    async def holdings(self, wallet: Wallet, assets: Sequence[AssetId], height: int) -> tuple[tuple[AssetId, int], ...]:
        self.asked.extend(assets)
        if self.error is not None:
            raise self.error
        return tuple((asset, 7 if asset in self.held else 0) for asset in assets)


def asked(pipeline: Pipeline, link: Any, signer: SignerConfig | None = None) -> list[Finding]:
    chosen = signer or pipeline.config.signer
    assert chosen is not None

    async def ask() -> list[Finding]:
        return [finding async for finding in flatten_findings(pipeline, {SIM: link} if link else {}, chosen)]

    return anyio.run(ask)


@pytest.fixture
def others(made: Made, named: SimpleNamespace) -> tuple[AssetId, ...]:
    """The assets that are neither base nor native, as the chain verifies them."""
    return tuple(asset for asset in watched_assets(made()) if "erc20" in asset and asset != named.usdc)


def test_what_is_held_and_may_not_be_spent_is_one_warning(made: Made, named: SimpleNamespace, others: tuple[AssetId, ...]) -> None:
    """The assets are named as people call them, and the table to add."""
    pipeline = made()
    (found,) = asked(pipeline, Link(*others[:2], AssetId(named.usdc)))
    symbols = {asset.id: asset.symbol for asset in pipeline.assets}

    names = ", ".join(symbols[asset] for asset in others[:2])
    said = f"{named.account} of book main holds {names}, which the policy lets nobody spend: `stop --now --flatten` leaves it"
    assert ("flatten", "warning", said) == (found.subject, found.severity, found.message)
    assert f'name it with its limits: [signer.chains."sim:1".spends."{others[0]}"]' == found.remedy


def test_what_may_be_spent_is_not_asked_for(made: Made, named: SimpleNamespace, others: tuple[AssetId, ...]) -> None:
    """Nor are the base asset and the native coin: a flatten leaves them on purpose."""
    table = f'[signer.chains."sim:1".spends."{named.usdc}"]'
    more = f'[signer.chains."sim:1".spends."{others[0]}"]\ndecimals = 18\nper_transaction = "{{}}"\nper_day = "1"\n{table}'
    link = Link(others[0])
    allowed = asked(made((table, more.format(1))), link)

    assert ([], others[1:]) == (allowed, tuple(link.asked))
    assert 1 == len(asked(made((table, more.format(0))), Link(others[0])))
    assert [] == asked(made((table, more.format(0))), Link())


def test_a_chain_that_cannot_be_asked_is_left_to_others(made: Made, others: tuple[AssetId, ...]) -> None:
    """It is told once, where the chains are asked; one without a policy too."""
    pipeline = made()
    signer = pipeline.config.signer
    assert signer is not None

    assert [] == asked(pipeline, Link(*others, error=Unavailable("no route")))
    assert [] == asked(pipeline, None)
    assert [] == asked(pipeline, Link(*others), SignerConfig(signer.keystore, signer.socket, True, {}))
