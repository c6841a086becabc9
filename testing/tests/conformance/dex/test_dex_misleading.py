"""What is told of pools whose fee, holdings, exact outputs or curves mislead, and of answers that depend on more than the question."""

from collections.abc import Mapping
from typing import Any, ClassVar

import pytest
from attrs import evolve, frozen

from tidemill.domain.answers import Needs, NoQuote
from tidemill.domain.events import Log
from tidemill.domain.ids import AssetId
from tidemill.domain.pool import Decoded, Pool, PoolRef, Quote
from tidemill.domain.time import ChainTime
from tidemill.hookspecs.dex import States
from tidemill_testing.conformance import Broken, DexConformance, PoolCase
from tidemill_testing.plain_dex import MOST, PlainDex, PlainPool, plain_cases

WHOLE = plain_cases(capped=False)
ALL = frozenset({"recorded", "exact_out", "least_in", "segments", "logs", "steps"})


def suite_of(plugin: type, cases: tuple[PoolCase, ...] = WHOLE) -> Any:
    """Return a suite as an author would write it, with few examples."""
    return type("TestOther", (DexConformance,), {"plugin": plugin, "cases": cases, "capabilities": ALL, "example_count": 10})()


def said(rule: str, plugin: type) -> str:
    """Return what a rule says of a DEX."""
    with pytest.raises(Broken) as broken:
        getattr(suite_of(plugin), rule)()
    return str(broken.value)


def with_pool(pool: type[PlainPool]) -> type[PlainDex]:
    """Return the plain DEX with another class of pools."""
    return type("OtherDex", (PlainDex,), {"pool_class": pool})


def test_holdings_that_do_not_follow_a_swap_are_told() -> None:
    """A pool that claims ten times what it has moves it by ten times what was swapped."""

    @frozen
    class Boasting(PlainPool):
        @property
        def holdings(self) -> Mapping[AssetId, int]:
            return {asset: 10 * held for asset, held in PlainPool.holdings.fget(self).items()}  # type: ignore[attr-defined]  # a property

    rule = "test_swaps_in_a_row_never_pay_out_what_is_not_there"
    assert "1 in, 1 out: its holdings moved by +10 and -10, expected +0 to +1 and -1 (deep" in said(rule, with_pool(Boasting))
    known = tuple(evolve(case, balances=dict.fromkeys(case.ref.assets, 1 << 128)) for case in WHOLE)
    getattr(suite_of(with_pool(Boasting), known), rule)()


def test_fee_in_basis_points_is_told() -> None:
    """Parts per million are a hundred times as many."""

    @frozen
    class Bps(PlainPool):
        def quote(self, sell: AssetId, buy: AssetId, amount: int, out: int) -> Quote:
            return Quote(self.id, sell, buy, amount, out, -(-amount * self.fee_ppm // 10_000))

    assert " in at fee_ppm 3000, and the quote's fee is " in said("test_quote_says_what_was_asked", with_pool(Bps))


def test_exact_output_of_all_it_holds_is_told() -> None:
    """No input buys the whole reserve."""

    @frozen
    class Generous(PlainPool):
        def quote_exact_out(self, sell: AssetId, buy: AssetId, amount: int, at: ChainTime) -> Quote | NoQuote:
            held = self.facing(sell, buy)
            plain = PlainPool.quote_exact_out(self, sell, buy, amount, at)
            return Quote(self.id, sell, buy, MOST, amount) if held is not None and amount == held[1] else plain

    told = said("test_output_stays_below_the_reserve", with_pool(Generous))
    assert f"2000000000000000000 out, reserves (1000000000000000000, 2000000000000000000), and it asks {MOST} for it (deep" in told


def test_curve_beyond_what_was_asked_is_told() -> None:
    """A search that asks for a stretch is drawn that stretch."""

    @frozen
    class Endless(PlainPool):
        def segments(self, sell: AssetId, buy: AssetId, at: ChainTime, max_in: int) -> Any:
            return PlainPool.segments(self, sell, buy, at, max(max_in, 1_000))

    assert "asked for inputs up to 1, it draws up to 1000 (deep" in said("test_curve_keeps_within_its_slack", with_pool(Endless))


def test_answers_that_depend_on_what_was_asked_before_are_told() -> None:
    """A cache that forgets a part of the question, a pool that counts, a log that is played every second time."""
    rule = "test_what_was_asked_before_changes_no_answer"

    class EverySecond(PlainDex):
        times: ClassVar[list[int]] = []

        def apply(self, pool: Pool, log: Log, at: ChainTime) -> Pool | Needs:
            self.times.append(1)
            return pool if len(self.times) % 2 else super().apply(pool, log, at)

    @frozen
    class Cached(PlainPool):
        known: ClassVar[dict[tuple[Any, ...], Any]] = {}

        def amount_out(self, sell: AssetId, buy: AssetId, amount: int, at: ChainTime) -> int:
            key = (self.id, sell, buy, amount)  # another state of the pool has the same id
            self.known[key] = PlainPool.amount_out(self, sell, buy, amount, at) if at != WHOLE[0].at else self.known.get(key, 0)
            return int(self.known[key])

    @frozen
    class Changing(PlainPool):
        asked: int = 0

        def segments(self, sell: AssetId, buy: AssetId, at: ChainTime, max_in: int) -> Any:
            object.__setattr__(self, "asked", self.asked + 1)
            return PlainPool.segments(self, sell, buy, at, max_in)

    assert "; after other questions " in said(rule, with_pool(Cached))
    assert "deep: quotes and logs changed the pool that was asked, from Changing(" in said(rule, with_pool(Changing))
    assert "deep: log 0, played twice on the same pool, gives " in said(rule, EverySecond)


def test_pool_that_says_when_it_changes_may_change_then() -> None:
    """Before ``changes_at`` its quotes stay, from then on nothing is said of them."""
    changes = WHOLE[0].at.unix_time + 3_600

    @frozen
    class Falling(PlainPool):
        def amount_out(self, sell: AssetId, buy: AssetId, amount: int, at: ChainTime) -> int:
            out = PlainPool.amount_out(self, sell, buy, amount, at)
            return out // 2 if at.unix_time >= changes else out

    class Saying(PlainDex):
        pool_class = Falling

        def decode(self, ref: PoolRef, states: States, at: ChainTime, last: Pool | None) -> Decoded | Needs:
            plain = super().decode(ref, states, at, last)
            return evolve(plain, changes_at=changes) if isinstance(plain, Decoded) else plain

    rule = "test_time_alone_changes_no_quote"
    getattr(suite_of(Saying), rule)()
    assert " 3600 s later " in said(rule, with_pool(Falling))
