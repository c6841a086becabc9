"""The chain's own broadcast: mempool, blocks, reverts, nonces, reorganisations."""

from collections.abc import Callable
from typing import Any

import anyio
import pytest

from tidemill.domain.outcome import Outcome, OutcomeStatus
from tidemill.domain.transaction import Signed, Unsigned, Wallet
from tidemill.errors import RefusedByVenue
from tidemill.hookspecs.chain import LinkSetup
from tidemill_chain_sim.link import SimLink
from tidemill_chain_sim.pools import PoolSpec, amount_out
from tidemill_chain_sim.settings import SimSettings
from tidemill_evm import uniswap_v2_logs as v2
from tidemill_evm.erc20 import balance_key
from tidemill_evm.gas import calldata_gas
from tidemill_evm.steps import FlashLoan, V2Swap
from tidemill_evm.storage import word_number
from tidemill_simworld import CHAIN, HUBS, VAULT
from tidemill_simworld.envelope import encode_call, nonce_slot, open_signed, seal
from tidemill_testing.keys import NamedKey

MakeCall = Callable[..., Unsigned]
KEY, OTHER = NamedKey("main"), NamedKey("other")
ME = KEY.account
WALLET = Wallet(CHAIN, ME)
QUIET = {"retail_per_block": 0, "informed_hub_ppm": 0, "informed_tail_ppm": 0, "competitor_work": 0, "makers_ppm": 0}
FEE = 10**12


def _link(seed: int = 1, **changed: Any) -> SimLink:
    chosen = SimSettings(**{"tokens": 12, "pools": 60, "warmup_blocks": 2, **QUIET, **changed})
    return SimLink(chosen, LinkSetup(seed=seed))


def _pair(link: SimLink) -> PoolSpec:
    return next(spec for spec in link.engine.market.specs if spec.kind == "v2" and {spec.token0, spec.token1} <= set(HUBS))


def _sell(spec: PoolSpec, amount: int | None, min_out: int = 0) -> V2Swap:
    return V2Swap(spec.address, spec.token0.address, spec.token1.address, True, spec.venue.fee_ppm, amount, min_out)


def _send(link: SimLink, unsigned: Unsigned, nonce: int = 0, key: NamedKey = KEY) -> Signed:
    signed = key.sign_sealed(seal(unsigned, key.account, nonce_slot(nonce)))
    anyio.run(link.broadcast, signed)
    return signed


def _outcome(link: SimLink, signed: Signed) -> Outcome:
    return anyio.run(link.outcome, signed)


def _balance(link: SimLink, token: str, owner: str = ME) -> int:
    ((_, value),) = anyio.run(link.reader.read, [balance_key(token, owner, 0)]).values
    return word_number(value or b"")


def test_broadcast_is_included_in_the_next_block_and_moves_the_pool(make_call: MakeCall) -> None:
    """A transaction of ours swaps for real: the pool moves, its logs stand in the block, the account pays and receives, the gas is paid."""
    link = _link()
    spec, before = _pair(link), link.engine.head.world
    amount = spec.token0.unit // 100
    paid = amount_out(spec, before.pools[spec.index], True, amount)
    unsigned = make_call([_sell(spec, amount, paid)], funds=[(spec.token0.address, amount)])
    signed = _send(link, unsigned)
    assert OutcomeStatus.UNKNOWN == _outcome(link, signed).status
    block = link.engine.mine()
    outcome = _outcome(link, signed)
    assert (OutcomeStatus.FILLED, 1, block.block_hash, signed.ref.tx) == (outcome.status, outcome.height, outcome.block_hash, outcome.proof)
    assert (amount, paid) == (outcome.fills[0].amount_in, outcome.fills[0].amount_out)
    assert tuple(sorted(((spec.token0.id, -amount), (spec.token1.id, paid)))) == outcome.changes
    assert unsigned.compute * block.fee == outcome.cost
    assert [v2.Sync.topic, v2.Swap.topic] == [log.topics[0] for log in block.logs if log.tx == signed.ref.tx]
    assert before.pools[spec.index] != block.world.pools[spec.index]
    account = block.world.accounts[ME]
    assert (1, 10 * 10**18 - outcome.cost) == (account.nonce, account.native)
    start = 100_000 * 10**12 * spec.token0.unit // spec.token0.start_price
    assert start - amount == _balance(link, spec.token0.address)


