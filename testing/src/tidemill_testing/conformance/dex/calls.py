"""Rules of what a DEX does with its pools: logs, steps, what the base class derives; and of all of it together."""

from collections.abc import Sequence

from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from tidemill.domain.answers import Needs
from tidemill.domain.events import Log
from tidemill.domain.ids import pair_of
from tidemill.domain.plan import PlannedSwap
from tidemill.domain.pool import Pool
from tidemill.domain.transaction import Wallet
from tidemill.errors import DecodeError
from tidemill.hookspecs.chain import Step
from tidemill.hookspecs.dex import Dex
from tidemill_testing.conformance.asking import first_difference
from tidemill_testing.conformance.dex.answers import answers_of
from tidemill_testing.conformance.dex.bench import DexBench, Lane, Loaded, directions
from tidemill_testing.conformance.dex.steps import unlike_plan
from tidemill_testing.conformance.dex.view import view_of
from tidemill_testing.conformance.other_process import OtherProcessFailed
from tidemill_testing.conformance.rule import rule
from tidemill_testing.conformance.sandbox import OutsideWorld, folder_of, sandbox
from tidemill_testing.conformance.twin import in_twin

_NO_TOPIC = bytes.fromhex("fe" * 32)
_ROUNDS = 8
_ROUND = 10**6
"""A round amount: taken by a rate of whole parts per million, it and the next one become the same."""
_OWNER = "0x000000000000000000000000000000000000a11c"


