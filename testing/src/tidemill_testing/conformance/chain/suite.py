"""What a chain promises: rules that compute and nothing else, and a link that tells what happened in the order it happened."""

import pickle
from typing import ClassVar

from attrs import evolve, frozen

from tidemill.domain.answers import CannotFit
from tidemill.domain.ids import MAIN_BOOK, BookId, ChainId
from tidemill.domain.transaction import Unsigned
from tidemill.errors import DecodeError, TidemillError
from tidemill.hookspecs.chain import ChainRules, Step
from tidemill.tape.codec import decode, encode
from tidemill_testing.conformance.chain.case import CAIP2, CAIP19, GENEROUS, flow_of, head_of
from tidemill_testing.conformance.chain.link import LinkRules
from tidemill_testing.conformance.chain.money import MoneyRules
from tidemill_testing.conformance.rule import rule
from tidemill_testing.conformance.sandbox import OutsideWorld, folder_of, sandbox

MANY = 2_000
"""So many steps fit into no transaction."""
MOST_DECIMALS = 36


@frozen
class Foreign(Step):
    """A step of a family that no chain knows."""


class ChainConformance(LinkRules, MoneyRules):
    """The rules of chains: ``class TestAcme(ChainConformance): plugin = Acme``.

    Must give: ``plugin``; ``pools``, descriptors of two pools of the chain at least; ``steps``, for each pool the step that swaps there, as
    its DEX plugin builds it, in the same order.

    May give: ``settings``, ``assets``, ``capabilities``, ``exempt``, as every suite; ``fee``, the base fee of the snapshot that rules
    see; ``tape``, the batches that the link plays; ``served``, a context manager that starts what the link connects to and gives
    settings; ``blocks``, how many batches are looked at; ``moving_keys``, with the capability ``watches``; ``sign``, with ``sends``;
    ``read``, with ``slots``.

    Never override: everything else.

    Capabilities:
        seeded: equal seeds give equal batches.
        ends: with ``LinkSetup.blocks`` the link ends by itself.
        reads: the reader answers for any key and for the logs of past blocks.
        reorganises: blocks are dropped within the ``blocks`` batches that are looked at.
        watches: keys are reported only while they are watched; ``moving_keys`` change within ``blocks`` batches.
        sends: transactions can be sent; without it the link refuses them.
        slots: transactions that are sent bear what lets them happen once, a nonce or a block hash, and holdings can be asked for.
        limited: a transaction has a size that it cannot exceed.
    """

    kind: ClassVar[str] = "chain"
    prefix: ClassVar[str] = "CHN"

    @rule("CHN-10", "ids are CAIP, and of this chain")
    def test_ids_are_of_this_chain(self) -> None:
        """Balances, prices and pools are joined by these ids, across plugins that do not know each other.

        If this fails: make the chain's id by CAIP-2 and its assets by CAIP-19 (``tidemill.domain.ids.erc20`` and ``native``); verified
        assets stand under their own symbol.
        """
        rules = self._rules()
        if not CAIP2.fullmatch(rules.id) or not rules.family:
            self.broken(f"expected a CAIP-2 id and a family, found {rules.id!r} and {rules.family!r}")
        verified = rules.verified_assets()
        for asset in (rules.native, rules.wrapped, *rules.dollars, *(one.id for one in verified.values())):
            if asset is not None and not (CAIP19.fullmatch(asset) and asset.startswith(f"{rules.id}/")):
                self.broken(f"{asset!r} is no CAIP-19 id of {rules.id}")
        if rules.native == rules.wrapped:
            self.broken(f"{rules.native} is its own wrapped twin")
        for symbol, asset_of in verified.items():
            if symbol != asset_of.symbol or not 0 <= asset_of.decimals <= MOST_DECIMALS:
                self.broken(f"{symbol!r} stands for {asset_of}")
        if type(rules.lifetime) is not int or rules.lifetime < 0:
            self.broken(f"lifetime is {rules.lifetime!r}")
        if type(rules.play_money) is not bool or not all(isinstance(target, str) and target for target in rules.targets):
            self.broken(f"play_money is {rules.play_money!r} and targets are {rules.targets!r}: expected a bool and addresses as text")

    @rule("CHN-11", "what is sent now executes later")
    def test_what_is_sent_executes_later(self) -> None:
        """Pools are quoted at this moment: at the head itself nothing can execute any more.

        If this fails: add at least one to the head's height, and the time of a block to its time, on the same chain.
        """
        rules, before = self._rules(), 0
        for height in (0, 1, 100, 10**9):
            head = head_of(rules, height, 1_700_000_000 + height)
            at = rules.executes_at(head)
            if at.chain != head.chain or at.height <= head.height or at.unix_time < head.unix_time or at.height <= before:
                self.broken(f"at head {head.height} ({head.unix_time}) it executes at {at}")
            before = at.height

    @rule("CHN-12", "an estimate is a whole number, and grows with swaps and loans")
    def test_estimate_grows(self) -> None:
        """Opportunities are ranked by it: a longer plan that seems cheaper is always preferred.

        If this fails: count each swap and each loan with a cost of 0 or more, in ``int``, rounded up.
        """
        rules, snapshot = self._rules(), self._snapshot()
        before = 0
        for count in range(5):
            for loans in range(3):
                refs = [self.pools[place % len(self.pools)] for place in range(count)]
                cost = rules.estimate(refs, loans, snapshot)
                if type(cost) is not int or cost < 0 or cost != rules.estimate(refs, loans, snapshot):
                    self.broken(f"{count} swaps and {loans} loans are estimated at {cost!r}")
                if cost < before:
                    self.broken(f"{count} swaps and {loans} loans are estimated at {cost}, less is estimated at {before}")
                before = cost
            before = rules.estimate([self.pools[place % len(self.pools)] for place in range(count)], 0, snapshot)
        for fee in (0, 1, 10**9):
            more = rules.swap_cost(fee)
            if type(more) is not int or more < 0:
                self.broken(f"at a base fee of {fee} one more swap costs {more!r}")

    @rule("CHN-13", "a plan becomes bytes of this chain")
    def test_plan_becomes_bytes(self) -> None:
        """What is signed is these bytes: they must belong to the plan that was checked.

        If this fails: return ``Unsigned(plan.id, self.id, payload, …)`` with bytes, an expiry no later than the plan's, and a limit of
        compute no lower than what is expected.
        """
        rules = self._rules()
        made = self._composed(rules)
        flow = flow_of(rules, self.pools)
        if (made.plan, made.chain) != (flow.id, rules.id):
            self.broken(f"plan {flow.id} on {rules.id} became bytes of {made.plan} on {made.chain}")
        if not isinstance(made.payload, bytes) or not made.payload:
            self.broken(f"the payload is {made.payload!r}")
        if made.expires > flow.expires:
            self.broken(f"the plan expires at {flow.expires}, its bytes at {made.expires}")
        if not 0 <= made.compute <= made.compute_limit:
            self.broken(f"compute {made.compute} is expected, the limit is {made.compute_limit}")

    @rule("CHN-14", "equal plans give equal bytes")
    def test_equal_plans_give_equal_bytes(self) -> None:
        """After a restart the same plan must be recognised by its bytes, and a replay must compose what the run composed.

        If this fails: put no clock, nonce or random number into the payload (``ChainLink.seal`` adds what is known only at sending), and
        iterate over no set.
        """
        one, other = self._composed(self._rules()), self._composed(self._rules())
        if one != other:
            self.broken(f"the same plan became {one}, then {other}")

    @rule("CHN-15", "what is not its own is refused")
    def test_foreign_plan_is_refused(self) -> None:
        """A plan of another chain, or a step it does not know, must never become bytes that somebody signs.

        If this fails: raise an error of ``tidemill.errors`` for a plan whose ``chain`` is not ``id``, and for steps of another family.
        """
        rules, flow = self._rules(), flow_of(self._rules(), self.pools)
        foreign = evolve(flow, chain=ChainId("nowhere:1"))
        for plan, steps, what in ((flow, (Foreign(),), "a step of another family"), (foreign, tuple(self.steps), "a plan for nowhere:1")):
            try:
                made = rules.compose(plan, steps, self._wallet(), self._snapshot())
            except TidemillError:
                continue
            if not isinstance(made, CannotFit):
                self.broken(f"{what} became {len(made.payload)} bytes on {made.chain}")

    @rule("CHN-16", "the cost of a plan is a whole number within its cap")
    def test_cost_is_within_the_cap(self) -> None:
        """The book reserves the cap: what costs more is money that nobody counted.

        If this fails: compute the cost in ``int``, rounded up, from what ``compose`` put into the bytes; put the cap into the bytes (a most
        price of gas), or answer ``CannotFit`` where the cost is above it.
        """
        rules, snapshot = self._rules(), self._snapshot()
        made = self._composed(rules)
        cost = rules.cost(made, snapshot)
        if type(cost) is not int or not 0 <= cost <= GENEROUS:
            self.broken(f"a plan with a cap of {GENEROUS} costs {cost!r}")
        for cap in sorted({max(cost - 1, 0), cost // 2, 0}):
            small = rules.compose(flow_of(rules, self.pools, cost_cap=cap), tuple(self.steps), self._wallet(), snapshot)
            if isinstance(small, Unsigned) and rules.cost(small, snapshot) > cap and small.payload == made.payload:
                self.broken(f"with a cap of {cap} it costs {rules.cost(small, snapshot)}, and its bytes are those of a cap of {GENEROUS}")

    @rule("CHN-17", "a plan that is too large does not fit, and says by how much", needs="limited")
    def test_plan_that_is_too_large_does_not_fit(self) -> None:
        """The planner sizes again where a plan does not fit; an exception would put the chain out of use.

        If this fails: return ``CannotFit(what, limit, found)`` with ``found`` above ``limit``, also where an encoder would raise.
        """
        rules, count = self._rules(), MANY // len(self.steps) + 1
        made = rules.compose(flow_of(rules, self.pools), tuple(self.steps) * count, self._wallet(), self._snapshot())
        if not isinstance(made, CannotFit):
            self.broken(f"{len(self.steps) * count} steps became {len(made.payload)} bytes")
        if made.found <= made.limit or not made.what:
            self.broken(f"{len(self.steps) * count} steps: {made}")

    @rule("CHN-18", "the rules touch nothing")
    def test_rules_touch_nothing(self) -> None:
        """They are asked inside the fold and in every replay, where there is no connection and no clock.

        If this fails: read what the chain must be asked for from the snapshot (name it in ``watch`` and ``needs``), and make the
        connection in the link.
        """
        snapshot, pools, steps = self._snapshot(), self.pools, tuple(self.steps)
        chain = self._chain()
        try:
            with sandbox(folder_of(self.plugin)):
                rules = chain.rules()
                rules.verified_assets()
                rules.executes_at(head_of(rules))
                rules.estimate(pools, 1, snapshot)
                wallet = chain.wallet(MAIN_BOOK)
                made = rules.compose(flow_of(rules, pools), steps, wallet, snapshot)
                if isinstance(made, Unsigned):
                    rules.cost(made, snapshot)
                rules.watch(wallet)
        except OutsideWorld as error:
            self.broken(f"they call {error}")

    @rule("CHN-19", "what is composed travels to the signer")
    def test_composed_bytes_travel(self) -> None:
        """The signer is another process, and the bytes stand in the journal before they are sent.

        If this fails: give every field of ``Unsigned`` the type that its annotation says.
        """
        made = self._composed(self._rules())
        try:
            again, carried = decode(encode(made), Unsigned), pickle.loads(pickle.dumps(made))  # noqa: S301 made in the same line
        except (DecodeError, pickle.PicklingError, TypeError, AttributeError) as error:
            self.broken(f"{made} does not travel: {type(error).__name__}: {error}")
        if again != made or carried != made or repr(again) != repr(made):
            self.broken(f"{made} came back as {again}")

    @rule("CHN-20", "each book has its own public addresses")
    def test_each_book_has_its_own_addresses(self) -> None:
        """Whose money it is, is said by the address: two books behind one address mix their money.

        If this fails: make ``wallet`` from the book's name or its configured account, the same every time, for this chain.
        """
        chain, rules = self._chain(), self._rules()
        one, again, other = chain.wallet(MAIN_BOOK), self._chain().wallet(MAIN_BOOK), chain.wallet(BookId("other"))
        if one.chain != rules.id or not one.owner or one != again:
            self.broken(f"the book main has {one}, then {again}")
        if one.owner == other.owner:
            self.broken(f"the books main and other share {one.owner}")

    def _composed(self, rules: ChainRules) -> Unsigned:
        made = rules.compose(flow_of(rules, self.pools), tuple(self.steps), self._wallet(), self._snapshot())
        if not isinstance(made, Unsigned):
            self.broken(f"the given steps do not fit: {made}")
        return made
