"""Lenders that each break just the rule which their test class names, and one that breaks none."""

import time
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from attrs import evolve, field, frozen

from tidemill import Lender, Step
from tidemill.domain.answers import NoLoan
from tidemill.domain.ids import AssetId, ChainId, Key, erc20
from tidemill.domain.lending import LoanTerms
from tidemill.domain.plan import Loan
from tidemill.domain.pool import Watch
from tidemill.domain.snapshot import Snapshot
from tidemill.domain.transaction import Wallet
from tidemill.errors import PluginContractError
from tidemill_testing.conformance import LenderConformance

CHAIN = ChainId("acme:1")
COIN = erc20(CHAIN, "0xc0")
HELD, PAUSED = Key("vault:held"), Key("vault:paused")
WIDTH = 16


VAULT = "0xva"


@frozen
class Borrow(Step):
    amount: int
    fee: int
    inner: tuple[Step, ...]
    asset: str = COIN
    pool: str = VAULT


class Sound(Lender):
    """Lends one coin by two values: what is held, and whether it lends at all."""

    name = "sound"
    families = frozenset({"acme"})

    def watch(self, chain: ChainId, states: Mapping[Key, bytes | None]) -> Watch:
        return Watch((HELD, PAUSED)) if chain == CHAIN else Watch()

    def terms(self, asset: AssetId, chain: ChainId, snapshot: Snapshot) -> LoanTerms | NoLoan:
        if chain != CHAIN or asset != COIN:
            return NoLoan("not lent here")
        return self.lent(snapshot)

    def lent(self, snapshot: Snapshot) -> LoanTerms | NoLoan:
        try:
            held, paused = snapshot.state(CHAIN, HELD), snapshot.state(CHAIN, PAUSED)
        except KeyError:
            return self.unread()
        if held is None or paused is None or len(held) != WIDTH or len(paused) != 1:
            return self.unreadable(held)
        return self.offer(int.from_bytes(held))

    def unread(self) -> LoanTerms | NoLoan:
        return NoLoan("not read yet")

    def unreadable(self, held: bytes | None) -> LoanTerms | NoLoan:
        return NoLoan("unknown layout")

    def offer(self, held: int) -> LoanTerms | NoLoan:
        return LoanTerms(self.name, COIN, held, 5, 10_000, "up")

    def bracket(self, loan: Loan, inner: Sequence[Step], wallet: Wallet, snapshot: Snapshot) -> Sequence[Step]:
        if loan.lender != self.name or loan.amount < 0:
            raise PluginContractError(self.name, f"expected a loan of 0 or more from {self.name}, found {loan}")
        return self.steps(loan, tuple(inner))

    def steps(self, loan: Loan, inner: tuple[Step, ...]) -> Sequence[Step]:
        return (Borrow(loan.amount, loan.fee, inner),)


class Case(LenderConformance):
    chain = CHAIN
    asset = COIN
    states: ClassVar[Mapping[Key, bytes | None]] = {HELD: (10**9).to_bytes(WIDTH), PAUSED: b"\x00"}
    available = 10**9
    contract = VAULT


class TestSound(Case):
    plugin = Sound
    capabilities = frozenset({"recorded"})
    fees = ((1, 1), (2_000, 1), (2_001, 2))


class Fraction(Sound):
    def offer(self, held: int) -> LoanTerms | NoLoan:
        return LoanTerms(self.name, COIN, held * 1.0, 5, 10_000, "up")  # type: ignore[arg-type]  # what is wrong with it


class TestLEN10Fraction(Case):
    plugin = Fraction


@frozen
class ShortTerms(LoanTerms):
    def fee(self, amount: int) -> int:
        return amount * self.numerator // self.denominator


class OneShort(Sound):
    def offer(self, held: int) -> LoanTerms | NoLoan:
        return ShortTerms(self.name, COIN, held, 5, 10_000, "up")


class TestLEN11OneShort(Case):
    plugin = OneShort


