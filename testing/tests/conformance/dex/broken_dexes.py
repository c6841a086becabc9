"""DEXs each of which breaks one rule, beside one that breaks none; test_dex_rules.py runs them."""

import time
from typing import Any, ClassVar

from attrs import evolve

from tidemill.domain.answers import Needs
from tidemill.domain.events import Log
from tidemill.domain.ids import Key
from tidemill.domain.plan import PlannedSwap
from tidemill.domain.pool import Decoded, Pool, PoolRef, Watch
from tidemill.domain.time import ChainTime
from tidemill.domain.transaction import Wallet
from tidemill.errors import DecodeError
from tidemill.hookspecs.chain import Step
from tidemill.hookspecs.dex import Dex, States
from tidemill.hookspecs.plugin import settings
from tidemill.units import Bps
from tidemill_testing.conformance import DexConformance
from tidemill_testing.plain_dex import SYNC, PlainDex, PlainPool, PlainStep, fee_key, plain_cases, reserves_key

ALL = frozenset({"recorded", "exact_out", "least_in", "segments", "logs", "steps"})


class TestSound(DexConformance):
    plugin: ClassVar[type[Dex]] = PlainDex
    cases = plain_cases()
    capabilities = ALL - {"segments"}  # a pool that was read in part draws no curve


class Whole(DexConformance):
    cases = plain_cases(capped=False)
    capabilities = ALL


class TestSoundWhole(Whole):
    plugin: ClassVar[type[Dex]] = PlainDex


class Dex01(PlainDex):
    name = "Plain"


class Dex02(PlainDex):
    def __init__(self, settings: object | None = None) -> None:
        super().__init__(settings)
        self.settings = None


@settings
class AnySettings:
    level: Any = 1


class Dex03(PlainDex):
    settings: AnySettings


class Dex04(PlainDex):
    name = "uniswap"


class Dex05(PlainDex):
    made: ClassVar[list[int]] = []

    def __init__(self, settings: object | None = None) -> None:
        super().__init__(settings)
        self.made.append(1)


class Dex10(PlainDex):
    families = "plain"  # type: ignore[assignment]  # what the rule looks for


class Dex11(PlainDex):
    def decode(self, ref: PoolRef, states: States, at: ChainTime, last: Pool | None) -> Decoded | Needs:
        answer = super().decode(ref, states, at, last)
        return Needs(answer.keys * 2) if isinstance(answer, Needs) else answer


class Dex12(PlainDex):
    def decode(self, ref: PoolRef, states: States, at: ChainTime, last: Pool | None) -> Decoded | Needs:
        if reserves_key(ref.id) in states and fee_key(ref.id) not in states:
            states = {**states, fee_key(ref.id): (3_000).to_bytes(32)}
        return super().decode(ref, states, at, last)


class Dex13(PlainDex):
    def decode(self, ref: PoolRef, states: States, at: ChainTime, last: Pool | None) -> Decoded | Needs:
        answer = super().decode(ref, states, at, last)
        return Decoded(last, answer.watch) if isinstance(last, PlainPool) and isinstance(answer, Decoded) else answer


class Dex14(PlainDex):
    def decode(self, ref: PoolRef, states: States, at: ChainTime, last: Pool | None) -> Decoded | Needs:
        padded = {key: None if value is None else value.rjust(32, b"\0") for key, value in states.items()}
        return super().decode(ref, padded, at, last)


class Dex37(PlainDex):
    def decode(self, ref: PoolRef, states: States, at: ChainTime, last: Pool | None) -> Decoded | Needs:
        answer = super().decode(ref, states, at, last)
        return Decoded(answer.pool, Watch((reserves_key(ref.id),), answer.watch.logs)) if isinstance(answer, Decoded) else answer


class Dex40(PlainDex):
    def apply(self, pool: Pool, log: Log, at: ChainTime) -> Pool | Needs:
        after = super().apply(pool, log, at)
        if isinstance(after, PlainPool) and isinstance(pool, PlainPool) and after != pool:
            return evolve(after, reserves=(after.reserves[0], pool.reserves[1]))
        return after


class Dex41(PlainDex):
    def apply(self, pool: Pool, log: Log, at: ChainTime) -> Pool | Needs:
        if log.topics[:1] != (SYNC,):
            raise DecodeError(f"{pool.id}: an event that nobody knows")
        return super().apply(pool, log, at)


class Dex42(PlainDex):
    def apply(self, pool: Pool, log: Log, at: ChainTime) -> Pool | Needs:
        if log.topics[:1] == (SYNC,) and len(log.data) < 32:
            raise IndexError("out of range")
        return super().apply(pool, log, at)


class Dex43(PlainDex):
    def build_steps(self, swap: PlannedSwap, pool: Pool, at: ChainTime, wallet: Wallet) -> tuple[Step, ...]:
        return (PlainStep(evolve(swap, min_out=0)),)


class Dex44(PlainDex):
    def fee_bps(self, pool: Pool) -> Bps | None:
        return Bps((pool.fee_ppm or 0) // 1_000)


class Dex45(PlainDex):
    def apply(self, pool: Pool, log: Log, at: ChainTime) -> Pool | Needs:
        time.time()
        return super().apply(pool, log, at)


class Dex46(PlainDex):
    def decode(self, ref: PoolRef, states: States, at: ChainTime, last: Pool | None) -> Decoded | Needs:
        answer = super().decode(ref, states, at, last)
        if isinstance(answer, Needs):
            return answer
        return Decoded(answer.pool, Watch(tuple({Key(f"{ref.address}:0x{slot}") for slot in range(9)}), answer.watch.logs))


# Names at module level, so that the other process finds them
for _number in ("01", "02", "03", "04", "05", "10", "11", "12", "13", "14", "37", "40", "41", "42", "43", "44", "45", "46"):
    _dex: type[PlainDex] = globals()[f"Dex{_number}"]
    _own = {"plugin": _dex, "cases": plain_cases(_dex.name, capped=False), "__module__": __name__}
    globals()[f"TestBreaks{_number}"] = type(f"TestBreaks{_number}", (Whole,), _own)
