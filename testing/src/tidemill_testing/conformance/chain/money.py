"""Rules of what money waits for: slots, cancelling, holdings, and outcomes that stay."""

from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import TypeVar

from attrs import evolve, frozen

from tidemill.domain.events import Batch, Rollback
from tidemill.domain.ids import AssetId
from tidemill.domain.outcome import Outcome, OutcomeStatus
from tidemill.domain.signing import Reading
from tidemill.domain.transaction import Unsigned, Wallet
from tidemill.errors import OutcomeUnknown, Unavailable
from tidemill.hookspecs.chain import ChainLink
from tidemill_testing.conformance.chain.case import heads_of
from tidemill_testing.conformance.chain.sends import SendRules
from tidemill_testing.conformance.listening import answer_of
from tidemill_testing.conformance.rule import rule

T = TypeVar("T")
INCLUDED = (OutcomeStatus.FILLED, OutcomeStatus.REVERTED)
FAR = 10**9
"""A height that no chain of a test comes to."""
Holdings = tuple[tuple[AssetId, int], ...]


@frozen
class Followed:
    """What was said of a transaction while blocks came: the height of the head, and the outcome; what was held around its block."""

    said: tuple[tuple[int, Outcome], ...]
    before: Holdings
    after: Holdings
    again: Holdings
    far: object