def test_broadcast_that_reverts_pays_gas_and_changes_nothing_else(make_call: MakeCall) -> None:
    """A guard that fails undoes the swaps, and the cost is paid."""
    link = _link()
    spec, before = _pair(link), link.engine.head.world
    unsigned = make_call([_sell(spec, 1_000_000)], funds=[(spec.token0.address, 1_000_000)], guards=[(spec.token1.address, 10**40)])
    signed = _send(link, unsigned)
    block = link.engine.mine()
    outcome = _outcome(link, signed)
    assert (OutcomeStatus.REVERTED, unsigned.compute * block.fee, ()) == (outcome.status, outcome.cost, outcome.changes)
    assert outcome.reason.startswith("guard: ")
    assert before.pools == block.world.pools
    assert () == block.logs
    assert 1 == block.world.accounts[ME].nonce


def test_broadcast_flash_loan_needs_no_own_money(make_call: MakeCall) -> None:
    """Borrowed money is repaid with its fee out of what the sender hands over, and the vault keeps the fee."""
    link = _link()
    spec = _pair(link)
    borrowed = next(hub for hub in HUBS if hub not in (spec.token0, spec.token1))
    loan = FlashLoan("sim", VAULT, borrowed.address, 10**6, 500, (_sell(spec, None),))
    before = link.engine.head.world.vault[borrowed.address]
    signed = _send(link, make_call([loan], funds=[(spec.token0.address, 10**6), (borrowed.address, 500)]))
    block = link.engine.mine()
    assert OutcomeStatus.FILLED == _outcome(link, signed).status
    assert abs(block.world.vault[borrowed.address] - before - 500) * 100 <= before


def test_broadcast_again_changes_nothing(make_call: MakeCall) -> None:
    """The same bytes may go out more than once, before and after they are included."""
    link = _link()
    signed = _send(link, make_call([_sell(_pair(link), 1)], expires=0))
    anyio.run(link.broadcast, signed)
    assert 1 == len(link.engine.mine().txs)
    anyio.run(link.broadcast, signed)
    assert 0 == len(link.engine.mine().txs)


def test_broadcast_expired_plan_reverts(make_call: MakeCall) -> None:
    """The executor refuses a plan after its last height, and the gas is paid."""
    link = _link()
    signed = _send(link, make_call([_sell(_pair(link), 1)], expires=0))
    link.engine.mine()
    assert _outcome(link, signed).reason.startswith("expired: valid up to height 0, included at 1")


def test_broadcast_below_the_base_fee_waits(make_call: MakeCall) -> None:
    """A transaction is not included while it offers less than the base fee."""
    link = _link()
    signed = _send(link, make_call([_sell(_pair(link), 1)], max_fee=1))
    link.engine.mine()
    outcome = _outcome(link, signed)
    assert (OutcomeStatus.UNKNOWN, "waiting to be included") == (outcome.status, outcome.reason)


def test_broadcast_with_a_gap_in_nonces_waits_for_the_gap(make_call: MakeCall) -> None:
    """Nonces are used in order, within one block too, whatever is offered."""
    link = _link()
    steps = [_sell(_pair(link), 1)]
    later = _send(link, make_call(steps, max_fee=3 * FEE), nonce=1)
    assert () == link.engine.mine().txs
    first = _send(link, make_call(steps), nonce=0)
    assert (first.ref.tx, later.ref.tx) == link.engine.mine().txs


def test_broadcast_higher_offer_stands_first(make_call: MakeCall) -> None:
    """Among accounts the higher offer is included first."""
    link = _link()
    steps = [_sell(_pair(link), 1)]
    low = _send(link, make_call(steps))
    high = _send(link, make_call(steps, max_fee=2 * FEE), key=OTHER)
    assert (high.ref.tx, low.ref.tx) == link.engine.mine().txs


