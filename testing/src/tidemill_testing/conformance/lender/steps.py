"""Rules of the steps that a lender puts around others."""

from collections.abc import Mapping, Sequence
from typing import ClassVar

from tidemill.domain.ids import AssetId, ChainId, Key
from tidemill.domain.plan import Loan
from tidemill.domain.transaction import Wallet
from tidemill.errors import TidemillError
from tidemill.hookspecs.chain import Step
from tidemill.hookspecs.lender import Lender
from tidemill_testing.conformance.lender.case import Plain, inner_steps, loans_in, misdirected, snapshot_with
from tidemill_testing.conformance.rule import rule
from tidemill_testing.conformance.suite import Conformance

HOSTILE = (0, 1, 2**128, 2**256 - 1, -1)


class LoanSteps(Conformance):
    """What an author gives of a loan, and the rules of its steps."""

    may_give: ClassVar[frozenset[str]] = Conformance.may_give | {"chain", "asset", "states", "wallet", "contract", "borrowed"}

    chain: ClassVar[ChainId] = ChainId("")
    asset: ClassVar[AssetId] = AssetId("")
    states: ClassVar[Mapping[Key, bytes | None]] = {}
    wallet: ClassVar[Wallet | None] = None
    contract: ClassVar[str] = ""

    def borrowed(self, steps: Sequence[Step]) -> Sequence[tuple[int, int]]:
        """Return (amount, fee) of every loan in the steps; by default of each step with two such numbers."""
        return loans_in(steps)

    @rule("LEN-19", "the loan stands around the steps inside it")
    def test_loan_stands_around_the_inner_steps(self) -> None:
        """A swap that is left out, repeated or moved is another plan than the one that was checked.

        If this fails: put every step of ``inner`` between taking and repaying, once and in order.
        """
        for count in range(4):
            inner = tuple(Plain(number) for number in range(count))
            steps = self._bracket(self._lender(), 1_000, 1, inner)
            if inner_steps(steps) != list(inner):
                self.broken(f"{count} inner steps went in, {inner_steps(steps)} stand in {steps}")

    @rule("LEN-20", "it borrows the amount, and repays it with its fee")
    def test_it_repays_amount_and_fee(self) -> None:
        """What is not repaid to the last unit reverts the whole plan; what is repaid too much is lost.

        Which asset and which contract a step borrows from is seen in its ``asset`` and ``pool``, as the EVM family's ``FlashLoan`` has
        them; the contract is compared where the test class gives it. Steps of other shapes show neither.

        If this fails: take ``loan.amount`` of ``loan.asset``, repay ``loan.amount + loan.fee``, and compute neither anew. Where the steps
        are not values with ``amount`` and ``fee``, give ``borrowed`` in the test class.
        """
        lender = self._lender()
        for amount, fee in ((1, 0), (1_000, 1), (2**96 + 1, 2**40 + 1)):
            steps = self._bracket(lender, amount, fee)
            found = list(self.borrowed(steps))
            if found != [(amount, fee)]:
                self.broken(f"a loan of {amount} for {fee} became {found}")
            wrong = misdirected(steps, self.asset, self.contract)
            if wrong is not None:
                self.broken(f"a loan of {amount} for {fee}: {wrong}")

    @rule("LEN-21", "hostile amounts are kept or refused")
    def test_hostile_amounts_are_kept_or_refused(self) -> None:
        """An amount that is cut to fit its field borrows another one.

        If this fails: refuse what does not fit the contract's types with an error of ``tidemill.errors``, and never mask or clip.
        """
        for amount in HOSTILE:
            try:
                found = list(self.borrowed(self._bracket(self._lender(), amount, 1)))
            except TidemillError:
                continue
            if found != [(amount, 1)]:
                self.broken(f"a loan of {amount} for 1 became {found}")

    @rule("LEN-22", "a loan of another lender is refused")
    def test_loan_of_another_lender_is_refused(self) -> None:
        """Steps of the wrong contract would borrow on terms that nobody read.

        If this fails: compare ``loan.lender`` with ``self.name`` and raise ``PluginContractError``.
        """
        loan = Loan("another", self.asset, 1_000, 1)
        try:
            steps = self._lender().bracket(loan, (), self._wallet(), snapshot_with(self.chain, self.states))
        except TidemillError:
            return
        self.broken(f"asked for a loan from 'another' it gave {steps}")

    def _lender(self) -> Lender:
        lender: Lender = self.make()
        return lender

    def _wallet(self) -> Wallet:
        return self.wallet or Wallet(self.chain, owner="0x" + "11" * 20, executor="0x" + "22" * 20)

    def _bracket(self, lender: Lender, amount: int, fee: int, inner: Sequence[Step] = (Plain(0),)) -> Sequence[Step]:
        loan = Loan(self.plugin.name, self.asset, amount, fee)
        return lender.bracket(loan, inner, self._wallet(), snapshot_with(self.chain, self.states))
