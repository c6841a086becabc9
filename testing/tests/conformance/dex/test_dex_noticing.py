"""What is told of DEXs that do not notice: a pool that stays as it was, state and logs that nobody reports, a swap as the chain has it."""

from collections.abc import Callable
from typing import Any

import pytest
from attrs import evolve, frozen

from tidemill.domain.answers import Needs
from tidemill.domain.ids import AssetId, PoolId
from tidemill.domain.pool import Decoded, LogFilter, Pool, PoolRef, Watch
from tidemill.domain.time import ChainTime
from tidemill.hookspecs.dex import States
from tidemill_testing.conformance import Broken, DexConformance, PoolCase, RecordedAnswer
from tidemill_testing.market import NEXT
from tidemill_testing.plain_dex import (
    ADDRESS,
    SYNC,
    PlainDex,
    PlainPool,
    fee_key,
    joined,
    plain_cases,
    plain_ref,
    plain_states,
    reserves_key,
)

WHOLE = plain_cases(capped=False)
REF = plain_ref()
ALL = frozenset({"recorded", "exact_out", "least_in", "segments", "logs", "steps"})


def asked(rule: str, plugin: type, cases: tuple[PoolCase, ...] = WHOLE) -> None:
    """Ask one rule of a suite as an author would write it, with few examples."""
    suite: Any = type("TestOther", (DexConformance,), {"plugin": plugin, "cases": cases, "capabilities": ALL, "example_count": 10})()
    getattr(suite, rule)()


def said(rule: str, plugin: type, cases: tuple[PoolCase, ...] = WHOLE) -> str:
    """Return what a rule says of a DEX."""
    with pytest.raises(Broken) as broken:
        asked(rule, plugin, cases)
    return str(broken.value)


def watching(change: Callable[[Watch], Watch], reads: bool = False) -> type[PlainDex]:
    """Return the plain DEX with another watch; with ``reads`` its fee is said to be worth one reading."""

    class Watching(PlainDex):
        def decode(self, ref: PoolRef, states: States, at: ChainTime, last: Pool | None) -> Decoded | Needs:
            plain = super().decode(ref, states, at, last)
            if isinstance(plain, Needs):
                return plain
            return Decoded(plain.pool, change(plain.watch), reads=(reserves_key(ref.id), fee_key(ref.id)) if reads else ())

    return Watching


def test_pool_that_stays_as_it_was_is_told() -> None:
    """The pool before, where bytes have changed: after a swap, and where nothing can be swapped after logs."""

    class Staying(PlainDex):
        def decode(self, ref: PoolRef, states: States, at: ChainTime, last: Pool | None) -> Decoded | Needs:
            answer = super().decode(ref, states, at, last)
            return Decoded(last, answer.watch) if isinstance(last, PlainPool) and isinstance(answer, Decoded) else answer

    class OneByte(PlainDex):
        def decode(self, ref: PoolRef, states: States, at: ChainTime, last: Pool | None) -> Decoded | Needs:
            answer = super().decode(ref, states, at, last)
            return Decoded(evolve(last, fee_ppm=1)) if isinstance(last, PlainPool) else answer

    rule = "test_equal_bytes_make_an_equal_pool"
    empty = evolve(WHOLE[0], states={**WHOLE[0].states, reserves_key(REF.id): bytes(32)})
    assert f"deep: decoded with the pool after a swap of {REF.assets[0]} as last it is Decoded(" in said(rule, Staying)
    assert "deep: decoded with the pool after its logs as last it is Decoded(" in said(rule, Staying, (empty,))
    assert "deep: decoded with the pool before as last it is Decoded(" in said(rule, OneByte)


@pytest.mark.parametrize(
    ("change", "after"),
    [
        (lambda watch: Watch((), watch.logs), ", as after its logs"),
        (lambda watch: Watch(watch.keys[1:], watch.logs), ", as after its logs"),
        (lambda watch: Watch(watch.keys[:1], watch.logs), ""),
        (lambda watch: Watch(), ", as after its logs"),
    ],
)
def test_state_that_is_not_watched_is_told(change: Callable[[Watch], Watch], after: str) -> None:
    """No key, one of the two, with log filters or without."""
    key = reserves_key(REF.id) if after else fee_key(REF.id)
    assert f"deep: other bytes at {key}{after} make another pool" in said("test_what_it_reads_is_watched", watching(change))