def test_broadcast_replacement_makes_the_first_one_dead(make_call: MakeCall) -> None:
    """A transaction with the same nonce and a tenth more replaces one that waits, which can then never be included."""
    link = _link()
    steps = [_sell(_pair(link), 1)]
    old = _send(link, make_call(steps))
    with pytest.raises(RefusedByVenue, match=f"offer {FEE * 11 // 10} wei a gas or more"):
        _send(link, make_call(steps, max_fee=FEE + 1))
    new = _send(link, make_call(steps, max_fee=FEE * 11 // 10))
    assert "not waiting here" in _outcome(link, old).reason
    assert (new.ref.tx,) == link.engine.mine().txs
    outcome = _outcome(link, old)
    assert (OutcomeStatus.DEAD, f"{ME}:1") == (outcome.status, outcome.proof)


def test_broadcast_used_nonce_is_refused(make_call: MakeCall) -> None:
    """A nonce can be used once."""
    link = _link()
    unsigned = make_call([_sell(_pair(link), 1)])
    _send(link, unsigned)
    link.engine.mine()
    with pytest.raises(RefusedByVenue, match=r"nonce 0 of .* is used: expected 1 or more"):
        _send(link, make_call([_sell(_pair(link), 2)]))


def test_broadcast_that_cannot_be_paid_is_refused(make_call: MakeCall) -> None:
    """An account must have what a transaction may cost."""
    link = _link()
    with pytest.raises(RefusedByVenue, match="the transaction may cost"):
        _send(link, make_call([_sell(_pair(link), 1)], max_fee=10**15))


def test_broadcast_damaged_bytes_are_refused(make_call: MakeCall) -> None:
    """What does not decode can never be included."""
    link = _link()
    signed = KEY.sign_sealed(seal(make_call([_sell(_pair(link), 1)]), ME, nonce_slot(0)))
    damaged = Signed(signed.plan, signed.ref, signed.raw[:-1])
    with pytest.raises(RefusedByVenue, match="not a transaction of this chain"):
        anyio.run(link.broadcast, damaged)
    with pytest.raises(RefusedByVenue, match="not a transaction of this chain"):
        anyio.run(link.outcome, damaged)


def test_broadcast_funds_that_the_account_lacks_revert(make_call: MakeCall) -> None:
    """Nobody can hand over more than they have."""
    link = _link()
    spec = _pair(link)
    signed = _send(link, make_call([_sell(spec, 10**40)], funds=[(spec.token0.address, 10**40)]))
    link.engine.mine()
    assert _outcome(link, signed).reason.startswith("funds: the sender has ")


def test_broadcast_out_of_gas_pays_its_limit(make_call: MakeCall) -> None:
    """A limit below what the program needs is used up."""
    link = _link()
    whole = make_call([_sell(_pair(link), 1)])
    signed = _send(link, Unsigned(whole.plan, whole.chain, whole.payload, 21_000, whole.expires))
    block = link.engine.mine()
    outcome = _outcome(link, signed)
    assert (OutcomeStatus.REVERTED, 21_000 * block.fee) == (outcome.status, outcome.cost)
    assert outcome.reason.startswith("gas: needs ")


def test_broadcast_of_no_program_reverts(make_call: MakeCall) -> None:
    """A call that is no program of the executor reverts and pays for its bytes."""
    link = _link()
    whole = make_call([_sell(_pair(link), 1)])
    call = encode_call([], b"nonsense", FEE)
    signed = _send(link, Unsigned(whole.plan, whole.chain, call, 90_000, whole.expires))
    block = link.engine.mine()
    outcome = _outcome(link, signed)
    assert outcome.reason.startswith("program: ")
    assert (21_000 + calldata_gas(call)) * block.fee == outcome.cost


def test_reorganisation_takes_an_outcome_back_and_includes_it_again(make_call: MakeCall) -> None:
    """What a dropped block held waits again, and is executed in the block that replaces it."""
    link = _link()
    signed = _send(link, make_call([_sell(_pair(link), 1)], expires=0))
    first = link.engine.mine()
    link.engine.go_back(1)
    assert OutcomeStatus.UNKNOWN == _outcome(link, signed).status
    again = link.engine.mine()
    assert (signed.ref.tx,) == first.txs == again.txs
    assert again.block_hash == _outcome(link, signed).block_hash != first.block_hash


def test_outcome_is_dead_only_where_no_reorganisation_reaches(make_call: MakeCall) -> None:
    """With reorganisations switched on, a used nonce is proof once the deepest of them can no longer undo it."""
    link = _link(reorganisation_ppm=1, reorganisation_depth=3)
    steps = [_sell(_pair(link), 1)]
    old = _send(link, make_call(steps))
    _send(link, make_call(steps, max_fee=2 * FEE))
    statuses = []
    for _ in range(5):
        link.engine.mine()
        statuses.append(_outcome(link, old).status)
    unknown, dead = OutcomeStatus.UNKNOWN, OutcomeStatus.DEAD
    assert [unknown, unknown, unknown, dead, dead] == statuses


@pytest.mark.parametrize(("front_ppm", "status"), [(1_000_000, OutcomeStatus.FILLED), (0, OutcomeStatus.REVERTED)])
def test_broadcast_behind_competitors_comes_too_late(make_call: MakeCall, front_ppm: int, status: OutcomeStatus) -> None:
    """Whether a transaction stands before those of competitors decides whether a mispricing is still there."""
    link = _link(competitor_work=20, competitor_share_ppm=1_000_000, front_ppm=front_ppm)
    engine = link.engine
    spec = next(
        spec for spec in engine.market.specs
        if spec.kind == "v2" and HUBS[0] in (spec.token0, spec.token1) and len(engine.market.pair_pools(spec)) > 1
    )  # fmt: skip
    sells_token0 = spec.token0 is not HUBS[0]
    tail = spec.token0 if sells_token0 else spec.token1
    state = engine.head.world.pools[spec.index]
    dumped = (state[0] if sells_token0 else state[1]) // 10  # type: ignore[operator]
    _dump(link, spec, sells_token0, dumped)
    bought = V2Swap(spec.address, HUBS[0].address, tail.address, not sells_token0, spec.venue.fee_ppm, None, 0)
    amount = HUBS[0].unit // 10
    least = amount_out(spec, engine.head.world.pools[spec.index], not sells_token0, amount)
    step = V2Swap(bought.pool, bought.token_in, bought.token_out, bought.zero_for_one, bought.fee_ppm, amount, least)
    signed = _send(link, make_call([step], funds=[(HUBS[0].address, amount)]))
    engine.mine()
    assert status == _outcome(link, signed).status


def _dump(link: SimLink, spec: PoolSpec, zero_for_one: bool, amount: int) -> None:
    """Let somebody sell so much that the pool is far off, in a block without competitors."""
    engine = link.engine
    draft = engine.draft()
    assert draft.swap(spec.index, zero_for_one, amount, ME) is not None
    head = engine.head
    engine._blocks[-1] = type(head)(  # the only way to plant something is from inside
        head.height, head.block_hash, head.parent_hash, head.unix_time, head.fee, draft.world(), ()
    )


def test_simulate_says_what_would_happen_and_changes_nothing(make_call: MakeCall) -> None:
    """A dry run gives changes and gas, or the reason, for composed and sealed plans, and leaves the chain alone."""
    link = _link()
    spec, head = _pair(link), link.engine.head
    good = make_call([_sell(spec, 1_000_000)], funds=[(spec.token0.address, 1_000_000)])
    bad = make_call([_sell(spec, 1_000_000)])
    done = anyio.run(link.simulate, good)
    assert done.ok
    assert -1_000_000 == dict(done.changes)[spec.token0.id]
    assert good.compute == done.compute
    sealed = anyio.run(link.seal, good, WALLET, nonce_slot(0))
    assert done == anyio.run(link.simulate, sealed)
    failed = anyio.run(link.simulate, bad)
    assert not failed.ok
    assert failed.reason.startswith("balance: ")
    assert head is link.engine.head


def test_seal_fills_in_the_next_nonce_and_the_fee_of_the_call(make_call: MakeCall) -> None:
    """Transactions that wait are counted, and never more is offered than the plan allows."""
    link = _link()
    unsigned = make_call([_sell(_pair(link), 1)], max_fee=3 * 10**9)
    first = KEY.sign_sealed(anyio.run(link.seal, unsigned, WALLET, anyio.run(link.slot, WALLET, ())))
    anyio.run(link.broadcast, first)
    slots = [anyio.run(link.slot, WALLET, taken) for taken in ((), ("nonce:0",), ("nonce:1",), ("nonce:1", "nonce:0"))]
    assert ["nonce:0", "nonce:1", "nonce:0", "nonce:2"] == slots
    assert ("nonce:0", 3 * 10**9) == (open_signed(first.raw).sealed.slot, open_signed(first.raw).sealed.max_fee)
