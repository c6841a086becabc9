"""What the executor contract of the simulated chain does with a program: the same as ``replay_flow``, on the chain's own pools."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from attrs import frozen

from tidemill.domain.ids import erc20
from tidemill.domain.outcome import Fill
from tidemill.hookspecs.chain import Step
from tidemill_amm import constant_product
from tidemill_chain_sim.draft import Draft, Hop
from tidemill_chain_sim.pools import PairState, PoolSpec, PoolState, Swap, swap
from tidemill_evm.executor import FlowCall
from tidemill_evm.steps import FlashLoan, V2Swap, V3Swap
from tidemill_simworld import CHAIN, VAULT
from tidemill_simworld.envelope import Funds

if TYPE_CHECKING:
    from immutables import Map

BPS = 10_000


@frozen
class Executed:
    """A program that ran to its end.

    ``hops`` are its swaps, one upon the other, ``vault`` what can be lent afterwards, ``changes`` what the sender's tokens change by, per
    address, sorted, zeros left out.
    """

    hops: tuple[Hop, ...]
    fills: tuple[Fill, ...]
    vault: "Map[str, int]"
    changes: tuple[tuple[str, int], ...]


@frozen
class Reverted:
    """A program that was undone; ``rule`` is named as in ``replay_flow``."""

    rule: str
    reason: str


def execute(call: FlowCall, funds: Funds, draft: Draft) -> Executed | Reverted:
    """Run a program on the draft's pools as they stand and say what comes of it; the draft itself stays as it is."""
    if draft.height > call.expires:
        return Reverted("expired", f"valid up to height {call.expires}, included at {draft.height}")
    run = _Run(draft, funds)
    failed = run.steps(call.steps) or run.guards(call.guards)
    if failed is not None:
        return failed
    for token, amount in funds:
        run.held[token] -= amount
    changes = tuple((token, change) for token, change in sorted(run.held.items()) if change)
    return Executed(tuple(run.hops), tuple(run.fills), run.vault, changes)


class _Run:
    """A program under way: what the executor holds, and pools and vault as far as it moved them."""

    def __init__(self, draft: Draft, funds: Funds) -> None:
        self.held: dict[str, int] = {}
        for token, amount in funds:
            self.held[token] = self.held.get(token, 0) + amount
        self.vault = draft.vault
        self.hops: list[Hop] = []
        self.fills: list[Fill] = []
        self._draft = draft
        self._moved: dict[int, PoolState] = {}

    def steps(self, steps: Sequence[Step]) -> Reverted | None:
        for step in steps:
            match step:
                case FlashLoan():
                    failed = self._loan(step)
                case V2Swap() | V3Swap():
                    failed = self._swap(step)
                case _:
                    failed = Reverted("program", f"{type(step).__name__} is no step of this executor")
            if failed is not None:
                return failed
        return None

    def guards(self, guards: Sequence[tuple[str, int]]) -> Reverted | None:
        for token, least in guards:
            held = self.held.get(token, 0)
            if held < least:
                asset = erc20(CHAIN, token)
                return Reverted("guard", f"{held} of {asset} is left, the guard asks for {least} of {asset}")
        return None

    def _swap(self, step: V2Swap | V3Swap) -> Reverted | None:
        held = self.held.get(step.token_in, 0)
        amount = held if step.amount_in is None else step.amount_in
        if amount > held:
            return Reverted(
                "balance", f"{step.pool} is sold {amount} of {erc20(CHAIN, step.token_in)}, {held} of {erc20(CHAIN, step.token_in)} is held"
            )
        spec = self._draft.market.spec_at(step.pool)
        if spec is None or not _fits(spec, step):
            return Reverted("quote", f"{step.pool} is no {_kind(step)} pool that sells {step.token_out} for {step.token_in}")
        state = self._moved.get(spec.index) or self._draft.pools[spec.index]
        done = _paid(spec, state, step, amount, self._draft.time) if amount else None
        if done is None:
            return Reverted("quote", f"{step.pool} does not take {amount} of {erc20(CHAIN, step.token_in)}")
        if done.amount_out < step.min_out:
            return Reverted("min_out", f"{step.pool} pays {done.amount_out}, at least {step.min_out} was asked")
        self._moved[spec.index] = done.state
        self.hops.append(Hop(spec.index, step.zero_for_one, done))
        sell, buy = erc20(CHAIN, step.token_in), erc20(CHAIN, step.token_out)
        self.fills.append(Fill(spec.ref.id, sell, buy, done.amount_in, done.amount_out))
        self.held[step.token_in] = held - done.amount_in
        self.held[step.token_out] = self.held.get(step.token_out, 0) + done.amount_out
        return None

    def _loan(self, step: FlashLoan) -> Reverted | None:
        free = self.vault.get(step.asset, 0)
        least = -(-step.amount * self._draft.market.settings.loan_fee_bps // BPS)
        if step.pool != VAULT or step.amount > free or step.fee < least:
            reason = f"asked {step.amount} of {step.asset} for {step.fee} from {step.pool}: {VAULT} has {free} and wants {least}"
            return Reverted("loan", reason)
        self.vault = self.vault.set(step.asset, free - step.amount)
        self.held[step.asset] = self.held.get(step.asset, 0) + step.amount
        failed = self.steps(step.inner)
        if failed is not None:
            return failed
        due, held = step.amount + step.fee, self.held[step.asset]
        if held < due:
            return Reverted("loan", f"the vault is owed {due} of {erc20(CHAIN, step.asset)}, {held} of {erc20(CHAIN, step.asset)} is held")
        self.held[step.asset] = held - due
        self.vault = self.vault.set(step.asset, self.vault[step.asset] + due)
        return None


def _kind(step: V2Swap | V3Swap) -> str:
    return "v2" if isinstance(step, V2Swap) else "v3"


def _fits(spec: PoolSpec, step: V2Swap | V3Swap) -> bool:
    tokens = (spec.token0.address, spec.token1.address)
    return spec.kind == _kind(step) and (step.token_in, step.token_out) == (tokens if step.zero_for_one else tokens[::-1])


def _paid(spec: PoolSpec, state: PoolState, step: V2Swap | V3Swap, amount: int, time: int) -> Swap | None:
    """Swap as the executor does.

    It computes a pair's output with the fee it was told, and the pair refuses more than its own fee allows.
    """
    done = swap(spec, state, step.zero_for_one, amount, time)
    if done is None or not (isinstance(step, V2Swap) and isinstance(state, PairState)) or step.fee_ppm == spec.venue.fee_ppm:
        return done
    reserves = (state.reserve0, state.reserve1) if step.zero_for_one else (state.reserve1, state.reserve0)
    out = constant_product.amount_out(amount, *reserves, step.fee_ppm)
    if not 0 < out <= done.amount_out:
        return None
    after = (reserves[0] + amount, reserves[1] - out)
    return Swap(amount, out, PairState(*(after if step.zero_for_one else after[::-1]), time), None)
