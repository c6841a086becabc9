"""What goes wrong between us and the chain: broadcasts, answers, blocks; and what never does, whatever goes wrong."""

from collections.abc import Callable
from typing import Any

import anyio
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tidemill.domain.ids import PlanId, erc20
from tidemill.domain.outcome import Outcome, OutcomeStatus
from tidemill.domain.transaction import Signed, Unsigned, Wallet
from tidemill.errors import OutcomeUnknown, RefusedByVenue, Unavailable, UsageError, VenueError
from tidemill.hookspecs.chain import LinkSetup
from tidemill_chain_sim.faults import Faults
from tidemill_chain_sim.link import SimLink
from tidemill_chain_sim.mempool import LIFETIME, opened
from tidemill_chain_sim.node import asks
from tidemill_chain_sim.node.chain import SimNode
from tidemill_chain_sim.node.local import LocalNode
from tidemill_chain_sim.settings import SimSettings
from tidemill_evm.executor import encode_flow
from tidemill_evm.gas import call_gas
from tidemill_evm.steps import V2Swap
from tidemill_simworld import CHAIN, HUBS, NATIVE
from tidemill_simworld.envelope import SignedTransaction, encode_call, nonce_slot, seal
from tidemill_testing.keys import NamedKey

MakeCall = Callable[..., Unsigned]
ALWAYS = 1_000_000
KEYS = {"evm": NamedKey("main"), "svm": NamedKey("main", "ed25519")}
QUIET = {"retail_per_block": 0, "informed_hub_ppm": 0, "informed_tail_ppm": 0, "competitor_work": 0, "makers_ppm": 0}
WETH = HUBS[0]


def _link(seed: int = 1, **changed: Any) -> SimLink:
    return SimLink(SimSettings(**{"tokens": 12, "pools": 60, "warmup_blocks": 1, **QUIET, **changed}), LinkSetup(seed=seed))


def _node(link: SimLink) -> SimNode:
    assert isinstance(link._node, LocalNode)
    return link._node.node


def _step(link: SimLink, amount: int = 1_000) -> V2Swap:
    spec = next(spec for spec in link.market.specs if spec.kind == "v2" and {spec.token0, spec.token1} <= set(HUBS))
    return V2Swap(spec.address, spec.token0.address, spec.token1.address, True, spec.venue.fee_ppm, amount, 0)


def _signed(link: SimLink, make_call: MakeCall, kind: str = "evm", amount: int = 1_000) -> Signed:
    step, key = _step(link, amount), KEYS[kind]
    wallet = Wallet(CHAIN, key.account)
    unsigned = make_call([step], funds=[(step.token_in, amount)])
    return key.sign_sealed(anyio.run(link.seal, unsigned, wallet, anyio.run(link.slot, wallet, ())))


def opened_of(signed: Signed) -> SignedTransaction:
    return opened(signed.raw)


def _outcome(link: SimLink, signed: Signed) -> Outcome:
    return anyio.run(link.outcome, signed)


def test_broadcast_lost_never_arrives_and_nobody_says_so(make_call: MakeCall) -> None:
    """The sender hears nothing bad, no block ever holds it, and its outcome stays unknown."""
    link = _link(broadcast_lost_ppm=ALWAYS)
    signed = _signed(link, make_call)
    anyio.run(link.broadcast, signed)
    assert [(), ()] == [_node(link).mine().txs for _ in range(2)]
    assert OutcomeStatus.UNKNOWN == _outcome(link, signed).status


def test_broadcast_unanswered_has_an_unknown_outcome_and_may_have_arrived(make_call: MakeCall) -> None:
    """No answer is no failure: the block holds it all the same."""
    link = _link(broadcast_unknown_ppm=ALWAYS)
    signed = _signed(link, make_call)
    with pytest.raises(OutcomeUnknown):
        anyio.run(link.broadcast, signed)
    assert (signed.ref.tx,) == _node(link).mine().txs
    assert OutcomeStatus.FILLED == _outcome(link, signed).status


