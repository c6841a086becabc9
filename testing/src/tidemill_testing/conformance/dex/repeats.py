"""Rules of asking again: neither the order of questions nor the hour may change an answer."""

from collections.abc import Iterator

from attrs import evolve

from tidemill.domain.events import Log
from tidemill.domain.ids import AssetId
from tidemill.domain.pool import Pool, Quote
from tidemill.domain.time import ChainTime
from tidemill.errors import DecodeError
from tidemill.hookspecs.dex import Dex
from tidemill_testing.conformance.dex.bench import DexBench, Lane, Loaded, directions
from tidemill_testing.conformance.rule import rule

_LATER_S = (1, 12, 3_600, 86_400, 400 * 86_400)
_BLOCK_S = 12
_STEP = 12


class DexRepeatRules(DexBench):
    """Rules 35 and 36."""

    @rule("DEX-35", "what was asked before changes no answer")
    def test_what_was_asked_before_changes_no_answer(self) -> None:
        """A search asks the same pool thousands of times, in an order that depends on other pools; a replay asks in another one.

        If this fails: keep nothing of a question, neither in the pool nor in the module; a cache is keyed by all that the answer depends
        on: the pool, not its id, both assets, the amount and ``at``.
        """
        dex = self.dex()
        for loaded in self.loaded():
            pool, shown = loaded.pool, repr(loaded.pool)
            asked = list(_questions(loaded, loaded.case.at))
            first = [_answer(pool, *question) for question in asked]
            _disturb(dex, loaded)
            for question, was, now in zip(reversed(asked), reversed(first), [_answer(pool, *one) for one in reversed(asked)], strict=True):
                if was != now:
                    sell, buy, amount, _ = question
                    self.broken(f"{amount} in gave {was}; after other questions {now} ({Lane(loaded, sell, buy)})")
            if repr(pool) != shown:
                self.broken(f"{loaded.case}: quotes and logs changed the pool that was asked, from {shown} to {pool!r}")
            self._logs_repeat(dex, loaded)

    def _logs_repeat(self, dex: Dex, loaded: Loaded) -> None:
        for log in loaded.case.logs:
            once, again = (_played(dex, loaded, log) for _ in range(2))
            if once != again:
                self.broken(f"{loaded.case}: log {log.index}, played twice on the same pool, gives {once!r} and {again!r}")

    @rule("DEX-36", "time alone changes no quote before changes_at")
    def test_time_alone_changes_no_quote(self) -> None:
        """The kernel goes on with a pool as long as nothing of it was reported: a fee that falls meanwhile is seen too late or never.

        If this fails: return ``Decoded(pool, watch, changes_at=…)`` with the second from which on ``at`` changes what the pool quotes;
        leave ``at`` alone where the contract does not ask for the time.
        """
        for loaded in self.loaded():
            at, ends = loaded.case.at, loaded.decoded.changes_at
            paid = [(sell, buy, amount, loaded.pool.amount_out(sell, buy, amount, at)) for sell, buy, amount, _ in _questions(loaded, at)]
            for later_s in _LATER_S:
                later = evolve(at, height=at.height + -(-later_s // _BLOCK_S), unix_time=at.unix_time + later_s)
                if ends and later.unix_time >= ends:
                    break
                for sell, buy, amount, now in paid:
                    then = loaded.pool.amount_out(sell, buy, amount, later)
                    if then and now != then:
                        lane = Lane(loaded, sell, buy)
                        self.broken(f"{amount} in pays {now}, {later_s} s later {then}, and changes_at is {ends or 'not set'} ({lane})")


def _questions(loaded: Loaded, at: ChainTime) -> Iterator[tuple[AssetId, AssetId, int, ChainTime]]:
    """Yield questions of growing amounts, both directions of each in turn."""
    for bits in range(0, 256, _STEP):
        for sell, buy in directions(loaded.pool):
            yield sell, buy, 1 << bits, at


def _answer(pool: Pool, sell: AssetId, buy: AssetId, amount: int, at: ChainTime) -> tuple[object, int, object]:
    """Return all figures for an amount: quoted, bare, and what buying what it buys asks for."""
    quote = pool.quote_exact_in(sell, buy, amount, at)
    back = pool.quote_exact_out(sell, buy, quote.amount_out, at) if isinstance(quote, Quote) and quote.amount_out else None
    return quote, pool.amount_out(sell, buy, amount, at), back


def _disturb(dex: Dex, loaded: Loaded) -> None:
    """Ask for what nobody compares: later, of the pool after swaps, of the one that its logs make, for curves."""
    pool, at = loaded.pool, loaded.case.at
    later = evolve(at, height=at.height + 7, unix_time=at.unix_time + 7 * _BLOCK_S)
    for sell, buy, amount, _ in _questions(loaded, at):
        swapped = pool.swap_exact_in(sell, buy, amount, later)
        after = getattr(swapped, "pool", None)
        if isinstance(after, Pool):
            _answer(after, buy, sell, amount, later)
        _answer(pool, sell, buy, amount + 1, later)
        pool.segments(sell, buy, later, amount)
    for log in loaded.case.logs:
        moved = _played(dex, loaded, log)
        if isinstance(moved, Pool):
            for question in _questions(loaded, at):
                _answer(moved, *question)


def _played(dex: Dex, loaded: Loaded, log: Log) -> object:
    try:
        return dex.apply(loaded.pool, log, loaded.case.at)
    except DecodeError as error:
        return str(error)
