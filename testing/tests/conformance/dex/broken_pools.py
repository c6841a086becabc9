"""Pools each of which breaks one rule of a DEX; test_dex_rules.py runs them."""

from collections.abc import Mapping
from typing import Any, NoReturn

from attrs import evolve, field, frozen

from tidemill.domain.answers import NoCurve, NoQuote
from tidemill.domain.ids import AssetId
from tidemill.domain.pool import Curve, Quote, Segment, Swapped
from tidemill.domain.time import ChainTime
from tidemill_testing.conformance import DexConformance
from tidemill_testing.market import NEXT
from tidemill_testing.plain_dex import PlainDex, PlainPool, plain_cases

ALL = frozenset({"recorded", "exact_out", "least_in", "segments", "logs", "steps"})
UNDRAWN = ALL - {"segments"}
UNRECORDED = ALL - {"recorded"}
SILENT = UNRECORDED - {"exact_out", "least_in"}


@frozen
class Pool15(PlainPool):
    @property
    def holdings(self) -> Mapping[AssetId, int]:
        return {**dict(zip(self.assets, self.reserves, strict=True)), AssetId("other"): 1}


@frozen
class Pool16(PlainPool):
    notes: list[str] = field(factory=list)


@frozen
class Pool17(PlainPool):
    def __reduce__(self) -> NoReturn:
        raise TypeError("it holds an open file")


@frozen
class Pool18(PlainPool):
    def quote_exact_in(self, sell: AssetId, buy: AssetId, amount: int, at: ChainTime) -> Quote | NoQuote:
        return PlainPool.quote_exact_in(self if self.cap is not None else evolve(self, cap=1 << 127), sell, buy, amount, at)


@frozen
class Pool19(PlainPool):
    def quote_exact_in(self, sell: AssetId, buy: AssetId, amount: int, at: ChainTime) -> Quote | NoQuote:
        quote = PlainPool.quote_exact_in(self, sell, buy, amount, at)
        return quote if isinstance(quote, Quote) else evolve(quote, keys=())


@frozen
class Pool20(PlainPool):
    def paid(self, amount: int, reserve_in: int, reserve_out: int) -> int:
        out = PlainPool.paid(self, amount, reserve_in, reserve_out)
        return out - 1 if out > 600 else out


@frozen
class Pool21(PlainPool):
    def paid(self, amount: int, reserve_in: int, reserve_out: int) -> int:
        return max(PlainPool.paid(self, amount, reserve_in, reserve_out) - (amount % 2 == 0), 0)


@frozen
class Pool22(PlainPool):
    def paid(self, amount: int, reserve_in: int, reserve_out: int) -> int:
        out = PlainPool.paid(self, amount, reserve_in, reserve_out)
        return out // 2 if out < reserve_out // 2 else out

    def segments(self, sell: AssetId, buy: AssetId, at: ChainTime, max_in: int) -> NoCurve:
        return NoCurve()


@frozen
class Pool23(PlainPool):
    def paid(self, amount: int, reserve_in: int, reserve_out: int) -> int:
        out = PlainPool.paid(self, amount, reserve_in, reserve_out)
        return out + 1 if amount >> 100 and out + 1 == reserve_out else out


@frozen
class Pool24(PlainPool):
    def paid(self, amount: int, reserve_in: int, reserve_out: int) -> int:
        out = PlainPool.paid(self, amount, reserve_in, reserve_out)
        return min(out + 1, reserve_out - 1) if amount < 1_000 else out

    def segments(self, sell: AssetId, buy: AssetId, at: ChainTime, max_in: int) -> NoCurve:
        return NoCurve()


@frozen
class Pool25(PlainPool):
    def quote(self, sell: AssetId, buy: AssetId, amount: int, out: int) -> Quote:
        fee: Any = amount * 0.003
        return Quote(self.id, sell, buy, amount, out, fee)


@frozen
class Pool26(PlainPool):
    def amount_out(self, sell: AssetId, buy: AssetId, amount: int, at: ChainTime) -> int:
        out = PlainPool.amount_out(self, sell, buy, amount, at)
        return out - 1 if out else out


@frozen
class Pool27(PlainPool):
    def segments(self, sell: AssetId, buy: AssetId, at: ChainTime, max_in: int) -> Curve | NoCurve:
        return PlainPool.segments(self, self.assets[self.assets.index(sell)], buy, at, max_in)