def test_broadcast_unanswered_hides_a_refusal_too(make_call: MakeCall) -> None:
    """Where no answer comes, nobody learns that the nonce is used."""
    link = _link(broadcast_unknown_ppm=ALWAYS)
    for amount in (1_000, 2_000):
        signed = KEYS["evm"].sign_sealed(seal(make_call([_step(link, amount)]), KEYS["evm"].account, nonce_slot(0)))
        with pytest.raises(OutcomeUnknown):
            anyio.run(link.broadcast, signed)
        _node(link).mine()
    assert 1 == _node(link).engine.head.world.accounts[KEYS["evm"].account].nonce


def test_broadcast_late_arrives_within_the_stated_blocks(make_call: MakeCall) -> None:
    """It is included one to four blocks later than it could have been, and waits nowhere before."""
    link = _link(broadcast_late_ppm=ALWAYS, broadcast_late_blocks=4)
    signed = _signed(link, make_call)
    anyio.run(link.broadcast, signed)
    delay = _node(link).faults.delay(0, signed.ref.tx)
    included = [_node(link).mine().txs for _ in range(5)]
    assert 1 <= delay <= 4
    assert [() if place != delay else (signed.ref.tx,) for place in range(5)] == included


def test_broadcast_late_that_is_refused_then_reaches_no_one(make_call: MakeCall) -> None:
    """Its nonce was used meanwhile: nothing happens, and the outcome says why it is dead."""
    link = _link(broadcast_late_ppm=ALWAYS)
    late = _signed(link, make_call)
    anyio.run(link.broadcast, late)
    other = KEYS["evm"].sign_sealed(seal(make_call([_step(link, 5)]), KEYS["evm"].account, nonce_slot(0)))
    _node(link).engine.mempool.submit(opened_of(other), link.engine.head)
    included = [tx for _ in range(5) for tx in _node(link).mine().txs]
    assert [other.ref.tx] == included
    assert OutcomeStatus.DEAD == _outcome(link, late).status


def test_waiting_transaction_is_forgotten_and_can_be_sent_again(make_call: MakeCall) -> None:
    """A node that drops it from its mempool says nothing; the same bytes are taken anew."""
    link = _link(forgotten_ppm=ALWAYS)
    signed = _signed(link, make_call)
    anyio.run(link.broadcast, signed)
    assert () == _node(link).mine().txs
    assert "not waiting here" in _outcome(link, signed).reason
    assert () == link.engine.mempool.waiting


def test_outcome_is_told_as_it_was_some_blocks_before(make_call: MakeCall) -> None:
    """An old answer says unknown of what is included, and never anything that was not true then."""
    link = _link(outcome_old_ppm=ALWAYS, outcome_old_blocks=2)
    signed = _signed(link, make_call)
    anyio.run(link.broadcast, signed)
    told = []
    for height in range(1, 7):
        _node(link).mine()
        age = _node(link).faults.age(height, signed.ref.tx)
        told.append((_outcome(link, signed).status, OutcomeStatus.FILLED if height - age >= 1 else OutcomeStatus.UNKNOWN))
    assert [expected for _, expected in told] == [found for found, _ in told]
    assert OutcomeStatus.UNKNOWN == told[0][0]
    assert OutcomeStatus.FILLED == told[-1][0]


def test_outage_fails_as_many_asks_as_the_script_says(make_call: MakeCall) -> None:
    """Reads and outcomes are unavailable, a broadcast is of unknown outcome and did not arrive; then the node answers again."""
    link = _link(outage_ppm=ALWAYS, outage_asks=9)
    signed = _signed(link, make_call)
    block = _node(link).mine()
    count = _node(link).faults.outage(block.height, block.fork)
    questions: list[Callable[[], object]] = [
        lambda: anyio.run(link.broadcast, signed),
        lambda: anyio.run(link.outcome, signed),
        lambda: anyio.run(link.reader.read, ()),
        lambda: anyio.run(link.slot, Wallet(CHAIN, KEYS["evm"].account), ()),
    ]
    for number in range(count):
        with pytest.raises(OutcomeUnknown if not number % 4 else Unavailable):
            questions[number % 4]()
    assert OutcomeStatus.UNKNOWN == _outcome(link, signed).status
    assert () == link.engine.mempool.waiting