def test_constant_state_may_be_read_once() -> None:
    """What is named in ``reads`` need not be watched, unless the case shows that it changes."""
    rule = "test_what_it_reads_is_watched"
    asked(rule, watching(lambda watch: Watch(watch.keys[:1], watch.logs), reads=True))
    assert "as after its logs" in said(rule, watching(lambda watch: Watch((), watch.logs), reads=True))


def test_state_that_means_nothing_need_not_be_watched() -> None:
    """A key whose bytes, other ones too, make the same pool, and one whose others are refused."""

    class Deaf(PlainDex):
        def decode(self, ref: PoolRef, states: States, at: ChainTime, last: Pool | None) -> Decoded | Needs:
            plain = super().decode(ref, states, at, last)
            if isinstance(plain, Needs) or not isinstance(plain.pool, PlainPool):
                return plain
            return Decoded(evolve(plain.pool, fee_ppm=3_000), Watch(plain.watch.keys[:1], plain.watch.logs))

    asked("test_what_it_reads_is_watched", Deaf)


@pytest.mark.parametrize(
    ("logs", "told"),
    [
        ((), "and it watches no logs"),
        ((LogFilter(ADDRESS, (b"\x52" * 32,)),), "and it watches (LogFilter("),
        ((LogFilter("0x" + "b2" * 20),), "and it watches (LogFilter("),
    ],
)
def test_log_that_is_never_delivered_is_told(logs: tuple[LogFilter, ...], told: str) -> None:
    """No filter, one of another event, one of another contract; one of that event among others is enough."""
    rule = "test_logs_change_a_pool_as_state_does"
    found = said(rule, watching(lambda watch: Watch(watch.keys, logs)))
    assert f"deep: log 0 of {ADDRESS} (topic {SYNC.hex()}) moves the pool" in found
    assert told in found
    asked(rule, watching(lambda watch: Watch(watch.keys, (LogFilter(ADDRESS, (b"\x52" * 32, SYNC)),))))


def test_swap_that_the_chain_sees_otherwise_is_told() -> None:
    """A fee that leaves the pool, an amount that was not paid, a swap that is refused; the chain's own is kept."""

    @frozen
    class Leaving(PlainPool):
        def moved(self, sell: AssetId, amount: int, out: int) -> "Leaving":
            return PlainPool.moved(self, sell, amount - amount * self.fee_ppm // 1_000_000, out)

    def swapped(amount: int, out: int) -> tuple[PoolCase, ...]:
        after = {reserves_key(REF.id): joined(1_001_000, 999_004)}
        return (
            PoolCase(
                REF,
                plain_states(REF, 10**6, 10**6),
                NEXT,
                after=after,
                name="traded",
                swap=RecordedAnswer(REF.assets[0], REF.assets[1], amount, out),
            ),
        )

    rule, leaving = "test_swap_gives_its_quote_and_the_pool_after", type("OtherDex", (PlainDex,), {"pool_class": Leaving})
    asked(rule, PlainDex, swapped(1_000, 996))
    assert "traded: after a swap of 1000 it holds {" in said(rule, leaving, swapped(1_000, 996))
    assert "traded: the chain paid 997 for 1000, got 996" in said(rule, PlainDex, swapped(1_000, 997))
    assert "traded: the chain swapped 0 for 0, got NoQuote(" in said(rule, PlainDex, swapped(0, 0))


def test_value_beyond_the_contracts_type_is_told() -> None:
    """Only the author knows what no such contract holds; what is refused is well."""
    rule = "test_bytes_of_no_such_pool_are_a_decode_error"
    fee = (evolve(WHOLE[0], impossible={fee_key(PoolId(REF.id)): (10**6).to_bytes(32)}),)
    most = (evolve(WHOLE[0], impossible={reserves_key(REF.id): joined(1 << 112, 1)}),)
    asked(rule, PlainDex, fee)
    assert f"deep: no such contract holds {joined(1 << 112, 1).hex()} at {reserves_key(REF.id)}, and decode gave Decoded" in said(
        rule, PlainDex, most
    )