class MoneyRules(SendRules):
    """The rules of slots, cancelling, holdings and outcomes that are final."""

    @rule("CHN-55", "the slot is the lowest that is free", needs="slots")
    def test_slot_is_the_lowest_that_is_free(self) -> None:
        """Behind a nonce that nobody uses everything waits; two transactions with one nonce are one.

        If this fails: return the lowest nonce that neither the chain has used nor ``taken`` holds, so that a gap is filled first, and
        count nothing in the link: what was asked for and never sent is free. A block hash names a recent block.
        """

        async def ask(link: ChainLink, wallet: Wallet) -> list[tuple[str, tuple[str, ...], str]]:
            first = await link.slot(wallet, ())
            name, _, number = first.partition(":")
            if name != "nonce":
                return [(await link.slot(wallet, ()), (), first)]
            own = int(number)
            one, two, three = (f"nonce:{own + more}" for more in range(3))
            used = f"nonce:{own - 1}" if own else one
            cases: list[tuple[tuple[str, ...], str]] = [
                ((), one), ((one,), two), ((two,), one), ((one, two), three), ((two, one), three), ((three, one), two), ((used, one), two),
            ]  # fmt: skip
            return [(await link.slot(wallet, taken), taken, wanted) for taken, wanted in cases]

        for found, taken, wanted in self._after_first(ask):
            if found.partition(":")[0] not in ("nonce", "blockhash") or not found.partition(":")[2]:
                self.broken(f"expected nonce:<number> or blockhash:<hash>, found {found!r}")
            if found != wanted:
                self.broken(f"with {', '.join(taken) or 'nothing'} taken it gave {found}, expected {wanted}")

    @rule("CHN-56", "sealing puts the slot in, and nothing else", needs="slots")
    def test_sealing_puts_the_slot_in(self) -> None:
        """Sealed twice, it must be one transaction; sealed with another slot, another.

        If this fails: make the bytes from the arguments alone, with the wallet's account and the slot in them, and keep plan, chain and
        limits as they were.
        """
        made = self._unsigned()

        async def ask(link: ChainLink, wallet: Wallet) -> tuple[str, list[Unsigned]]:
            slot = await link.slot(wallet, ())
            other = await link.slot(wallet, (slot,))
            return slot, [await link.seal(made, wallet, one) for one in (slot, slot, other if other != slot else slot)]

        slot, (one, again, other) = self._after_first(ask)
        if one != again:
            self.broken(f"sealed twice with {slot} it became {one}, then {again}")
        reading = self._read(one)
        if (reading.slot, reading.account, reading.chain) != (slot, self._wallet().owner, made.chain):
            self.broken(f"sealed for {self._wallet().owner} with {slot}, its bytes say {reading.account} and {reading.slot}")
        if self._read(other).slot != slot and (other.payload == one.payload or self._read(other).actions != reading.actions):
            self.broken(f"with another slot, {self._read(other).slot}, it does {self._read(other).actions}, before {reading.actions}")
        if evolve(one, payload=b"", digest="", expires=0) != evolve(made, payload=b"", digest="", expires=0) or one.expires > made.expires:
            self.broken(f"{made} became {one}")

    @rule("CHN-57", "cancelling takes the slot, and does nothing else", needs="slots")
    def test_cancelling_takes_the_slot(self) -> None:
        """Money waits behind a transaction that nobody includes; what replaces it must not move any.

        If this fails: return bytes with the slot and the account of the replaced ones, without a value or a spend, at a fee that nodes
        accept in its place; None only where slots run out by themselves.
        """
        made = self._unsigned()

        async def ask(link: ChainLink, wallet: Wallet) -> tuple[Unsigned, Unsigned | None]:
            sealed = await link.seal(made, wallet, await link.slot(wallet, ()))
            return sealed, await link.cancel(wallet, self.sign(sealed))

        sealed, cancelling = self._after_first(ask)
        old = self._read(sealed)
        if cancelling is None:
            if old.slot.startswith("nonce:"):
                self.broken(f"nothing cancels {old.slot}, which runs out never")
            return
        new = self._read(cancelling)
        if (new.slot, new.account, new.chain) != (old.slot, old.account, old.chain):
            self.broken(f"expected {old.slot} of {old.account}, found {new.slot} of {new.account}")
        if any(action.value or action.spends for action in new.actions):
            self.broken(f"it does something: {new.actions}")
        if new.max_fee // max(1, cancelling.compute_limit) <= old.max_fee // max(1, sealed.compute_limit):
            self.broken(
                f"at a fee of {new.max_fee} for {cancelling.compute_limit} it replaces nothing at {old.max_fee} for {sealed.compute_limit}"
            )

    @rule("CHN-58", "holdings are those after the block that was asked for", needs="slots")
    def test_holdings_are_those_after_a_block(self) -> None:
        """A book is compared with them: of another block, they make an adjustment out of nothing.

        If this fails: read balances at the given height, answer in the order asked, and raise ``Unavailable`` for a block that is
        not there.
        """
        followed = self._followed()
        outcome = self._last_included(followed)
        native, assets = self._rules().native, self._assets()
        for held in (followed.before, followed.after):
            if tuple(asset for asset, _ in held) != assets or any(type(amount) is not int or amount < 0 for _, amount in held):
                self.broken(f"asked for {assets}, it answered {held}")
        if followed.after != followed.again:
            self.broken(f"of the same block it says {followed.after}, then {followed.again}")
        expected = dict(outcome.changes)
        expected[native] = expected.get(native, 0) - outcome.cost
        moved = {asset: amount - dict(followed.before)[asset] for asset, amount in followed.after}
        if moved != {asset: expected.get(asset, 0) for asset in assets}:
            self.broken(f"the block at {outcome.height} moved {moved}, its transaction {expected}")
        if not isinstance(followed.far, Unavailable):
            self.broken(f"of block {FAR} expected Unavailable, found {followed.far!r}")

    @rule("CHN-59", "an outcome that is final stays", needs="slots")
    def test_final_outcome_stays(self) -> None:
        """It is booked for good, and nobody asks again.

        If this fails: once a block lies ``finality`` blocks below the head, say of what it holds the same for ever, or that nobody
        knows now.
        """
        finality, final = self._rules().finality, None
        for head, outcome in self._followed().said:
            if final is not None and outcome.status is not OutcomeStatus.UNKNOWN and outcome != final:
                self.broken(f"it was final as {final}, and at {head} it is {outcome}")
            if final is None and outcome.status in INCLUDED and head - outcome.height >= finality:
                final = outcome
        if final is None:
            self.broken(f"after {self.blocks} batches it is not final: expected filled or reverted, {finality} blocks below the head")

    def _read(self, unsigned: Unsigned) -> Reading:
        found = self.read(unsigned.payload)
        if not isinstance(found, Reading):
            self.broken(f"nobody can read its bytes: {found}")
        return found

    def _assets(self) -> tuple[AssetId, ...]:
        return tuple(dict.fromkeys((self._rules().native, *(asset for pool in self.pools for asset in pool.assets))))

    def _last_included(self, followed: Followed) -> Outcome:
        included = [outcome for _, outcome in followed.said if outcome.status in INCLUDED]
        if not included:
            self.broken(f"after {self.blocks} batches it is in no block")
        return included[-1]

    def _after_first(self, ask: Callable[[ChainLink, Wallet], Awaitable[T]]) -> T:
        """Return what was asked of a link that has told its first block."""
        wallet = self._wallet()

        async def asked(link: ChainLink) -> T:
            stream = link.batches()
            await anext(stream)
            found = await ask(link, wallet)
            await stream.aclose()  # type: ignore[attr-defined]  # an iterator of a generator function
            return found

        with self._link() as link:
            answer = answer_of(lambda: asked(link))
        if isinstance(answer, BaseException):
            self.broken(f"it raised {type(answer).__name__}: {answer}")
        return answer

    def _followed(self) -> Followed:
        """Send a transaction, and ask what became of it with every block; then what was held around its block."""
        made = self._unsigned()

        async def follow(link: ChainLink) -> Followed:
            wallet, assets, stream = self._wallet(), self._assets(), link.batches()
            head = _height(await anext(stream))
            signed = self.sign(await link.seal(made, wallet, await link.slot(wallet, ())))
            with suppress(OutcomeUnknown):
                await link.broadcast(signed)
            said: list[tuple[int, Outcome]] = []
            for _ in range(self.blocks):
                head = _height(await anext(stream), head)
                said.append((head, await link.outcome(signed)))
            at = next((outcome.height for _, outcome in reversed(said) if outcome.status in INCLUDED), head)
            held = [await link.holdings(wallet, assets, height) for height in (at - 1, at, at)]
            far = await _refusal(link, wallet, assets)
            await stream.aclose()  # type: ignore[attr-defined]  # an iterator of a generator function
            return Followed(tuple(said), held[0], held[1], held[2], far)

        with self._link() as link:
            answer = answer_of(lambda: follow(link))
        if isinstance(answer, BaseException):
            self.broken(f"it raised {type(answer).__name__}: {answer}")
        return answer


def _height(batch: Batch, known: int = 0) -> int:
    """Return the height of the head after a batch."""
    for event in batch.events:
        if isinstance(event, Rollback):
            known = event.height
    return max([known, *(head.height for head in heads_of([batch]))]) if heads_of([batch]) else known


async def _refusal(link: ChainLink, wallet: Wallet, assets: tuple[AssetId, ...]) -> object:
    try:
        return await link.holdings(wallet, assets, FAR)
    except Unavailable as error:
        return error
