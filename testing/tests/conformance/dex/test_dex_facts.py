"""The other ways to break a rule of a DEX, and what is said of each."""

from collections.abc import Mapping
from typing import Any, ClassVar

import pytest
from attrs import evolve, frozen

from tidemill.domain.answers import Needs, NoQuote, NoQuoteReason
from tidemill.domain.events import Log
from tidemill.domain.ids import AssetId, Key, PoolId
from tidemill.domain.plan import PlannedSwap
from tidemill.domain.pool import Curve, Decoded, Pool, PoolRef, Quote, Segment, Swapped
from tidemill.domain.time import ChainTime
from tidemill.domain.transaction import Wallet
from tidemill.hookspecs.chain import Step
from tidemill.hookspecs.dex import States
from tidemill_testing.conformance import Broken, DexConformance, PoolCase, RecordedAnswer
from tidemill_testing.plain_dex import PlainDex, PlainPool, cap_key, plain_cases, plain_ref

WHOLE, CAPPED = plain_cases(capped=False), plain_cases()[2:]
ALL = frozenset({"recorded", "exact_out", "least_in", "segments", "logs", "steps"})


def suite_of(plugin: type, cases: tuple[PoolCase, ...] = WHOLE) -> Any:
    """Return a suite as an author would write it, with few examples."""
    return type("TestOther", (DexConformance,), {"plugin": plugin, "cases": cases, "capabilities": ALL, "example_count": 10})()


def said(rule: str, plugin: type = PlainDex, cases: tuple[PoolCase, ...] = WHOLE) -> str:
    """Return what a rule says of a DEX."""
    with pytest.raises(Broken) as broken:
        getattr(suite_of(plugin, cases), rule)()
    return str(broken.value)


def with_pool(pool: type[PlainPool]) -> type[PlainDex]:
    """Return the plain DEX with another class of pools."""
    return type("OtherDex", (PlainDex,), {"pool_class": pool})


def test_wrong_kinds_of_answers_are_told() -> None:
    """What is no DEX, has no yes or no, is of another DEX, or gives no cases."""

    class Truthy(PlainDex):
        exact = 1  # type: ignore[assignment]  # what the rule looks for

    class Abstract(PlainDex):
        exact = None  # type: ignore[assignment]  # what the rule looks for

    class Namesake(PlainDex):
        name = "namesake"

    assert "expected a class derived from Dex, found <class 'int'>" in said("test_class_declares_what_it_is", int)
    assert "Abstract does not set exact" in said("test_class_declares_what_it_is", Abstract)
    assert "expected exact = True or False, found 1" in said("test_families_and_exactness_are_said", Truthy)
    assert "deep: its pool is of DEX 'plain', the plugin is 'namesake'" in said("test_families_and_exactness_are_said", Namesake)
    assert "TestOther gives no cases" in said("test_pool_is_the_one_asked_for", cases=())
    empty = PoolCase(plain_ref(), {}, WHOLE[0].at)
    assert "no case's pool quotes any power of two" in said("test_selling_more_never_pays_less", cases=(empty,))


class Decoding(PlainDex):
    """Answers to ``decode`` what ``answer`` makes of the plain answer."""

    def answer(self, plain: Decoded | Needs, ref: PoolRef, states: States) -> Any:
        return plain

    def decode(self, ref: PoolRef, states: States, at: ChainTime, last: Pool | None) -> Decoded | Needs:
        found: Decoded | Needs = self.answer(super().decode(ref, states, at, last), ref, states)
        return found


def test_decode_that_never_ends_is_told() -> None:
    """Always another key, a key of a ninth round, no key at all, nothing at all."""

    class Endless(Decoding):
        def answer(self, plain: Decoded | Needs, ref: PoolRef, states: States) -> Needs:
            return Needs((Key(f"more:{len(states):#x}"),))

    class Slow(Decoding):
        def answer(self, plain: Decoded | Needs, ref: PoolRef, states: States) -> Decoded | Needs:
            return Needs((Key(f"more:{len(states):#x}"),)) if len(states) < 11 and isinstance(plain, Decoded) else plain

    class Silent(Decoding):
        def answer(self, plain: Decoded | Needs, ref: PoolRef, states: States) -> None:
            return None

    rule = "test_decode_asks_a_bounded_number_of_times"
    assert "deep: decode still asks for state after 64 rounds, last for ('more:0x3f',)" in said(rule, Endless)
    assert "deep: 10 rounds; the kernel gives up after 8" in said(rule, Slow)
    assert "deep: decode returned None: expected Decoded or Needs" in said(rule, Silent)


