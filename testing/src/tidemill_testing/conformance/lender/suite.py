"""What a lender promises: terms that are true, and steps that pay back what they say."""

import pickle
from collections.abc import Mapping, Sequence
from typing import ClassVar

from hypothesis import given
from hypothesis import strategies as st

from tidemill.domain.answers import NoLoan
from tidemill.domain.ids import AssetId, ChainId, Key
from tidemill.domain.lending import LoanTerms
from tidemill.domain.pool import Watch
from tidemill.errors import MarketDataError, TidemillError
from tidemill_testing.conformance.lender.case import ReadStates, snapshot_with
from tidemill_testing.conformance.lender.steps import LoanSteps
from tidemill_testing.conformance.rule import rule
from tidemill_testing.conformance.sandbox import OutsideWorld, folder_of, sandbox

OTHER_CHAIN = ChainId("nowhere:1")
MOST_ROUNDS = 8
AMOUNTS = st.integers(0, 2**128) | st.integers(0, 2**256 - 1) | st.just(2**256 - 1)
Asked = LoanTerms | NoLoan
States = Mapping[Key, bytes | None]


class LenderConformance(LoanSteps):
    """The rules of lenders: ``class TestAcme(LenderConformance): plugin = Acme``.

    Must give: ``plugin``, ``chain`` (where it lends), ``asset`` (what it lends there), ``states`` (values of the state it watches, as a
    node answers them) and ``available`` (what can be borrowed of the asset by these states, base units).

    May give: ``settings``, ``assets``, ``capabilities``, ``exempt``, as every suite; ``wallet``; ``contract``, the address that lends;
    ``fees``, with the capability ``recorded``; ``borrowed``, where its steps are not values with ``amount`` and ``fee``. A lender of
    several assets gives the ``states`` of at least two.

    Never override: everything else.

    Capabilities:
        recorded: ``fees`` holds amounts and the fees that the contract itself took for them.
    """

    kind: ClassVar[str] = "lender"
    prefix: ClassVar[str] = "LEN"
    may_give: ClassVar[frozenset[str]] = LoanSteps.may_give | {"available", "fees"}

    available: ClassVar[int] = 0
    fees: ClassVar[Sequence[tuple[int, int]]] = ()

    @rule("LEN-10", "terms are whole numbers, of the asset that was asked for")
    def test_terms_are_whole_numbers(self) -> None:
        """A loan is sized and repaid by these numbers.

        If this fails: return ``LoanTerms(self.name, asset, …)`` with ``int`` for every amount, a denominator above 0, and no fee
        below 0.
        """
        terms = self._terms()
        if (terms.lender, terms.asset) != (self.plugin.name, self.asset):
            self.broken(f"asked {self.plugin.name} for {self.asset}, got terms of {terms.lender} for {terms.asset}")
        numbers = {name: getattr(terms, name) for name in ("available", "numerator", "denominator", "minimum")}
        for name, number in numbers.items():
            if type(number) is not int or number < (name == "denominator"):
                self.broken(f"{name} is {number!r}")

    @rule("LEN-11", "the fee never falls, and rounds as the terms say")
    def test_fee_never_falls(self) -> None:
        """A larger loan that costs less, or a fee that is one unit short, fails on chain.

        If this fails: leave ``LoanTerms.fee`` as it is, and say by ``rounding`` and ``minimum`` how the contract rounds.
        """
        terms = self._terms()

        @self.examples(40)
        @given(AMOUNTS, AMOUNTS)
        def holds(one: int, other: int) -> None:
            small, large = sorted((one, other))
            fee, more = terms.fee(small), terms.fee(large)
            if type(fee) is not int or fee < terms.minimum or fee > more:
                self.broken(f"{small} costs {fee!r}, {large} costs {more!r}, at least {terms.minimum}")
            # The distance from the exact fee, in parts of 1 / denominator of a base unit
            over = fee * terms.denominator - small * terms.numerator
            if fee != terms.minimum and not _bounds(terms)[0] <= over <= _bounds(terms)[1]:
                self.broken(f"{small} at {terms.numerator}/{terms.denominator}, rounded {terms.rounding}, costs {fee}")

        holds()

    @rule("LEN-12", "fees equal what the contract took", needs="recorded")
    def test_fees_equal_recorded_ones(self) -> None:
        """The contract is the only authority on its fee.

        If this fails: read in the contract's source where the fee is rounded, and how; set ``rounding``, ``minimum`` and the fraction.
        """
        if not self.fees:
            self.broken("it declares recorded fees: give fees = [(amount, fee), …]")
        terms = self._terms()
        for amount, expected in self.fees:
            if terms.fee(amount) != expected:
                self.broken(f"the contract took {expected} for {amount}, the terms say {terms.fee(amount)}")

    @rule("LEN-13", "it never offers more than there is")
    def test_it_never_offers_more_than_there_is(self) -> None:
        """A loan of more than the contract holds reverts, and its gas is paid.

        If this fails: read the balance that the contract lends from, not its total of deposits, and respect its caps.
        """
        terms = self._terms()
        if not 0 < terms.available <= self.available:
            self.broken(f"{self.available} can be borrowed by the given states, it offers {terms.available}")

    @rule("LEN-14", "what it does not lend is NoLoan")
    def test_foreign_asset_is_no_loan(self) -> None:
        """Every lender is asked for every asset and chain: a wrong yes is a plan that fails.

        If this fails: look the asset up in what the contract lists for that chain, and answer ``NoLoan`` and an empty ``Watch`` otherwise.
        """
        for chain, asset in ((self.chain, AssetId(f"{self.chain}/erc20:0x{'99' * 20}")), (OTHER_CHAIN, self.asset)):
            answer = self._asked(self.states, asset, chain)
            if not isinstance(answer, NoLoan):
                self.broken(f"{asset} on {chain}: expected NoLoan, found {_told(answer)}")
        if self._lender().watch(OTHER_CHAIN, {}) != Watch():
            self.broken(f"it watches state on {OTHER_CHAIN}, where it does not lend")

    @rule("LEN-15", "state that was not read is NoLoan, never a guess")
    def test_missing_state_is_never_guessed(self) -> None:
        """Before its state is read nobody knows what can be borrowed, nor at what fee.

        If this fails: answer ``NoLoan`` where ``snapshot.state`` raises ``KeyError`` or returns None; keep no value from an earlier call.
        """
        full = self._terms()
        for states, what in self._lessened():
            answer = self._asked(states)
            if isinstance(answer, LoanTerms) and answer != full:
                self.broken(f"with {what} it offers {answer.available} at {answer.numerator}/{answer.denominator}")
            if not isinstance(answer, LoanTerms | NoLoan):
                self.broken(f"with {what}: expected NoLoan, found {_told(answer)}")
        answer = self._asked({})
        if not isinstance(answer, NoLoan):
            self.broken(f"with nothing read: expected NoLoan, found {_told(answer)}")

    @rule("LEN-16", "state that does not decode gives no terms")
    def test_malformed_state_gives_no_terms(self) -> None:
        """A value of another length is another contract, or an upgrade: what it seems to say is not true.

        If this fails: check the length of every value before it is read, and answer ``NoLoan`` or raise ``DecodeError``.
        """
        for key in self._read_keys():
            value = self.states[key] or b""
            for spoilt in (b"", value[:-1], value + b"\x00"):
                answer = self._asked({**self.states, key: spoilt})
                if not isinstance(answer, NoLoan | MarketDataError):
                    self.broken(f"{key} holds {len(spoilt)} bytes instead of {len(value)}: {_told(answer)}")

    @rule("LEN-17", "it watches all that it reads, in a bounded number of rounds")
    def test_it_watches_what_it_reads(self) -> None:
        """What is not watched grows old without anybody noticing, or is never read at all.

        The ``states`` that the test class gives must be watched as well: those of the lender's other assets stand among them.

        If this fails: return from ``watch`` every key that ``terms`` reads, of each asset, as soon as ``states`` says which they are, each
        once, and the same ones when asked again.
        """
        lender, known = self._lender(), dict[Key, bytes | None]()
        for _ in range(MOST_ROUNDS):
            keys = lender.watch(self.chain, known).keys
            if len(set(keys)) != len(keys) or keys != lender.watch(self.chain, known).keys:
                self.broken(f"asked twice it watches {keys}, then {lender.watch(self.chain, known).keys}")
            before = len(known)
            known.update({key: self.states.get(key) for key in keys})
            if len(known) == before:
                break
        else:
            self.broken(f"after {MOST_ROUNDS} rounds it still names new keys: {len(known)} so far")
        unwatched = sorted(set(self._read_keys()) - known.keys())
        if unwatched:
            self.broken(f"terms reads {unwatched[0]}, which it does not watch")
        given = sorted(self.states.keys() - known.keys())
        if given:
            self.broken(f"the test class gives the state {given[0]}, which it does not watch")

    @rule("LEN-18", "the same state gives the same answer, and touches nothing")
    def test_it_is_pure(self) -> None:
        """Replays, backtests and sizing ask again and again: what an answer depends on must stand in the snapshot.

        If this fails: keep no state between calls, read no clock, file or socket, and iterate over no set.
        """
        snapshot = snapshot_with(self.chain, self.states)
        try:
            with sandbox(folder_of(self.plugin)):
                lender = self._lender()
                first, again = lender.terms(self.asset, self.chain, snapshot), lender.terms(self.asset, self.chain, snapshot)
                steps, repeated = self._bracket(lender, 1_000, 1), self._bracket(lender, 1_000, 1)
        except OutsideWorld as error:
            self.broken(f"it calls {error}")
        if first != again or self._asked(self.states) != first:
            self.broken(f"asked again it answers {again}, first it answered {first}")
        if tuple(steps) != tuple(repeated):
            self.broken(f"the same loan gives {repeated}, first it gave {steps}")

    @rule("LEN-23", "what it gives travels to another process")
    def test_answers_can_be_pickled(self) -> None:
        """Isolated strategies and sweeps are given terms by another process.

        If this fails: return plain ``LoanTerms``, and define steps as frozen values at the top of a module.
        """
        for value in (self._terms(), tuple(self._bracket(self._lender(), 1_000, 1))):
            try:
                again = pickle.loads(pickle.dumps(value))  # noqa: S301 made in the same line
            except (pickle.PicklingError, TypeError, AttributeError) as error:
                self.broken(f"{value} cannot be pickled: {error}")
            if again != value:
                self.broken(f"{value} came back as {again}")

    @rule("LEN-24", "recorded fees are declared")
    def test_recorded_fees_are_declared(self) -> None:
        """Fees of the contract that nobody compares with are worse than none: the test looks as if it had been made.

        If this fails: add ``recorded`` to the capabilities, or take ``fees`` out.
        """
        if self.fees and "recorded" not in self.capabilities:
            self.broken(f"{type(self).__name__} gives {len(self.fees)} fees, and does not declare 'recorded'")

    def _terms(self) -> LoanTerms:
        if not (self.chain and self.asset and self.states and self.available):
            self.broken("give chain, asset, states and available: what it lends, and the state that says so")
        answer = self._asked(self.states)
        if not isinstance(answer, LoanTerms):
            self.broken(f"{self.asset} on {self.chain}: expected terms, found {_told(answer)}")
        return answer

    def _asked(
        self, states: Mapping[Key, bytes | None], asset: AssetId | None = None, chain: ChainId | None = None
    ) -> Asked | TidemillError:
        try:
            return self._lender().terms(asset or self.asset, chain or self.chain, snapshot_with(self.chain, states))
        except TidemillError as error:
            return error

    def _read_keys(self) -> list[Key]:
        """Return the keys that terms ask for."""
        self._terms()
        seen = ReadStates(self.states)
        self._lender().terms(self.asset, self.chain, snapshot_with(self.chain, seen))
        return sorted(seen.asked)

    def _lessened(self) -> list[tuple[dict[Key, bytes | None], str]]:
        """Return the states without one key, and with it known to be absent."""
        found = []
        for key in self._read_keys():
            found.append(({other: value for other, value in self.states.items() if other != key}, f"{key} not read"))
            found.append(({**self.states, key: None}, f"{key} absent"))
        return found


def _bounds(terms: LoanTerms) -> tuple[int, int]:
    """Return how far below and above the exact fee the rounded one may be, in parts of 1 / denominator."""
    most, half = terms.denominator - 1, terms.denominator // 2
    return {"up": (0, most), "down": (-most, 0), "half_up": (-half, half)}[terms.rounding]


def _told(answer: object) -> str:
    return f"{type(answer).__name__}: {answer}" if isinstance(answer, TidemillError) else repr(answer)