@frozen
class Pool28(PlainPool):
    def swap_exact_in(self, sell: AssetId, buy: AssetId, amount: int, at: ChainTime) -> Swapped | NoQuote:
        swapped = PlainPool.swap_exact_in(self, sell, buy, amount, at)
        return evolve(swapped, quote=evolve(swapped.quote, fee=0)) if isinstance(swapped, Swapped) else swapped


@frozen
class Pool29(PlainPool):
    def moved(self, sell: AssetId, amount: int, out: int) -> "Pool29":
        return PlainPool.moved(self, sell, amount, 0)


@frozen
class Pool30(PlainPool):
    def least(self, amount: int, reserve_in: int, reserve_out: int) -> int:
        return max(PlainPool.least(self, amount, reserve_in, reserve_out) * 99 // 100, 1)


@frozen
class Pool31(PlainPool):
    def least(self, amount: int, reserve_in: int, reserve_out: int) -> int:
        return PlainPool.least(self, amount, reserve_in, reserve_out) + 1


@frozen
class Pool32(PlainPool):
    def segments(self, sell: AssetId, buy: AssetId, at: ChainTime, max_in: int) -> Curve | NoCurve:
        curve = PlainPool.segments(self, sell, buy, at, max_in)
        return Curve(tuple(evolve(one, a=one.a * 99 // 100) for one in curve.segments), 0) if isinstance(curve, Curve) else curve


@frozen
class Pool33(PlainPool):
    def segments(self, sell: AssetId, buy: AssetId, at: ChainTime, max_in: int) -> NoCurve:
        return NoCurve("not today")


@frozen
class Pool35(PlainPool):
    newest: int = field(default=0, eq=False, repr=False)

    def paid_at(self, out: int, at: ChainTime) -> int:
        object.__setattr__(self, "newest", max(self.newest, at.unix_time))
        return out - 1 if out and at.unix_time < self.newest else out

    def amount_out(self, sell: AssetId, buy: AssetId, amount: int, at: ChainTime) -> int:
        return self.paid_at(PlainPool.amount_out(self, sell, buy, amount, at), at)


@frozen
class Pool36(PlainPool):
    def amount_out(self, sell: AssetId, buy: AssetId, amount: int, at: ChainTime) -> int:
        out = PlainPool.amount_out(self, sell, buy, amount, at)
        return out - 1 if out and at.unix_time > NEXT.unix_time else out


@frozen
class Pool47(PlainPool):
    """Asks for too little, where nobody was told that it answers."""

    def least(self, amount: int, reserve_in: int, reserve_out: int) -> int:
        return max(PlainPool.least(self, amount, reserve_in, reserve_out) * 99 // 100, 1)


@frozen
class Pool38(PlainPool):
    def segments(self, sell: AssetId, buy: AssetId, at: ChainTime, max_in: int) -> Curve | NoCurve:
        curve, middle = PlainPool.segments(self, sell, buy, at, max_in), max_in // 2
        if isinstance(curve, NoCurve) or not middle:
            return curve
        return Curve((Segment(0, middle, 1 << 80, 1, 0), Segment(middle, max_in, 1 << 81, 1, 0)), 1 << 250)


@frozen
class Pool39(PlainPool):
    def segments(self, sell: AssetId, buy: AssetId, at: ChainTime, max_in: int) -> Curve | NoCurve:
        curve = PlainPool.segments(self, sell, buy, at, max_in)
        return Curve(tuple(evolve(one, a=one.a * 9 // 10) for one in curve.segments), 1 << 200) if isinstance(curve, Curve) else curve


_CAPABILITIES = {
    "18": UNDRAWN,
    "19": UNDRAWN,
    "21": UNRECORDED - {"least_in"},
    "22": UNDRAWN & UNRECORDED,
    "24": UNDRAWN & UNRECORDED,
    "30": UNRECORDED,
    "31": UNRECORDED,
    "47": SILENT,
}
# Names at module level, so that the other process finds them
for _number in (*range(15, 34), 35, 36, 38, 39, 47):
    _pool: type[PlainPool] = globals()[f"Pool{_number}"]
    _dex = type(f"Dex{_number}", (PlainDex,), {"pool_class": _pool, "__module__": __name__})
    _capabilities = _CAPABILITIES.get(str(_number), ALL)
    _cases = plain_cases(capped=_number in (18, 19))
    if "recorded" not in _capabilities:
        _cases = tuple(evolve(case, answers=()) for case in _cases)
    _own = {"plugin": _dex, "capabilities": _capabilities, "cases": _cases, "__module__": __name__}
    globals()[f"Dex{_number}"] = _dex
    globals()[f"TestBreaks{_number}"] = type(f"TestBreaks{_number}", (DexConformance,), _own)