def test_decode_that_depends_on_the_order_of_reading_is_told() -> None:
    """A pool that remembers how much was asked is another one each time."""

    class Latest(Decoding):
        def answer(self, plain: Decoded | Needs, ref: PoolRef, states: States) -> Decoded | Needs:
            if isinstance(plain, Decoded) and isinstance(plain.pool, PlainPool):
                return Decoded(evolve(plain.pool, cap=(1 << 100) + (next(iter(states)) == Key(f"{ref.address}:0x1"))), plain.watch)
            return plain

    assert "with 0xa1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1:0x0 read last the pool is another one" in said(
        "test_decode_never_guesses", Latest
    )


@frozen
class WrongPool(PlainPool):
    """Says something else of itself, as ``told`` names it."""

    told: ClassVar[Mapping[str, Any]] = {}

    def __getattribute__(self, name: str) -> Any:
        told = object.__getattribute__(self, "told")
        return told[name] if name in told else object.__getattribute__(self, name)


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        ({"id": PoolId("sim:1/plain:other")}, "found sim:1/plain:other of ('sim:1/erc20:0x1111"),
        ({"fee_ppm": 0.003}, "expected a fee of 0 to 999_999 parts per million or None, found 0.003"),
        ({"fee_ppm": 1_000_000}, "found 1000000"),
    ],
)
def test_pool_that_is_another_is_told(told: Mapping[str, Any], expected: str) -> None:
    """Its id, its fee."""
    kind = type("Other", (WrongPool,), {"told": told})
    assert expected in said("test_pool_is_the_one_asked_for", with_pool(kind))


class Lax(PlainPool):
    """Not frozen: made by an ordinary class."""

    def __setattr__(self, name: str, value: object) -> None:
        object.__setattr__(self, name, value)


def test_pool_that_can_be_set_is_told() -> None:
    """Any attribute of it."""
    assert "deep: id of Lax could be set" in said("test_pool_cannot_be_changed", with_pool(Lax))


@frozen
class Forgetful(PlainPool):
    def __reduce__(self) -> Any:
        return PlainPool, (self.id, self.assets, 1, self.reserves, self.cap)


def test_pool_that_comes_back_as_another_is_told() -> None:
    """A pickle that loses something."""
    assert "came back from pickle as PlainPool" in said("test_pool_survives_pickling", with_pool(Forgetful))


@frozen
class Unfillable(PlainPool):
    def quote_exact_in(self, sell: AssetId, buy: AssetId, amount: int, at: ChainTime) -> Quote | NoQuote:
        if amount > 1 << 40:
            return NoQuote(NoQuoteReason.MISSING_STATE, "", (self.named(),))
        return PlainPool.quote_exact_in(self, sell, buy, amount, at)

    def named(self) -> Key:
        return Key(f"{self.id.rpartition(':')[2]}:0x0")


@frozen
class Ignoring(Unfillable):
    def named(self) -> Key:
        return cap_key(self.id)


def test_missing_state_that_is_not_missing_is_told() -> None:
    """A key that was read, a key that decode does not use."""
    rule = "test_missing_state_is_named"
    assert "misses state and names 0xa1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1:0x0, read already" in said(rule, with_pool(Unfillable))
    assert "with it read, the pool is the same as before" in said(rule, with_pool(Ignoring))


def answered(*answers: RecordedAnswer) -> tuple[PoolCase, ...]:
    return tuple(evolve(case, answers=answers) for case in (*WHOLE[:1], *CAPPED))


def test_recorded_answers_that_are_not_met_are_told() -> None:
    """A refusal that is quoted, an answer that is refused, no answers; state that is missing is read before."""
    one, two = plain_ref().assets
    rule = "test_recorded_answers_are_met"
    refused = RecordedAnswer(one, two, 1_000, 0, no_quote=NoQuoteReason.CLOSED)
    large = RecordedAnswer(one, two, 10**40, 5)
    assert "1000 in, the chain refused (closed), got 1993" in said(rule, cases=answered(refused))
    assert "the chain answered 5, got no quote (liquidity: 10000" in said(rule, cases=answered(large))
    assert "no case holds a recorded answer" in said(rule, cases=answered())
    filled = RecordedAnswer(one, two, 6 * 10**8, 374_296_084)
    assert "600000000 in, the chain answered 374296084, got 374296083 (capped" in said(rule, cases=(evolve(CAPPED[0], answers=(filled,)),))


