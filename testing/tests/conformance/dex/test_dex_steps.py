"""Steps beside the swap that they were planned for."""

from collections.abc import Callable
from typing import Any

import pytest
from attrs import evolve, frozen

from tidemill.domain.ids import AssetId, address_of
from tidemill.domain.plan import PlannedSwap
from tidemill.domain.pool import Pool
from tidemill.domain.time import ChainTime
from tidemill.domain.transaction import Wallet
from tidemill.hookspecs.chain import Step
from tidemill_evm.steps import CallSwap, V2Swap, V3Swap
from tidemill_testing.conformance import Broken, DexConformance
from tidemill_testing.plain_dex import PlainDex, PlainPool, PlainStep, plain_cases

CASES = plain_cases(capped=False)
VAULT = "0x" + "ba" * 20
HUB = "0x" + "33" * 20


def asked(build: Callable[[PlannedSwap, Any], tuple[Step, ...]], pool: type[PlainPool] = PlainPool) -> None:
    """Ask the rule of steps of the plain DEX with steps that ``build`` makes."""

    class Building(PlainDex):
        pool_class = pool

        def build_steps(self, swap: PlannedSwap, pool: Pool, at: ChainTime, wallet: Wallet) -> tuple[Step, ...]:
            return build(swap, pool)

    suite: Any = type("TestOther", (DexConformance,), {"plugin": Building, "cases": CASES, "capabilities": frozenset({"steps"})})()
    suite.test_steps_carry_out_the_swap()


def pair(swap: PlannedSwap, pool: Any) -> V2Swap:
    sell, buy = address_of(swap.sell), address_of(swap.buy)
    return V2Swap(address_of(pool.id), sell, buy, swap.sell == pool.assets[0], pool.fee_ppm, swap.amount_in, swap.min_out)


def concentrated(swap: PlannedSwap, pool: Any) -> V3Swap:
    sell, buy = address_of(swap.sell), address_of(swap.buy)
    return V3Swap(address_of(pool.id), sell, buy, swap.sell == pool.assets[0], swap.amount_in, swap.min_out)


def call(swap: PlannedSwap, pool: Any) -> CallSwap:
    return CallSwap(VAULT, VAULT, address_of(swap.sell), address_of(swap.buy), bytes(36), 4, swap.amount_in, swap.min_out)


def through_a_hub(swap: PlannedSwap, pool: Any) -> tuple[CallSwap, CallSwap]:
    return evolve(call(swap, pool), token_out=HUB, min_out=0), evolve(call(swap, pool), token_in=HUB, amount_in=None)


@pytest.mark.parametrize("step", [pair, concentrated, call])
def test_step_as_planned_is_kept(step: Any) -> None:
    """Every step of the EVM family, and addresses in another case."""
    asked(lambda swap, pool: (step(swap, pool),))
    asked(lambda swap, pool: (evolve(step(swap, pool), token_in=address_of(swap.sell).upper()),))


def test_two_calls_in_a_row_are_kept() -> None:
    """The first says what goes in, the last what comes out."""
    asked(through_a_hub)
    with pytest.raises(Broken, match="CallSwap has min_out 0, expected"):
        asked(lambda swap, pool: (*through_a_hub(swap, pool)[:1], evolve(through_a_hub(swap, pool)[1], min_out=0)))


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda step: {"min_out": step.min_out * 99 // 100}, "V2Swap has min_out 990000, expected 1000000"),
        (lambda step: {"amount_in": step.amount_in and step.amount_in + 1}, "V2Swap has amount_in 1000001, expected 1000000"),
        (lambda step: {"amount_in": 10**6 + (step.amount_in or 7) % 2}, "V2Swap has amount_in 1000001, expected None"),
        (lambda step: {"zero_for_one": not step.zero_for_one}, "V2Swap has zero_for_one False, expected True"),
        (lambda step: {"fee_ppm": 0}, "V2Swap has fee_ppm 0, expected 3000"),
        (lambda step: {"pool": VAULT}, f"V2Swap has pool '{VAULT}', expected"),
        (lambda step: {"token_in": step.token_out}, "V2Swap has token_in"),
        (lambda step: {"token_out": HUB}, f"V2Swap has token_out '{HUB}'"),
    ],
)
def test_step_unlike_its_plan_is_told(change: Any, told: str) -> None:
    """Which field, what stands in it, what was planned."""
    with pytest.raises(Broken) as broken:
        asked(lambda swap, pool: (evolve(pair(swap, pool), **change(pair(swap, pool))),))

    assert told in str(broken.value)


def test_fee_that_varies_is_not_compared() -> None:
    """Without a constant fee, what the step computes with is the pool's business."""

    @frozen
    class Varying(PlainPool):
        def __getattribute__(self, name: str) -> Any:
            return None if name == "fee_ppm" else object.__getattribute__(self, name)

        def paid(self, amount: int, reserve_in: int, reserve_out: int) -> int:
            return amount * reserve_out // (reserve_in + amount) if reserve_in and reserve_out else 0

        def quote(self, sell: AssetId, buy: AssetId, amount: int, out: int) -> Any:
            return PlainPool(self.id, self.assets, 0, self.reserves).quote(sell, buy, amount, out)

    asked(lambda swap, pool: (evolve(pair(swap, pool), fee_ppm=77),), Varying)


def test_steps_of_another_family_that_keep_a_part_are_told() -> None:
    """Two neighbouring amounts that become one show that something was taken off."""

    def kept(amount: int | None) -> int | None:
        return amount and amount * 999 // 1_000

    with pytest.raises(Broken, match="another min_out gives the same steps"):
        asked(lambda swap, pool: (PlainStep(evolve(swap, min_out=kept(swap.min_out) or 0)),))
    with pytest.raises(Broken, match="another amount_in gives the same steps"):
        asked(lambda swap, pool: (PlainStep(evolve(swap, amount_in=kept(swap.amount_in))),))
