"""A price feed that is frozen or wrong, over a socket that is open: no order is made of it, and it is told."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.faults.live_stand import Stand, live_stand
from tests.faults.named.altered import altered, check_books

BAD = """
import attrs
real = module.SimPrices.batches

async def batches(self, setup):
    frozen = None
    async for batch in real(self, setup):
        events = batch.events
        if {when}:
            events = tuple(attrs.evolve(event, {how}) for event in events)
        yield attrs.evolve(batch, events=events)

module.SimPrices.batches = batches
"""
FIRST = 6
"""So many blocks after the first one prices go wrong."""


@pytest.fixture(scope="module")
def stand(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stand]:
    """A stand whose pools are traded only where an oracle prices both sides, with a price that is not a minute old."""
    with live_stand(tmp_path_factory.mktemp("prices")) as stand:
        path = stand.folder / "tidemill.toml"
        text = path.read_text("utf-8").replace("[risk.limits]", "[risk.limits]\nmax_oracle_age_s = 60")
        for dex in ("uniswap", "sushiswap", "quickswap", "pancakeswap"):
            text = text.replace(f"[dex.{dex}]", f"[dex.{dex}]\noracle_required = true")
        path.write_text(text)
        yield stand


def ran(stand: Stand, how: str, when: str = f"batch.seq >= {FIRST}") -> tuple[list[dict[str, Any]], str]:
    """Run with prices changed from some block on; return what was told, and the log."""
    status, out, err = stand.run("--blocks", "30", first=altered({"tidemill_price_sim.source": BAD.format(how=how, when=when)}))
    assert 0 == status, err
    return [json.loads(line) for line in out.splitlines()], err


def plans_after(told: list[dict[str, Any]], height: int) -> list[int]:
    """Return the heights, above one, at which plans were made."""
    return [line["height"] for line in told if line["event"] == "plan" and line["height"] > height]


def rejected(told: list[dict[str, Any]]) -> set[str]:
    """Return why ideas were turned away."""
    return {str(line) for line in told if line["event"] == "rejected" and line["rule"] == "oracle_required"}


def began(stand: Stand) -> int:
    return stand.chain.hello().head.height


def test_prices_as_they_should_be_are_traded_on(stand: Stand) -> None:
    """The stand trades: what follows is not silent for another reason."""
    start = began(stand)
    told, _ = ran(stand, "confidence=1", "False")

    assert plans_after(told, start + FIRST)
    check_books(stand)


def test_price_that_is_stale_while_its_socket_is_open(stand: Stand) -> None:
    """Batches come, what they hold was published long ago: past the greatest age nothing is planned, and the age is told."""
    start = began(stand)
    # A block is twelve seconds: what comes with each later one is published at the same moment
    told, _ = ran(stand, f"publish_ns=event.publish_ns - (batch.seq - {FIRST}) * 12 * 10**9")

    assert [] == plans_after(told, start + FIRST + 6)
    assert any("s old, max_oracle_age_s is 60" in reason for reason in rejected(told))
    check_books(stand)


def test_price_from_the_future_does_not_count(stand: Stand) -> None:
    """A time that no clock has reached would never be too old: it is as wrong as an old one."""
    start = began(stand)
    told, _ = ran(stand, "publish_ns=event.publish_ns + 10**13")

    assert [] == plans_after(told, start + FIRST)
    assert any("is of a time" in reason for reason in rejected(told))
    check_books(stand)


@pytest.mark.parametrize(
    ("how", "words"),
    [
        ("mantissa=event.mantissa * 10 if batch.seq % 2 else event.mantissa // 10", "is more than 4 times away from"),
        ("mantissa=0", "its price is 0: expected more than 0"),
        ("mantissa=-event.mantissa", "expected more than 0"),
        ("mantissa=float('nan')", "its price is nan"),
        ("mantissa=float(event.mantissa)", "expected whole numbers"),
    ],
    ids=["ten times off", "zero", "negative", "no number", "a fraction"],
)
def test_price_outlier_is_left_out_and_told(how: str, words: str, stand: Stand) -> None:
    """No strategy sees it and nothing is planned on it; the source is named with what it said."""
    start = began(stand)
    told, _ = ran(stand, how)
    alerts = [str(line) for line in told if line["event"] == "plugin"]

    assert [] == plans_after(told, start + FIRST)
    assert any("has no oracle price" in reason for reason in rejected(told))
    assert any(words in alert and "prices.sim" in alert for alert in alerts)
    check_books(stand)