def test_refusals_that_are_none_are_told() -> None:
    """An amount of 0 that is paid, a foreign asset that is called an amount."""

    @frozen
    class Generous(PlainPool):
        def amount_out(self, sell: AssetId, buy: AssetId, amount: int, at: ChainTime) -> int:
            return PlainPool.amount_out(self, sell, buy, amount, at) or 1

    @frozen
    class Vague(PlainPool):
        def quote_exact_in(self, sell: AssetId, buy: AssetId, amount: int, at: ChainTime) -> Quote | NoQuote:
            quote = PlainPool.quote_exact_in(self, sell, buy, amount, at)
            return quote if isinstance(quote, Quote) else NoQuote(NoQuoteReason.AMOUNT)

    @frozen
    class Drawn(PlainPool):
        def segments(self, sell: AssetId, buy: AssetId, at: ChainTime, max_in: int) -> Any:
            return Curve((), 0)

    rule = "test_hostile_amount_gets_a_plain_no"
    assert "amount_out is 1, expected 0" in said(rule, with_pool(Generous))
    assert "expected NoQuote, reason asset, found NoQuote" in said(rule, with_pool(Vague))
    assert "a curve of assets that the pool does not trade" in said(rule, with_pool(Drawn))
    assert "expected a curve, found Curve" in said("test_curve_is_given", with_pool(Drawn))


class Swapping(PlainPool):
    """Answers to ``swap_exact_in`` what ``swapped`` makes of the plain answer."""

    def swapped(self, plain: Swapped) -> Any:
        return plain

    def swap_exact_in(self, sell: AssetId, buy: AssetId, amount: int, at: ChainTime) -> Swapped | NoQuote:
        plain = PlainPool.swap_exact_in(self, sell, buy, amount, at)
        found: Swapped | NoQuote = self.swapped(plain) if isinstance(plain, Swapped) else plain
        return found