class DexCallRules(DexBench):
    """Rules 40 to 46."""

    @rule("DEX-40", "logs change a pool as the chain's state does", needs="logs")
    def test_logs_change_a_pool_as_state_does(self) -> None:
        """Between loads a pool lives from its logs alone; what they miss is missed until the next restart.

        If this fails: compare each event of the contract with the storage it writes; give ``logs`` and ``after`` of the same block. A log
        that moves the pool must pass a ``LogFilter`` of its watch, by contract and first topic: nothing else is ever delivered.
        """
        dex, played = self.dex(), 0
        for loaded in self.loaded():
            if loaded.case.logs:
                played += 1
                after = self.load(dex, loaded.case, source={**loaded.case.states, **loaded.case.after})
                self.same_pool(after, self._played(dex, loaded), "after its logs")
        if not played:
            self.broken("no case has logs and the state after them: give some, or take 'logs' out of the capabilities")

    def _played(self, dex: Dex, loaded: Loaded) -> Pool:
        pool = loaded.pool
        for log in loaded.case.logs:
            after = self._after(dex, loaded, pool, log)
            if after != pool and not any(log.matches(wanted) for wanted in loaded.decoded.watch.logs):
                topic = log.topics[0].hex() if log.topics else "none"
                watched = f"{loaded.decoded.watch.logs or 'no logs'}"
                self.broken(f"{loaded.case}: log {log.index} of {log.address} (topic {topic}) moves the pool, and it watches {watched}")
            pool = after
        return pool

    def _after(self, dex: Dex, loaded: Loaded, pool: Pool, log: Log) -> Pool:
        """Return the pool after a log; what it needs for that is read before."""
        for _ in range(_ROUNDS):
            answer = dex.apply(pool, log, loaded.case.at)
            if not isinstance(answer, Needs):
                return answer
            loaded = self.read_more(dex, loaded, answer.keys)
            pool = loaded.pool
        return self.broken(f"{loaded.case}: log {log.index} still needs state after {_ROUNDS} readings")

    @rule("DEX-41", "a log that does not concern a pool leaves it alone", needs="logs")
    def test_log_of_another_event_leaves_the_pool(self) -> None:
        """Contracts emit more than what moves a pool, and upgrades bring events that nobody knew.

        If this fails: compare the first topic, and return the pool itself for every other one; a log of another contract may be a
        DecodeError.
        """
        dex = self.dex()
        for loaded in self.loaded():
            for address in sorted({log.address for log in loaded.case.logs} | {one.address for one in loaded.decoded.watch.logs}):
                for log in (Log(address, (_NO_TOPIC,), b""), Log(address, (), b""), Log(address, (_NO_TOPIC,), bytes(96))):
                    with self.asking(f"{loaded.case}: {log}"):
                        answer = dex.apply(loaded.pool, log, loaded.case.at)
                    if answer != loaded.pool:
                        self.broken(f"{loaded.case}: {log} gave {answer!r}")
            for log in loaded.case.logs:
                foreign = evolve(log, address="0x" + "f0" * 20)
                moved = self._applied(dex, loaded, foreign)
                if moved is not None and moved != loaded.pool:
                    self.broken(f"{loaded.case}: a log of {foreign.address} changed it to {moved!r}")

    @rule("DEX-42", "a malformed log is a DecodeError", needs="logs")
    def test_malformed_log_is_a_decode_error(self) -> None:
        """A node's fault in one log drops that pool until it is read again, and nothing else.

        If this fails: check the length of topics and data before reading them, raise ``tidemill.errors.DecodeError``.
        """
        dex = self.dex()
        for loaded in self.loaded():
            for log in loaded.case.logs:
                for wrong in (
                    evolve(log, data=log.data[:-1]),
                    evolve(log, data=b""),
                    evolve(log, topics=log.topics[:1], data=log.data[:-1]),
                ):
                    answer = self._applied(dex, loaded, wrong)
                    if wrong != log and answer is not None and answer != loaded.pool:
                        self.broken(f"{loaded.case}: {len(wrong.data)} bytes instead of {len(log.data)}, and the pool is {answer!r}")
                self._any_data(dex, loaded, log)

    def _any_data(self, dex: Dex, loaded: Loaded, log: Log) -> None:
        @self.examples(30)
        @given(st.binary(min_size=len(log.data), max_size=len(log.data)))
        def holds(data: bytes) -> None:
            self._applied(dex, loaded, evolve(log, data=data))

        holds()

    def _applied(self, dex: Dex, loaded: Loaded, log: Log) -> Pool | Needs | None:
        """Return the pool after a log, or None where it is refused with the one error that is allowed."""
        with self.asking(f"{loaded.case}: {log}"):
            try:
                return dex.apply(loaded.pool, log, loaded.case.at)
            except DecodeError:
                return None

    @rule("DEX-43", "steps carry out the swap as it was planned", needs="steps")
    def test_steps_carry_out_the_swap(self) -> None:
        """What is signed are the steps: an amount or a least output that is not in them is not enforced by anyone.

        ``V2Swap``, ``V3Swap`` and ``CallSwap`` are compared with the plan and the pool field by field. Of other families, and of the
        calldata of a ``CallSwap``, it can only be said that another plan gives other steps: try them on a node.

        If this fails: return a tuple of the family's steps, never an empty one; put the plan's ``amount_in`` (None: all that is held) and
        ``min_out`` into them as they are, and take nothing from anywhere but the arguments.
        """
        dex = self.dex()
        for lane in self.lanes():
            pool, at = lane.loaded.pool, lane.at
            wallet = Wallet(lane.loaded.case.ref.chain, _OWNER)
            amount = _ROUND if 1 << lane.low <= _ROUND < 1 << max(lane.high - 1, 0) else 1 << lane.low
            least = _ROUND if (lane.out(amount) or 0) > _ROUND else 1
            plan = PlannedSwap(pool.id, lane.sell, lane.buy, amount, least)
            others = {
                "another min_out": evolve(plan, min_out=least + 1),
                "another amount_in": evolve(plan, amount_in=amount + 1),
                "all that is held": evolve(plan, amount_in=None),
                "the other direction": PlannedSwap(pool.id, lane.buy, lane.sell, amount, least),
            }
            with self.asking(f"{plan} ({lane})"):
                steps, again = (dex.build_steps(plan, pool, at, wallet) for _ in range(2))
            if not (isinstance(steps, tuple) and steps and all(isinstance(step, Step) for step in steps)):
                self.broken(f"expected a tuple of steps, found {steps!r} ({lane})")
            if again != steps:
                self.broken(f"asked twice it gives {steps} and {again} ({lane})")
            self._like_plan(steps, plan, lane)
            for what, other in others.items():
                with self.asking(f"{other} ({lane})"):
                    found = dex.build_steps(other, pool, at, wallet)
                if found == steps:
                    self.broken(f"{what} gives the same steps: {steps} ({lane})")
                self._like_plan(found, other, lane)

    def _like_plan(self, steps: Sequence[Step], plan: PlannedSwap, lane: Lane) -> None:
        unlike = unlike_plan(steps, plan, lane.loaded.pool)
        if unlike is not None:
            self.broken(f"{unlike}, for {plan} ({lane})")

    @rule("DEX-44", "what the base class derives tells of the pool")
    def test_derived_methods_tell_of_the_pool(self) -> None:
        """Users ask a DEX for its pairs, prices, liquidity and simulations by the names they know.

        If this fails: leave ``supported_pairs``, ``get_pool_liquidity``, ``simulate_swap``, ``fee_bps`` and ``fetch_prices`` to the base
        class, or let them tell what the pool tells.
        """
        dex = self.dex()
        for loaded in self.loaded():
            pool, view = loaded.pool, view_of(loaded.case.ref, loaded.pool, loaded.case.at)
            pairs = sorted({pair_of(*direction) for direction in directions(pool)})
            fee = None if pool.fee_ppm is None else -(-pool.fee_ppm // 100)
            facts: dict[str, tuple[object, object]] = {
                "supported_pairs": (tuple(pairs), dex.supported_pairs(view)),
                "get_pool_liquidity": (dict(pool.holdings), dict(dex.get_pool_liquidity(view, pool.id))),
                "fee_bps": (fee, dex.fee_bps(pool)),
                "fetch_prices": ({}, {pair: offer for pair, offer in dex.fetch_prices(view, pairs).items() if offer.pool != pool.id}),
            }
            for sell, buy in directions(pool):
                swap = PlannedSwap(pool.id, sell, buy, 1_000, 0)
                facts[f"simulate_swap({sell} for {buy})"] = (
                    pool.swap_exact_in(sell, buy, 1_000, loaded.case.at),
                    dex.simulate_swap(view, swap),
                )
            for name, (expected, found) in facts.items():
                if found != expected:
                    self.broken(f"{loaded.case}: {name} gives {found!r}, the pool says {expected!r}")

    @rule("DEX-45", "decoding, quoting and building touch nothing outside")
    def test_nothing_outside_is_touched(self) -> None:
        """The same code runs in every replay, where there is no node, no clock and no file.

        If this fails: take what the call needs from its arguments; only ``discover`` may read, through its reader.
        """
        with self.asking("making the plugin"):
            dex, cases = self.dex(), self.cases
        try:
            with sandbox(folder_of(self.plugin)):
                answers_of(dex, cases)
        except OutsideWorld as error:
            self.broken(f"it calls {error}")

    @rule("DEX-46", "answers are the same in another process")
    def test_answers_are_the_same_in_another_process(self) -> None:
        """A run must repeat on any machine: nothing may depend on PYTHONHASHSEED, on what ran before, or on addresses in memory.

        If this fails: sort what comes out of sets and maps before its order matters; no ``id()``, no ``hash()`` of text, no default repr.
        """
        dex = self.dex()
        here: Sequence[str] = answers_of(dex, self.cases)
        try:
            there: Sequence[str] = in_twin(answers_of, self.plugin, (dex, tuple(self.cases)))
        except OtherProcessFailed as error:
            self.broken(str(error))
        place = first_difference(here, there)
        if place is not None:
            one, other = ((*lines[place : place + 1], "nothing more")[0] for lines in (here, there))
            self.broken(f"here {one}; in a process with another PYTHONHASHSEED {other}")