def test_script_is_the_seed_s_and_silent_where_nothing_is_set() -> None:
    """Equal seeds err alike, other seeds otherwise; without chances nothing ever goes wrong."""
    chosen = SimSettings(broadcast_lost_ppm=500_000, broadcast_late_ppm=500_000, outage_ppm=500_000, answer_late_ppm=500_000)
    one, again, other = (
        [(faults.is_lost(height, "0x1"), faults.delay(height, "0x1"), faults.outage(height, 0), faults.answer_delay_ms(height, 1))
         for height in range(50)]
        for faults in (Faults(1, chosen), Faults(1, chosen), Faults(2, chosen))
    )  # fmt: skip
    assert one == again != other
    silent = Faults(1, SimSettings())
    answers = {
        (silent.is_lost(h, "x"), silent.is_unanswered(h, "x"), silent.is_forgotten(h, 0, "x"), silent.age(h, "x")) for h in range(99)
    }
    assert {(False, False, False, 0)} == answers


CHANCES = st.sampled_from([0, 0, 200_000, 500_000])
NAMES = (
    "broadcast_lost_ppm", "broadcast_unknown_ppm", "broadcast_late_ppm", "forgotten_ppm", "outcome_old_ppm", "outage_ppm",
    "reorganisation_ppm",
)  # fmt: skip
FAULTS = st.fixed_dictionaries(dict.fromkeys(NAMES, CHANCES))


@settings(max_examples=25, deadline=None)
@example(faults=dict.fromkeys(NAMES, 0), kind="evm", seed=1, forced=False)
@example(faults=dict.fromkeys(NAMES, 0), kind="svm", seed=1, forced=False)
@given(faults=FAULTS, kind=st.sampled_from(["evm", "svm"]), seed=st.integers(0, 1_000), forced=st.booleans())
def test_whatever_goes_wrong_the_chain_s_books_agree(faults: dict[str, int], kind: str, seed: int, forced: bool) -> None:
    """Each transaction is included at most once, nonces have no gap, balances are what receipts add up to, and proof holds."""
    if forced:
        faults = {**faults, "reorganisation_ppm": max(1, faults["reorganisation_ppm"])}
    link = _link(seed, reorganisation_depth=3, **faults)
    node, key, step = _node(link), KEYS[kind], _step(link)
    wallet = Wallet(CHAIN, key.account)
    sent: list[Signed] = []
    dead: set[str] = set()
    known = node.answer(asks.HelloAsk()).head
    for turn in range(30):
        if turn % 2 == 0 and turn < 20:
            unsigned = _unsigned(step, 100 + turn)
            try:
                slots = [opened_of(one).sealed.slot for one in sent[-2:]]
                signed = key.sign_sealed(anyio.run(link.seal, unsigned, wallet, anyio.run(link.slot, wallet, slots)))
                sent.append(signed)
            except VenueError:
                continue
        for one in sent:
            _try(link.broadcast, one)
            outcome = _try(link.outcome, one)
            if isinstance(outcome, Outcome) and outcome.status is OutcomeStatus.DEAD:
                dead.add(one.ref.tx)
        if forced and turn % 7 == 6 and node.engine.head.height - node.engine.final_height >= 2:
            node.go_back(2)
        told = node.answer(asks.NextAsk(known))
        known = asks.At(told.height, told.block_hash)
    entries = _check_books(link, key.account, dead)
    if not any(faults.values()):
        assert {one.ref.tx for one in sent} == {entry.tx for entry in entries}
        assert 10 == len(entries)


def _unsigned(step: V2Swap, amount: int) -> Unsigned:
    program = encode_flow([V2Swap(step.pool, step.token_in, step.token_out, True, step.fee_ppm, amount, 0)], (), 10**6)
    return Unsigned(PlanId("p"), CHAIN, encode_call([(step.token_in, amount)], program, 10**11), call_gas(program), 10**6)


def _try(call: Any, signed: Signed) -> object:
    try:
        return anyio.run(call, signed)
    except (RefusedByVenue, OutcomeUnknown, Unavailable) as error:
        return error