def test_pool_after_a_swap_that_cannot_be_is_told() -> None:
    """The same pool, a pool that pays more the second time, a refusal of what is quoted."""

    class Same(Swapping):
        def swapped(self, plain: Swapped) -> Swapped:
            return Swapped(plain.quote, self)

    class Dearer(Swapping):
        def swapped(self, plain: Swapped) -> Swapped:
            return Swapped(plain.quote, evolve(self, reserves=(self.reserves[0] // 9, self.reserves[1] * 9)))

    class Refusing(Swapping):
        def swapped(self, plain: Swapped) -> NoQuote:
            return NoQuote(NoQuoteReason.CLOSED)

    rule = "test_swap_gives_its_quote_and_the_pool_after"
    assert "out, and the pool after it is Same(" in said(rule, with_pool(Same))
    assert " and once more " in said(rule, with_pool(Dearer))
    assert "swap_exact_in NoQuote(" in said(rule, with_pool(Refusing))


def test_exact_outputs_that_are_never_quoted_are_told() -> None:
    """Who declares them answers some; and each says the output that was asked for."""

    @frozen
    class Mute(PlainPool):
        def quote_exact_out(self, sell: AssetId, buy: AssetId, amount: int, at: ChainTime) -> NoQuote:
            return NoQuote(NoQuoteReason.CLOSED)

    @frozen
    class More(PlainPool):
        def quote_exact_out(self, sell: AssetId, buy: AssetId, amount: int, at: ChainTime) -> Quote | NoQuote:
            quote = PlainPool.quote_exact_out(self, sell, buy, amount, at)
            return evolve(quote, amount_out=amount + 1) if isinstance(quote, Quote) else quote

    rule = "test_input_asked_for_an_output_buys_it"
    assert "no output that an input buys can be asked for" in said(rule, with_pool(Mute))
    assert "asked for 1 out, and the quote says Quote(" in said(rule, with_pool(More))


def test_curves_that_mislead_are_told() -> None:
    """Segments that begin elsewhere, that fall, that are wrong at a joint alone, that begin too low within a wide slack."""

    @frozen
    class Late(PlainPool):
        def segments(self, sell: AssetId, buy: AssetId, at: ChainTime, max_in: int) -> Any:
            curve = PlainPool.segments(self, sell, buy, at, max_in)
            return Curve(tuple(evolve(one, in_from=7) for one in curve.segments), 2) if isinstance(curve, Curve) else curve

    @frozen
    class Falling(PlainPool):
        def segments(self, sell: AssetId, buy: AssetId, at: ChainTime, max_in: int) -> Any:
            curve = PlainPool.segments(self, sell, buy, at, max_in)
            return Curve(tuple(evolve(one, a=-one.a) for one in curve.segments), 1 << 128) if isinstance(curve, Curve) else curve

    @frozen
    class Jointed(PlainPool):
        def segments(self, sell: AssetId, buy: AssetId, at: ChainTime, max_in: int) -> Any:
            curve, end = PlainPool.segments(self, sell, buy, at, max_in), 7**9
            if not isinstance(curve, Curve) or max_in <= end:
                return curve
            return Curve((evolve(curve.segments[0], in_to=end), Segment(end, end + 1, 1_000, 1, 0)), 2)  # no amount but the last is wrong

    @frozen
    class Low(PlainPool):
        def segments(self, sell: AssetId, buy: AssetId, at: ChainTime, max_in: int) -> Curve:
            return Curve((Segment(0, max_in, 1, 1 << 100, 0),), 1 << 128)

    assert "expected segments from 0 on without a gap" in said("test_curve_keeps_within_its_slack", with_pool(Late))
    assert "40353608 in pays " in said("test_curve_keeps_within_its_slack", with_pool(Jointed))
    assert "expected a > 0 and c >= 0, found Segment(" in said("test_curve_bends_down", with_pool(Falling))
    rule = "test_no_quote_is_better_than_its_curve_begins"
    assert f"more than Segment(in_from=0, in_to={1 << 128}, a=1, b={1 << 100}, c=0) begins with" in said(rule, with_pool(Low))


class Playing(PlainDex):
    """Answers to ``apply`` what ``after`` makes of the plain answer."""

    def after(self, plain: Any, pool: Any, log: Log) -> Any:
        return plain

    def apply(self, pool: Pool, log: Log, at: ChainTime) -> Pool | Needs:
        found: Pool | Needs = self.after(super().apply(pool, log, at), pool, log)
        return found


def test_logs_that_are_played_wrongly_are_told() -> None:
    """A fee that a log must not change, a log that asks for ever, one that any address may send, one that says nothing and moves."""

    class Dearer(Playing):
        def after(self, plain: Any, pool: Any, log: Log) -> Any:
            return plain if plain == pool else evolve(plain, fee_ppm=9_000)

    class Asking(Playing):
        def after(self, plain: Any, pool: Any, log: Log) -> Any:
            return Needs((cap_key(pool.id),))

    class Anyone(PlainDex):
        def apply(self, pool: Pool, log: Log, at: ChainTime) -> Pool | Needs:
            return super().apply(pool, evolve(log, address=pool.id.rpartition(":")[2]), at)

    class Jumpy(Playing):
        def after(self, plain: Any, pool: Any, log: Log) -> Any:
            return plain if plain != pool else evolve(pool, reserves=(1, 1))

    class Padding(PlainDex):
        def apply(self, pool: Pool, log: Log, at: ChainTime) -> Pool | Needs:
            return super().apply(pool, evolve(log, data=log.data.ljust(32, b"\1")), at)

    rule, other = "test_logs_change_a_pool_as_state_does", "test_log_of_another_event_leaves_the_pool"
    assert "512 in pays 362 after its logs, 364 by its state" in said(rule, Dearer)
    assert "deep: log 0 still needs state after 8 readings" in said(rule, Asking)
    assert "no case has logs and the state after them" in said(rule, cases=WHOLE[1:])
    assert "a log of 0xf0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0 changed it to" in said(other, Anyone)
    assert "gave PlainPool(" in said(other, Jumpy)
    assert "31 bytes instead of 32, and the pool is PlainPool(" in said("test_malformed_log_is_a_decode_error", Padding)


def test_steps_that_are_none_are_told() -> None:
    """An empty tuple, and steps that differ from call to call."""

    class Idle(PlainDex):
        def build_steps(self, swap: PlannedSwap, pool: Pool, at: ChainTime, wallet: Wallet) -> tuple[Step, ...]:
            return ()

    class Moody(PlainDex):
        def build_steps(self, swap: PlannedSwap, pool: Pool, at: ChainTime, wallet: Wallet) -> tuple[Step, ...]:
            return (Step(),)

    rule = "test_steps_carry_out_the_swap"
    assert "expected a tuple of steps, found ()" in said(rule, Idle)
    assert "asked twice it gives (" in said(rule, Moody)