class HalfUp(Sound):
    def offer(self, held: int) -> LoanTerms | NoLoan:
        return LoanTerms(self.name, COIN, held, 5, 10_000, "half_up")


class TestLEN12HalfUp(Case):
    plugin = HalfUp
    capabilities = frozenset({"recorded"})
    fees = ((1, 1),)


class TestLEN24NotCompared(Case):
    """A lender that rounds wrongly, beside the fees that would tell."""

    plugin = HalfUp
    fees = ((1, 1),)


class OffersMore(Sound):
    def offer(self, held: int) -> LoanTerms | NoLoan:
        return LoanTerms(self.name, COIN, held + 1, 5, 10_000, "up")


class TestLEN13OffersMore(Case):
    plugin = OffersMore


class LendsAll(Sound):
    def terms(self, asset: AssetId, chain: ChainId, snapshot: Snapshot) -> LoanTerms | NoLoan:
        lent = self.lent(snapshot)
        return evolve(lent, asset=asset) if isinstance(lent, LoanTerms) else lent


class TestLEN14LendsAll(Case):
    plugin = LendsAll


class Guesses(Sound):
    def unread(self) -> LoanTerms | NoLoan:
        return LoanTerms(self.name, COIN, 10**6, 5, 10_000, "up")


class TestLEN15Guesses(Case):
    plugin = Guesses


class ReadsAnything(Sound):
    def unreadable(self, held: bytes | None) -> LoanTerms | NoLoan:
        return self.offer(int.from_bytes(held)) if held and len(held) != WIDTH else NoLoan("")


class TestLEN16ReadsAnything(Case):
    plugin = ReadsAnything


class WatchesHalf(Sound):
    def watch(self, chain: ChainId, states: Mapping[Key, bytes | None]) -> Watch:
        return Watch((HELD,)) if chain == CHAIN else Watch()


class TestLEN17WatchesHalf(Case):
    plugin = WatchesHalf


class ReadsTheClock(Sound):
    def offer(self, held: int) -> LoanTerms | NoLoan:
        return super().offer(held) if time.time() else NoLoan("")


class TestLEN18ReadsTheClock(Case):
    plugin = ReadsTheClock


class LosesOne(Sound):
    def steps(self, loan: Loan, inner: tuple[Step, ...]) -> Sequence[Step]:
        return super().steps(loan, inner[:2])


class TestLEN19LosesOne(Case):
    plugin = LosesOne


class ForgetsTheFee(Sound):
    def steps(self, loan: Loan, inner: tuple[Step, ...]) -> Sequence[Step]:
        return (Borrow(loan.amount, min(loan.fee, 1), inner),)


class TestLEN20ForgetsTheFee(Case):
    plugin = ForgetsTheFee


class Clips(Sound):
    def steps(self, loan: Loan, inner: tuple[Step, ...]) -> Sequence[Step]:
        return (Borrow(min(loan.amount, 2**128 - 1), loan.fee, inner),)


class TestLEN21Clips(Case):
    plugin = Clips


class TakesAny(Sound):
    def bracket(self, loan: Loan, inner: Sequence[Step], wallet: Wallet, snapshot: Snapshot) -> Sequence[Step]:
        return super().bracket(evolve(loan, lender=self.name), inner, wallet, snapshot)


class TestLEN22TakesAny(Case):
    plugin = TakesAny


class Lazy(tuple[Any, ...]):
    __slots__ = ()

    def __reduce__(self) -> Any:
        raise TypeError("it stays here")


@frozen
class BoundBorrow(Borrow):
    bound: Lazy = field(factory=Lazy, eq=False)


class StaysHere(Sound):
    def steps(self, loan: Loan, inner: tuple[Step, ...]) -> Sequence[Step]:
        return (BoundBorrow(loan.amount, loan.fee, inner),)


class TestLEN23StaysHere(Case):
    plugin = StaysHere