def _check_books(link: SimLink, account: str, dead: set[str]) -> tuple[asks.Entry, ...]:
    node = _node(link)
    entries = node.answer(asks.StatementAsk(account))
    names = [entry.tx for entry in entries]
    in_blocks = [tx for height in range(node.engine.head.height + 1) if (block := node.engine.block(height)) for tx in block.txs]
    assert sorted(names) == sorted(in_blocks)
    assert len(set(names)) == len(names)
    assert not dead & set(names), "dead was proven, and a block holds it"
    if account.startswith("0x"):
        assert [nonce_slot(number) for number in range(len(entries))] == [entry.slot for entry in entries]
    view = node._account(account, None) if not node._outage else _after_outage(node, account)
    chosen = node.engine.market.settings
    assert chosen.account_native * 10**18 - sum(entry.cost for entry in entries) == view.native
    start = {hub.address: chosen.account_usd * 10**12 * hub.unit // hub.start_price for hub in HUBS}
    for entry in entries:
        for asset, change in entry.changes:
            token = next(one.address for one in node.engine.market.tokens if one.id == asset)
            start[token] = start.get(token, 0) + change
    assert start == dict(view.tokens)
    return entries


def _after_outage(node: SimNode, account: str) -> Any:
    node._outage = 0
    return node._account(account, None)


def test_svm_accounts_send_upon_a_block_hash_once(make_call: MakeCall) -> None:
    """A transaction bears the hash of a final block, is included once however often it is sent, and pays from its account."""
    link = _link(accounts="svm")
    signed = _signed(link, make_call, "svm")
    assert opened_of(signed).sealed.slot == f"blockhash:{link.engine.head.block_hash}"
    anyio.run(link.broadcast, signed)
    anyio.run(link.broadcast, signed)
    assert (signed.ref.tx,) == _node(link).mine().txs
    anyio.run(link.broadcast, signed)
    assert () == _node(link).mine().txs
    outcome = _outcome(link, signed)
    assert (OutcomeStatus.FILLED, signed.ref.tx) == (outcome.status, outcome.proof)
    assert 10 * 10**18 - outcome.cost == anyio.run(link.holdings, Wallet(CHAIN, KEYS["svm"].account), [NATIVE], 2)[0][1]


def test_svm_transaction_is_dead_when_its_last_height_is_final(make_call: MakeCall) -> None:
    """Before that a block may still come that holds it; afterwards none can."""
    link = _link(accounts="svm", broadcast_lost_ppm=ALWAYS, reorganisation_ppm=1, reorganisation_depth=3)
    signed = _signed(link, make_call, "svm")
    anyio.run(link.broadcast, signed)
    statuses = []
    for _ in range(LIFETIME + 4):
        _node(link).mine()
        statuses.append(_outcome(link, signed).status)
    assert LIFETIME == opened_of(signed).sealed.last_valid
    assert [OutcomeStatus.UNKNOWN] * (LIFETIME + 2) + [OutcomeStatus.DEAD] * 2 == statuses


def test_svm_transaction_that_waits_too_long_is_never_included(make_call: MakeCall) -> None:
    """Its block hash expires in the mempool, and it is gone from there."""
    link = _link(accounts="svm")
    unsigned = make_call([_step(link)], max_fee=1)
    wallet = Wallet(CHAIN, KEYS["svm"].account)
    signed = KEYS["svm"].sign_sealed(anyio.run(link.seal, unsigned, wallet, anyio.run(link.slot, wallet, ())))
    anyio.run(link.broadcast, signed)
    assert (signed.ref.tx,) == tuple(tx.tx for tx in link.engine.mempool.waiting)
    assert [()] * LIFETIME == [_node(link).mine().txs for _ in range(LIFETIME)]
    assert () == link.engine.mempool.waiting
    with pytest.raises(RefusedByVenue, match="last valid height above the head"):
        anyio.run(link.broadcast, signed)


def test_svm_block_hash_that_no_block_has_is_refused(make_call: MakeCall) -> None:
    """Of a block that was dropped, or never was."""
    link = _link(accounts="svm")
    unsigned, account = make_call([_step(link)]), KEYS["svm"].account
    signed = KEYS["svm"].sign_sealed(seal(unsigned, account, f"blockhash:0x{'ab' * 32}", 50))
    with pytest.raises(RefusedByVenue, match="no recent block has the hash"):
        anyio.run(link.broadcast, signed)
    with pytest.raises(Unavailable, match="ask for another slot"):
        anyio.run(link.seal, unsigned, Wallet(CHAIN, account), f"blockhash:0x{'ab' * 32}")


def test_svm_slots_of_ours_are_not_shared_while_there_are_others() -> None:
    """Equal content upon an equal hash would be one transaction."""
    link = _link(accounts="svm")
    for _ in range(3):
        _node(link).mine()
    wallet = Wallet(CHAIN, KEYS["svm"].account)
    taken: list[str] = []
    for _ in range(4):
        taken.append(anyio.run(link.slot, wallet, taken))
    assert 4 == len(set(taken))
    assert taken[0] == anyio.run(link.slot, wallet, taken)


def test_svm_accounts_have_nothing_to_cancel(make_call: MakeCall) -> None:
    """Their slots run out by themselves."""
    link = _link(accounts="svm")
    assert None is anyio.run(link.cancel, Wallet(CHAIN, KEYS["svm"].account), _signed(link, make_call, "svm"))


def test_cancel_takes_the_slot_and_does_nothing_else(make_call: MakeCall) -> None:
    """It replaces what waits, costs a bare transaction, changes no balance, and proves the other dead; it can be raised again."""
    link = _link()
    wallet = Wallet(CHAIN, KEYS["evm"].account)
    signed = _signed(link, make_call)
    anyio.run(link.broadcast, signed)
    first = anyio.run(link.cancel, wallet, signed)
    assert first is not None
    cancel = KEYS["evm"].sign_sealed(first)
    anyio.run(link.broadcast, cancel)
    again = anyio.run(link.cancel, wallet, cancel)
    assert again is not None
    assert opened_of(KEYS["evm"].sign_sealed(again)).sealed.max_fee * 100 >= opened_of(cancel).sealed.max_fee * 110
    block = _node(link).mine()
    assert (cancel.ref.tx,) == block.txs
    outcome = _outcome(link, cancel)
    assert (OutcomeStatus.FILLED, (), (), first.compute * block.fee) == (outcome.status, outcome.changes, outcome.fills, outcome.cost)
    assert OutcomeStatus.DEAD == _outcome(link, signed).status


def test_cancel_without_enough_gas_reverts() -> None:
    """Even nothing costs a bare transaction's gas."""
    link = _link()
    empty = Unsigned(PlanId("p"), CHAIN, encode_call((), b"", 10**12), 20_000, 10)
    signed = KEYS["evm"].sign_sealed(seal(empty, KEYS["evm"].account, nonce_slot(0)))
    anyio.run(link.broadcast, signed)
    _node(link).mine()
    assert _outcome(link, signed).reason.startswith("gas: needs 21")


def test_holdings_are_those_after_the_block_asked_for(make_call: MakeCall) -> None:
    """Native coins and tokens of one height, in the order asked; a height that is not kept is unavailable."""
    link = _link()
    wallet, signed = Wallet(CHAIN, KEYS["evm"].account), _signed(link, make_call)
    anyio.run(link.broadcast, signed)
    _node(link).mine()
    changes, cost = dict(_outcome(link, signed).changes), _outcome(link, signed).cost
    assets = [NATIVE, *sorted(changes), erc20(CHAIN, "0x" + "77" * 20)]
    before, after = (dict(anyio.run(link.holdings, wallet, assets, height)) for height in (0, 1))
    assert assets == list(after)
    assert [-cost, *(changes[asset] for asset in sorted(changes)), 0] == [after[asset] - before[asset] for asset in assets]
    with pytest.raises(Unavailable, match="block 2 is not kept"):
        anyio.run(link.holdings, wallet, assets, 2)


def test_finality_is_that_of_the_settings() -> None:
    """A chain that never goes back is final at once."""
    assert 0 == _link().rules.finality
    assert 5 == _link(reorganisation_ppm=1, reorganisation_depth=5).rules.finality


def test_go_back_below_what_is_final_is_refused() -> None:
    """However often it went back before: what was final stays."""
    node = _node(_link(reorganisation_ppm=1, reorganisation_depth=3))
    for _ in range(10):
        node.mine()
    node.go_back(3)
    node.mine()
    with pytest.raises(UsageError, match="7 is final"):
        node.go_back(2)
    assert 7 == node.go_back(1).height
