"""Rules of sending: what may be said of a transaction, and when."""

from contextlib import suppress

from attrs import evolve

from tidemill.domain.events import Batch
from tidemill.domain.outcome import Outcome, OutcomeStatus
from tidemill.domain.transaction import Signed, Simulated, TxRef, Unsigned
from tidemill.errors import OutcomeUnknown, RefusedByVenue, TidemillError
from tidemill.hookspecs.chain import ChainLink
from tidemill_testing.conformance.chain.base import ChainBase
from tidemill_testing.conformance.chain.case import flow_of
from tidemill_testing.conformance.listening import answer_of
from tidemill_testing.conformance.rule import rule


class SendRules(ChainBase):
    """The rules of broadcast, simulation and outcome."""

    @rule("CHN-50", "a chain that cannot send refuses to")
    def test_chain_that_cannot_send_refuses(self) -> None:
        """A transaction that went nowhere and was not refused is waited for, for ever.

        If this fails: raise ``RefusedByVenue`` in ``broadcast`` where nothing can be sent, or declare the capability ``sends``.
        """
        if "sends" in self.capabilities:
            return
        made = self._unsigned()
        with self._link() as link:
            answer = answer_of(lambda: link.broadcast(Signed(made.plan, TxRef(made.chain, "0x00"), made.payload)))
        if not isinstance(answer, RefusedByVenue):
            self.broken(f"expected RefusedByVenue, found {answer!r}")

    @rule("CHN-51", "a simulation says yes with changes, or no with the reason", needs="sends")
    def test_simulation_says_why(self) -> None:
        """It is asked right before money moves: a no without a reason helps nobody at night.

        If this fails: return ``Simulated(ok=False, reason=…)`` for a plan that fails, and sorted changes in base units for one that works.
        """
        made = self._unsigned()
        with self._link() as link:
            answer = answer_of(lambda: link.simulate(made))
        if not isinstance(answer, Simulated):
            self.broken(f"expected Simulated, found {answer!r}")
        if not answer.ok and not answer.reason:
            self.broken("it failed without a reason")
        if list(answer.changes) != sorted(answer.changes) or any(type(change) is not int for _, change in answer.changes):
            self.broken(f"changes {answer.changes} are not sorted whole numbers")

    @rule("CHN-52", "what was never sent has an unknown outcome", needs="sends")
    def test_outcome_of_what_was_never_sent_is_unknown(self) -> None:
        """Called a failure, it would be sent anew while the first one may still arrive.

        If this fails: answer ``UNKNOWN`` unless there is proof: a receipt, or a used nonce or expired block hash at finality.
        """
        outcome = self._sent(broadcasts=0)[0]
        if not isinstance(outcome, Outcome) or outcome.status is not OutcomeStatus.UNKNOWN:
            self.broken(f"expected an outcome that is unknown, found {outcome!r}")

    @rule("CHN-53", "sent twice, it is included once, and its outcome has proof", needs="sends")
    def test_sent_twice_is_included_once(self) -> None:
        """After a crash the same bytes go out again; the book is settled by what the outcome says.

        If this fails: let ``broadcast`` take the same bytes again without an error, and answer with height, hash, cost and proof of the
        block that holds it.
        """
        before, after = self._sent(broadcasts=2)
        if not isinstance(before, Outcome) or before.status is not OutcomeStatus.UNKNOWN:
            self.broken(f"before any block holds it, expected an unknown outcome, found {before!r}")
        if not isinstance(after, Outcome) or after.status not in (OutcomeStatus.FILLED, OutcomeStatus.REVERTED):
            self.broken(f"after {self.blocks} batches expected filled or reverted, found {after!r}")
        if not after.proof or not after.block_hash or type(after.cost) is not int or after.cost < 0:
            self.broken(f"{after} lacks proof, block or cost")
        if after.status is OutcomeStatus.REVERTED and (not after.reason or after.fills or after.changes):
            self.broken(f"reverted, it has a reason and moves nothing: found {after}")

    @rule("CHN-54", "damaged bytes are refused, and prove nothing", needs="sends")
    def test_damaged_bytes_are_refused(self) -> None:
        """A byte that was lost on the way must not become another transaction, nor the proof that ours is dead.

        If this fails: check the bytes before they are taken, and raise ``RefusedByVenue``.
        """
        with self._link() as link:
            answers = answer_of(lambda: self._damaged(link))
        if isinstance(answers, BaseException):
            self.broken(f"it raised {type(answers).__name__}: {answers}")
        for broadcast, outcome in answers:
            if not isinstance(broadcast, RefusedByVenue):
                self.broken(f"expected RefusedByVenue, found {broadcast!r}")
            if isinstance(outcome, Outcome) and outcome.status is not OutcomeStatus.UNKNOWN:
                self.broken(f"of damaged bytes it says {outcome.status}")

    def _unsigned(self) -> Unsigned:
        rules = self._rules()
        # What a transaction may cost at most must be covered by the account, so that the cap is one that can be paid
        flow = flow_of(rules, self.pools, cost_cap=max(1, 4 * rules.estimate(self.pools, 1, self._snapshot())))
        made = rules.compose(flow, tuple(self.steps), self._wallet(), self._snapshot())
        if not isinstance(made, Unsigned):
            self.broken(f"the given steps do not fit: {made}")
        return made

    def _sent(self, broadcasts: int) -> tuple[object, object]:
        """Return the outcome before and after ``blocks`` batches of what was sent so often after the first one."""
        made, wallet = self._unsigned(), self._wallet()

        async def send(link: ChainLink) -> tuple[object, object]:
            stream = link.batches()
            heard: list[Batch] = [await anext(stream)]
            signed = self.sign(await link.seal(made, wallet, await link.slot(wallet, ())))
            for _ in range(broadcasts):
                # No answer is an answer too: what became of it is asked below
                with suppress(OutcomeUnknown):
                    await link.broadcast(signed)
            before = await link.outcome(signed)
            while len(heard) < self.blocks:
                heard.append(await anext(stream))
            after = await link.outcome(signed)
            await stream.aclose()  # type: ignore[attr-defined]  # an iterator of a generator function
            return before, after

        with self._link() as link:
            answer = answer_of(lambda: send(link))
        if isinstance(answer, BaseException):
            self.broken(f"it raised {type(answer).__name__}: {answer}")
        return answer

    async def _damaged(self, link: ChainLink) -> list[tuple[object, object]]:
        await anext(link.batches())
        wallet = self._wallet()
        signed = self.sign(await link.seal(self._unsigned(), wallet, await link.slot(wallet, ())))
        found = []
        for raw in (b"", signed.raw[:-1], signed.raw[:-1] + bytes((signed.raw[-1] ^ 1,))):
            damaged = evolve(signed, raw=raw)
            found.append((await _error(link.broadcast, damaged), await _error(link.outcome, damaged)))
        return found


async def _error(call: object, signed: Signed) -> object:
    try:
        return await call(signed)  # type: ignore[operator]  # a method of the link
    except TidemillError as error:
        return error
